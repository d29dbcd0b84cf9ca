//! Reading many objects through one `git cat-file --batch`.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use super::Repo;
use crate::GitError;
use crate::command::spawn_error;

/// A raw object.
pub(crate) struct Object {
    pub(crate) kind: String,
    pub(crate) bytes: Vec<u8>,
}

/// Objects larger than this are skipped over and reported as too large.
pub(crate) const MAX_OBJECT: usize = 64 * 1024 * 1024;

impl Repo {
    /// The objects with these names, in order; `None` for missing ones.
    pub(crate) fn read_objects<'a>(
        &self,
        names: impl Iterator<Item = &'a str>,
    ) -> Result<Vec<Option<Object>>, GitError> {
        let names: Vec<&str> = names.collect();
        let mut out = Vec::with_capacity(names.len());
        self.each_object(&names, |_, object| out.push(object))?;
        Ok(out)
    }

    /// Calls `visit` with each object as it arrives, one in memory at a time.
    pub(crate) fn each_object(
        &self,
        names: &[&str],
        mut visit: impl FnMut(usize, Option<Object>),
    ) -> Result<(), GitError> {
        if names.is_empty() {
            return Ok(());
        }
        let mut command = self.git.command(&["cat-file", "--batch"]);
        command.stdin(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(spawn_error)?;
        let input = names.join("\n") + "\n";
        let writer = child.stdin.take().map(|mut stdin| {
            std::thread::spawn(move || {
                // Fails only when git ends early, which the reader notices.
                let _ = stdin.write_all(input.as_bytes());
            })
        });
        let result = child.stdout.take().map_or(Ok(()), |stdout| {
            let mut reader = BufReader::with_capacity(1 << 16, stdout);
            (0..names.len()).try_for_each(|at| {
                visit(at, read_object(&mut reader)?);
                Ok(())
            })
        });
        if result.is_err() {
            let _ = child.kill();
        }
        child.wait()?;
        if let Some(writer) = writer {
            let _ = writer.join();
        }
        result
    }
}

fn read_object(reader: &mut impl BufRead) -> Result<Option<Object>, GitError> {
    let unexpected = |detail: &str| GitError::Unexpected {
        command: "cat-file".into(),
        detail: detail.into(),
    };
    let mut header = String::new();
    reader.read_line(&mut header)?;
    let mut words = header.split_whitespace();
    let (Some(_), Some(kind)) = (words.next(), words.next()) else {
        return Err(unexpected("no header"));
    };
    let Some(size) = words.next() else {
        // `<name> missing` or `<name> ambiguous`.
        return Ok(None);
    };
    let size: usize = size.parse().map_err(|_| unexpected("no size"))?;
    if size > MAX_OBJECT {
        return Err(GitError::TooLarge {
            what: format!("a {kind}"),
            limit: MAX_OBJECT,
        });
    }
    let mut bytes = vec![0; size];
    reader.read_exact(&mut bytes)?;
    let mut newline = [0];
    reader.read_exact(&mut newline)?;
    Ok(Some(Object {
        kind: kind.to_owned(),
        bytes,
    }))
}
