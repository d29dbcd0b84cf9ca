//! What the judge may look at, and a record of what it looked at.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use countersign_core::signoff::Digest;
use countersign_effects::command::{Context, Entry};
use countersign_effects::target::Targets;
use countersign_guard::action::{FileFact, Ground, decides, words};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::files;
use super::place::Place;

/// Scripts larger than this are not read; what they do stays unknown.
const MAX_SCRIPT: usize = 1 << 20;
/// The largest file whose content a pass is bound to, in bytes. Of a larger one
/// its length and time of change are hashed.
const MAX_HASHED: u64 = 256 << 20;
/// The most files an action is bound to; with more, no pass fits.
const MAX_FILES: usize = 20_000;
/// How many of them a ticket shows one by one.
const MAX_SHOWN: usize = 256;
/// How deep directories are followed.
const MAX_DEPTH: usize = 16;
/// Endings, or whole names, of files that infrastructure tools read or run.
const CONFIGURATION: &[&str] = &[
    "Dockerfile",
    "Makefile",
    "cfg",
    "cjs",
    "env",
    "go",
    "hcl",
    "ini",
    "j2",
    "js",
    "json",
    "mjs",
    "mk",
    "py",
    "rb",
    "sh",
    "sql",
    "tf",
    "tfstate",
    "tfvars",
    "toml",
    "tftpl",
    "tpl",
    "ts",
    "yaml",
    "yml",
];
/// Those of them that name other files by where they are.
const NAMES_OTHERS: &[&str] = &["hcl", "tf", "yaml", "yml"];
/// Directories that hold copies of what others publish, or nothing that is read.
const PASSED_OVER: &[&str] = &[".git", ".terraform", ".venv", "__pycache__", "node_modules"];
/// Tools that read the directory they run in.
const READ_DIRECTORY: &[&str] = &[
    "terraform",
    "tofu",
    "terragrunt",
    "pulumi",
    "cdk",
    "sam",
    "serverless",
    "kubectl",
    "helm",
    "helmfile",
    "kustomize",
    "ansible",
    "ansible-playbook",
    "docker",
    "eb",
    "make",
];
/// Those of them that run programs, or take everything that lies below.
const RUN_PROGRAMS: &[&str] = &[
    "ansible",
    "ansible-playbook",
    "cdk",
    "docker",
    "make",
    "pulumi",
    "sam",
    "serverless",
];

/// The machine, read only.
pub(crate) struct Surroundings {
    cwd: String,
    root: Option<String>,
    home: Option<String>,
    targets: Targets,
    tunnelled: bool,
    asked: RefCell<BTreeMap<String, Option<String>>>,
    read: RefCell<BTreeMap<String, Option<Digest>>>,
}

impl Surroundings {
    pub(crate) fn new(place: &Place, targets: Targets) -> Self {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        Self {
            cwd: text(&place.cwd),
            root: place.repo.as_ref().map(|repo| text(&repo.root)),
            home: std::env::var("HOME").ok(),
            targets,
            tunnelled: false,
            asked: RefCell::default(),
            read: RefCell::default(),
        }
    }

    /// With what the conversation knows about tunnels.
    pub(crate) const fn tunnelled(mut self, tunnelled: bool) -> Self {
        self.tunnelled = tunnelled;
        self
    }

    /// Everything besides the call itself that decides what it would do.
    pub(crate) fn ground(&self, place: &Place, input: &Value) -> Ground {
        Ground {
            cwd: self.cwd.clone(),
            root: self.root.clone(),
            head: place.repo.as_ref().and_then(super::place::Repository::head),
            environment: self.environment(),
            files: self.files(input),
        }
    }

    /// One hash over the variables that choose accounts and clusters and those
    /// that were asked for. Their values stay out of every file.
    fn environment(&self) -> Digest {
        let mut variables: BTreeMap<String, String> = std::env::vars_os()
            .map(|(name, value)| {
                (
                    name.to_string_lossy().into_owned(),
                    value.to_string_lossy().into_owned(),
                )
            })
            .filter(|(name, _)| decides(name))
            .collect();
        for (name, value) in self.asked.borrow().iter() {
            if let Some(value) = value {
                variables.insert(name.clone(), value.clone());
            }
        }
        for noise in ["SHLVL", "_", "OLDPWD", "RANDOM", "SECONDS"] {
            variables.remove(noise);
        }
        let mut bytes = Vec::new();
        for (name, value) in variables {
            bytes.extend(name.as_bytes());
            bytes.push(b'=');
            bytes.extend(value.as_bytes());
            bytes.push(0);
        }
        Digest::of(&bytes)
    }

