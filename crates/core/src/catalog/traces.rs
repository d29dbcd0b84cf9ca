//! What was measured as a source: who was seen to call whom.
//!
//! - Jaeger `GET /api/dependencies` (`{"data": [{parent, child, callCount}]}`)
//!   and Zipkin `GET /api/v2/dependencies` (a bare array, with `errorCount`);
//! - the OpenTelemetry Collector's service graph connector, Tempo and Beyla as
//!   Prometheus text (`traces_service_graph_request_total{client, server, …}`).
//!
//! A call shows that something is used, not how badly it is needed, so the
//! needs are of unknown kind; only messaging is known to be asynchronous.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;

use super::draft::{Draft, Need, NeedKind, Needer, Origin};
use super::yaml::MAX_BYTES;
use crate::problem::{Problem, Source};

#[derive(Deserialize)]
#[serde(untagged)]
enum Dependencies {
    Wrapped { data: Vec<Link> },
    Bare(Vec<Link>),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Link {
    parent: String,
    child: String,
    #[serde(default)]
    call_count: u64,
    #[serde(default)]
    error_count: u64,
}

/// What was counted between two names.
#[derive(Default)]
struct Calls {
    kind: Option<NeedKind>,
    calls: u64,
    errors: u64,
}

type Counted = BTreeMap<(String, String), Calls>;

/// Reads Jaeger or Zipkin dependencies as JSON; `seen` is the end of the
/// window that they were counted in.
///
/// # Errors
/// The first thing that is not of that form.
pub fn from_dependencies(source: Source<'_>, seen: Timestamp) -> Result<Draft, Problem> {
    bounded(source)?;
    let links = match serde_json::from_str(source.text) {
        Ok(Dependencies::Wrapped { data }) => data,
        Ok(Dependencies::Bare(links)) => links,
        Err(error) => {
            return Err(source
                .at(offset(source.text, error.line(), error.column()), "not a list of dependencies")
                .hint("expected Jaeger's `{\"data\": [{\"parent\", \"child\", \"callCount\"}]}` or Zipkin's bare array"));
        }
    };
    let mut counted = Counted::new();
    for link in links {
        let calls = counted.entry((link.parent, link.child)).or_default();
        calls.calls = calls.calls.saturating_add(link.call_count);
        calls.errors = calls.errors.saturating_add(link.error_count);
    }
    Ok(draft(counted, seen))
}

/// The empty range at a line and column, both from 1.
fn offset(text: &str, line: usize, column: usize) -> std::ops::Range<usize> {
    let before: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    let at = (before + column.saturating_sub(1)).min(text.len());
    at..at
}

fn bounded(source: Source<'_>) -> Result<(), Problem> {
    if source.text.len() <= MAX_BYTES {
        return Ok(());
    }
    Err(source
        .whole(format!("{} bytes are too many", source.text.len()))
        .hint("at most 64 MiB are read; ask for a shorter window"))
}

fn draft(counted: Counted, seen: Timestamp) -> Draft {
    let others = counted
        .into_iter()
        .filter(|((client, server), _)| client != server);
    Draft {
        needs: others
            .map(|((client, server), calls)| Need {
                from: Needer::Service(client),
                to: server,
                kind: calls.kind.unwrap_or(NeedKind::Unknown),
                origin: Origin::Traced,
                seen: Some(seen),
                calls: calls.calls,
                errors: calls.errors,
            })
            .collect(),
        ..Draft::default()
    }
}

/// Reads a service graph as Prometheus or `OpenMetrics` text; `seen` is when it
/// was scraped. Other metrics in the text are left out.
///
/// # Errors
/// The first sample of the service graph that cannot be read.
pub fn from_service_graph(source: Source<'_>, seen: Timestamp) -> Result<Draft, Problem> {
    bounded(source)?;
    let mut counted = Counted::new();
    let mut start = 0;
    for line in source.text.split_inclusive('\n') {
        let span = start..start + line.trim_end().len();
        start += line.len();
        let failed = match metric(line) {
            "traces_service_graph_request_total" => false,
            "traces_service_graph_request_failed_total" => true,
            _ => continue,
        };
        let sample = sample(line).ok_or_else(|| {
            source
                .at(span, "not a sample of a service graph")
                .hint("expected `name{client=\"…\",server=\"…\"} count`")
        })?;
        // Tempo calls whoever has no traces of its own `user`.
        if sample.client == "user" || sample.client.is_empty() || sample.server.is_empty() {
            continue;
        }
        let calls = counted.entry((sample.client, sample.server)).or_default();
        let count = if failed {
            &mut calls.errors
        } else {
            &mut calls.calls
        };
        *count = count.saturating_add(sample.count);
        let kind = if sample.messaging {
            NeedKind::Async
        } else {
            NeedKind::Unknown
        };
        // Called directly as well as by messages: how badly is unknown again.
        calls.kind = Some(calls.kind.map_or(kind, |known| known.min(kind)));
    }
    Ok(draft(counted, seen))
}

fn metric(line: &str) -> &str {
    let end = line.find(['{', ' ']).unwrap_or(line.len());
    line.get(..end).unwrap_or_default()
}

struct Sample {
    client: String,
    server: String,
    messaging: bool,
    count: u64,
}

fn sample(line: &str) -> Option<Sample> {
    let (_, rest) = line.split_once('{')?;
    let mut sample = Sample {
        client: String::new(),
        server: String::new(),
        messaging: false,
        count: 0,
    };
    let mut rest = rest.trim_start();
    while !rest.starts_with('}') {
        let (name, after) = rest.split_once("=\"")?;
        let (value, after) = quoted(after)?;
        match name.trim() {
            "client" => sample.client = value,
            "server" => sample.server = value,
            "connection_type" => sample.messaging = value == "messaging_system",
            _ => {}
        }
        rest = after.trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    }
    let count: f64 = rest.get(1..)?.split_whitespace().next()?.parse().ok()?;
    if !(0.0..=9e18).contains(&count) {
        return None;
    }
    // In range, and a fraction of a call is none.
    sample.count = count as u64;
    Some(sample)
}

/// A label's value up to its closing quote, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, text.get(at + 1..)?)),
            '\\' => match chars.next()?.1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn lines(draft: &Draft) -> Vec<String> {
        let needs = draft.needs.iter();
        needs
            .map(|need| {
                let Needer::Service(from) = &need.from else {
                    panic!("traces know services only");
                };
                let kind = need.kind.as_str();
                format!(
                    "{from} -> {} {kind} {}/{}",
                    need.to, need.errors, need.calls
                )
            })
            .collect()
    }

