//! Text as editors and shells write it to a file: UTF-8 with or without its mark, or the
//! UTF-16 of Windows PowerShell 5.1.
//!
//! Leaves to others: manifests, which come in more encodings (`manifest`).

use zeroize::Zeroizing;

/// The text of a file that may be a secret, without its byte order mark. Windows' editors
/// put one in front, and the `>` of Windows PowerShell 5.1 writes UTF-16 with one. None if
/// it is neither encoding.
pub fn decoded(bytes: &[u8]) -> Option<Zeroizing<String>> {
    let unit = match bytes {
        [0xff, 0xfe, ..] => u16::from_le_bytes,
        [0xfe, 0xff, ..] => u16::from_be_bytes,
        _ => {
            let text = std::str::from_utf8(bytes).ok()?;
            return Some(Zeroizing::new(text.trim_start_matches('\u{feff}').to_owned()));
        }
    };
    let (pairs, []) = bytes[2..].as_chunks() else { return None };
    // Grows no more, so that no part of a secret stays behind: UTF-8 takes at most three
    // bytes for each two of UTF-16.
    let mut text = Zeroizing::new(String::with_capacity(pairs.len() * 3));
    for char in char::decode_utf16(pairs.iter().map(|&pair| unit(pair))) {
        text.push(char.ok()?);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_says_which_encoding_and_is_no_part_of_the_text() {
        for (bytes, text) in [
            (&b"a\r\n"[..], Some("a\r\n")),
            (b"\xef\xbb\xbfa", Some("a")),
            (b"\xff\xfes\x003\x00\xac\x20\r\x00\n\x00", Some("s3€\r\n")),
            (b"\xfe\xff\x00s\x003", Some("s3")),
            (b"\xff\xfe\x3d\xd8\x00\xde", Some("😀")),
            (b"\xff\xfe", Some("")),
            (b"", Some("")),
            (b"\xff\xfes\x003", None),
            (b"\xff\xfes\x00\x00\xd8", None),
            (b"\xe9", None),
        ] {
            assert_eq!(decoded(bytes).as_deref().map(String::as_str), text, "{bytes:?}");
        }
    }
}
