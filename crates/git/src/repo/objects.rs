//! Reading objects through `git cat-file --batch`, which stays for the next
//! question: starting it takes longer than most answers.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::Mutex;

use super::{Oid, Repo};
use crate::GitError;
use crate::command::{Git, spawn_error};

/// A raw object.
pub(crate) struct Object {
    pub(crate) kind: String,
    pub(crate) bytes: Vec<u8>,
    /// Its whole size; more than `bytes` holds when it was cut.
    pub(crate) size: u64,
}

impl Object {
    /// Whether it is a file's content, all of it.
    pub(crate) fn is_whole_blob(&self) -> bool {
        self.kind == "blob" && self.size == self.bytes.len() as u64
    }
}

/// Larger objects are refused where they are needed whole.
pub(crate) const MAX_OBJECT: usize = 64 * 1024 * 1024;

/// What fits into any pipe at once, so that writing it never waits.
const AT_ONCE: usize = 4096;

/// Running readers that nobody uses at the moment.
#[derive(Debug, Default)]
pub(crate) struct Readers(Mutex<Vec<Reader>>);

impl Readers {
    fn take(&self) -> Option<Reader> {
        self.0.lock().ok()?.pop()
    }

    fn keep(&self, reader: Reader) {
        if let Ok(mut idle) = self.0.lock() {
            idle.push(reader);
        }
    }
}

/// One `git cat-file --batch`. After an error it is not used again, because its
/// answers might no longer belong to the questions.
#[derive(Debug)]
struct Reader {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        // It only reads, so it can end anywhere; there is nobody to tell.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Reader {
    fn start(git: &Git) -> Result<Self, GitError> {
        let mut command = git.command(&["cat-file", "--batch"]);
        command.stdin(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(spawn_error)?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(stdin), Some(stdout)) => Ok(Self {
                child,
                stdin,
                stdout: BufReader::with_capacity(1 << 16, stdout),
            }),
            _ => Err(unexpected("no channels")),
        }
    }

    fn read(
        &mut self,
        names: &[&str],
        mut visit: impl FnMut(usize, Option<Content<'_>>) -> Result<(), GitError>,
    ) -> Result<(), GitError> {
        // Two lines for one name would shift every later answer.
        if names.iter().any(|name| name.contains(['\n', '\r', '\0'])) {
            return Err(unexpected("a name with a line break"));
        }
        let input = names.join("\n") + "\n";
        let (stdin, stdout) = (&mut self.stdin, &mut self.stdout);
        let mut answers = || {
            names
                .iter()
                .enumerate()
                .try_for_each(|(at, name)| read_object(stdout, name, |content| visit(at, content)))
        };
        if input.len() <= AT_ONCE {
            stdin.write_all(input.as_bytes())?;
            return answers();
        }
        let child = &mut self.child;
        std::thread::scope(|scope| {
            let writer = scope.spawn(move || stdin.write_all(input.as_bytes()));
            let result = answers();
            if result.is_err() {
                // Else the writer may wait for a reader that has given up.
                let _ = child.kill();
            }
            let written = writer.join().unwrap_or(Ok(()));
            result.and_then(|()| Ok(written?))
        })
    }
}

fn unexpected(detail: &str) -> GitError {
    GitError::Unexpected {
        command: "cat-file".into(),
        detail: detail.into(),
    }
}

impl Repo {
    /// The objects with these names, in order; `None` for missing ones.
    pub(crate) fn read_objects<'a>(
        &self,
        names: impl Iterator<Item = &'a str>,
    ) -> Result<Vec<Option<Object>>, GitError> {
        let names: Vec<&str> = names.collect();
        let mut out = Vec::with_capacity(names.len());
        let mut too_large = None;
        self.each_object(&names, MAX_OBJECT, |at, object| {
            if let Some(object) = &object
                && object.size > object.bytes.len() as u64
            {
                too_large.get_or_insert((at, object.kind.clone()));
            }
            out.push(object);
        })?;
        match too_large {
            None => Ok(out),
            Some((at, kind)) => Err(GitError::TooLarge {
                what: format!("{kind} {}", names.get(at).unwrap_or(&"")),
                limit: MAX_OBJECT,
            }),
        }
    }

    /// The names of objects given as revision expressions without line breaks;
    /// `None` for those that lead to nothing.
    pub(crate) fn object_ids(&self, revs: &[String]) -> Result<Vec<Option<Oid>>, GitError> {
        if revs.is_empty() {
            return Ok(Vec::new());
        }
        let input = revs.join("\n") + "\n";
        let args = ["cat-file", "--batch-check=%(objectname)"];
        let text = self.git.output_with(&args, input.as_bytes())?;
        Ok(String::from_utf8_lossy(&text)
            .lines()
            .map(Oid::new)
            .collect())
    }

    /// Calls `visit` with each object as it arrives, one in memory at a time
    /// and no more of it than `limit` bytes.
    pub(crate) fn each_object(
        &self,
        names: &[&str],
        limit: usize,
        mut visit: impl FnMut(usize, Option<Object>),
    ) -> Result<(), GitError> {
        self.each_content(names, |at, content| {
            visit(at, content.map(|it| it.keep(limit)).transpose()?);
            Ok(())
        })
    }

    /// Calls `visit` with each object as it arrives, to be read in pieces however
    /// large it is; what `visit` leaves is passed over.
    pub(crate) fn each_content(
        &self,
        names: &[&str],
        visit: impl FnMut(usize, Option<Content<'_>>) -> Result<(), GitError>,
    ) -> Result<(), GitError> {
        if names.is_empty() {
            return Ok(());
        }
        let mut reader = match self.readers.take() {
            Some(reader) => reader,
            None => Reader::start(&self.git)?,
        };
        reader.read(names, visit)?;
        self.readers.keep(reader);
        Ok(())
    }
}

