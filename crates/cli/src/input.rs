//! The bytes of a plan, and what turns a binary one into text.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use countersign_effects::document::read_bounded;
use countersign_effects::terraform;

use crate::error::{CliError, CliResult, exit};

/// Both read each other's files only up to the versions where they parted.
const TOOLS: [&str; 2] = ["terraform", "tofu"];
/// `show` starts every provider for its schema; a hung one must not hang us.
const PATIENCE: Duration = Duration::from_secs(120);

/// One file: what a person calls it, and its bytes.
pub(crate) struct Input {
    pub(crate) name: String,
    path: PathBuf,
    pub(crate) bytes: Vec<u8>,
}

impl Input {
    /// Reads a file, or standard input for `-`.
    pub(crate) fn read(path: &Path) -> CliResult<Self> {
        let name = path.display().to_string();
        let read = if name == "-" {
            read_bounded(std::io::stdin().lock())
        } else {
            let file = open(path, &name)?;
            read_bounded(file)
        };
        let bytes = read.map_err(|error| unreadable(&name, &error))?;
        Ok(Self {
            name,
            path: path.to_owned(),
            bytes,
        })
    }

    /// Its text, for formats that are text.
    pub(crate) fn text(self) -> CliResult<String> {
        String::from_utf8(self.bytes).map_err(|_| unreadable(&self.name, &"it is not UTF-8 text"))
    }

    /// Whether it is what `terraform plan -out=FILE` writes.
    pub(crate) fn is_binary_plan(&self) -> bool {
        terraform::is_binary_plan(&self.bytes)
    }

    /// The JSON of a binary plan, by the tool that is installed.
    ///
    /// The tool is shown a copy of exactly the bytes that were read: what is
    /// judged is what the fingerprint is of, whatever happens to the file
    /// meanwhile. It runs beside the plan, where its providers are.
    pub(crate) fn shown(&self) -> CliResult<Vec<u8>> {
        let failed = |error: std::io::Error| {
            CliError::new(exit::IO, format!("copying {} failed: {error}", self.name))
        };
        let mut copy = tempfile::NamedTempFile::new().map_err(failed)?;
        copy.write_all(&self.bytes).map_err(failed)?;
        let folder = match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let mut said = Vec::new();
        for tool in TOOLS {
            match show(tool, copy.path(), folder) {
                Ok(json) => return Ok(json),
                Err(Failed::NotInstalled) => {}
                Err(Failed::Said(text)) => said.push(format!("{tool}: {text}")),
            }
        }
        let message = if said.is_empty() {
            format!(
                "{} is a binary plan, and neither `terraform` nor `tofu` is installed to read it",
                self.name
            )
        } else {
            format!("{} is a binary plan that cannot be shown", self.name)
        };
        let error = said
            .into_iter()
            .fold(CliError::new(exit::DATA, message), CliError::hint);
        Err(error.hint("give its JSON instead: terraform show -json FILE > plan.json"))
    }
}

/// An input that its reader refuses.
pub(crate) fn unreadable(name: &str, error: &dyn std::fmt::Display) -> CliError {
    CliError::new(exit::DATA, format!("{name} cannot be read: {error}"))
}

fn open(path: &Path, name: &str) -> CliResult<File> {
    let found = std::fs::metadata(path).and_then(|found| Ok((File::open(path)?, found)));
    match found {
        Ok((_, found)) if found.is_dir() => {
            Err(CliError::new(exit::DATA, format!("{name} is a directory"))
                .hint("give the files in it"))
        }
        Ok((file, _)) => Ok(file),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(CliError::new(
            exit::NOT_FOUND,
            format!("there is no file `{name}`"),
        )),
        Err(error) => Err(CliError::new(
            exit::IO,
            format!("reading {name} failed: {error}"),
        )),
    }
}

enum Failed {
    NotInstalled,
    /// It ran and would not.
    Said(String),
}

/// What `TOOL show -json` prints, bounded in size and time.
fn show(tool: &str, plan: &Path, folder: &Path) -> Result<Vec<u8>, Failed> {
    let said = |error: std::io::Error| Failed::Said(error.to_string());
    let mut errors = tempfile::tempfile().map_err(said)?;
    let mut command = Command::new(tool);
    command
        .current_dir(folder)
        .args(["show", "-no-color", "-json"])
        .arg(plan)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(errors.try_clone().map_err(said)?)
        .env("TF_IN_AUTOMATION", "1")
        .env("TF_INPUT", "0")
        .env("CHECKPOINT_DISABLE", "1");
    // Arguments and logs from outside must not change what is shown.
    for name in ["TF_CLI_ARGS", "TF_CLI_ARGS_show", "TF_LOG", "TF_LOG_PATH"] {
        command.env_remove(name);
    }
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Failed::NotInstalled);
        }
        Err(error) => return Err(said(error)),
    };
    let (send, receive) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        std::thread::spawn(move || send.send(read_bounded(stdout)));
    }
    let Ok(json) = receive.recv_timeout(PATIENCE) else {
        let _ = child.kill();
        let _ = child.wait();
        let seconds = PATIENCE.as_secs();
        return Err(Failed::Said(format!("no answer within {seconds} seconds")));
    };
    let status = child.wait().map_err(said)?;
    if status.success() {
        return json.map_err(|error| Failed::Said(error.to_string()));
    }
    errors.seek(SeekFrom::Start(0)).map_err(said)?;
    let mut text = Vec::new();
    errors
        .take(64 * 1024)
        .read_to_end(&mut text)
        .map_err(said)?;
    Err(Failed::Said(first_error(&String::from_utf8_lossy(&text))))
}

/// The line that tells what went wrong, without the box drawn around it.
fn first_error(text: &str) -> String {
    let plain = |line: &str| {
        line.trim_start_matches(['╷', '│', '╵', ' '])
            .trim()
            .to_owned()
    };
    let lines: Vec<String> = text
        .lines()
        .map(plain)
        .filter(|line| !line.is_empty())
        .collect();
    let start = lines
        .iter()
        .position(|line| line.starts_with("Error"))
        .unwrap_or(0);
    let shown: Vec<&str> = lines
        .iter()
        .skip(start)
        .take(3)
        .map(String::as_str)
        .collect();
    if shown.is_empty() {
        "it failed and said nothing".to_owned()
    } else {
        shown.join(" ")
    }
}
