//! Which calls act on the world, and on what.
//!
//! Sources: Python 3.13 library (os, shutil, pathlib, subprocess), Node 22 API
//! (fs, `child_process`), Ruby 3.4 core (`FileUtils`, Kernel), Perl 5.40 perlfunc,
//! PHP 8 manual, Deno 2 API, boto3 and database driver documentation.

use super::Language;
use super::tokens::{Token, tokens};

/// Something a program does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Runs a command line through a shell; `None` when it is computed.
    Shell(Option<String>),
    /// Runs a program with these arguments; `None` when they are computed.
    Program(Option<Vec<String>>),
    /// Deletes a path; `None` when it is computed. True for whole trees.
    Delete(Option<String>, bool),
    /// Writes a file, whose old content goes.
    Write(Option<String>),
    /// Sends text to a database; `None` when it is computed.
    Statement(Option<String>),
    /// Sends an HTTP DELETE to a URL.
    HttpDelete(Option<String>),
    /// Calls a method that takes something away from a service.
    Service(String),
    /// Runs code that is computed.
    Code,
}

/// Calls that run a command line.
const SHELL: &[&str] = &[
    "os.system",
    "os.popen",
    "subprocess.getoutput",
    "subprocess.getstatusoutput",
    "commands.getoutput",
    "child_process.exec",
    "child_process.execSync",
    "execSync",
    "exec",
    "cp.exec",
    "cp.execSync",
    "system",
    "shell_exec",
    "passthru",
    "popen",
    "os.execute",
    "io.popen",
    "Kernel.system",
    "Open3.capture2",
    "Open3.capture2e",
    "Open3.capture3",
    "Open3.popen2",
    "Open3.popen2e",
    "Open3.popen3",
    "Open3.pipeline",
    "proc_open",
    "spawn",
    "%x",
    "qx",
    "Bun.$",
];
/// Calls that run a program, or a command line when given one text.
const PROGRAM: &[&str] = &[
    "subprocess.run",
    "subprocess.call",
    "subprocess.Popen",
    "subprocess.check_call",
    "subprocess.check_output",
    "run",
    "check_output",
    "check_call",
    "Popen",
    "child_process.spawn",
    "child_process.spawnSync",
    "child_process.execFile",
    "child_process.execFileSync",
    "spawnSync",
    "execFileSync",
    "execFile",
    "cp.spawn",
    "cp.spawnSync",
    "os.execv",
    "os.execvp",
    "os.spawnv",
    "Deno.Command",
    "Bun.spawn",
    "execa",
    "pcntl_exec",
    "System.cmd",
    "exec.Command",
    "exec.CommandContext",
    "system2",
    "os.StartProcess",
];
/// Calls that delete a tree.
const TREES: &[&str] = &[
    "shutil.rmtree",
    "rmtree",
    "remove_tree",
    "fs.rmSync",
    "fs.rm",
    "fs.promises.rm",
    "fsp.rm",
    "fs.rmdirSync",
    "fs.rmdir",
    "rmSync",
    "rimraf",
    "rimrafSync",
    "fs.removeSync",
    "fs.remove",
    "fs.emptyDirSync",
    "Deno.remove",
    "Deno.removeSync",
    "FileUtils.rm_rf",
    "FileUtils.rm_r",
    "FileUtils.remove_dir",
    "FileUtils.remove_entry",
    "FileUtils.remove_entry_secure",
    "Dir.delete_all",
    "rm_rf",
    "del.sync",
    "fse.removeSync",
    "fse.remove",
    "os.RemoveAll",
    "File.rm_rf",
    "fs.rmTree",
    "Dir.rmtree",
];
/// Calls that delete one file.
const FILES: &[&str] = &[
    "os.remove",
    "os.unlink",
    "os.rmdir",
    "os.removedirs",
    "fs.unlinkSync",
    "fs.unlink",
    "fs.promises.unlink",
    "unlinkSync",
    "unlink",
    "File.delete",
    "File.unlink",
    "FileUtils.rm",
    "FileUtils.rm_f",
    "rmdir",
    "os.Remove",
    "os.Truncate",
    "file.remove",
    "File.rm",
];
/// Calls that write a file.
const WRITES: &[&str] = &[
    "fs.writeFileSync",
    "fs.writeFile",
    "fs.promises.writeFile",
    "writeFileSync",
    "File.write",
    "file_put_contents",
    "Deno.writeTextFile",
    "Deno.writeTextFileSync",
    "Bun.write",
    "fs.truncateSync",
    "os.Create",
    "os.WriteFile",
    "file.create",
    "writeLines",
    "File.write!",
];
/// Endings of methods that send statements.
const STATEMENTS: &[&str] = &[
    ".execute",
    ".executemany",
    ".executescript",
    ".query",
    ".raw",
    ".$executeRawUnsafe",
    ".$executeRaw",
    ".exec_query",
    ".exec",
    ".do",
    ".unsafe",
    ".run",
];
/// Endings of methods that take something away from a data store.
const SERVICES: &[&str] = &[
    ".flushall",
    ".flushdb",
    ".flushAll",
    ".flushDb",
    ".drop",
    ".dropDatabase",
    ".drop_database",
    ".dropCollection",
    ".drop_collection",
    ".deleteMany",
    ".delete_many",
    ".remove",
    ".delete_all",
    ".destroy_all",
    ".deleteAll",
    ".truncate",
    ".drop_all",
    ".dropAllTables",
    ".deleteOne",
    ".purge_queue",
    ".terminate",
    ".delete",
];