/// An object whose content is still to be read.
pub(crate) struct Content<'a> {
    pub(crate) kind: &'a str,
    size: u64,
    rest: &'a mut dyn Read,
}

impl Content<'_> {
    /// Its first bytes, at most `limit`.
    fn keep(self, limit: usize) -> Result<Object, GitError> {
        let kept = self.size.min(limit as u64);
        let mut bytes = Vec::with_capacity(usize::try_from(kept).unwrap_or(0));
        self.rest.take(kept).read_to_end(&mut bytes)?;
        Ok(Object {
            kind: self.kind.to_owned(),
            bytes,
            size: self.size,
        })
    }

    /// Calls `visit` with all of it, piece by piece. The first piece holds at
    /// least [`FIRST_PIECE`] bytes where there are so many.
    pub(crate) fn pieces(self, mut visit: impl FnMut(&[u8])) -> Result<(), GitError> {
        let size = usize::try_from(self.size).unwrap_or(PIECE);
        let mut piece = vec![0; size.clamp(1, PIECE)];
        loop {
            let mut filled = 0;
            while filled < FIRST_PIECE {
                let Some(room) = piece.get_mut(filled..) else {
                    break;
                };
                match self.rest.read(room) {
                    Ok(0) => break,
                    Ok(read) => filled += read,
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(error) => return Err(error.into()),
                }
            }
            match piece.get(..filled) {
                Some(read) if !read.is_empty() => visit(read),
                _ => return Ok(()),
            }
        }
    }
}

/// Bytes read at once of an object that is not kept.
const PIECE: usize = 1 << 16;

/// Bytes that come together at the beginning of one.
pub(crate) const FIRST_PIECE: usize = 1 << 10;

fn read_object(
    reader: &mut BufReader<ChildStdout>,
    name: &str,
    visit: impl FnOnce(Option<Content<'_>>) -> Result<(), GitError>,
) -> Result<(), GitError> {
    let mut header = String::new();
    reader.read_line(&mut header)?;
    let mut words = header.split_whitespace();
    let (Some(id), Some(kind)) = (words.next(), words.next()) else {
        return Err(unexpected("no header"));
    };
    if id != name && Oid::new(name).is_some() {
        return Err(unexpected("another object"));
    }
    let Some(size) = words.next() else {
        // `<name> missing` or `<name> ambiguous`.
        return visit(None);
    };
    let size: u64 = size.parse().map_err(|_| unexpected("no size"))?;
    let mut rest = reader.take(size);
    visit(Some(Content {
        kind,
        size,
        rest: &mut rest,
    }))?;
    std::io::copy(&mut rest, &mut std::io::sink())?;
    if rest.limit() > 0 {
        return Err(unexpected("the object ends early"));
    }
    let mut newline = [0];
    rest.into_inner().read_exact(&mut newline)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use countersign_testkit::{GitRepo, Who};

    use super::*;

    #[test]
    fn pieces_are_the_whole_and_what_is_left_is_passed_over() {
        let repo = GitRepo::new();
        let sizes = [0, 1, FIRST_PIECE, PIECE, PIECE + 1, 3 * PIECE + 7];
        let contents: Vec<Vec<u8>> = sizes
            .iter()
            .map(|size| (0..=250).cycle().take(*size).collect())
            .collect();
        for content in &contents {
            repo.write(&format!("{}.bin", content.len()), content);
        }
        repo.git(&["add", "."]);
        repo.commit(Who::new("A", "a@example.com"), "All", &[]);
        let names: Vec<String> = sizes
            .iter()
            .map(|size| format!("HEAD:{size}.bin"))
            .collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let opened = Repo::open(repo.path()).unwrap();
        for skipped in [false, true] {
            let mut seen = Vec::new();
            opened
                .each_content(&names, |at, content| {
                    let mut whole = Vec::new();
                    if !skipped || at % 2 == 1 {
                        content.unwrap().pieces(|piece| {
                            let first = whole.is_empty();
                            assert!(!first || piece.len() >= FIRST_PIECE.min(sizes[at]));
                            whole.extend_from_slice(piece);
                        })?;
                        assert!(whole == contents[at], "{}", sizes[at]);
                    }
                    seen.push(at);
                    Ok(())
                })
                .unwrap();
            assert_eq!(seen, [0, 1, 2, 3, 4, 5]);
        }
    }
}
