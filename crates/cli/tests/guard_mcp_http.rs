//! `countersign mcp-proxy --listen` in front of a real server over HTTP.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot set itself up has to fail loudly"
)]

mod common;
mod hook;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use countersign_testkit::programs::installed;
use hook::Desk;
use serde_json::Value;

/// A process that ends with the test.
struct Running(Child, String);

impl Running {
    /// Starts it and reads the line that says where it listens.
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Self(child, line.trim().to_owned())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The small server; `None` where no Python is.
fn server(args: &[&str]) -> Option<Running> {
    let python = installed(&["python3"])?;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/mcp_server.py");
    let mut command = Command::new(python);
    command.arg(script).args(args);
    Some(Running::start(command))
}

struct Proxy {
    running: Running,
    address: String,
}

impl Proxy {
    fn before(desk: &Desk, upstream: &str, env: &[(&str, &str)]) -> Self {
        let mut command = desk.command();
        command.envs(env.iter().copied()).args([
            "mcp-proxy",
            "--agent",
            "kiro",
            "--listen",
            "127.0.0.1:0",
            "--upstream",
            upstream,
        ]);
        let running = Running::start(command);
        let at = running.1.find("http://").unwrap() + "http://".len();
        let address = running.1[at..].split('/').next().unwrap().to_owned();
        Self { running, address }
    }

    /// Sends a request; the connection, to read the answer from.
    fn open(&self, head: &str, headers: &[&str], body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .unwrap();
        let host = if headers.iter().any(|header| header.starts_with("Host:")) {
            String::new()
        } else {
            format!("Host: {}\r\n", self.address)
        };
        let headers: String = headers.iter().map(|it| format!("{it}\r\n")).collect();
        let length = body.len();
        write!(
            stream,
            "{head} HTTP/1.1\r\n{host}Connection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
        )
        .unwrap();
        stream
    }

    fn ask(&self, head: &str, headers: &[&str], body: &str) -> Reply {
        let mut bytes = Vec::new();
        self.open(head, headers, body)
            .read_to_end(&mut bytes)
            .unwrap();
        Reply::parse(&String::from_utf8(bytes).unwrap())
    }

    /// A message of a client that has a session.
    fn post(&self, message: &str) -> Reply {
        self.ask("POST /mcp", CLIENT, message)
    }
}

const CLIENT: &[&str] = &[
    "Content-Type: application/json",
    "Accept: application/json, text/event-stream",
    "MCP-Protocol-Version: 2025-11-25",
    "Mcp-Session-Id: s-1",
    "Authorization: Bearer t",
];

#[derive(Debug)]
struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let head = head.to_ascii_lowercase();
        let body = if head.contains("transfer-encoding: chunked") {
            dechunked(body)
        } else {
            body.to_owned()
        };
        Self {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head,
            body,
        }
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

fn dechunked(mut body: &str) -> String {
    let mut out = String::new();
    while let Some((length, rest)) = body.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).unwrap();
        out.push_str(&rest[..length]);
        body = &rest[length + 2..];
    }
    out
}

fn call(id: u32, sql: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/call","params":{{"name":"query","arguments":{{"sql":"{sql}"}}}}}}"#
    )
}

/// A desk, a server with a session, and the proxy between them.
fn set_up() -> Option<(Desk, Running, Proxy)> {
    let server = server(&[])?;
    let desk = Desk::new();
    let proxy = Proxy::before(&desk, &format!("http://127.0.0.1:{}/mcp", server.1), &[]);
    let initialize = r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-11-25"}}"#;
    let reply = proxy.ask("POST /mcp", &CLIENT[..3], initialize);
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(reply.head.contains("mcp-session-id: s-1"), "{reply:?}");
    Some((desk, server, proxy))
}