/// What the program does, in order.
#[must_use]
pub fn actions(code: &str, language: Language) -> Vec<Action> {
    let tokens = super::fold::fold(&tokens(code, language));
    let cloud = code.contains("boto3")
        || code.contains("google.cloud")
        || code.contains("azure")
        || code.contains("aws-sdk")
        || code.contains("Aws::")
        || code.contains("kubernetes");
    let store = cloud
        || [
            "redis",
            "Redis",
            "mongo",
            "Mongo",
            "db.",
            "sqlalchemy",
            "prisma",
        ]
        .iter()
        .any(|w| code.contains(w));
    let mut out = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        match token {
            Token::Shell(text) => out.push(Action::Shell(Some(text.clone()))),
            // The shell of Bun and zx: `$` before a template.
            Token::Name(name)
                if language == Language::JavaScript
                    && (name == "$" || name.ends_with(".$"))
                    && matches!(tokens.get(at + 1), Some(Token::Text(..))) =>
            {
                if let Some(Token::Text(text, _)) = tokens.get(at + 1) {
                    out.push(Action::Shell(Some(text.clone())));
                }
            }
            Token::Name(name) => {
                let bracket = matches!(tokens.get(at + 1), Some(Token::Sign('(')));
                // Ruby and Perl call without brackets.
                let bare = matches!(language, Language::Ruby | Language::Perl)
                    && matches!(tokens.get(at + 1), Some(Token::Text(..) | Token::Name(_)));
                if bracket || bare {
                    let name = whole_name(&tokens, at, name);
                    let args = arguments(&tokens, at + 1 + usize::from(bracket), bracket);
                    call(&name, &args, language, cloud, store, &mut out);
                }
                if language == Language::Php && name == "array_map" {
                    out.extend(php_map(&tokens, at));
                }
            }
            _ => {}
        }
    }
    dynamic_calls(code, &tokens, &mut out);
    out
}

/// `require('fs').rmSync` and `__import__('os').system` as dotted names.
fn whole_name(tokens: &[Token], at: usize, name: &str) -> String {
    let before = |back: usize| at.checked_sub(back).and_then(|i| tokens.get(i));
    if let (
        Some(Token::Sign('.')),
        Some(Token::Sign(')')),
        Some(Token::Text(module, _)),
        Some(Token::Sign('(')),
    ) = (before(1), before(2), before(3), before(4))
    {
        let module = module.trim_start_matches("node:").replace('/', ".");
        return format!("{module}.{name}");
    }
    if matches!(before(1), Some(Token::Sign('.'))) {
        return format!(".{name}");
    }
    name.to_owned()
}

