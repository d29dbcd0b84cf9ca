//! Bytes to text: byte-order marks, UTF-16, and a bound on size.

use std::borrow::Cow;
use std::io::Read;

use super::{MAX_BYTES, ReadError};

/// Reads at most [`MAX_BYTES`] from `reader`. One byte more is an error, and no
/// more than that is ever held.
///
/// # Errors
/// [`ReadError::TooLarge`], or [`ReadError::Io`] when the reader fails.
pub fn read_bounded(reader: impl Read) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    reader
        .take(MAX_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| ReadError::Io(e.to_string()))?;
    if bytes.len() > MAX_BYTES {
        return Err(ReadError::TooLarge { limit: MAX_BYTES });
    }
    Ok(bytes)
}

/// Text of `bytes`: UTF-8 with or without a byte-order mark, or UTF-16 in either
/// byte order (what `>` writes in Windows PowerShell), with or without a mark.
///
/// # Errors
/// [`ReadError::TooLarge`] above [`MAX_BYTES`], [`ReadError::Encoding`] for any
/// other encoding, [`ReadError::Empty`] for nothing but white space.
pub fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, ReadError> {
    if bytes.len() > MAX_BYTES {
        return Err(ReadError::TooLarge { limit: MAX_BYTES });
    }
    let text = match bytes {
        [0xEF, 0xBB, 0xBF, rest @ ..] => utf8(rest, 3)?,
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes, 2)?,
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes, 2)?,
        // JSON and YAML start with an ASCII character, so a NUL beside it tells.
        [1..=0x7F, 0, ..] => utf16(bytes, u16::from_le_bytes, 0)?,
        [0, 1..=0x7F, ..] => utf16(bytes, u16::from_be_bytes, 0)?,
        _ => utf8(bytes, 0)?,
    };
    if text.trim().is_empty() {
        return Err(ReadError::Empty);
    }
    Ok(text)
}

fn utf8(bytes: &[u8], skipped: usize) -> Result<Cow<'_, str>, ReadError> {
    std::str::from_utf8(bytes)
        .map(Cow::Borrowed)
        .map_err(|e| ReadError::Encoding {
            offset: skipped + e.valid_up_to(),
        })
}

fn utf16(
    bytes: &[u8],
    unit: fn([u8; 2]) -> u16,
    skipped: usize,
) -> Result<Cow<'_, str>, ReadError> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(ReadError::Encoding {
            offset: skipped + bytes.len() - 1,
        });
    }
    let mut text = String::with_capacity(pairs.len());
    let mut units = 0;
    for c in char::decode_utf16(pairs.iter().map(|pair| unit(*pair))) {
        let c = c.map_err(|_| ReadError::Encoding {
            offset: skipped + 2 * units,
        })?;
        units += c.len_utf16();
        text.push(c);
    }
    Ok(Cow::Owned(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_encoding_gives_the_same_text() {
        let text = "{\"a\": \"é😀\"}";
        let le: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        let mark = |mark: &[u8], body: &[u8]| [mark, body].concat();
        for bytes in [
            text.as_bytes().to_vec(),
            mark(&[0xEF, 0xBB, 0xBF], text.as_bytes()),
            mark(&[0xFF, 0xFE], &le),
            mark(&[0xFE, 0xFF], &be),
            le.clone(),
            be.clone(),
        ] {
            assert_eq!(decode(&bytes).unwrap(), text, "{bytes:?}");
        }
    }

    #[test]
    fn bad_bytes_are_located() {
        let cases: [(&[u8], ReadError); 5] = [
            (b"ab\xFFcd", ReadError::Encoding { offset: 2 }),
            (b"\xFF\xFEa\0b", ReadError::Encoding { offset: 4 }),
            (b"\xFF\xFEa\0\x00\xD8", ReadError::Encoding { offset: 4 }),
            (b" \n\t", ReadError::Empty),
            (b"", ReadError::Empty),
        ];
        for (bytes, expected) in cases {
            assert_eq!(decode(bytes).unwrap_err(), expected, "{bytes:?}");
        }
    }

    #[test]
    fn a_gigabyte_is_refused_after_the_limit() {
        let endless = std::io::repeat(b'"').take(1 << 30);
        assert_eq!(
            read_bounded(endless).unwrap_err(),
            ReadError::TooLarge { limit: MAX_BYTES }
        );
    }
}
