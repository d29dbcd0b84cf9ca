//! What the judge may look at, and a record of what it looked at.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use countersign_core::signoff::Digest;
use countersign_effects::command::Context;
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
/// The most files an action is bound to.
const MAX_FILES: usize = 256;
/// Endings of files that infrastructure tools read from a directory.
const CONFIGURATION: &[&str] = &["tf", "tfvars", "tfstate", "hcl", "yaml", "yml", "json"];
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
    "docker",
    "eb",
    "make",
];

/// The machine, read only.
pub(crate) struct Surroundings {
    cwd: String,
    root: Option<String>,
    home: Option<String>,
    targets: Targets,
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
            asked: RefCell::default(),
            read: RefCell::default(),
        }
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
        let mut paths: Vec<PathBuf> = Vec::new();
        let words = words(input);
        let reads_directory = words.iter().any(|word| {
            let name = word.rsplit('/').next().unwrap_or(word);
            READ_DIRECTORY.contains(&name)
        });
        if reads_directory {
            configuration(Path::new(&self.cwd), &mut paths);
        }
        for word in words {
            let path = self.absolute(word);
            match std::fs::metadata(&path) {
                Ok(about) if about.is_file() => paths.push(path),
                Ok(about) if about.is_dir() && reads_directory && word != "/" => {
                    configuration(&path, &mut paths);
                }
                _ => {}
            }
        }
        let mut found: BTreeMap<String, Option<Digest>> = self.read.borrow().clone();
        for path in paths {
            let name = path.to_string_lossy().into_owned();
            found.entry(name).or_insert_with(|| hash(&path));
        }
        found
            .into_iter()
            .take(MAX_FILES)
            .map(|(path, sha256)| FileFact { path, sha256 })
            .collect()
    }

    fn absolute(&self, word: &str) -> PathBuf {
        match (word.strip_prefix("~/"), &self.home) {
            (Some(rest), Some(home)) => Path::new(home).join(rest),
            _ => Path::new(&self.cwd).join(word),
        }
    }
}

/// The files in a directory that infrastructure tools read.
fn configuration(dir: &Path, out: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .and_then(|ending| ending.to_str())
                .is_some_and(|ending| CONFIGURATION.contains(&ending))
        })
        .filter(|path| path.is_file())
        .collect();
    for inside in [".terraform/terraform.tfstate", ".terraform/environment"] {
        let path = dir.join(inside);
        if path.is_file() {
            found.push(path);
        }
    }
    found.sort_unstable();
    found.truncate(MAX_FILES);
    out.extend(found);
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