/// One argument as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Arg {
    Text(String),
    List(Vec<String>),
    Other(String),
}

/// The arguments from here to the closing bracket (or the line's end).
fn arguments(tokens: &[Token], start: usize, bracket: bool) -> Vec<Arg> {
    let mut out = Vec::new();
    let mut current: Vec<&Token> = Vec::new();
    let mut depth = 0_u32;
    for token in tokens.iter().skip(start).take(400) {
        match token {
            Token::Sign('(' | '[' | '{') => depth += 1,
            Token::Sign(')' | ']' | '}') if depth > 0 => depth -= 1,
            Token::Sign(')' | ']' | '}') => break,
            Token::Sign(';') if !bracket => break,
            Token::Sign(',') if depth == 0 => {
                out.push(argument(&current));
                current.clear();
                continue;
            }
            _ => {}
        }
        current.push(token);
    }
    if !current.is_empty() {
        out.push(argument(&current));
    }
    out
}

fn argument(tokens: &[&Token]) -> Arg {
    match tokens {
        [Token::Text(text, _)] => Arg::Text(text.clone()),
        // SQLAlchemy and psycopg mark statements: `text('…')`, `sql.SQL('…')`.
        [
            Token::Name(name),
            Token::Sign('('),
            Token::Text(text, false),
            Token::Sign(')'),
        ] if ["text", "SQL", "sql", "raw"]
            .iter()
            .any(|mark| name.rsplit('.').next() == Some(mark)) =>
        {
            Arg::Text(text.clone())
        }
        [Token::Sign('['), inner @ .., Token::Sign(']')] => {
            let words: Option<Vec<String>> = inner
                .iter()
                .filter(|t| !matches!(t, Token::Sign(',')))
                .map(|t| match t {
                    Token::Text(text, false) => Some(text.clone()),
                    _ => None,
                })
                .collect();
            words.map_or_else(|| Arg::Other("list".to_owned()), Arg::List)
        }
        // `'a' + 'b'` is still known.
        tokens
            if tokens
                .iter()
                .all(|t| matches!(t, Token::Text(_, false) | Token::Sign('+' | '.'))) =>
        {
            Arg::Text(
                tokens
                    .iter()
                    .filter_map(|t| match t {
                        Token::Text(text, _) => Some(text.as_str()),
                        _ => None,
                    })
                    .collect(),
            )
        }
        tokens => {
            let names: Vec<&str> = tokens
                .iter()
                .filter_map(|t| match t {
                    Token::Name(name) | Token::Text(name, _) => Some(name.as_str()),
                    _ => None,
                })
                .collect();
            Arg::Other(names.join(" "))
        }
    }
}

fn text(args: &[Arg]) -> Option<String> {
    match args.first() {
        Some(Arg::Text(text)) => Some(text.clone()),
        _ => None,
    }
}

