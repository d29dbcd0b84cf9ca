//! `countersign mcp-proxy`: an MCP server behind the guard.

mod http;
mod stdio;

use std::ffi::OsString;
use std::net::SocketAddr;

use clap::Args;
use countersign_guard::agent::Agent;
use countersign_guard::protocol::ToolCall;

use crate::error::{CliError, CliResult, exit};
use crate::guard::judge;

/// Put the guard between an agent and an MCP server.
///
/// Configure the agent to start `countersign mcp-proxy -- SERVER…` instead of
/// `SERVER…`; for a server behind a URL run `countersign mcp-proxy --listen ADDR
/// --upstream URL` and configure the agent for the address that it prints. Every
/// `tools/call` is judged by the same rules as a shell command; a held call is
/// answered with a ticket. Everything else passes unchanged.
#[derive(Debug, Args)]
pub(crate) struct McpProxyArgs {
    /// The agent that the calls are recorded for.
    #[arg(long, value_name = "NAME", default_value = "claude-code")]
    agent: String,
    /// Listen here for Streamable HTTP, such as `127.0.0.1:8931`; port 0 takes a free one.
    #[arg(long, value_name = "ADDR", requires = "upstream")]
    listen: Option<SocketAddr>,
    /// The server's URL.
    #[arg(long, value_name = "URL", requires = "listen")]
    upstream: Option<String>,
    /// The server and its arguments, after `--`.
    #[arg(
        last = true,
        required_unless_present = "upstream",
        conflicts_with = "upstream"
    )]
    server: Vec<OsString>,
}

pub(super) fn run(args: &McpProxyArgs) -> CliResult {
    let agent = Agent::named(&args.agent).ok_or_else(|| {
        CliError::new(
            exit::USAGE,
            format!("`{}` is no agent known here", args.agent),
        )
    })?;
    match (&args.listen, &args.upstream) {
        (Some(listen), Some(upstream)) => http::run(agent, *listen, upstream),
        _ => stdio::run(agent, &args.server),
    }
}

/// Why a call must not be made; `None` when it may. `session` is the conversation
/// that it is remembered in.
fn judged(agent: Agent, call: &ToolCall, session: &str) -> Option<String> {
    let call = ToolCall {
        session: Some(session.to_owned()),
        ..call.clone()
    };
    let outcome = judge(agent, &call);
    for fault in outcome.faults {
        anstream::eprintln!("countersign: {fault}");
    }
    outcome.denial
}