#[test]
fn what_is_not_held_passes_with_its_headers() {
    let Some((_desk, server, proxy)) = set_up() else {
        return;
    };
    let reply = proxy.post(&call(1, "SELECT 1"));
    let json = reply.json();
    assert_eq!(json["result"]["called"]["arguments"]["sql"], "SELECT 1");
    let seen = &json["result"]["seen"];
    assert_eq!(seen["Authorization"], "Bearer t");
    assert_eq!(seen["Mcp-Protocol-Version"], "2025-11-25");
    assert_eq!(seen["Mcp-Session-Id"], "s-1");
    assert_eq!(seen["Host"], format!("127.0.0.1:{}", server.1).as_str());
    // The root stands for the server's own path.
    let root = proxy.ask("POST /", CLIENT, &call(2, "SELECT 1"));
    assert_eq!(root.json()["result"]["path"], "/mcp");
    let note = proxy.post(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#);
    assert_eq!((note.status, note.body.as_str()), (202, ""));
    let resumed = proxy.ask("GET /mcp", &[CLIENT, &["Last-Event-Id: 7"]].concat(), "");
    assert_eq!(resumed.body, "id: 7-1\ndata: hello\n\n");
    let ended = proxy.ask("DELETE /mcp", CLIENT, "");
    assert_eq!(ended.status, 204, "{ended:?}");
    let late = proxy.post(&call(3, "SELECT 1"));
    assert_eq!((late.status, late.body.as_str()), (404, "no such session"));
}

#[test]
fn a_held_call_is_answered_with_a_ticket_and_runs_once_after_a_pass() {
    let Some((desk, _server, proxy)) = set_up() else {
        return;
    };
    let drop = call(7, "DROP TABLE customers");
    let held = proxy.post(&drop);
    let json = held.json();
    assert_eq!(
        (held.status, &json["id"], &json["result"]["isError"]),
        (200, &7.into(), &true.into()),
        "{held:?}"
    );
    let text = json["result"]["content"][0]["text"].as_str().unwrap();
    let at = text.find("countersign pass ").unwrap() + "countersign pass ".len();
    let screen = desk.pass("sen", &text[at..at + 9]);
    assert!(screen.contains("passed"), "{screen}");
    assert!(proxy.post(&drop).json()["result"]["called"].is_object());
    assert!(proxy.post(&drop).json()["result"]["called"].is_null());
}

#[test]
fn an_answer_comes_piece_by_piece() {
    let Some((_desk, _server, proxy)) = set_up() else {
        return;
    };
    let slow = r#"{"jsonrpc":"2.0","id":5,"method":"slow"}"#;
    let mut stream = proxy.open("POST /mcp", CLIENT, slow);
    let mut seen = Vec::new();
    let mut buffer = [0; 1024];
    while !String::from_utf8_lossy(&seen).contains("notifications/progress") {
        let count = stream.read(&mut buffer).unwrap();
        assert_ne!(count, 0, "{}", String::from_utf8_lossy(&seen));
        seen.extend(&buffer[..count]);
    }
    // The result only comes after this, over another connection.
    assert!(!String::from_utf8_lossy(&seen).contains("\"result\""));
    assert_eq!(proxy.post(r#"{"jsonrpc":"2.0","method":"go"}"#).status, 202);
    stream.read_to_end(&mut seen).unwrap();
    let reply = Reply::parse(&String::from_utf8(seen).unwrap());
    assert!(reply.body.contains("\"result\""), "{reply:?}");
}

#[test]
fn of_a_batch_the_rest_is_asked_and_all_is_answered() {
    let Some((_desk, _server, proxy)) = set_up() else {
        return;
    };
    let drop = call(2, "DROP TABLE customers");
    let ids = |json: &Value| -> Vec<u64> {
        let all = json.as_array().unwrap();
        let mut ids: Vec<u64> = all.iter().map(|it| it["id"].as_u64().unwrap()).collect();
        ids.sort_unstable();
        ids
    };
    let both = proxy.post(&format!("[{},{drop}]", call(1, "SELECT 1")));
    assert_eq!(ids(&both.json()), [1, 2], "{both:?}");
    let stream = proxy.post(&format!(
        r#"[{{"jsonrpc":"2.0","id":1,"method":"stream"}},{drop}]"#
    ));
    let events: Vec<Value> = stream
        .body
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    assert_eq!(events.len(), 2, "{stream:?}");
    assert_eq!((ids(&events[0]), &events[1]["id"]), (vec![2], &1.into()));
    // Only a notification goes on, so the answer is the proxy's alone.
    let note = proxy.post(&format!(r#"[{{"jsonrpc":"2.0","method":"note"}},{drop}]"#));
    assert_eq!((note.status, ids(&note.json())), (200, vec![2]));
}

#[test]
fn strangers_and_what_cannot_be_judged_never_reach_the_server() {
    let Some((_desk, _server, proxy)) = set_up() else {
        return;
    };
    let fine = call(1, "SELECT 1");
    for (headers, status) in [
        (&["Origin: https://evil.example"][..], 403),
        (&["Origin: null"], 403),
        (&["Host: evil.example"], 403),
        (&["Origin: http://localhost:3000"], 200),
        (&["Content-Encoding: gzip"], 415),
    ] {
        let reply = proxy.ask("POST /mcp", &[CLIENT, headers].concat(), &fine);
        assert_eq!(reply.status, status, "{headers:?} {reply:?}");
    }
    for body in ["not json", "", r#"{"id":1,"id":2,"method":"ping"}"#] {
        let reply = proxy.post(body);
        assert_eq!(reply.status, 400, "{reply:?}");
        assert!(reply.json()["error"].is_object());
    }
    // The proxy answers before it has read all of it, and may close at once.
    let mut stream = TcpStream::connect(&proxy.address).unwrap();
    let large = 17 << 20;
    let head = format!("POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: {large}\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let _ = stream.write_all(&vec![b' '; large]);
    let mut start = [0; 12];
    if stream.read_exact(&mut start).is_ok() {
        assert_eq!(&start, b"HTTP/1.1 413");
    }
    assert_eq!(proxy.ask("PUT /mcp", CLIENT, &fine).status, 405);
    assert_eq!(proxy.post(&fine).status, 200);
}

#[test]
fn errors_of_the_server_pass_and_a_move_does_not() {
    let Some((_desk, server, mut proxy)) = set_up() else {
        return;
    };
    let busy = proxy.post(r#"{"jsonrpc":"2.0","id":1,"method":"busy"}"#);
    assert_eq!((busy.status, busy.body.as_str()), (503, "try later"));
    assert!(busy.head.contains("retry-after: 7"));
    let moved = proxy.post(r#"{"jsonrpc":"2.0","id":1,"method":"moved"}"#);
    assert_eq!(moved.status, 502);
    assert!(moved.body.contains("elsewhere") && !moved.head.contains("location:"));
    drop(server);
    let gone = proxy.post(&call(1, "SELECT 1"));
    assert_eq!(gone.status, 502, "{gone:?}");
    assert!(gone.body.contains("cannot be reached"), "{gone:?}");
    assert!(proxy.running.0.try_wait().unwrap().is_none());
}

#[test]
fn a_server_with_tls_is_reached_and_an_unknown_one_is_not() {
    if installed(&["openssl"]).is_none() {
        return;
    }
    let desk = Desk::new();
    let at = |name: &str| desk.home().join(name).to_str().unwrap().to_owned();
    let (certificate, key) = (at("cert.pem"), at("key.pem"));
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ])
        .args(["-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", &key, "-out", &certificate])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let Some(server) = server(&[&certificate, &key]) else {
        return;
    };
    let url = format!("https://localhost:{}/mcp", server.1);
    let initialize = r#"{"jsonrpc":"2.0","id":0,"method":"initialize"}"#;
    let trusting = Proxy::before(&desk, &url, &[("SSL_CERT_FILE", &certificate)]);
    let reply = trusting.post(initialize);
    assert_eq!(reply.status, 200, "{reply:?}");
    let wary = Proxy::before(&desk, &url, &[]);
    let reply = wary.post(initialize);
    assert_eq!(reply.status, 502, "{reply:?}");
}

#[test]
fn wrong_addresses_are_said_at_once() {
    let desk = Desk::new();
    for upstream in ["ftp://example.com", "not a url", "/mcp"] {
        let shown = desk.countersign(&[
            "mcp-proxy",
            "--listen",
            "127.0.0.1:0",
            "--upstream",
            upstream,
        ]);
        assert!(shown.starts_with("exit 64"), "{shown}");
    }
}
