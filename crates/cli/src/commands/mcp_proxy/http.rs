//! A server that speaks Streamable HTTP.
//!
//! Source: Model Context Protocol, "Transports" of 2025-03-26, 2025-06-18 and
//! 2025-11-25: one endpoint that takes POST (answered with JSON or an event stream),
//! GET (an event stream) and DELETE (ends the session). Only the bodies of POSTs are
//! looked at; headers and answers pass through, answers piece by piece as they come.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use countersign_guard::agent::Agent;
use countersign_guard::mcp::{MAX_MESSAGE, Step, client_message, merged};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Frame, Incoming};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::judged;
use crate::error::{CliError, CliResult, exit};

/// Connections of clients at one time; more of them wait.
const MAX_CONNECTIONS: usize = 64;
/// How long a client may take to send its headers, and its body.
const CLIENT_PATIENCE: Duration = Duration::from_secs(30);
/// How long connecting to the server may take.
const CONNECT_PATIENCE: Duration = Duration::from_secs(20);

/// Headers that are about one connection, or that the proxy sets itself. Without
/// `accept-encoding` the server answers plainly.
const NOT_PASSED: &[&str] = &[
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "origin",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

type Answer = Response<BoxBody<Bytes, hyper::Error>>;

/// Listens until the process is ended.
pub(super) fn run(agent: Agent, listen: SocketAddr, upstream: &str) -> CliResult {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(listen).await.map_err(|error| {
            CliError::new(exit::IO, format!("cannot listen on {listen}: {error}"))
        })?;
        let address = listener.local_addr()?;
        let proxy = Proxy::new(agent, upstream, address.ip().is_loopback())?;
        anstream::println!(
            "listening on http://{address}{}, in front of {}",
            proxy.upstream.path(),
            proxy.upstream
        );
        if !address.ip().is_loopback() {
            anstream::eprintln!(
                "countersign: others can reach {address}; the proxy itself asks nobody who they are"
            );
        }
        serve(&listener, &Arc::new(proxy)).await;
        Ok(exit::ALLOW)
    })
}

