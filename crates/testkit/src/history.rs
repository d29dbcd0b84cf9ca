//! Large made-up histories, the same for the same seed.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::Stdio;

use crate::GitRepo;

/// 2020-01-01 00:00 UTC.
const START: u64 = 1_577_836_800;

/// Lines of real histories: markers, and what looks like them.
const LINES: [&str; 14] = [
    "Co-Authored-By: Claude Opus 4.6 <noreply@anthropic.com>",
    "Co-authored-by: Copilot <223556219+Copilot@users.noreply.github.com>",
    "Co-authored-by: Copilot <175728472+Copilot@users.noreply.github.com>",
    "Co-authored-by: Copilot <copilot@github.com>",
    "Co-authored-by: Cursor <cursoragent@cursor.com>",
    "🤖 Generated with [Claude Code](https://claude.com/claude-code)",
    "💘 Generated with Crush",
    "Assisted-by: Crush:gpt-5",
    "Assisted-by: Ada Byron <ada@example.com>",
    "Amp-Thread-ID: https://ampcode.com/threads/T-5b2c7f2e-6a0d-4a52-9f6e-0d9b6d0b8f11",
    "Co-authored-by: Ada Byron <ada@example.com>",
    "Reviewed-by: Grace <grace@example.com>",
    "Fixes: https://example.com/issues/1234",
    "Entire-Checkpoint: 1234567890ab",
];

const WORDS: [&str; 24] = [
    "lamp", "store", "order", "price", "cache", "retry", "fix", "add", "remove", "update",
    "handle", "when", "missing", "parse", "test", "build", "server:", "page", "query", "index",
    "shard", "region", "config", "load",
];

/// `SplitMix64` (Steele, Lea and Flood, 2014): small, and enough for test data.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        let at = usize::try_from(self.below(from.len() as u64)).unwrap_or(0);
        from.get(at).copied().unwrap_or_default()
    }

    fn words(&mut self, count: u64) -> String {
        let words: Vec<&str> = (0..count).map(|_| self.pick(&WORDS)).collect();
        words.join(" ")
    }

    fn message(&mut self, n: u64) -> String {
        let mut text = format!("{} (#{n})\n", self.words(6));
        for _ in 0..self.below(5) {
            text.push('\n');
            for _ in 0..=self.below(4) {
                let count = 6 + self.below(6);
                text.push_str(&self.words(count));
                text.push('\n');
            }
        }
        if self.below(10) < 3 {
            text.push('\n');
            text.push_str(self.pick(&LINES));
            text.push('\n');
        }
        if self.below(2) == 0 {
            text.push_str("Signed-off-by: Ada Byron <ada@example.com>\n");
        }
        text
    }
}

impl GitRepo {
    /// Adds `count` commits to `main` through `git fast-import`, some of them
    /// merges, some by agents, about a quarter with markers; then packs the
    /// repository as a clone would have it.
    pub fn import_history(&self, count: u64, seed: u64) {
        let mut import = self.command();
        import
            .args(["fast-import", "--quiet", "--force"])
            .stdin(Stdio::piped());
        let mut child = import.spawn().expect("git runs");
        let stdin = child.stdin.take().expect("a pipe");
        let mut out = std::io::BufWriter::new(stdin);
        let mut random = Random(seed);
        for n in 1..=count {
            let commit = commit(&mut random, n);
            out.write_all(commit.as_bytes()).expect("git reads");
        }
        drop(out);
        assert!(child.wait().expect("git ends").success(), "fast-import");
        self.git(&["repack", "-a", "-d", "-q"]);
    }
}

/// One commit of the stream; marks are the numbers.
fn commit(random: &mut Random, n: u64) -> String {
    let message = random.message(n);
    let author = match random.below(40) {
        0 => "Devin AI <158243242+devin-ai-integration[bot]@users.noreply.github.com>".to_owned(),
        1 => "Mid Person (aider) <mid@example.com>".to_owned(),
        2 => "dependabot[bot] <49699333+dependabot[bot]@users.noreply.github.com>".to_owned(),
        who => format!("Person {who} <person{who}@example.com>"),
    };
    let committer = if random.below(3) == 0 {
        "GitHub <noreply@github.com>"
    } else {
        &author
    };
    let time = START + n * 900;
    let mut text = format!("commit refs/heads/main\nmark :{n}\n");
    let _ = write!(
        text,
        "author {author} {time} +0100\ncommitter {committer} {time} +0100\n"
    );
    let _ = write!(text, "data {}\n{message}\n", message.len());
    if n > 1 {
        let _ = writeln!(text, "from :{}", n - 1);
    }
    if n > 20 && random.below(25) == 0 {
        let _ = writeln!(text, "merge :{}", n - 2 - random.below(15));
    }
    let content = format!("{n}\n");
    let (folder, file) = (n % 40, n % 997);
    let _ = write!(
        text,
        "M 100644 inline d{folder}/f{file}\ndata {}\n{content}\n",
        content.len()
    );
    text
}
