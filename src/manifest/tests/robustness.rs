//! No input makes the loader panic, hang or lose a row.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::{load, places};
use crate::manifest::{LoadErrorKind, Options, Wish, parse};

/// A ZIP archive of uncompressed files, as far as readers look at one.
pub(super) fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = Vec::new();
    let mut directory = Vec::new();
    for (name, content) in files {
        let offset = u32::try_from(archive.len()).unwrap();
        let size = u32::try_from(content.len()).unwrap().to_le_bytes();
        let name_length = u16::try_from(name.len()).unwrap().to_le_bytes();
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];
        common.extend(crc32(content.as_bytes()).to_le_bytes());
        common.extend(size);
        common.extend(size);
        common.extend(name_length);
        common.extend([0, 0]);
        archive.extend(b"PK\x03\x04");
        archive.extend(&common);
        archive.extend(name.as_bytes());
        archive.extend(content.as_bytes());
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let (start, count) = (archive.len(), u16::try_from(files.len()).unwrap().to_le_bytes());
    archive.extend(&directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend(count);
    archive.extend(count);
    archive.extend(u32::try_from(directory.len()).unwrap().to_le_bytes());
    archive.extend(u32::try_from(start).unwrap().to_le_bytes());
    archive.extend([0, 0]);
    archive
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    })
}

