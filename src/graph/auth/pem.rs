//! PEM (RFC 7468) with line numbers, so that whoever made a mistake in a file finds
//! it.
//!
//! Leaves to others: what is in the sections.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// What stands between `BEGIN` and `END`.
pub(super) struct Section {
    /// `CERTIFICATE`, `PRIVATE KEY`, …
    pub(super) label: String,
    /// Line of the `BEGIN`, from 1.
    pub(super) line: usize,
    /// Empty when it is encrypted in the old way, by headers.
    pub(super) der: Zeroizing<Vec<u8>>,
    pub(super) is_encrypted: bool,
}

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";

/// All sections of a text; what stands outside of them is explanation (RFC 7468, 2).
/// An error is a line and what is wrong there.
pub(super) fn sections(text: &[u8]) -> Result<Vec<Section>, (usize, &'static str)> {
    let mut sections = Vec::new();
    let mut lines = text.split(|&byte| byte == b'\n').enumerate();
    while let Some((at, line)) = lines.next() {
        let Some(label) = marker(line, BEGIN) else { continue };
        let mut body = Zeroizing::new(Vec::with_capacity(text.len()));
        let mut is_encrypted = label == "ENCRYPTED PRIVATE KEY";
        loop {
            let Some((here, line)) = lines.next() else {
                return Err((at + 1, "this section has no end"));
            };
            if let Some(end) = marker(line, END) {
                if end == label {
                    break;
                }
                return Err((here + 1, "this ends another section than the one that began"));
            }
            if marker(line, BEGIN).is_some() {
                return Err((here + 1, "a section begins before the last one has ended"));
            }
            let line = line.trim_ascii();
            // `Proc-Type` and `DEK-Info` of OpenSSL's old format (RFC 1421).
            if line.contains(&b':') {
                is_encrypted |= line.ends_with(b"ENCRYPTED");
                continue;
            }
            if !line.iter().all(|&byte| is_base64(byte)) {
                return Err((here + 1, "this is not Base64"));
            }
            body.extend_from_slice(line);
        }
        let der = if is_encrypted {
            Vec::new()
        } else {
            STANDARD.decode(&*body).map_err(|_| (at + 1, "this section's Base64 is incomplete"))?
        };
        sections.push(Section { label, line: at + 1, der: Zeroizing::new(der), is_encrypted });
    }
    Ok(sections)
}

fn marker(line: &[u8], kind: &str) -> Option<String> {
    let line = std::str::from_utf8(line.trim_ascii()).ok()?.trim_start_matches('\u{feff}');
    Some(line.strip_prefix(kind)?.strip_suffix("-----")?.to_owned())
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

#[cfg(test)]
mod tests {
    use super::*;

    type Read = (String, usize, Vec<u8>);

    fn read(text: &str) -> Result<Vec<Read>, (usize, &'static str)> {
        let found = sections(text.as_bytes())?;
        Ok(found.into_iter().map(|s| (s.label, s.line, s.der.to_vec())).collect())
    }

    #[test]
    fn sections_are_found_between_other_text() {
        let text = "Bag Attributes\r\n  name: x\r\n-----BEGIN A-----\r\nAQ\r\nID\r\n-----END A-----\r\n\
                    -----BEGIN B C-----\nBA==\n-----END B C-----";
        let (a, b) = (("A".to_owned(), 3, vec![1, 2, 3]), ("B C".to_owned(), 7, vec![4]));
        assert_eq!(read(text), Ok(vec![a, b]));
        assert_eq!(read("nothing here"), Ok(Vec::new()));
    }

    #[test]
    fn a_mistake_is_named_with_its_line() {
        for (text, line) in [
            ("-----BEGIN A-----\nAQID\n", 1),
            ("\n-----BEGIN A-----\nAQID\nA?ID\n-----END A-----\n", 4),
            ("-----BEGIN A-----\nAQI\n-----END A-----\n", 1),
            ("-----BEGIN A-----\nAQID\n-----END B-----\n", 3),
            ("-----BEGIN A-----\nAQID\n-----BEGIN A-----\n", 3),
        ] {
            assert_eq!(read(text).unwrap_err().0, line, "{text}");
        }
    }
}