    #[test]
    fn jaeger_and_zipkin() {
        let seen = at("2026-11-01T00:00:00Z");
        for text in [
            r#"{"data":[{"parent":"a","child":"b","callCount":3},{"parent":"a","child":"a","callCount":1}],"total":0,"errors":null}"#,
            r#"[{"parent":"a","child":"b","callCount":1},{"parent":"a","child":"b","callCount":2,"errorCount":0}]"#,
        ] {
            let source = Source {
                file: "deps.json",
                text,
            };
            let draft = from_dependencies(source, seen).unwrap();
            assert_eq!(lines(&draft), ["a -> b unknown 0/3"]);
            assert_eq!(draft.needs[0].seen, Some(seen));
        }
        for text in [
            "",
            "{}",
            "[{\"parent\":1}]",
            "[{\"callCount\":NaN}]",
            &"[".repeat(10_000),
        ] {
            let source = Source {
                file: "deps.json",
                text,
            };
            let problem = from_dependencies(source, seen).unwrap_err();
            assert_eq!(problem.message, "not a list of dependencies");
        }
    }

    #[test]
    fn service_graph_text() {
        let text = r#"# HELP traces_service_graph_request_total Total
# TYPE traces_service_graph_request_total counter
traces_service_graph_request_total{client="a",connection_type="",server="b"} 10
traces_service_graph_request_failed_total{client="a",connection_type="",server="b"} 2
traces_service_graph_request_total{client="a",connection_type="messaging_system",server="q\"1\""} 1e3 1700000000
traces_service_graph_request_total{client="user",server="a"} 5
traces_service_graph_request_total{client="a",connection_type="database",server="db",} 7 # {trace_id="x"} 1
traces_service_graph_request_server_seconds_bucket{client="a",server="b",le="+Inf"} 1
up 1
"#;
        let seen = at("2026-11-01T00:00:00Z");
        let source = Source {
            file: "graph.txt",
            text,
        };
        let draft = from_service_graph(source, seen).unwrap();
        assert_eq!(
            lines(&draft),
            [
                "a -> b unknown 2/10",
                "a -> db unknown 0/7",
                "a -> q\"1\" async 0/1000"
            ]
        );
        for count in ["NaN", "-1", "+Inf", ""] {
            let text =
                format!("up 1\ntraces_service_graph_request_total{{client=\"a\"}} {count}\n");
            let source = Source {
                file: "graph.txt",
                text: &text,
            };
            let problem = from_service_graph(source, seen).unwrap_err();
            assert_eq!(problem.line, 2);
        }
    }
}
