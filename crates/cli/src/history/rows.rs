//! Rows of a file, and what exactly was read.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use countersign_operations::import::rows::{self, Form, RowError};
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use super::InputFile;
use crate::error::{CliError, CliResult, exit};

/// Reads every row of a file and says what was read. `.csv` is CSV with a head;
/// anything else is one JSON object a line.
pub(super) fn each<T: DeserializeOwned>(
    path: &Path,
    holds: &'static str,
    row: impl FnMut(T) -> Result<(), String>,
) -> CliResult<InputFile> {
    let name = path.display().to_string();
    let failed = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            CliError::new(exit::NOT_FOUND, format!("there is no file `{name}`"))
        }
        _ => CliError::new(exit::IO, format!("reading {name} failed: {error}")),
    };
    let mut hashed = Hashed {
        file: File::open(path).map_err(failed)?,
        hash: Sha256::new(),
    };
    let is_csv = path
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("csv"));
    let form = if is_csv { Form::Csv } else { Form::Json };
    let reader = BufReader::with_capacity(1 << 16, &mut hashed);
    let rows = rows::each(reader, form, row).map_err(|error| match error {
        RowError::Io(error) => failed(error),
        RowError::Line { line, message } => {
            CliError::new(exit::DATA, format!("{name} line {line}: {message}"))
                .hint("docs/guide/trend.md describes the columns")
        }
    })?;
    let digest = hashed.hash.finalize();
    Ok(InputFile {
        holds,
        file: name,
        rows,
        sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
    })
}

/// A file whose bytes are hashed as they are read.
struct Hashed {
    file: File,
    hash: Sha256,
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.hash.update(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}