fn call(
    name: &str,
    args: &[Arg],
    language: Language,
    cloud: bool,
    store: bool,
    out: &mut Vec<Action>,
) {
    let is = |list: &[&str]| {
        list.iter().any(|known| {
            *known == name
                || name
                    .strip_suffix(known)
                    .is_some_and(|rest| rest.ends_with('.'))
        })
    };
    let first = text(args);
    // R and Julia say it in an argument.
    let whole = args.iter().any(
        |a| matches!(a, Arg::Other(words) if words.to_ascii_lowercase().starts_with("recursive")),
    );
    if name == "rm" && language == Language::Julia {
        // Named arguments stand behind a semicolon.
        let words = args.iter().map(|arg| match arg {
            Arg::Other(words) => words.as_str(),
            _ => "",
        });
        let tree = words.clone().any(|words| words.contains("recursive"));
        let path = first.or_else(|| words.clone().next()?.split(' ').next().map(str::to_owned));
        out.push(Action::Delete(path.filter(|path| !path.is_empty()), tree));
        return;
    }
    if (name == "unlink" && language == Language::R) && whole {
        out.push(Action::Delete(path_in(args), true));
        return;
    }
    if matches!(name, ".deleteDir" | ".execute") && language == Language::Groovy {
        out.push(Action::Code);
        return;
    }
    if TREES.contains(&name) || is(TREES) {
        out.push(Action::Delete(path_in(args), true));
    } else if is(FILES) || name == ".unlink" || name.ends_with("].unlink") {
        out.push(Action::Delete(path_in(args), false));
    } else if is(WRITES) {
        out.push(Action::Write(first));
    } else if matches!(name, "open" | "io.open" | "File.open" | "fopen") {
        let mode = args.iter().skip(1).find_map(|a| match a {
            Arg::Text(mode) => Some(mode.as_str()),
            _ => None,
        });
        if mode.is_some_and(|m| m.starts_with('w') || m.starts_with('>')) {
            out.push(Action::Write(first));
        }
    } else if matches!(name, "eval" | "exec" | "Function" | "compile")
        && matches!(language, Language::Python | Language::JavaScript)
        && !(name == "exec" && language == Language::JavaScript)
    {
        match first {
            Some(text) if language == Language::Python => out.extend(actions(&text, language)),
            Some(_) => {}
            None => out.push(Action::Code),
        }
    } else if matches!(
        (name, language, args),
        (
            "spawn",
            Language::JavaScript,
            [Arg::Text(_), Arg::List(_), ..]
        ) | ("call", Language::Python, [Arg::List(_), ..])
    ) || (is(PROGRAM)
        && !name.starts_with('.')
        && !(matches!(name, "run") && language != Language::Python))
    {
        out.push(program(args));
    } else if is(SHELL)
        && !name.starts_with('.')
        && !matches!(
            (name, language),
            ("spawn", Language::JavaScript) | ("exec", Language::Python)
        )
    {
        match args {
            // Perl and Ruby take a list as program and arguments.
            [Arg::Text(_), Arg::Text(_), ..] => out.push(Action::Program(
                args.iter()
                    .map(|a| match a {
                        Arg::Text(t) => Some(t.clone()),
                        _ => None,
                    })
                    .collect(),
            )),
            _ => out.push(Action::Shell(first)),
        }
    } else {
        method_call(name, args, first, cloud, store, out);
    }
}

/// The path an expression holds: a text, or `Path('…')`.
fn path_in(args: &[Arg]) -> Option<String> {
    match args.first() {
        Some(Arg::Text(text)) => Some(text.clone()),
        Some(Arg::Other(words)) => match words.split_once(' ') {
            Some((
                "Path" | "pathlib.Path" | "os.path.expanduser" | "glob" | "Dir.glob" | "glob.glob",
                path,
            )) => Some(path.to_owned()),
            _ => None,
        },
        _ => None,
    }
}

fn program(args: &[Arg]) -> Action {
    match args {
        [Arg::List(words), ..] => Action::Program(Some(words.clone())),
        // `execvp` gives the program's own name first.
        [Arg::Text(program), Arg::List(words), ..] if words.first() == Some(program) => {
            Action::Program(Some(words.clone()))
        }
        [Arg::Text(program), Arg::List(words), ..] => {
            let mut all = vec![program.clone()];
            all.extend(words.iter().cloned());
            Action::Program(Some(all))
        }
        // Go, Deno and Elixir give the program and its arguments one by one.
        // Deno names the arguments: `{ args: ["destroy"] }`.
        [Arg::Text(program), Arg::Other(words)] if words.starts_with("args ") => {
            let rest = words.split(' ').skip(1).map(str::to_owned);
            Action::Program(Some(std::iter::once(program.clone()).chain(rest).collect()))
        }
        [Arg::Text(_), Arg::Text(_), ..] => Action::Program(
            args.iter()
                .map_while(|a| match a {
                    Arg::Text(text) => Some(Some(text.clone())),
                    _ => None,
                })
                .collect(),
        ),
        [Arg::Text(line), ..] => Action::Shell(Some(line.clone())),
        _ => Action::Program(None),
    }
}

