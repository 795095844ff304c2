//! From bytes to text: which encoding a manifest is written in.
//!
//! Leaves to others: what the text means, and workbooks, which are no text.

use std::borrow::Cow;

use encoding_rs::{Encoding as Decoder, UTF_16BE, UTF_16LE, WINDOWS_1252};

use serde::{Deserialize, Serialize};

use super::error::{LoadError, LoadErrorKind};
use super::problem::Place;

/// How the bytes of a text were understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// UTF-8 without byte order mark.
    Utf8,
    /// UTF-8 with byte order mark.
    Utf8Bom,
    /// UTF-16, little-endian.
    Utf16Le,
    /// UTF-16, big-endian.
    Utf16Be,
    /// Windows-1252, assumed because the bytes are no valid UTF-8.
    Windows1252,
}

impl Encoding {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf8Bom => "UTF-8 with BOM",
            Self::Utf16Le => "UTF-16LE",
            Self::Utf16Be => "UTF-16BE",
            Self::Windows1252 => "Windows-1252",
        }
    }
}

/// First bytes of files that people pass by mistake.
const KNOWN_BINARIES: &[(&[u8], &str)] = &[
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"%PDF", "a PDF document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"SQLite format 3\0", "an SQLite database, such as a checkpoint"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90\0", "a program"),
];

/// Decodes a text, or says why it is none.
pub(super) fn decode<'b>(
    name: &str,
    bytes: &'b [u8],
) -> Result<(Cow<'b, str>, Encoding), LoadError> {
    if let Some((_, what)) = KNOWN_BINARIES.iter().find(|(magic, _)| bytes.starts_with(magic)) {
        return Err(LoadErrorKind::NotText { name: name.to_owned(), what }.into());
    }
    let (text, encoding) = if let Some(rest) = bytes.strip_prefix(b"\xef\xbb\xbf") {
        let text = std::str::from_utf8(rest)
            .map_err(|error| broken_utf8(name, rest, error.valid_up_to()))?;
        (text.into(), Encoding::Utf8Bom)
    } else if let Some(rest) = bytes.strip_prefix(b"\xff\xfe") {
        (decode_utf16(name, rest, UTF_16LE)?.into(), Encoding::Utf16Le)
    } else if let Some(rest) = bytes.strip_prefix(b"\xfe\xff") {
        (decode_utf16(name, rest, UTF_16BE)?.into(), Encoding::Utf16Be)
    } else if let Some(encoding) = utf16_by_its_nul_bytes(bytes) {
        let decoder = if encoding == Encoding::Utf16Le { UTF_16LE } else { UTF_16BE };
        (decode_utf16(name, bytes, decoder)?.into(), encoding)
    } else {
        decode_without_mark(name, bytes)?
    };
    // What a disk or a transfer puts behind the end of a text is no part of it.
    let body = text.trim_end_matches(['\0', '\u{1a}']);
    if looks_binary(body) {
        return Err(LoadErrorKind::NotText { name: name.to_owned(), what: "binary data" }.into());
    }
    if let Some(at) = body.find('\0') {
        let error = LoadError::from(LoadErrorKind::NulInText { name: name.to_owned() });
        return Err(error.at(place_after(&body[..at])));
    }
    Ok((text, encoding))
}

fn decode_without_mark<'b>(
    name: &str,
    bytes: &'b [u8],
) -> Result<(Cow<'b, str>, Encoding), LoadError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok((text.into(), Encoding::Utf8)),
        Err(error) if mostly_utf8(bytes) => Err(broken_utf8(name, bytes, error.valid_up_to())),
        Err(_) => {
            let (text, _) = WINDOWS_1252.decode_without_bom_handling(bytes);
            Ok((text, Encoding::Windows1252))
        }
    }
}

/// Whether a text that is no valid UTF-8 was nevertheless meant to be: it holds
/// more well-formed multi-byte characters than stray bytes. Windows-1252 text
/// hardly ever forms one by accident, and reading such a file as Windows-1252
/// would quietly turn every umlaut into two wrong characters.
fn mostly_utf8(bytes: &[u8]) -> bool {
    let (mut multi_byte, mut stray) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        multi_byte += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        stray += usize::from(!chunk.invalid().is_empty());
    }
    multi_byte > stray
}

fn decode_utf16(name: &str, bytes: &[u8], decoder: &'static Decoder) -> Result<String, LoadError> {
    let (text, broken) = decoder.decode_without_bom_handling(bytes);
    if broken {
        let upto = text.find('\u{fffd}').unwrap_or(text.len());
        return Err(broken_encoding(name, decoder.name(), &text[..upto]));
    }
    Ok(text.into_owned())
}