    fn files(&self, input: &Value) -> Vec<FileFact> {
        let Some(words) = words(input) else {
            return vec![unlike_any_other()];
        };
        let mut found: BTreeMap<String, Option<Digest>> = self.read.borrow().clone();
        let mut tree = Configuration::default();
        let names = |known: &[&str]| {
            let mut names = words.iter().filter_map(|word| word.rsplit('/').next());
            names.any(|name| known.contains(&name))
        };
        let (reads_directory, runs_programs) = (names(READ_DIRECTORY), names(RUN_PROGRAMS));
        if reads_directory || runs_programs {
            tree.add(Path::new(&self.cwd), runs_programs, 0);
        }
        for word in words {
            let path = self.absolute(word);
            match std::fs::metadata(&path) {
                Ok(about) if about.is_file() => tree.file(&path, 0),
                Ok(about) if about.is_dir() && reads_directory && word != "/" => {
                    tree.add(&path, true, 0);
                }
                _ => {}
            }
        }
        if tree.is_too_much {
            return vec![unlike_any_other()];
        }
        for path in tree.files {
            let name = path.to_string_lossy().into_owned();
            found.entry(name).or_insert_with(|| hash(&path));
        }
        let facts = found.into_iter();
        let mut facts: Vec<FileFact> = facts
            .map(|(path, sha256)| FileFact { path, sha256 })
            .collect();
        if facts.len() > MAX_SHOWN {
            let rest = facts.split_off(MAX_SHOWN);
            facts.push(together(&rest));
        }
        facts
    }

    fn absolute(&self, word: &str) -> PathBuf {
        match (word.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => Path::new(home).join(rest),
            _ => Path::new(&self.cwd).join(word),
        }
    }
}

/// What infrastructure tools read from a directory: its configuration, what that
/// names elsewhere (`./modules/db`, `../base`), and, where they run programs or
/// take the whole directory, everything below.
#[derive(Default)]
struct Configuration {
    files: BTreeSet<PathBuf>,
    directories: BTreeSet<(PathBuf, bool)>,
    is_too_much: bool,
}

impl Configuration {
    fn add(&mut self, dir: &Path, below: bool, depth: usize) {
        // The same directory under two names is one.
        let dir = std::fs::canonicalize(dir).unwrap_or_else(|_| dir.to_owned());
        if self.is_too_much || !self.directories.insert((dir.clone(), below)) {
            return;
        }
        if depth > MAX_DEPTH {
            self.is_too_much = true;
            return;
        }
        for inside in [".terraform/terraform.tfstate", ".terraform/environment"] {
            let path = dir.join(inside);
            if path.is_file() {
                self.file(&path, depth);
            }
        }
        for entry in std::fs::read_dir(&dir).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            let Ok(about) = std::fs::metadata(&path) else {
                continue;
            };
            if about.is_file() && is_configuration(&name) {
                self.file(&path, depth);
            } else if about.is_dir() && below && !PASSED_OVER.contains(&name.as_str()) {
                self.add(&path, true, depth + 1);
            }
            if self.is_too_much {
                return;
            }
        }
    }

    fn file(&mut self, path: &Path, depth: usize) {
        if self.is_too_much || !self.files.insert(path.to_owned()) {
            return;
        }
        self.is_too_much = self.files.len() > MAX_FILES;
        let ending = path.extension().and_then(|ending| ending.to_str());
        if !ending.is_some_and(|ending| NAMES_OTHERS.contains(&ending)) {
            return;
        }
        let Ok(bytes) = files::read(path, MAX_SCRIPT) else {
            return;
        };
        let text = String::from_utf8_lossy(&bytes);
        let dir = path.parent().unwrap_or(Path::new("/"));
        for word in text.split(|c: char| c.is_whitespace() || "'\"`()[],=".contains(c)) {
            // `${path.module}/x` as well as `./x`.
            let word = word.rsplit_once("}/").map_or(word, |(_, rest)| rest);
            if !word.contains('/') || word.contains("://") || word.starts_with('/') {
                continue;
            }
            let named = dir.join(word);
            match std::fs::metadata(&named) {
                Ok(about) if about.is_dir() => self.add(&named, false, depth + 1),
                Ok(about) if about.is_file() => self.file(&named, depth),
                _ => {}
            }
        }
    }
}

