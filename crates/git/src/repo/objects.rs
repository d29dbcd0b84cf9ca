//! Reading many objects through one `git cat-file --batch`.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::Stdio;

use super::{Oid, Repo};
use crate::GitError;
use crate::command::spawn_error;

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
                visit(at, read_object(&mut reader, limit)?);
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

pub(crate) fn read_object(
    reader: &mut impl BufRead,
    limit: usize,
) -> Result<Option<Object>, GitError> {
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
    let size: u64 = size.parse().map_err(|_| unexpected("no size"))?;
    let kept = size.min(limit as u64);
    let mut bytes = Vec::with_capacity(usize::try_from(kept).unwrap_or(0));
    reader.by_ref().take(kept).read_to_end(&mut bytes)?;
    let skipped = std::io::copy(&mut reader.by_ref().take(size - kept), &mut std::io::sink())?;
    if bytes.len() as u64 + skipped != size {
        return Err(unexpected("the object ends early"));
    }
    let mut newline = [0];
    reader.read_exact(&mut newline)?;
    Ok(Some(Object {
        kind: kind.to_owned(),
        bytes,
        size,
    }))
}
