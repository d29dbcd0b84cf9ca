//! A PostgreSQL of our own: started by the first test that asks, reached by a
//! socket only, gone with the process.
//!
//! `COUNTERSIGN_TEST_PG` changes that: `skip` skips (and says so loudly), and a
//! directory is that of the socket of a server that someone else has started.
//!
//! The server runs below a small shell that waits for the end of its standard
//! input. That comes when this process ends, however it ends, so no crash
//! leaves a server behind.

use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};

/// Says where tests find a server, or that they skip.
pub const VARIABLE: &str = "COUNTERSIGN_TEST_PG";

const USER: &str = "postgres";
/// Accounts to run as when this process is root, which PostgreSQL refuses to be.
const ACCOUNTS: [&str; 2] = ["postgres", "nobody"];

/// A running server.
#[derive(Debug)]
pub struct Server {
    bin: PathBuf,
    socket: PathBuf,
    /// Keeps a server of our own alive; dropping it ends the server.
    _life: Option<(Mutex<Child>, ChildStdin)>,
    templates: Mutex<Vec<String>>,
    count: AtomicU64,
}

/// A database that is dropped with this value.
#[derive(Debug)]
pub struct Database {
    name: String,
}

/// The server of this process; `None` when tests are to skip it.
///
/// # Panics
/// When there is none and tests were not told to skip.
#[must_use]
pub fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    let server = SERVER.get_or_init(|| match std::env::var(VARIABLE) {
        Ok(skip) if skip == "skip" => None,
        Ok(socket) if !socket.is_empty() => Some(Server::found(PathBuf::from(socket))),
        _ => Some(Server::start()),
    });
    if server.is_none() {
        eprintln!("SKIPPED: {VARIABLE}=skip, nothing is tested on PostgreSQL");
    }
    server.as_ref()
}

/// The directory of `initdb`, as Debian and others install it.
#[must_use]
pub fn programs() -> Option<PathBuf> {
    let on_path = std::env::var_os("PATH");
    let on_path = on_path.iter().flat_map(std::env::split_paths);
    // Links on the path hide the programs that lie beside.
    let on_path = on_path.filter_map(|dir| dir.join("initdb").canonicalize().ok());
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path().join("bin/initdb")))
        .filter(|initdb| initdb.is_file())
        .collect();
    versions.sort();
    versions
        .into_iter()
        .rev()
        .chain(on_path)
        .find_map(|initdb| initdb.parent().map(Path::to_owned))
}

impl Server {
    /// Starts a server of our own.
    ///
    /// # Panics
    /// When PostgreSQL is not installed or does not start.
    #[must_use]
    pub fn start() -> Self {
        let bin = programs().unwrap_or_else(|| {
            panic!(
                "PostgreSQL's server is not installed: `cargo xtask test` installs it, \
                 and {VARIABLE}=skip leaves its tests out"
            )
        });
        // A socket's path may have no more than about 100 bytes.
        let dir = tempfile::Builder::new()
            .prefix("cs-pg-")
            .tempdir_in("/tmp")
            .expect("a directory")
            .keep();
        let account = account();
        if let Some(account) = account {
            run(Command::new("chown").arg(account).arg(&dir));
        }
        let data = dir.join("data");
        let mut initdb = as_account(account, &bin.join("initdb"));
        initdb.args([
            "-A",
            "trust",
            "-N",
            "--no-locale",
            "-E",
            "UTF8",
            "-U",
            USER,
            "-D",
        ]);
        run(initdb.arg(&data));
        let mut life = as_account(account, Path::new("sh"))
            .args(["-c", LIFE, "life"])
            .args([&bin, &dir])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell");
        let stdin = life.stdin.take().expect("its input");
        let mut line = String::new();
        let stdout = life.stdout.take().expect("its output");
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line)
            .expect("its answer");
        assert!(
            line.starts_with("up"),
            "PostgreSQL did not start, see {}",
            dir.display()
        );
        Self {
            bin,
            socket: dir,
            _life: Some((Mutex::new(life), stdin)),
            templates: Mutex::default(),
            count: AtomicU64::new(0),
        }
    }

    fn found(socket: PathBuf) -> Self {
        let bin = programs().expect("PostgreSQL's programs");
        Self {
            bin,
            socket,
            _life: None,
            templates: Mutex::default(),
            count: AtomicU64::new(0),
        }
    }

    /// The directory of its socket.
    #[must_use]
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// A new and empty database.
    pub fn database(&self) -> Database {
        self.create(&[])
    }

    /// A copy of a database that `make` filled, once for all who ask for `name`.
    pub fn copy_of(&self, name: &str, make: impl FnOnce(&str)) -> Database {
        let template = format!("template_{name}_{}", std::process::id());
        {
            let mut made = self.templates.lock().expect("nobody failed meanwhile");
            if !made.contains(&template) {
                run(self.tool("createdb").arg(&template));
                make(&self.url(&template));
                made.push(template.clone());
            }
        }
        self.create(&["-T", &template])
    }

    fn create(&self, options: &[&str]) -> Database {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{number}", std::process::id());
        run(self.tool("createdb").args(options).arg(&name));
        Database { name }
    }

    fn url(&self, database: &str) -> String {
        let socket = self.socket.display();
        format!("postgres:///{database}?host={socket}&user={USER}")
    }

    fn tool(&self, name: &str) -> Command {
        let mut command = Command::new(self.bin.join(name));
        command.args(["-U", USER, "-h"]).arg(&self.socket);
        command
    }

    /// What a program of PostgreSQL, such as `psql` or `pg_dump`, prints about a
    /// database.
    pub fn ask(&self, tool: &str, database: &Database, args: &[&str]) -> String {
        let output = run(self.tool(tool).args(args).arg(&database.name));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

impl Database {
    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        let server = server().expect("a server, because it made this");
        server.url(&self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(server) = server() {
            let mut drop = server.tool("dropdb");
            let _ = drop
                .args(["--if-exists", "--force"])
                .arg(&self.name)
                .output();
        }
    }
}

/// Starts the server, says `up`, waits for the end of its input, and cleans up.
/// `$1` is the directory of the programs, `$2` our own.
const LIFE: &str = r#"
trap '' INT HUP
"$1/pg_ctl" -D "$2/data" -l "$2/log" -w \
    -o "-F -k $2 -h '' -c max_connections=200 -c shared_buffers=64MB" start >/dev/null 2>&1 \
    && echo up || echo down
exec >&-
cat >/dev/null
"$1/pg_ctl" -D "$2/data" -m immediate stop >/dev/null 2>&1
rm -rf "$2"/*
rmdir "$2" 2>/dev/null
"#;

fn account() -> Option<&'static str> {
    let id = run(Command::new("id").arg("-u"));
    let is_root = id.stdout.starts_with(b"0\n");
    let known = |account: &&str| {
        let id = Command::new("id").arg("-u").arg(account).output();
        id.is_ok_and(|id| id.status.success())
    };
    is_root.then(|| {
        let account = ACCOUNTS.into_iter().find(|account| known(account));
        account.expect("an account that is not root")
    })
}

fn as_account(account: Option<&str>, program: &Path) -> Command {
    match account {
        None => Command::new(program),
        Some(account) => {
            let mut command = Command::new("setpriv");
            command
                .args([
                    "--reuid",
                    account,
                    "--regid",
                    account,
                    "--clear-groups",
                    "--",
                ])
                .arg(program)
                .current_dir("/");
            command
        }
    }
}

fn run(command: &mut Command) -> Output {
    let output = command.output().expect("a program");
    assert!(
        output.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    output
}