/// UTF-16 without a mark shows itself by a NUL in most characters' upper halves
/// and hardly any in the lower ones; headers and addresses are ASCII.
fn utf16_by_its_nul_bytes(bytes: &[u8]) -> Option<Encoding> {
    let sample = &bytes[..bytes.len().min(2000)];
    let pairs = sample.len() / 2;
    let nuls = |offset: usize| sample.iter().skip(offset).step_by(2).filter(|b| **b == 0).count();
    let (even, odd) = (nuls(0), nuls(1));
    let (many, few) = (pairs / 2, pairs / 20);
    if pairs >= 2 && odd > many && even <= few {
        Some(Encoding::Utf16Le)
    } else if pairs >= 2 && even > many && odd <= few {
        Some(Encoding::Utf16Be)
    } else {
        None
    }
}

/// No text has a control character in every twentieth place; compressed and compiled
/// data has.
fn looks_binary(text: &str) -> bool {
    let (mut characters, mut controls) = (0_usize, 0_usize);
    for c in text.chars() {
        characters += 1;
        controls += usize::from(c.is_control() && !matches!(c, '\t' | '\n' | '\r'));
    }
    controls * 20 > characters
}

fn broken_utf8(name: &str, bytes: &[u8], valid_up_to: usize) -> LoadError {
    broken_encoding(name, "UTF-8", &String::from_utf8_lossy(&bytes[..valid_up_to]))
}

fn broken_encoding(name: &str, encoding: &'static str, before: &str) -> LoadError {
    let place = place_after(before);
    LoadError::from(LoadErrorKind::BrokenEncoding { name: name.to_owned(), encoding }).at(place)
}

/// Line and column of what follows a text.
fn place_after(text: &str) -> Place {
    let bytes = text.as_bytes();
    let line_ends = bytes
        .iter()
        .enumerate()
        .filter(|&(i, &b)| b == b'\n' || (b == b'\r' && bytes.get(i + 1) != Some(&b'\n')));
    let lines = line_ends.count();
    let line_start = text.rfind(['\n', '\r']).map_or(0, |at| at + 1);
    let count = |n: usize| u32::try_from(n + 1).unwrap_or(u32::MAX);
    Place { line: count(lines), column: count(text[line_start..].chars().count()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "user,message\r\nada@fabrikam.example,Grüße\r\n";

    fn utf16(text: &str, to_bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(to_bytes).collect()
    }

    #[test]
    fn every_encoding_gives_the_same_text() {
        let windows_1252: Vec<u8> =
            TEXT.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        for (bytes, encoding) in [
            (TEXT.as_bytes().to_vec(), Encoding::Utf8),
            ([b"\xef\xbb\xbf", TEXT.as_bytes()].concat(), Encoding::Utf8Bom),
            (utf16(&format!("\u{feff}{TEXT}"), u16::to_le_bytes), Encoding::Utf16Le),
            (utf16(&format!("\u{feff}{TEXT}"), u16::to_be_bytes), Encoding::Utf16Be),
            (utf16(TEXT, u16::to_le_bytes), Encoding::Utf16Le),
            (utf16(TEXT, u16::to_be_bytes), Encoding::Utf16Be),
            (windows_1252, Encoding::Windows1252),
        ] {
            assert_eq!(decode("m.csv", &bytes).unwrap(), (TEXT.into(), encoding));
        }
    }

    #[test]
    fn windows_1252_has_its_own_euro_sign_and_quotes() {
        let (text, encoding) = decode("m.csv", b"\x80 \x84x\x94").unwrap();
        assert_eq!((&*text, encoding), ("€ „x”", Encoding::Windows1252));
    }

    #[test]
    fn a_stray_byte_in_utf_8_is_an_error_with_its_place() {
        let bytes = b"user\r\nM\xc3\xbcller,Gr\xc3\xbc\xc3\x9fe \xfc\n";
        let error = decode("m.csv", bytes).unwrap_err();
        assert_eq!(error.to_string(), "`m.csv` is not valid UTF-8");
        assert_eq!(error.place(), Some((2, 14)));
    }

    #[test]
    fn a_mark_is_binding() {
        let error = decode("m.csv", b"\xef\xbb\xbfuser\n\xfc").unwrap_err();
        assert_eq!(error.place(), Some((2, 1)));
        let mut odd = utf16("\u{feff}user\n", u16::to_le_bytes);
        odd.push(0x20);
        assert_eq!(decode("m.csv", &odd).unwrap_err().place(), Some((2, 1)));
    }

    #[test]
    fn binary_data_is_no_text() {
        for (bytes, what) in [
            (&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], "a PNG image"),
            (b"%PDF-1.7\n", "a PDF document"),
            (b"user\0new\n", "binary data"),
            (b"\x01\x02\x03\x04\x05\x06\x07\x08abc", "binary data"),
            (b"\xff\xfe\0\0u\0\0\0s\0\0\0", "binary data"),
        ] {
            let error = decode("x", bytes).unwrap_err();
            assert!(error.to_string().ends_with(what), "{error}");
        }
        let error =
            decode("x", b"user,new_email\na@b.example,a@c\0.example\nb@b.example").unwrap_err();
        assert_eq!(
            (error.to_string(), error.place()),
            ("`x` holds a NUL character".to_owned(), Some((2, 16)))
        );
        assert!(decode("x", b"user\na@b.example\n\0\0\0\0\0\0").is_ok());
    }
}
