//! What a path is: throwaway, the project, the system, the guard itself.

use super::shell_run::{Place, Shell};
use crate::shell::{HOLE, STAR, has_glob};

/// What losing a path would mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spot {
    /// `/dev/null` and the standard streams.
    Stream,
    /// Made again by a build, or under a temporary directory.
    Throwaway,
    /// One file of the project.
    ProjectFile,
    /// A directory of the project, or many of its files.
    ProjectDirectory,
    /// The project itself or a directory above it.
    Root,
    /// A file that holds state: Terraform state, a database file.
    State,
    /// The repository's own data.
    Repository,
    /// The guard, its configuration, agents' settings, git hooks.
    Guard,
    /// A disk or partition.
    Device,
    /// Outside the project, in the home directory.
    Home,
    /// Elsewhere on the machine.
    System,
    /// Not known.
    Unknown,
}

/// Directories and files a build makes again.
const REGENERABLE: &[&str] = &[
    "node_modules",
    "dist",
    "build",
    "out",
    "target",
    ".next",
    ".nuxt",
    ".turbo",
    ".cache",
    "coverage",
    ".nyc_output",
    "__pycache__",
    ".pytest_cache",
    ".mypy_cache",
    ".ruff_cache",
    ".tox",
    ".nox",
    ".venv",
    "venv",
    ".gradle",
    ".parcel-cache",
    ".svelte-kit",
    ".angular",
    "obj",
    "tmp",
    "temp",
    ".tmp",
    "CMakeFiles",
    "CMakeCache.txt",
    "Pods",
    "DerivedData",
    ".terragrunt-cache",
    ".serverless",
    "cdk.out",
    ".aws-sam",
    ".webpack",
    "elm-stuff",
    "_build",
    ".stack-work",
    "dist-newstyle",
    "storybook-static",
    "playwright-report",
    "test-results",
    "htmlcov",
    ".eggs",
    ".zig-cache",
    "zig-cache",
    "zig-out",
    ".dart_tool",
    ".eslintcache",
    ".vite",
    ".output",
    ".vercel",
    ".netlify",
    ".expo",
    ".docusaurus",
    ".sass-cache",
    "lcov-report",
    ".coverage",
    ".terraform",
    ".hypothesis",
    "cmake-build-debug",
    "cmake-build-release",
    ".DS_Store",
    "package-lock.json",
    ".bundle",
];
/// Endings of files a tool makes again.
const ARTIFACTS: &[&str] = &[
    "o",
    "a",
    "so",
    "obj",
    "pyc",
    "pyo",
    "class",
    "log",
    "tmp",
    "temp",
    "bak",
    "orig",
    "rej",
    "swp",
    "swo",
    "gcda",
    "gcno",
    "profraw",
    "tsbuildinfo",
    "DS_Store",
    "map",
    "cache",
    "out",
    "pid",
    "egg-info",
    "prof",
    "d",
    "gch",
];
/// Below these nothing counts as kept.
const TEMPORARY: &[&str] = &[
    "/tmp/",
    "/private/tmp/",
    "/var/tmp/",
    "/var/folders/",
    "/dev/shm/",
    "/private/var/folders/",
];
/// Caches in the home directory.
const CACHES: &[&str] = &[
    ".cache",
    ".npm",
    ".cargo/registry",
    ".gradle/caches",
    "Library/Caches",
    ".pnpm-store",
    ".yarn/cache",
    "Library/Developer/Xcode/DerivedData",
    ".m2/repository",
    "go/pkg/mod",
    ".local/share/Trash",
];
/// Where agents keep hooks and settings, as path endings or inner parts. In lower
/// case: some file systems do not tell the two apart.
const GUARDED: &[&str] = &[
    "/.countersign/",
    "/.git/hooks/",
    "/.claude/settings",
    "/.claude/hooks/",
    "/managed-settings.json",
    "/.codex/hooks",
    "/.codex/config.toml",
    "/.cursor/hooks",
    "/.kiro/hooks/",
    "/.kiro/agents/",
    "/.amazonq/",
    "/.aws/amazonq/",
    "/.gemini/settings.json",
    "/.gemini/config/hooks",
    "/.github/hooks/",
    "/.copilot/hooks/",
    "/opencode/plugins/",
    "/.opencode/plugins/",
    "/.windsurf/hooks",
    "/windsurf/hooks.json",
    "/.clinerules/hooks/",
    "/cline/hooks/",
    "/.cline/hooks/",
    "/.mcp.json",
    "/.claude.json",
    "/claude_desktop_config.json",
    "/cline_mcp_settings.json",
    "/opencode.json",
    "/.config/opencode/",
    "/.opencode/plugin/",
    "/opencode/plugin/",
    "/.cursor/cli",
    "/.cursor/mcp.json",
    "/.kiro/settings/",
    "/windsurf/mcp_config.json",
    "/antigravity/mcp_config.json",
    "/.copilot/config.json",
    "/.copilot/mcp-config.json",
    "/.vscode/mcp.json",
    "/.agents/hooks.json",
    "/etc/countersign/",
];