fn is_configuration(name: &str) -> bool {
    let ending = name.rsplit_once('.').map_or(name, |(_, ending)| ending);
    CONFIGURATION.contains(&ending)
}

/// Many files as one fact.
fn together(facts: &[FileFact]) -> FileFact {
    let mut bytes = Vec::new();
    for fact in facts {
        bytes.extend(fact.path.as_bytes());
        bytes.push(0);
        bytes.extend(
            fact.sha256
                .map(|it| it.to_string())
                .unwrap_or_default()
                .bytes(),
        );
        bytes.push(0);
    }
    FileFact {
        path: format!("and {} files more", facts.len()),
        sha256: Some(Digest::of(&bytes)),
    }
}

/// Of more files than are looked at nobody can tell whether they stay as they are,
/// so no pass may fit twice: the next call is another action.
fn unlike_any_other() -> FileFact {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let text = format!("{} {:?}", std::process::id(), now.unwrap_or_default());
    FileFact {
        path: "more files than a pass can be bound to: run it from a smaller directory".to_owned(),
        sha256: Some(Digest::of(text.as_bytes())),
    }
}

fn hash(path: &Path) -> Option<Digest> {
    let mut file = std::fs::File::open(path).ok()?;
    let about = file.metadata().ok()?;
    if about.len() > MAX_HASHED {
        let at = about
            .modified()
            .ok()?
            .duration_since(std::time::UNIX_EPOCH)
            .ok()?;
        return Some(Digest::of(
            format!("large {} {}", about.len(), at.as_nanos()).as_bytes(),
        ));
    }
    let mut hash = Sha256::new();
    let mut buffer = vec![0_u8; 1 << 16];
    loop {
        let count = file.read(&mut buffer).ok()?;
        if count == 0 {
            return Some(Digest::from_bytes(hash.finalize().into()));
        }
        hash.update(buffer.get(..count)?);
    }
}

impl Context for Surroundings {
    fn env(&self, name: &str) -> Option<String> {
        let value = std::env::var(name).ok();
        self.asked
            .borrow_mut()
            .insert(name.to_owned(), value.clone());
        value
    }

    fn read(&self, path: &str) -> Option<String> {
        let bytes = files::read(Path::new(path), MAX_SCRIPT).ok();
        let digest = bytes.as_deref().map(Digest::of);
        self.read.borrow_mut().insert(path.to_owned(), digest);
        String::from_utf8(bytes?).ok()
    }

    fn entry(&self, path: &str) -> Option<Entry> {
        match std::fs::metadata(path) {
            Ok(about) if about.is_dir() => Some(Entry::Directory),
            Ok(_) => Some(Entry::File),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some(Entry::Missing),
            Err(_) => None,
        }
    }

    fn real(&self, path: &str) -> Option<String> {
        let path = Path::new(path);
        // What is not there yet lies below what is.
        let (known, real) = path
            .ancestors()
            .find_map(|above| Some((above, std::fs::canonicalize(above).ok()?)))?;
        if real == known {
            return None;
        }
        let rest = path.strip_prefix(known).ok()?;
        Some(real.join(rest).to_string_lossy().into_owned())
    }

    fn tunnelled(&self) -> bool {
        self.tunnelled
    }

    fn cwd(&self) -> Option<&str> {
        Some(&self.cwd)
    }

    fn home(&self) -> Option<&str> {
        self.home.as_deref()
    }

    fn project_root(&self) -> Option<&str> {
        self.root.as_deref()
    }

    fn targets(&self) -> &Targets {
        &self.targets
    }
}
