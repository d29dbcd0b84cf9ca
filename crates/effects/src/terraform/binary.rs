//! Binary plan files: a ZIP archive that holds, among others, the state the plan
//! was made from (`tfstate`), which is the only place with lineage and serial.
//!
//! Format: `internal/plans/planfile` of Terraform (names of the entries) and
//! PKWARE APPNOTE 6.3.10 (ZIP).

use miniz_oxide::inflate::decompress_to_vec_with_limit;

use super::state::state_identity;
use crate::document::{MAX_BYTES, ReadError};
use crate::reading::StateIdentity;

/// Central directory entries read at most; Terraform writes a handful plus one
/// per module source file.
const MAX_ENTRIES: usize = 100_000;

/// Whether the bytes are a binary plan (`terraform plan -out=FILE`).
#[must_use]
pub fn is_binary_plan(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04")
}

/// The identity of the state a binary plan was made from.
///
/// # Errors
/// A [`ReadError`] when the file is not such an archive, is damaged, or its
/// state is not of version 4 (Terraform 0.12 and later).
pub fn state_in_binary_plan(bytes: &[u8]) -> Result<StateIdentity, ReadError> {
    let state = entry(bytes, b"tfstate").ok_or_else(|| ReadError::Unsupported {
        what: "the file is not a binary plan: no `tfstate` in a ZIP archive".to_owned(),
        advice: "give the file written by `terraform plan -out=FILE`".to_owned(),
    })?;
    state_identity(&state?)
}

/// The unpacked content of the entry `name`.
fn entry(zip: &[u8], name: &[u8]) -> Option<Result<Vec<u8>, ReadError>> {
    // End of central directory: 22 bytes and a comment of up to 65,535.
    let tail = zip.len().saturating_sub(22 + 65_535);
    let end = tail + rfind(zip.get(tail..)?, b"PK\x05\x06")?;
    let mut at = number(zip, end + 16, 4)?;
    for _ in 0..number(zip, end + 10, 2)?.min(MAX_ENTRIES) {
        if zip.get(at..at + 4)? != b"PK\x01\x02" {
            return None;
        }
        let name_length = number(zip, at + 28, 2)?;
        if zip.get(at + 46..at + 46 + name_length)? == name {
            return unpack(zip, at);
        }
        at += 46 + name_length + number(zip, at + 30, 2)? + number(zip, at + 32, 2)?;
    }
    None
}

/// Unpacks the entry whose central directory header is at `header`.
fn unpack(zip: &[u8], header: usize) -> Option<Result<Vec<u8>, ReadError>> {
    let method = number(zip, header + 10, 2)?;
    let packed = number(zip, header + 20, 4)?;
    let local = number(zip, header + 42, 4)?;
    let start = local + 30 + number(zip, local + 26, 2)? + number(zip, local + 28, 2)?;
    let data = zip.get(start..start.checked_add(packed)?)?;
    Some(match method {
        0 => Ok(data.to_vec()),
        8 => decompress_to_vec_with_limit(data, MAX_BYTES)
            .map_err(|_| damaged("`tfstate` cannot be unpacked within the size limit")),
        _ => Err(damaged("`tfstate` is packed in an unknown way")),
    })
}

fn damaged(what: &str) -> ReadError {
    ReadError::Unsupported {
        what: what.to_owned(),
        advice: "make the plan again".to_owned(),
    }
}

fn rfind(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).rposition(|w| w == needle)
}

/// A little-endian number of 2 or 4 bytes.
fn number(bytes: &[u8], at: usize, width: usize) -> Option<usize> {
    let field = bytes.get(at..at.checked_add(width)?)?;
    Some(
        field
            .iter()
            .rev()
            .fold(0, |n, b| (n << 8) | usize::from(*b)),
    )
}