async fn serve(listener: &TcpListener, proxy: &Arc<Proxy>) {
    let seats = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    while let Ok(seat) = Arc::clone(&seats).acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of file descriptors, most likely: some come back.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let proxy = Arc::clone(proxy);
        tokio::spawn(async move {
            let _seat = seat;
            let service = service_fn(|request| {
                let proxy = Arc::clone(&proxy);
                async move { Ok::<_, Infallible>(proxy.answer(request).await) }
            });
            // A client that goes away in the middle is no event.
            let _ = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(CLIENT_PATIENCE)
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

struct Proxy {
    agent: Agent,
    upstream: Uri,
    /// Whether only this machine is listened to.
    loopback: bool,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Proxy {
    fn new(agent: Agent, upstream: &str, loopback: bool) -> CliResult<Self> {
        let wrong = |why: &str| {
            CliError::new(exit::USAGE, format!("`{upstream}` {why}"))
                .hint("such as https://mcp.example.com/mcp")
        };
        let uri: Uri = upstream.parse().map_err(|_| wrong("is no URL"))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none() {
            return Err(wrong("is no http or https URL"));
        }
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_connect_timeout(Some(CONNECT_PATIENCE));
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(rustls::crypto::ring::default_provider())
            .map_err(|error| {
                CliError::new(
                    exit::IO,
                    format!("no certificate authorities are known here: {error}"),
                )
                .hint("install ca-certificates, or set SSL_CERT_FILE")
            })?
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        Ok(Self {
            agent,
            upstream: uri,
            loopback,
            client: Client::builder(TokioExecutor::new()).build(connector),
        })
    }

    async fn answer(&self, request: Request<Incoming>) -> Answer {
        if let Some(why) = self.stranger(request.headers()) {
            return plain(StatusCode::FORBIDDEN, why);
        }
        match *request.method() {
            Method::POST => self.post(request).await,
            Method::GET | Method::DELETE | Method::HEAD => {
                self.send(&request.into_parts().0, Bytes::new()).await
            }
            _ => plain(StatusCode::METHOD_NOT_ALLOWED, "POST, GET and DELETE only"),
        }
    }

    /// Why a request comes from a page in somebody's browser rather than from a
    /// client of this machine (DNS rebinding); `None` when it does not.
    fn stranger(&self, headers: &HeaderMap) -> Option<&'static str> {
        let named = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or(""));
        let host = named(header::HOST).map(host_of);
        if self.loopback && !host.is_some_and(is_loopback) {
            return Some("the Host header does not name this machine");
        }
        let origin = named(header::ORIGIN)?;
        let origin = origin.split_once("://").map(|(_, rest)| host_of(rest));
        let known = match origin {
            Some(origin) if self.loopback => is_loopback(origin),
            Some(origin) => host == Some(origin),
            None => false,
        };
        (!known).then_some("requests from other origins are not taken")
    }

    async fn post(&self, request: Request<Incoming>) -> Answer {
        let (head, body) = request.into_parts();
        if head.headers.contains_key(header::CONTENT_ENCODING) {
            let why = "a compressed message cannot be judged";
            return error(StatusCode::UNSUPPORTED_MEDIA_TYPE, why);
        }
        let read = Limited::new(body, MAX_MESSAGE).collect();
        let body = match tokio::time::timeout(CLIENT_PATIENCE, read).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(fault)) if fault.is::<LengthLimitError>() => {
                let why = "the message is too large to be judged";
                return error(StatusCode::PAYLOAD_TOO_LARGE, why);
            }
            Ok(Err(_)) => return error(StatusCode::BAD_REQUEST, "the message ends early"),
            Err(_) => return error(StatusCode::REQUEST_TIMEOUT, "the message did not come"),
        };
        match self.judge(&head.headers, body).await {
            None => error(
                StatusCode::INTERNAL_SERVER_ERROR,
                "a fault inside the guard",
            ),
            Some(Step::Forward { message }) => self.send(&head, message.into()).await,
            Some(Step::Reject { reply }) => json_answer(StatusCode::BAD_REQUEST, reply),
            Some(Step::Part { forward, reply }) if forward.is_empty() => {
                if reply.is_empty() {
                    plain(StatusCode::ACCEPTED, "")
                } else {
                    json_answer(StatusCode::OK, reply)
                }
            }
            Some(Step::Part { forward, reply }) => {
                let answer = self.request(&head, forward.into()).await;
                match answer {
                    Ok(answer) => joined(answer, reply).await,
                    Err(answer) => answer,
                }
            }
        }
    }

    /// Judging reads files, so it goes beside the connections; `None` when it panics.
    async fn judge(&self, headers: &HeaderMap, body: Bytes) -> Option<Step> {
        let agent = self.agent;
        let session = headers
            .get("mcp-session-id")
            .map_or("", |value| value.to_str().unwrap_or(""));
        let session = format!("mcp {} {session}", self.upstream);
        tokio::task::spawn_blocking(move || {
            client_message(&body, &mut |call| judged(agent, call, &session))
        })
        .await
        .ok()
    }

    async fn send(&self, head: &hyper::http::request::Parts, body: Bytes) -> Answer {
        match self.request(head, body).await {
            Ok(answer) => answer.map(BodyExt::boxed),
            Err(answer) => answer,
        }
    }

    /// Asks the server; `Err` is an answer of the proxy's own.
    async fn request(
        &self,
        head: &hyper::http::request::Parts,
        body: Bytes,
    ) -> Result<Response<Incoming>, Answer> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = head.method.clone();
        *request.uri_mut() = self.address(&head.uri).ok_or_else(|| {
            error(
                StatusCode::BAD_REQUEST,
                "the path is none that can be asked for",
            )
        })?;
        *request.headers_mut() = passed(&head.headers);
        let answer = self.client.request(request).await.map_err(|fault| {
            let mut why = fault.to_string();
            let mut cause = std::error::Error::source(&fault);
            while let Some(inner) = cause {
                why.push_str(&format!(": {inner}"));
                cause = inner.source();
            }
            error(
                StatusCode::BAD_GATEWAY,
                &format!("the server behind the guard cannot be reached: {why}"),
            )
        })?;
        if answer.status().is_redirection() && answer.status() != StatusCode::NOT_MODIFIED {
            // Whoever followed it would be past the guard.
            let to = answer.headers().get(header::LOCATION);
            let to = to.and_then(|to| to.to_str().ok()).unwrap_or("elsewhere");
            return Err(error(
                StatusCode::BAD_GATEWAY,
                &format!(
                    "the server behind the guard has moved to {to}: start the proxy with that"
                ),
            ));
        }
        let (mut head, body) = answer.into_parts();
        let length = head.headers.get(header::CONTENT_LENGTH).cloned();
        head.headers = passed(&head.headers);
        head.headers
            .extend(length.map(|length| (header::CONTENT_LENGTH, length)));
        Ok(Response::from_parts(head, body))
    }

    /// The address at the server: the root stands for the server's own path.
    fn address(&self, asked: &Uri) -> Option<Uri> {
        let wanted = asked.path_and_query();
        let path = match wanted {
            Some(path) if path.path() != "/" => path.as_str().to_owned(),
            Some(path) => match path.query() {
                Some(query) => format!("{}?{query}", self.upstream.path()),
                None => self.upstream.path_and_query()?.as_str().to_owned(),
            },
            None => return None,
        };
        Uri::builder()
            .scheme(self.upstream.scheme()?.clone())
            .authority(self.upstream.authority()?.clone())
            .path_and_query(path)
            .build()
            .ok()
    }
}