/// The absolute, normalised path; `None` where the directory is not known.
pub(super) fn absolute(path: &str, cwd: Option<&str>, home: Option<&str>) -> Option<String> {
    let unified;
    let path = if path.contains('\\') || is_drive(path) {
        unified = path.replace('\\', "/");
        unified.as_str()
    } else {
        path
    };
    if path.starts_with('/') || is_drive(path) {
        return Some(normalise(path));
    }
    if let Some(rest) = path.strip_prefix('~')
        && (rest.is_empty() || rest.starts_with('/'))
    {
        return Some(normalise(&format!("{}{rest}", home.unwrap_or("/home/~"))));
    }
    if path.starts_with(HOLE) {
        return None;
    }
    cwd.map(|cwd| normalise(&format!("{cwd}/{path}")))
}

fn is_drive(path: &str) -> bool {
    let bytes = path.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_alphabetic)
        && bytes.get(1) == Some(&b':')
        && (bytes.len() == 2 || matches!(bytes.get(2), Some(b'/' | b'\\')))
}

/// The absolute path without `.`, `..` and double slashes, by its text alone.
#[must_use]
pub fn normalise(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    let joined = parts.join("/");
    if is_drive(&joined) {
        joined
    } else {
        format!("/{joined}")
    }
}

impl Shell<'_> {
    /// What the path is, for someone who deletes or overwrites it.
    pub(super) fn spot(&self, path: &str) -> Spot {
        if matches!(
            path,
            "/dev/null" | "/dev/stdout" | "/dev/stderr" | "/dev/tty" | "-" | "NUL" | "nul"
        ) || path.starts_with("/dev/fd/")
        {
            return Spot::Stream;
        }
        let Some(full) = self.absolute(path) else {
            return relative_spot(path);
        };
        let full = if self.mounts.is_empty() {
            full
        } else {
            // Only what is mounted from outside can be lost.
            let seen = self.mounts.iter().find_map(|(host, inside)| {
                let rest = full.strip_prefix(inside.trim_end_matches('/'))?;
                (rest.is_empty() || rest.starts_with('/'))
                    .then(|| normalise(&format!("{host}/{rest}")))
            });
            match seen {
                Some(path) => path,
                None => return Spot::Throwaway,
            }
        };
        if is_device(&full) {
            return Spot::Device;
        }
        if guarded(&full) || self.real(&full).is_some_and(|real| guarded(&real)) {
            return Spot::Guard;
        }
        // Names that only contain holes after a temporary directory are fine.
        let full = full.as_str();
        // A home is one wherever it lies.
        let is_home = |home: &str| {
            home.strip_prefix(full)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if self.place == Place::Here && self.context.home().is_some_and(is_home) {
            return Spot::Root;
        }
        if TEMPORARY.iter().any(|dir| full.starts_with(dir)) {
            return Spot::Throwaway;
        }
        let name = full.rsplit('/').next().unwrap_or("");
        if is_state(name) {
            return Spot::State;
        }
        if full.ends_with("/.git") || full.contains("/.git/") {
            return Spot::Repository;
        }
        self.place_of(full)
    }

    /// The directory that decides for a glob: all of it, or one kind of file.
    fn place_of(&self, full: &str) -> Spot {
        let (parent, name) = full.rsplit_once('/').unwrap_or(("", full));
        let bare_glob = !name.is_empty() && name.chars().all(|c| matches!(c, STAR | '.' | '*'));
        if bare_glob {
            let parent = if parent.is_empty() { "/" } else { parent };
            if TEMPORARY
                .iter()
                .any(|dir| dir.trim_end_matches('/') == parent)
            {
                return Spot::Throwaway;
            }
            let spot = self.directory(parent);
            return if spot == Spot::ProjectFile {
                Spot::ProjectDirectory
            } else {
                spot
            };
        }
        let spot = self.directory(full);
        if has_glob(name) && matches!(spot, Spot::ProjectFile | Spot::ProjectDirectory) {
            let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
            return match ending {
                _ if ARTIFACTS.contains(&ending) => Spot::Throwaway,
                _ if name.starts_with(STAR) => Spot::ProjectDirectory,
                _ => spot,
            };
        }
        spot
    }

    fn directory(&self, full: &str) -> Spot {
        let inside = |dir: &str| {
            full.strip_prefix(dir)
                .and_then(|rest| rest.strip_prefix('/'))
        };
        let above = |dir: &str| {
            dir == full
                || full == "/"
                || dir
                    .strip_prefix(full)
                    .is_some_and(|rest| rest.starts_with('/'))
        };
        let root = self
            .context
            .project_root()
            .filter(|_| self.place == Place::Here);
        if let Some(root) = root {
            if above(root) {
                return Spot::Root;
            }
            if let Some(rest) = inside(root) {
                if regenerable(rest) {
                    return Spot::Throwaway;
                }
                let name = rest.rsplit('/').next().unwrap_or(rest);
                let looks_like_file = name.trim_start_matches('.').contains('.');
                return if looks_like_file {
                    Spot::ProjectFile
                } else {
                    Spot::ProjectDirectory
                };
            }
        }
        let home = self.context.home().unwrap_or("/home/~");
        if above(home) {
            return Spot::Root;
        }
        if let Some(rest) = inside(home) {
            let cached = CACHES
                .iter()
                .any(|c| rest == *c || rest.strip_prefix(c).is_some_and(|r| r.starts_with('/')));
            return if cached || regenerable(rest) {
                Spot::Throwaway
            } else {
                Spot::Home
            };
        }
        if root.is_none() && full.split('/').any(|part| part == "node_modules") {
            return Spot::Throwaway;
        }
        Spot::System
    }
}

