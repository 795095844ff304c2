//! What a person sees of a workbook is what is read of it.

use super::robustness::zip;
use super::{moves, places, read as parse};
use crate::manifest::{LoadError, Loaded, Options};

/// A sheet: its name, the attributes of its entry, and what its XML holds.
type Sheet<'a> = (&'a str, &'a str, &'a str);

fn workbook(sheets: &[Sheet<'_>]) -> Vec<u8> {
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = "http://schemas.openxmlformats.org/package/2006/relationships";
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let numbered = || sheets.iter().enumerate().map(|(at, sheet)| (at + 1, sheet));
    let entry = |(n, (name, state, _)): (usize, &Sheet<'_>)| {
        format!("<sheet name=\"{name}\" sheetId=\"{n}\" {state} r:id=\"r{n}\"/>")
    };
    let relation = |(n, _): (usize, &Sheet<'_>)| {
        format!(
            "<Relationship Id=\"r{n}\" Type=\"{office}/worksheet\" \
             Target=\"worksheets/sheet{n}.xml\"/>"
        )
    };
    let entries: String = numbered().map(entry).collect();
    let relations: String = numbered().map(relation).collect();
    let mut parts = vec![
        (
            "_rels/.rels".to_owned(),
            format!(
                "<Relationships xmlns=\"{package}\"><Relationship Id=\"r1\" \
                 Type=\"{office}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels".to_owned(),
            format!("<Relationships xmlns=\"{package}\">{relations}</Relationships>"),
        ),
        (
            "xl/workbook.xml".to_owned(),
            format!(
                "<workbook xmlns=\"{main}\" xmlns:r=\"{office}\"><sheets>{entries}</sheets>\
                 </workbook>"
            ),
        ),
    ];
    for (n, (_, _, content)) in numbered() {
        parts.push((
            format!("xl/worksheets/sheet{n}.xml"),
            format!("<worksheet xmlns=\"{main}\">{content}</worksheet>"),
        ));
    }
    let parts: Vec<_> = parts.iter().map(|(name, text)| (&**name, &**text)).collect();
    zip(&parts)
}

/// Rows of cells as a sheet keeps them; `attributes` are those of the last row.
fn rows(attributes: &str, texts: &[&[&str]]) -> String {
    let row = |(at, cells): (usize, &&[&str])| {
        let attributes = if at + 1 == texts.len() { attributes } else { "" };
        let cells: String = cells
            .iter()
            .map(|text| match text.strip_prefix("<c") {
                Some(_) => (*text).to_owned(),
                None => format!("<c t=\"inlineStr\"><is><t>{text}</t></is></c>"),
            })
            .collect();
        format!("<row r=\"{}\" {attributes}>{cells}</row>", at + 1)
    };
    let rows: String = texts.iter().enumerate().map(row).collect();
    format!("<sheetData>{rows}</sheetData>")
}

const HEADER: &[&str] = &["user", "new_email"];
const ADA: &[&str] = &["a@b.example", "a@c.example"];
const BEA: &[&str] = &["b@b.example", "b@c.example"];

fn good() -> String {
    rows("", &[HEADER, ADA])
}

fn refusal(bytes: &[u8]) -> String {
    parse("m.xlsx", bytes).unwrap_err().to_string()
}

fn with(bytes: &[u8], options: &Options) -> Result<Loaded, LoadError> {
    crate::manifest::parse("m.xlsx", bytes, options)
}

#[test]
fn rows_that_nobody_sees_are_refused_or_read_as_asked() {
    for attributes in ["hidden=\"1\"", "hidden=\"true\"", "ht=\"0\" customHeight=\"1\""] {
        let bytes = workbook(&[("S", "", &rows(attributes, &[HEADER, ADA, BEA]))]);
        assert_eq!(refusal(&bytes), "`m.xlsx`: sheet `S` hides row 3, which is not empty");
        let loaded = with(&bytes, &Options { include_hidden: true, ..Options::default() }).unwrap();
        assert_eq!(moves(&loaded).len(), 2);
        assert_eq!(loaded.manifest.detected.notes, ["sheet `S` hides 1 row, read as asked"]);
    }
    let empty = workbook(&[("S", "", &rows("hidden=\"1\"", &[HEADER, ADA, &[]]))]);
    assert_eq!(moves(&parse("m.xlsx", &empty).unwrap()).len(), 1);
}

#[test]
fn a_hidden_column_says_nothing() {
    let hidden = |column: u32, header: &[&str]| {
        let cols = format!("<cols><col min=\"{column}\" max=\"{column}\" hidden=\"1\"/></cols>");
        workbook(&[("S", "", &(cols + &rows("", &[header, &["a@b.example", "a@c.example", "x"]])))])
    };
    let header = ["user", "new_email", "id"];
    for (column, heading) in
        [(1, "column A, `user`"), (2, "column B, `new_email`"), (3, "column C, `id`")]
    {
        let error = refusal(&hidden(column, &header));
        assert_eq!(error, format!("`m.xlsx`: sheet `S` hides {heading}"));
    }
    let loaded = parse("m.xlsx", &hidden(3, &["user", "new_email", "send"])).unwrap();
    assert_eq!(loaded.manifest.rows[0].send, None);
    assert_eq!(loaded.manifest.detected.notes, ["column C (`send`) is hidden: left out"]);
}

#[test]
fn formulas_that_nobody_calculated_and_errors_are_problems_of_their_cells() {
    for (cell, code) in [
        ("<c><f>A2</f></c>", "formula-without-value"),
        ("<c><f>A2</f><v/></c>", "formula-without-value"),
        ("<c><f>A2</f><v></v></c>", "formula-without-value"),
        ("<c t=\"e\"><f>A2</f><v>#N/A</v></c>", "formula-error"),
    ] {
        let bytes = workbook(&[("S", "", &rows("", &[HEADER, &["a@b.example", cell], BEA]))]);
        let loaded = parse("m.xlsx", &bytes).unwrap();
        assert_eq!(places(&loaded), [format!("2:2 {code}")], "{cell}");
        assert!(loaded.problems[0].problem.starts_with("`S!B2` "), "{:?}", loaded.problems);
        assert_eq!(moves(&loaded).len(), 1);
    }
    let calculated = "<c t=\"str\"><f>A2</f><v>a@c.example</v></c>";
    let bytes = workbook(&[("S", "", &rows("", &[HEADER, &["a@b.example", calculated]]))]);
    assert_eq!(places(&parse("m.xlsx", &bytes).unwrap()), [""; 0]);
}

#[test]
fn merged_cells_are_problems_of_every_row_they_touch() {
    let merged = |range: &str, texts: &[&[&str]]| {
        let merge = format!("<mergeCells><mergeCell ref=\"{range}\"/></mergeCells>");
        parse("m.xlsx", &workbook(&[("S", "", &(rows("", texts) + &merge))])).unwrap()
    };
    let loaded = merged("B2:B3", &[HEADER, ADA, BEA]);
    assert_eq!(places(&loaded), ["2:2 merged-cells"]);
    assert!(loaded.problems[0].problem.contains("S!B2:B3"), "{:?}", loaded.problems);
    assert!(moves(&loaded).is_empty());
    assert_eq!(places(&merged("D7:D9", &[HEADER, ADA])), [""; 0]);
}

#[test]
fn the_sheet_is_the_visible_one_with_a_header() {
    let (good, notes) = (good(), rows("", &[&["Please fill in the other sheet"]]));
    for state in ["state=\"hidden\"", "state=\"veryHidden\""] {
        let bytes = workbook(&[("Old", state, &good), ("Read me", "", &notes), ("New", "", &good)]);
        let loaded = parse("m.xlsx", &bytes).unwrap();
        assert_eq!(loaded.manifest.detected.sheet.as_deref(), Some("New"));
        let left_out = "left out: sheet `Old`, which is hidden, sheet `Read me`";
        assert_eq!(loaded.manifest.detected.notes, [left_out]);
        let named = |sheet: &str| {
            with(&bytes, &Options { sheet: Some(sheet.to_owned()), ..Options::default() })
        };
        assert!(named("NEW").is_ok());
        let error = named("old").unwrap_err().to_string();
        assert_eq!(error, "`m.xlsx`: hidden, and not read: `Old`");
        let error = named("None").unwrap_err().to_string();
        assert_eq!(error, "`m.xlsx` has no sheet `None`; it has `Read me`, `New`");
        let error = refusal(&workbook(&[("Old", state, &good), ("Empty", "", "<sheetData/>")]));
        assert_eq!(error, "`m.xlsx`: hidden, and not read: `Old`");
    }
    let two = workbook(&[("North", "", &good), ("South", "", &good)]);
    assert_eq!(refusal(&two), "`m.xlsx` has several sheets with guests: `North`, `South`");
    let loaded = with(&two, &Options { sheet: Some("South".into()), ..Options::default() });
    assert_eq!(loaded.unwrap().manifest.detected.sheet.as_deref(), Some("South"));
}

#[test]
fn containers_are_told_apart_by_the_streams_inside() {
    let ole = |streams: &[&str]| {
        let mut bytes = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
        for stream in streams {
            bytes.extend(stream.encode_utf16().flat_map(u16::to_le_bytes));
        }
        bytes
    };
    for (streams, what) in [
        (&["Workbook"][..], "is an old .xls workbook"),
        (&["EncryptionInfo", "EncryptedPackage"], "is protected by a password"),
        (&["EncryptedPackage", "DRMEncryptedDataSpace"], "is encrypted by a sensitivity label"),
    ] {
        assert_eq!(refusal(&ole(streams)), format!("`m.xlsx` {what}"));
    }
}

#[test]
fn files_as_people_have_them() {
    macro_rules! file {
        ($name:literal) => {
            include_bytes!(concat!("../../../tests/fixtures/manifest/", $name)).as_slice()
        };
    }
    assert!(refusal(file!("filtered-rows.xlsx")).contains("hides 2 rows that are not empty: 3, 4"));
    assert!(refusal(file!("hidden-id-column.xlsx")).contains("hides column C, `id`"));
    for (bytes, expected) in [
        (file!("formula-without-value.xlsx"), &["2:3 formula-without-value"][..]),
        (file!("merged-address.xlsx"), &["2:2 merged-cells"]),
        (file!("hidden-first-sheet.xlsx"), &[]),
        (file!("read-me-first.xlsx"), &[]),
    ] {
        let loaded = parse("m.xlsx", bytes).unwrap();
        assert_eq!(places(&loaded), expected);
    }
    let loaded = parse("m.xlsx", file!("hidden-first-sheet.xlsx")).unwrap();
    assert_eq!(moves(&loaded)[0].0, "guest0@fabrikam.example");
}