/// The name in an authority, without user and port.
fn host_of(authority: &str) -> &str {
    let authority = authority.rsplit('@').next().unwrap_or(authority);
    match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => authority.split([':', '/']).next().unwrap_or(authority),
    }
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// The headers that go on. What `Connection` names is about one connection too.
fn passed(headers: &HeaderMap) -> HeaderMap {
    let named: Vec<String> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    headers
        .iter()
        .filter(|(name, _)| {
            !NOT_PASSED.contains(&name.as_str()) && !named.iter().any(|it| it == name.as_str())
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .fold(HeaderMap::new(), |mut all, (name, value)| {
            all.append(name, value);
            all
        })
}

/// The server's answer to a part of a batch, with the proxy's own to the rest.
async fn joined(answer: Response<Incoming>, reply: Vec<u8>) -> Answer {
    if !answer.status().is_success() {
        return answer.map(BodyExt::boxed);
    }
    let kind = answer.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or("");
    let (is_stream, is_json) = (
        kind.starts_with("text/event-stream"),
        kind.starts_with("application/json"),
    );
    let (mut head, body) = answer.into_parts();
    head.headers.remove(header::CONTENT_LENGTH);
    if is_stream {
        let event = [b"event: message\ndata: ", reply.trim_ascii_end(), b"\n\n"].concat();
        let body = Before {
            first: Some(event.into()),
            rest: body,
        };
        return Response::from_parts(head, body.boxed());
    }
    let bytes = if is_json {
        match Limited::new(body, MAX_MESSAGE).collect().await {
            Ok(body) => merged(&body.to_bytes(), &reply),
            Err(_) => return error(StatusCode::BAD_GATEWAY, "the server's answer ends early"),
        }
    } else {
        reply
    };
    head.status = StatusCode::OK;
    let json = HeaderValue::from_static("application/json");
    head.headers.insert(header::CONTENT_TYPE, json);
    Response::from_parts(head, full(bytes))
}

/// A body with something before it.
struct Before {
    first: Option<Bytes>,
    rest: Incoming,
}

impl Body for Before {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(Ok(Frame::data(first)))),
            None => Pin::new(&mut self.rest).poll_frame(context),
        }
    }
}

fn full(bytes: impl Into<Bytes>) -> BoxBody<Bytes, hyper::Error> {
    Full::new(bytes.into())
        .map_err(|never| match never {})
        .boxed()
}

fn typed(status: StatusCode, kind: &'static str, bytes: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(full(bytes));
    *answer.status_mut() = status;
    answer
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

fn plain(status: StatusCode, text: &'static str) -> Answer {
    typed(status, "text/plain; charset=utf-8", text)
}

fn json_answer(status: StatusCode, bytes: Vec<u8>) -> Answer {
    typed(status, "application/json", bytes)
}

/// An error in the client's own protocol.
fn error(status: StatusCode, message: &str) -> Answer {
    let error = json!({ "code": -32000, "message": message });
    let text = json!({ "jsonrpc": "2.0", "id": null, "error": error }).to_string();
    json_answer(status, text.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for (authority, host, loopback) in [
            ("localhost:80", "localhost", true),
            ("LOCALHOST", "LOCALHOST", true),
            ("127.0.0.1:8931", "127.0.0.1", true),
            ("127.0.0.1.evil.example", "127.0.0.1.evil.example", false),
            ("[::1]:80", "::1", true),
            ("localhost@evil.example:80", "evil.example", false),
            ("localhost.evil.example", "localhost.evil.example", false),
            ("0.0.0.0", "0.0.0.0", false),
            ("", "", false),
        ] {
            assert_eq!(host_of(authority), host);
            assert_eq!(is_loopback(host), loopback, "{host}");
        }
    }

    #[test]
    fn headers_about_one_connection_stay() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("mcp-session-id", "s"),
            ("mcp-protocol-version", "2025-11-25"),
            ("authorization", "Bearer x"),
            ("last-event-id", "7"),
            ("connection", "keep-alive, X-Private"),
            ("x-private", "1"),
            ("transfer-encoding", "chunked"),
            ("origin", "http://localhost"),
            ("accept-encoding", "gzip"),
        ] {
            headers.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        let names: Vec<String> = passed(&headers).keys().map(ToString::to_string).collect();
        assert_eq!(
            names,
            [
                "mcp-session-id",
                "mcp-protocol-version",
                "authorization",
                "last-event-id"
            ]
        );
    }
}