fn method_call(
    name: &str,
    args: &[Arg],
    first: Option<String>,
    cloud: bool,
    store: bool,
    out: &mut Vec<Action>,
) {
    let method = name.rsplit('.').next().unwrap_or(name);
    let http = matches!(
        name,
        "requests.delete"
            | "httpx.delete"
            | "axios.delete"
            | "session.delete"
            | "got.delete"
            | "ky.delete"
            | "Net.HTTP.Delete.new"
            | "HTTParty.delete"
            | "Faraday.delete"
    );
    let options = args.get(1).map(|a| match a {
        Arg::Other(words) => words.as_str(),
        _ => "",
    });
    let fetches = matches!(
        name,
        "fetch" | "axios" | "requests.request" | "urllib.request.Request"
    ) && (options.is_some_and(|o| o.contains("DELETE"))
        || (name == "requests.request" && first.as_deref() == Some("DELETE")));
    if http || fetches {
        let url = if name == "requests.request" {
            args.get(1).and_then(|a| text(std::slice::from_ref(a)))
        } else {
            first
        };
        out.push(Action::HttpDelete(url));
        return;
    }
    let kebab = crate::command::cloud::kebab(method);
    let cluster = kebab.starts_with("delete-namespace") || kebab.starts_with("delete-collection");
    if cloud && (cluster || crate::command::cloud::aws_class_anywhere(&kebab).is_some()) {
        out.push(Action::Service(method.to_owned()));
        return;
    }
    let dotted = name.contains('.');
    if dotted
        && STATEMENTS.iter().any(|s| name.ends_with(s))
        && (first.is_some() || name.ends_with(".execute"))
    {
        out.push(Action::Statement(first));
        return;
    }
    let plain = matches!(
        method,
        "delete_all"
            | "destroy_all"
            | "drop_all"
            | "dropDatabase"
            | "flushall"
            | "deleteMany"
            | "delete_many"
            | "reset_database"
    );
    if dotted && (plain || (store && SERVICES.iter().any(|s| name.ends_with(s)))) {
        out.push(Action::Service(method.to_owned()));
    }
}

/// `array_map("unlink", glob("…"))`.
fn php_map(tokens: &[Token], at: usize) -> Option<Action> {
    match (
        tokens.get(at + 2),
        tokens.get(at + 3),
        tokens.get(at + 4),
        tokens.get(at + 6),
    ) {
        (
            Some(Token::Text(function, _)),
            Some(Token::Sign(',')),
            Some(Token::Name(_)),
            Some(Token::Text(path, _)),
        ) if matches!(function.as_str(), "unlink" | "rmdir") => {
            Some(Action::Delete(Some(path.clone()), true))
        }
        _ => None,
    }
}

/// Calls by a computed name, next to texts that would destroy as commands.
fn dynamic_calls(code: &str, tokens: &[Token], out: &mut Vec<Action>) {
    let dynamic = [
        "getattr(",
        "__import__(",
        "globals()[",
        "eval(",
        "exec(",
        "pack(",
        "send(",
        "call_user_func",
    ]
    .iter()
    .any(|w| code.contains(w));
    if !dynamic {
        return;
    }
    for token in tokens {
        if let Token::Text(text, _) = token
            && text.contains(' ')
            && text.len() < 4096
        {
            out.push(Action::Shell(Some(text.clone())));
        }
    }
    if code.contains("pack(") || code.contains("pack \"") {
        out.push(Action::Code);
    }
}