/// A workbook of one sheet with the given XML inside `sheetData`.
fn workbook(rows: &str) -> Vec<u8> {
    let relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let relations = "http://schemas.openxmlformats.org/package/2006/relationships";
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    zip(&[
        (
            "_rels/.rels",
            &format!(
                "<Relationships xmlns=\"{relations}\"><Relationship Id=\"r1\" \
                 Type=\"{relation}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            &format!(
                "<Relationships xmlns=\"{relations}\"><Relationship Id=\"r1\" \
                 Type=\"{relation}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml",
            &format!(
                "<workbook xmlns=\"{main}\" xmlns:r=\"{relation}\"><sheets>\
                 <sheet name=\"S\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/worksheets/sheet1.xml",
            &format!("<worksheet xmlns=\"{main}\"><sheetData>{rows}</sheetData></worksheet>"),
        ),
    ])
}

fn cell(place: &str, text: &str) -> String {
    format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
}

fn row(cells: &[(&str, &str)]) -> String {
    let cells: String = cells.iter().map(|(place, text)| cell(place, text)).collect();
    format!("<row>{cells}</row>")
}

#[test]
fn lines_and_columns_of_a_workbook_are_those_of_the_sheet() {
    let rows = [
        row(&[("B3", "version:v1.0")]),
        row(&[("B5", "user"), ("D5", "new_email")]),
        row(&[("B7", "a@b.example"), ("D7", "a@c.example")]),
        row(&[("B8", "nobody"), ("D8", "x")]),
        row(&[("D9", "y@c.example")]),
        row(&[("B10", "z@b.example"), ("F10", "stray")]),
        "<row><c r=\"B11\" t=\"e\"><v>#REF!</v></c><c r=\"D11\" t=\"n\"><v>4.5</v></c></row>"
            .into(),
    ];
    let loaded = parse("m.xlsx", &workbook(&rows.concat()), &Options::default()).unwrap();
    assert_eq!(
        places(&loaded),
        [
            "8:2 bad-user",
            "9:2 no-user",
            "10:6 wrong-cell-count",
            "11:2 formula-error",
            "11:4 bad-address"
        ]
    );
    assert_eq!(loaded.manifest.rows[0].line, 7);
}

#[test]
fn a_workbook_with_odd_cell_references_is_an_error() {
    for place in ["ZZZZZZZZZZ1", "A99999999999", "XFD1", "1", "A", "A0", "", "ä1"] {
        let bytes = workbook(&row(&[("A1", "user"), (place, "x")]));
        let error = parse("m.xlsx", &bytes, &Options::default()).map(|loaded| places(&loaded));
        let refused = |kind: &LoadErrorKind| {
            matches!(kind, LoadErrorKind::BadWorkbook { .. } | LoadErrorKind::TooManyColumns { .. })
        };
        assert!(error.as_ref().is_err_and(|error| refused(error.kind())), "{place}: {error:?}");
    }
}

#[test]
fn a_cell_in_the_last_row_costs_no_memory() {
    let bytes = workbook(&(row(&[("A1", "user")]) + &row(&[("A1048576", "a@b.example")])));
    assert_eq!(
        parse("m.xlsx", &bytes, &Options { reset_only: true, ..Options::default() })
            .unwrap()
            .manifest
            .rows[0]
            .line,
        1_048_576
    );
}

#[test]
fn a_large_manifest_shares_its_texts() {
    let mut text = String::from("user,new_email,message,redirect_url\n");
    for n in 0..20_000 {
        writeln!(text, "u{n}@b.example,u{n}@c.example,Hello,https://c.example/").unwrap();
    }
    let loaded = load(&text);
    let rows = &loaded.manifest.rows;
    assert_eq!(rows.len(), 20_000);
    let message = rows[0].message.as_ref().unwrap();
    assert!(rows.iter().all(|row| std::sync::Arc::ptr_eq(row.message.as_ref().unwrap(), message)));
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse("m.csv", &bytes, &Options::default());
        let _ = parse("m.jsonl", &bytes, &Options::default());
        let _ = parse("m.xlsx", &[b"PK\x03\x04", &bytes[..]].concat(), &Options::default());
    }

    #[test]
    fn every_row_is_accounted_for_once(
        header in prop::sample::subsequence(
            vec!["user", "new_email", "cc", "reset", "id", "x", "[inviteeEmail]", "email"], 1..6),
        cells in prop::collection::vec(
            prop::sample::select(vec![
                "a@b.example", "c@d.example", "é@b.example", "\"", "\"q,\n\"", "x", "", "true",
                "\"a@b.example", "9071bfde-35e0-47d2-a582-d244ab1b4af6", "\u{feff}", ",", "\r\n",
                "always", "no",
            ]),
            0..40,
        ),
        delimiter in prop::sample::select(vec![",", ";", "\t"]),
    ) {
        let mut text = header.join(delimiter);
        for (n, cell) in cells.iter().enumerate() {
            text.push_str(if n % header.len() == 0 { "\n" } else { delimiter });
            text.push_str(cell);
        }
        if let Ok(loaded) = parse("m.csv", text.as_bytes(), &Options::default()) {
            let mut lines: Vec<u32> = loaded.manifest.rows.iter().map(|row| row.line).collect();
            lines.extend(loaded.manifest.invalid.iter().map(|row| row.line));
            let count = lines.len();
            lines.sort_unstable();
            lines.dedup();
            prop_assert_eq!(lines.len(), count);
            prop_assert_eq!(loaded.manifest.detected.rows, count);
            prop_assert_eq!(loaded.manifest.invalid.is_empty(), loaded.problems.is_empty() || count == 0);
            let all_lines = u32::try_from(text.split(['\n', '\r']).count()).unwrap();
            for problem in &loaded.problems {
                prop_assert!((1..=all_lines).contains(&problem.line) && problem.column >= 1);
            }
            for row in &loaded.manifest.rows {
                let cells = loaded.manifest.written.cells(row.line).unwrap();
                match &row.wish {
                    Wish::Move(address) => prop_assert!(cells.contains(address.as_str())),
                    Wish::ResetOnly => prop_assert!(cells.contains("always") || cells.contains("true")),
                }
            }
            prop_assert!(loaded.problems.is_sorted_by_key(|p| (p.line, p.column)));
        }
    }

    #[test]
    fn json_like_lines_are_read_or_refused(text in "(\\{(\"(user|cc)\": ?(\"é@b\"|1|null|\\[\\]|\\{\\}|x),?){0,3}\\}?\n?){0,4}") {
        let _ = parse("m.jsonl", text.as_bytes(), &Options::default());
    }

    #[test]
    fn damaged_workbooks_are_read_or_refused(
        at in 0..4000_usize,
        length in 0..20_usize,
        filler in any::<u8>(),
    ) {
        let mut bytes = include_bytes!("../../../samples/manifest.xlsx").to_vec();
        let at = at.min(bytes.len());
        let end = (at + length).min(bytes.len());
        bytes[at..end].fill(filler);
        let _ = parse("m.xlsx", &bytes, &Options::default());
    }

    #[test]
    fn odd_sheets_are_read_or_refused(rows in "(<row( r=\"[0-9]{1,12}\")?>|</row>|<c r=\"[A-Z]{0,9}[0-9]{0,3}\"( t=\"(s|b|e|n|d|str|inlineStr|q)\")?>|</c>|<v>[0-9.e-]{0,4}</v>|<is><t>user</t></is>|&amp;|&#0;|<){0,12}") {
        let _ = parse("m.xlsx", &workbook(&rows), &Options::default());
    }
}
