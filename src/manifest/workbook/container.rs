//! What a file in an OLE or a ZIP container is, and whether it
//! unfolds to more than anybody's manifest.
//!
//! Leaves to others: reading the sheets.

use std::io::{Cursor, Read};

use zip::ZipArchive;

use crate::manifest::error::LoadErrorKind;

/// Most bytes that a workbook may unfold to: a hundred thousand rows with ten columns
/// take a quarter of this.
pub(super) const MOST_UNFOLDED_MIB: u64 = 256;

/// Whether the bytes are a ZIP archive, as every .xlsx is.
pub(in crate::manifest) fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06")
}

/// Whether the bytes are an OLE container: an .xls, or an encrypted workbook.
pub(in crate::manifest) fn is_ole(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
}

/// Why an OLE container is no manifest, by the names of its streams. The directory keeps
/// them in UTF-16; the data space of rights management stands beside the encrypted
/// package, which a password makes alone ([MS-OFFCRYPTO] 2.2 and 2.3).
pub(in crate::manifest) fn refuse_ole(name: &str, bytes: &[u8]) -> LoadErrorKind {
    let name = name.to_owned();
    let holds = |stream: &str| {
        let wide: Vec<u8> = stream.encode_utf16().flat_map(u16::to_le_bytes).collect();
        contains(bytes, &wide) || contains(bytes, stream.as_bytes())
    };
    if holds("DRMEncryptedDataSpace") || holds("DRMEncryptedTransform") {
        LoadErrorKind::Labelled { name }
    } else if holds("EncryptedPackage") {
        LoadErrorKind::Encrypted { name }
    } else {
        LoadErrorKind::OldWorkbook { name }
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Refuses an archive that is a bomb. Sizes in an archive's directory
/// may lie, so that its parts are unfolded and counted, without being kept.
pub(super) fn check(name: &str, bytes: &[u8]) -> Result<(), LoadErrorKind> {
    // What is wrong with a damaged archive the reader of workbooks says better.
    let Ok(mut archive) = ZipArchive::new(Cursor::new(bytes)) else { return Ok(()) };
    let mut left = MOST_UNFOLDED_MIB * 1024 * 1024;
    for index in 0..archive.len() {
        let Ok(part) = archive.by_index(index) else { continue };
        let Ok(size) = std::io::copy(&mut part.take(left + 1), &mut std::io::sink()) else {
            continue;
        };
        left = left.checked_sub(size).ok_or_else(|| LoadErrorKind::Unfolds {
            name: name.to_owned(),
            limit_mib: MOST_UNFOLDED_MIB,
        })?;
    }
    Ok(())
}
