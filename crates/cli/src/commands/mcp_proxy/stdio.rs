//! A server that speaks over its standard input and output.

use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};

use countersign_guard::agent::Agent;
use countersign_guard::mcp::{MAX_MESSAGE, Step, client_message};

use super::judged;
use crate::error::{CliError, CliResult, exit};

/// Starts the server and stands between it and the client until one of them ends.
pub(super) fn run(agent: Agent, server: &[OsString]) -> CliResult {
    let (program, rest) = server
        .split_first()
        .ok_or_else(|| CliError::new(exit::USAGE, "no server is named"))?;
    let mut child = Command::new(program)
        .args(rest)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| {
            CliError::new(
                exit::NOT_FOUND,
                format!("{} cannot be started: {error}", program.to_string_lossy()),
            )
        })?;
    let (Some(to_server), Some(from_server)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(CliError::new(
            exit::INTERNAL,
            "the server has no input or output",
        ));
    };
    // Both directions write whole lines to the client.
    let client = Arc::new(Mutex::new(BufWriter::new(std::io::stdout())));
    let answers = Arc::clone(&client);
    // Not joined: it may sit in a read of the client's that never ends.
    std::thread::spawn(move || from_client(agent, to_server, &answers));
    let mut lines = BufReader::new(from_server);
    let mut line = Vec::new();
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if !send(&client, &line) {
            // The client has gone; the server notices at its closed input.
            break;
        }
    }
    let status = child.wait()?;
    // The server's end is the proxy's end, with the server's own code.
    Ok(status
        .code()
        .and_then(|code| u8::try_from(code).ok())
        .unwrap_or(exit::IO))
}

/// Reads the client until it closes; dropping `server` closes the server's input.
fn from_client(agent: Agent, mut server: ChildStdin, client: &Mutex<BufWriter<std::io::Stdout>>) {
    // One process is one conversation.
    let session = format!("mcp {} {}", std::process::id(), jiff::Timestamp::now());
    let mut lines = BufReader::new(std::io::stdin());
    let mut line = Vec::new();
    loop {
        line.clear();
        let limit = MAX_MESSAGE as u64 + 1;
        match lines.by_ref().take(limit).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        if !line.ends_with(b"\n") && line.len() > MAX_MESSAGE {
            // The rest of an oversized line is no message of its own.
            if skip_line(&mut lines).is_err() {
                return;
            }
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let step = client_message(&line, &mut |call| judged(agent, call, &session));
        let written = match step {
            Step::Forward { message } => server.write_all(&message).and_then(|()| server.flush()),
            Step::Reject { reply } => {
                if !send(client, &reply) {
                    return;
                }
                Ok(())
            }
            Step::Part { forward, reply } => {
                if !reply.is_empty() && !send(client, &reply) {
                    return;
                }
                server.write_all(&forward).and_then(|()| server.flush())
            }
        };
        if written.is_err() {
            // The server has gone; its end is seen by whoever reads from it.
            return;
        }
    }
}

fn skip_line(lines: &mut impl std::io::BufRead) -> std::io::Result<()> {
    loop {
        let buffer = lines.fill_buf()?;
        if buffer.is_empty() {
            return Ok(());
        }
        match buffer.iter().position(|byte| *byte == b'\n') {
            Some(end) => {
                lines.consume(end + 1);
                return Ok(());
            }
            None => {
                let length = buffer.len();
                lines.consume(length);
            }
        }
    }
}

fn send(client: &Mutex<BufWriter<std::io::Stdout>>, line: &[u8]) -> bool {
    // A poisoned lock means the other direction panicked in the middle of a line.
    let Ok(mut out) = client.lock() else {
        return false;
    };
    out.write_all(line).and_then(|()| out.flush()).is_ok()
}
