//! `curl`, `wget`, `HTTPie` and their kin: the request they send, and where to.

use countersign_core::effect::Verb;

use super::args::{Args, Grammar};
use super::reading::{Danger, Scope};
use super::record::Found;
use super::shell_run::Shell;
use crate::http::{Request, judge};
use crate::shell::{HOLE, has_hole};
use crate::target::{Target, resolve};

impl Shell<'_> {
    /// Judges an HTTP client; false when the program is none.
    pub(super) fn judge_http(&mut self, name: &str, args: &[String], stdin: Option<&str>) -> bool {
        match name {
            "curl" | "curlie" => self.judge_curl(args, stdin),
            "wget" | "wget2" => self.judge_wget(args),
            "http" | "https" | "xh" | "xhs" | "httpie" => self.judge_httpie(args, stdin),
            "grpcurl" | "evans" => self.judge_grpc(args),
            _ => return false,
        }
        true
    }

    fn judge_curl(&mut self, args: &[String], stdin: Option<&str>) {
        let grammar = Grammar {
            values: "-X --request -d --data --data-raw --data-binary --data-ascii --data-urlencode --json -H --header -o --output -u --user -A --user-agent -b --cookie -c --cookie-jar -e --referer -F --form -m --max-time -T --upload-file -w --write-out -x --proxy --connect-timeout --retry --url -K --config --cacert --cert --key -E --unix-socket --resolve -D --dump-header -r --range -C --interface --retry-delay --max-redirs --connect-to --oauth2-bearer -y -Y -z -Q --limit-rate --output-dir --aws-sigv4",
            ..Grammar::default()
        };
        let parsed = Args::parse(args, &grammar);
        if let Some(path) = parsed.value(&["-o", "--output"]) {
            self.judge_write(path, true);
        }
        let method = parsed.value(&["-X", "--request"]).unwrap_or("");
        // A server may heed the header or not.
        let asked = overridden(parsed.values(&["-H", "--header"]));
        let other = asked.filter(|it| !it.eq_ignore_ascii_case(method));
        let mut body: Option<String> = None;
        for text in parsed.values(&[
            "-d",
            "--data",
            "--data-raw",
            "--data-binary",
            "--data-ascii",
            "--data-urlencode",
            "--json",
            "-F",
            "--form",
        ]) {
            let text = match text.strip_prefix('@') {
                Some("-") => stdin.unwrap_or("").to_owned(),
                Some(path) => self.file_text(path).unwrap_or_else(|| HOLE.to_string()),
                None => text.to_owned(),
            };
            body.get_or_insert_default().push_str(&text);
        }
        let urls: Vec<String> = parsed
            .positionals
            .iter()
            .map(|(_, t)| (*t).to_owned())
            .chain(parsed.values(&["--url"]).map(str::to_owned))
            .collect();
        let socket = parsed
            .value(&["--unix-socket"])
            .is_some_and(|s| s.contains("docker"));
        for url in urls {
            for method in std::iter::once(method).chain(other) {
                self.judge_request(method, &url, body.as_deref(), socket);
            }
        }
    }

    fn judge_wget(&mut self, args: &[String]) {
        let grammar = Grammar {
            values: "-O --output-document -o -P --directory-prefix --method --body-data --post-data --post-file --header -U --user --password -T -t",
            ..Grammar::default()
        };
        let parsed = Args::parse(args, &grammar);
        if let Some(path) = parsed.value(&["-O", "--output-document"]) {
            self.judge_write(path, true);
        }
        let body = parsed.value(&["--body-data", "--post-data"]);
        let method =
            parsed
                .value(&["--method"])
                .unwrap_or(if body.is_some() { "POST" } else { "" });
        let into = parsed.value(&["-P", "--directory-prefix"]);
        for (_, url) in parsed.positionals.clone() {
            let name = url.split(['?', '#']).next().unwrap_or_default();
            let name = name.rsplit('/').next().unwrap_or_default();
            if let Some(dir) = into.filter(|_| !name.is_empty()) {
                // It never overwrites: a second file of a name gets a number.
                self.judge_write(&format!("{dir}/{name}"), false);
            }
            self.judge_request(method, url, body, false);
        }
    }

    fn judge_httpie(&mut self, args: &[String], stdin: Option<&str>) {
        let grammar = Grammar {
            values: "-a --auth -A --auth-type -o --output --session --timeout --verify --cert -s --style -p --print --raw",
            ..Grammar::default()
        };
        let parsed = Args::parse(args, &grammar);
        if parsed.has(&["--offline"]) {
            self.note("only prints the request");
            return;
        }
        let mut words: Vec<&str> = parsed.positionals.iter().map(|(_, t)| *t).collect();
        let method = match words.first() {
            Some(first)
                if first.len() < 10
                    && first.bytes().all(|b| b.is_ascii_alphabetic())
                    && words.len() > 1 =>
            {
                words.remove(0)
            }
            _ => "",
        };
        let Some((url, fields)) = words.split_first() else {
            return;
        };
        let mut body = fields.join(" ");
        body.push_str(parsed.value(&["--raw"]).or(stdin).unwrap_or(""));
        let body = (!body.is_empty()).then_some(body);
        self.judge_request(method, url, body.as_deref(), false);
    }

    fn judge_grpc(&mut self, args: &[String]) {
        let grammar = Grammar {
            style: super::args::Style::Single,
            values: "-d -H -proto -import-path -authority -cert -key -cacert -max-time",
            ..Grammar::default()
        };
        let parsed = Args::parse(args, &grammar);
        let (Some(host), Some(method)) = (parsed.positional(0), parsed.positional(1)) else {
            return;
        };
        let name = method.rsplit(['/', '.']).next().unwrap_or(method);
        let url = format!(
            "https://{host}/{}",
            super::cloud::kebab(name).split('-').next().unwrap_or("")
        );
        self.judge_request("POST", &url, None, false);
    }

    /// Judges one request.
    pub(super) fn judge_request(
        &mut self,
        method: &str,
        url: &str,
        body: Option<&str>,
        machine: bool,
    ) {
        if has_hole(method) {
            self.unknown("an HTTP method nobody can name", method);
            return;
        }
        let url = crate::shell::show(url);
        let url = url.as_str();
        self.judge_sent_statements(url, body);
        let Some(danger) = judge(&Request { method, url, body }) else {
            if body.is_some_and(|b| b.chars().all(|c| c == HOLE) && !b.is_empty())
                && url.contains("graphql")
            {
                self.unknown("a GraphQL request whose body nobody can read", url);
            }
            return;
        };
        let found = Found {
            verb: danger.verb,
            kind: "http request",
            object: &danger.object,
            danger: Danger::Destructive,
            reason: danger.reason,
        };
        if machine {
            self.record(&found, Scope::Machine, Target::machine());
            return;
        }
        let target = self.request_target(url);
        self.record(&found, Scope::Service, target);
    }

    /// Statements a JSON body holds for a database behind the address.
    fn judge_sent_statements(&mut self, url: &str, body: Option<&str>) {
        const KEYS: &[&str] = &["\"sql\"", "\"query\"", "\"statement\"", "\"stmt\""];
        let Some(body) = body.filter(|b| KEYS.iter().any(|key| b.contains(key))) else {
            return;
        };
        let Ok(json) = serde_json::from_str::<serde_json::Value>(body) else {
            return;
        };
        let mut texts = Vec::new();
        sent(&json, &mut texts, 0);
        for text in texts {
            for found in super::statements::statements(&text, "any")
                .into_iter()
                .filter(|s| s.dangerous)
            {
                let target = self.request_target(url);
                self.on_service(
                    found.verb,
                    &found.kind,
                    &found.object,
                    &found.reason,
                    target,
                );
            }
        }
    }

    /// Where a request lands. An address of this machine says nothing once a
    /// tunnel was opened, or where it is the proxy of a cluster.
    fn request_target(&self, url: &str) -> Target {
        let target = resolve(
            vec![("endpoint".to_owned(), url.to_owned())],
            self.context.targets(),
        );
        let proxied = ["/api/v1/namespaces/", "/api/v1/nodes/", "/apis/"]
            .iter()
            .any(|path| url.contains(path));
        self.past_tunnels(target, proxied)
    }

    /// A finding against an address named by a call, not a command line.
    pub(super) fn on_service(
        &mut self,
        verb: Verb,
        kind: &str,
        object: &str,
        reason: &str,
        target: Target,
    ) {
        let found = Found {
            verb,
            kind,
            object,
            danger: Danger::Destructive,
            reason,
        };
        self.record(&found, Scope::Service, target);
    }
}

/// Texts of statements in a JSON body.
fn sent(json: &serde_json::Value, out: &mut Vec<String>, depth: u32) {
    if depth > 8 || out.len() > 32 {
        return;
    }
    match json {
        serde_json::Value::Object(map) => {
            for (key, value) in map {
                match value {
                    serde_json::Value::String(text)
                        if matches!(key.as_str(), "sql" | "query" | "statement" | "stmt") =>
                    {
                        out.push(text.clone());
                    }
                    inner => sent(inner, out, depth + 1),
                }
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| sent(item, out, depth + 1)),
        _ => {}
    }
}

/// The method that a header asks the server to take instead of the request's own.
fn overridden<'a>(headers: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    const NAMES: [&str; 3] = [
        "X-HTTP-Method-Override",
        "X-HTTP-Method",
        "X-Method-Override",
    ];
    headers.into_iter().find_map(|header| {
        let (name, value) = header.split_once(':')?;
        let named = NAMES.iter().any(|it| name.trim().eq_ignore_ascii_case(it));
        named.then(|| value.trim())
    })
}
