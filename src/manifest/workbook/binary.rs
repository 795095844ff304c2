//! What a person sees of a sheet of a binary workbook (`.xlsb`): its records of rows,
//! columns and merged cells. A record is a type, a length, and so many bytes ([MS-XLSB]
//! 2.1.4). A formula has its value in its own record, so that none is without.
//!
//! Leaves to others: the cells' values, and what is refused.

use std::io::{Cursor, Read};

use calamine::XlsxError;
use zip::ZipArchive;

use super::visible::{Merged, Visible, letters, target};

/// [MS-XLSB] 2.4.304, 2.4.323, 2.4.686 and 2.4.741.
const BUNDLE_SHEET: u16 = 156;
const COLUMN_INFO: u16 = 60;
const MERGED_CELLS: u16 = 176;
const ROW_HEADER: u16 = 0;

/// What is seen of the sheet of this name; None if it is nowhere.
pub(super) fn visible(
    archive: &mut ZipArchive<Cursor<&[u8]>>,
    sheet: &str,
) -> Result<Option<Visible>, XlsxError> {
    let mut id = None;
    for (kind, record) in Records(&unfolded(archive, "xl/workbook.bin")?) {
        if kind == BUNDLE_SHEET
            && let Some((found, rest)) = record.get(8..).and_then(text)
            && let Some((name, _)) = text(rest)
            && name == sheet
        {
            id = id.or(Some(found));
        }
    }
    let Some(id) = id else { return Ok(None) };
    let relations = "xl/_rels/workbook.bin.rels";
    let found = target(archive, relations, |relation| {
        super::visible::attribute(relation, "Id").is_some_and(|found| found == id)
    })?;
    let Some(found) = found else { return Ok(None) };
    let part = super::visible::resolved("xl", &found);
    let mut visible = Visible::default();
    for (kind, record) in Records(&unfolded(archive, &part)?) {
        take(&mut visible, kind, record);
    }
    Ok(Some(visible))
}

fn take(visible: &mut Visible, kind: u16, record: &[u8]) {
    match kind {
        ROW_HEADER => {
            if let (Some(row), Some(&flags)) = (number(record, 0), record.get(11)) {
                let height = record.get(8..10).map_or(1, |it| u16::from_le_bytes([it[0], it[1]]));
                // fDyZero
                if flags & 0x10 != 0 || height == 0 {
                    visible.hidden_rows.insert(row);
                }
            }
        }
        COLUMN_INFO => {
            if let (Some(first), Some(last), Some(width), Some(&flags)) =
                (number(record, 0), number(record, 4), number(record, 8), record.get(16))
                && (flags & 1 != 0 || width == 0)
            {
                visible.hidden_columns.push(first as usize..=last as usize);
            }
        }
        MERGED_CELLS => {
            let corners = [0, 4, 8, 12].map(|at| number(record, at));
            if let [Some(top), Some(bottom), Some(left), Some(right)] = corners {
                visible.merged.push(Merged {
                    name: format!(
                        "{}{}:{}{}",
                        letters(left as usize),
                        top.saturating_add(1),
                        letters(right as usize),
                        bottom.saturating_add(1)
                    ),
                    rows: top..=bottom,
                    first_column: left as usize,
                });
            }
        }
        _ => {}
    }
}

fn unfolded(archive: &mut ZipArchive<Cursor<&[u8]>>, part: &str) -> Result<Vec<u8>, XlsxError> {
    let mut bytes = Vec::new();
    archive.by_name(part).map_err(XlsxError::from)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn number(record: &[u8], at: usize) -> Option<u32> {
    let bytes = record.get(at..at + 4)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

/// A text with its length before it, and what follows it.
fn text(record: &[u8]) -> Option<(String, &[u8])> {
    let bytes = usize::try_from(number(record, 0)?).ok()?.checked_mul(2)?;
    let (text, rest) = record.get(4..)?.split_at_checked(bytes)?;
    let units = text.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
    Some((char::decode_utf16(units).map(|c| c.unwrap_or('\u{fffd}')).collect(), rest))
}

/// One record after another; what is cut off ends them.
struct Records<'a>(&'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let (kind, rest) = variable(self.0, 2)?;
        let (length, rest) = variable(rest, 4)?;
        let (record, rest) = rest.split_at_checked(length as usize)?;
        self.0 = rest;
        Some((u16::try_from(kind).ok()?, record))
    }
}

/// A number of seven bits a byte, the lowest first, in so many bytes at most.
fn variable(bytes: &[u8], most: usize) -> Option<(u32, &[u8])> {
    let mut number = 0;
    for at in 0..most {
        let byte = *bytes.get(at)?;
        number |= u32::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((number, &bytes[at + 1..]));
        }
    }
    Some((number, &bytes[most..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u16, content: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        if kind < 0x80 {
            bytes.push(u8::try_from(kind).unwrap());
        } else {
            bytes.push(u8::try_from(kind & 0x7f).unwrap() | 0x80);
            bytes.push(u8::try_from(kind >> 7).unwrap());
        }
        bytes.push(u8::try_from(content.len()).unwrap());
        bytes.extend(content);
        bytes
    }

    #[test]
    fn hidden_rows_and_columns_and_merged_cells_are_seen() {
        let row = |row: u32, height: u16, flags: u8| {
            let mut content = row.to_le_bytes().to_vec();
            content.extend([0; 4]);
            content.extend(height.to_le_bytes());
            content.extend([0, flags, 0]);
            record(ROW_HEADER, &content)
        };
        let column = |first: u32, last: u32, width: u32, flags: u8| {
            let numbers = [first, last, width, 0].map(u32::to_le_bytes).concat();
            record(COLUMN_INFO, &[&numbers[..], &[flags, 0]].concat())
        };
        let merged = [2, 3, 1, 1].map(u32::to_le_bytes).concat();
        let bytes = [
            row(0, 300, 0),
            row(1, 300, 0x10),
            row(2, 0, 0),
            column(0, 0, 2560, 2),
            column(1, 2, 2560, 3),
            column(4, 4, 0, 0),
            record(MERGED_CELLS, &merged),
            vec![0x9c],
        ]
        .concat();
        let mut visible = Visible::default();
        for (kind, record) in Records(&bytes) {
            take(&mut visible, kind, record);
        }
        assert_eq!(visible.hidden_rows, [1, 2].into());
        assert_eq!(visible.hidden_columns, [1..=2, 4..=4]);
        assert_eq!(visible.merged[0].name, "B3:B4");
        assert_eq!((visible.merged[0].rows.clone(), visible.merged[0].first_column), (2..=3, 1));
    }
}
