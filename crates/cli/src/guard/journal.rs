//! The decision log on disk: appended under a lock, never waited for.

use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use countersign_guard::journal::{KEPT_FILES, Last, MAX_FILE, MAX_LINE, Record};

use super::files;

/// How often, and how long apart, the lock is tried. Others hold it for
/// microseconds.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_micros(200);

/// The file that is written.
pub(crate) fn current(home: &Path) -> PathBuf {
    home.join("log").join("decisions.jsonl")
}

/// Appends a record.
///
/// # Errors
/// In words. The decision stands all the same.
pub(crate) fn append(home: &Path, record: &mut Record) -> Result<(), String> {
    let said = |error: std::io::Error| format!("the decision log cannot be written: {error}");
    let path = current(home);
    let mut file = match open(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            files::private_dir(&home.join("log")).map_err(said)?;
            open(&path).map_err(said)?
        }
        other => other.map_err(said)?,
    };
    lock(&file)?;
    let about = file.metadata().map_err(said)?;
    if !about.is_file() {
        return Err(said(std::io::Error::other("it is no regular file")));
    }
    // While this process waited, another one may have closed the file.
    let mut length = about.len();
    if length > MAX_FILE {
        rotate(home, &path, &file).map_err(said)?;
        let fresh = open(&path).map_err(said)?;
        lock(&fresh)?;
        let last = tail(&mut file, length).map_err(said)?;
        let line = record.line_after(last.as_ref());
        return (&fresh).write_all(&line).map_err(said);
    }
    let mut last = tail(&mut file, length).map_err(said)?;
    if length == 0 {
        last = newest_closed(home).and_then(|path| {
            let mut closed = File::open(path).ok()?;
            let length = closed.metadata().ok()?.len();
            tail(&mut closed, length).ok()?
        });
    } else if last.is_none() {
        // A line was cut off, as by a full disk: what follows begins a new line,
        // and the break stays visible to whoever verifies.
        file.write_all(b"\n").map_err(said)?;
        length += 1;
        last = tail(&mut file, length).map_err(said)?;
    }
    let line = record.line_after(last.as_ref());
    file.write_all(&line).map_err(said)
}

fn open(path: &Path) -> std::io::Result<File> {
    files::private()
        .read(true)
        .append(true)
        .create(true)
        .open(path)
}

fn lock(file: &File) -> Result<(), String> {
    for _ in 0..TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            Err(TryLockError::Error(error)) => {
                return Err(format!("the decision log cannot be locked: {error}"));
            }
        }
    }
    Err("the decision log is locked by another process".to_owned())
}

fn tail(file: &mut File, length: u64) -> std::io::Result<Option<Last>> {
    let from = length.saturating_sub(2 * MAX_LINE as u64);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    (&*file).take(2 * MAX_LINE as u64).read_to_end(&mut bytes)?;
    Ok(Last::of(&bytes))
}

/// Closes the file under the number of its last line, unless another process has.
fn rotate(home: &Path, path: &Path, file: &File) -> std::io::Result<()> {
    let mut same = file.try_clone()?;
    let length = same.metadata()?.len();
    let last = tail(&mut same, length)?.map_or(0, |last| last.seq);
    let closed = home.join("log").join(format!("decisions-{last:012}.jsonl"));
    if std::fs::metadata(path)?.len() > MAX_FILE && !closed.exists() {
        std::fs::rename(path, closed)?;
    }
    let all = closed_files(home);
    for old in all.iter().take(all.len().saturating_sub(KEPT_FILES)) {
        std::fs::remove_file(old)?;
    }
    Ok(())
}

/// The closed files, oldest first.
pub(crate) fn closed_files(home: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(home.join("log"))
        .into_iter()
        .flatten()
        .flatten();
    let mut found: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("decisions-"))
        })
        .collect();
    found.sort_unstable();
    found
}

/// All files, oldest first.
pub(crate) fn all_files(home: &Path) -> Vec<PathBuf> {
    let mut files = closed_files(home);
    files.push(current(home));
    files
}

fn newest_closed(home: &Path) -> Option<PathBuf> {
    closed_files(home).pop()
}

#[cfg(test)]
mod tests {
    use super::*;
    use countersign_core::decide::Verdict;
    use countersign_guard::journal::Reader;
    use jiff::Timestamp;

    fn all_lines(home: &Path) -> Vec<Vec<u8>> {
        all_files(home)
            .into_iter()
            .flat_map(|path| {
                let bytes = std::fs::read(path).unwrap();
                bytes
                    .split(|b| *b == b'\n')
                    .filter(|line| !line.is_empty())
                    .map(<[u8]>::to_vec)
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    fn write(home: &Path) -> Result<(), String> {
        let mut record = Record::new(Timestamp::UNIX_EPOCH, "kiro", "shell", "ls", Verdict::Allow);
        append(home, &mut record)
    }

    #[test]
    fn many_writers_make_one_chain() {
        let home = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..20 {
                        // A lock that is not given is an error, never a wait.
                        while write(home.path()).is_err() {}
                    }
                });
            }
        });
        let mut reader = Reader::default();
        for line in all_lines(home.path()) {
            reader.read(&line);
        }
        assert!(reader.broken.is_empty(), "{:?}", reader.broken);
        assert_eq!(reader.head().unwrap().seq, 160);
    }

    #[test]
    fn the_chain_goes_on_in_the_next_file() {
        let home = tempfile::tempdir().unwrap();
        write(home.path()).unwrap();
        // A file over the limit whose last line is whole.
        let line = std::fs::read(current(home.path())).unwrap();
        let mut bytes = vec![b'x'; usize::try_from(MAX_FILE).unwrap()];
        bytes.push(b'\n');
        bytes.extend(&line);
        std::fs::write(current(home.path()), bytes).unwrap();
        write(home.path()).unwrap();
        write(home.path()).unwrap();
        assert_eq!(closed_files(home.path()).len(), 1);
        let mut reader = Reader::default();
        for line in all_lines(home.path()).into_iter().skip(1) {
            reader.read(&line);
        }
        assert!(reader.broken.is_empty(), "{:?}", reader.broken);
        assert_eq!(reader.head().unwrap().seq, 3);
    }

    #[test]
    fn a_line_that_was_cut_off_shows_and_does_not_spread() {
        let home = tempfile::tempdir().unwrap();
        write(home.path()).unwrap();
        write(home.path()).unwrap();
        let path = current(home.path());
        let bytes = std::fs::read(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() - 40]).unwrap();
        write(home.path()).unwrap();
        write(home.path()).unwrap();
        let mut reader = Reader::default();
        let lines = all_lines(home.path());
        assert_eq!(lines.len(), 4);
        for line in lines {
            reader.read(&line);
        }
        assert!(!reader.broken.is_empty());
    }
}