/// A path whose directory is unknown: only its own name can tell.
fn relative_spot(path: &str) -> Spot {
    let trimmed = path.trim_end_matches('/');
    let name = trimmed.rsplit(['/', '\\']).next().unwrap_or(trimmed);
    if guarded(&format!("/{trimmed}/")) {
        return Spot::Guard;
    }
    if !path.contains("..") && REGENERABLE.contains(&name) {
        return Spot::Throwaway;
    }
    if is_state(name) {
        return Spot::State;
    }
    Spot::Unknown
}

fn regenerable(relative: &str) -> bool {
    relative.split('/').any(|part| {
        REGENERABLE.contains(&part) || part.ends_with(".egg-info") || part.starts_with("bazel-")
    }) || relative
        .rsplit_once('.')
        .is_some_and(|(_, ending)| ARTIFACTS.contains(&ending) && ending != "d")
}

fn is_state(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    if lower.ends_with(".tfstate")
        || lower.ends_with(".tfstate.backup")
        || matches!(lower.as_str(), ".env" | ".env.production")
    {
        return true;
    }
    let database = [".sqlite", ".sqlite3", ".db", ".duckdb", ".mdb", ".rdb"]
        .iter()
        .any(|e| lower.ends_with(e));
    database
        && !matches!(crate::target::environment_of_name(&lower), Some(environment) if environment <= countersign_core::effect::Environment::Development)
}

pub(super) fn guarded(full: &str) -> bool {
    let path = format!("{}/", full.to_ascii_lowercase());
    GUARDED.iter().any(|part| path.contains(part))
        || path
            .trim_end_matches('/')
            .rsplit('/')
            .next()
            .is_some_and(|name| matches!(name, "countersign" | "countersign.exe"))
}

/// A name in a program's text that only stands for what guards this machine.
pub(super) fn guarded_name(code: &str) -> Option<&'static str> {
    const NAMES: &[&str] = &[
        ".countersign",
        ".claude/settings",
        "managed-settings.json",
        ".codex/hooks",
        ".codex/config",
        ".cursor/hooks",
        ".kiro/hooks",
        ".kiro/agents",
        ".amazonq",
        ".gemini/settings",
        ".copilot/hooks",
        ".github/hooks",
        "windsurf/hooks",
        ".cline/hooks",
        ".clinerules/hooks",
        ".git/hooks",
    ];
    NAMES.iter().copied().find(|name| code.contains(name))
}

fn is_device(full: &str) -> bool {
    let Some(name) = full.strip_prefix("/dev/") else {
        return full.starts_with("//./PhysicalDrive");
    };
    [
        "sd", "hd", "vd", "xvd", "nvme", "mmcblk", "disk", "rdisk", "mapper/", "dm-", "md", "loop",
        "sr", "zd", "nbd",
    ]
    .iter()
    .any(|prefix| name.starts_with(prefix))
}
