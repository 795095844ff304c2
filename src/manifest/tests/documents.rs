//! Workbooks of other programs: what a person sees of them is what is read, as of an .xlsx.

use std::io::{Cursor, Write as _};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::{moves, places};
use crate::manifest::{LoadError, Loaded, Options, parse};

fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        archive.start_file(*name, SimpleFileOptions::default()).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn cell(text: &str) -> String {
    format!(
        "<table:table-cell office:value-type=\"string\" calcext:value-type=\"string\">\
         <text:p>{text}</text:p></table:table-cell>"
    )
}

fn row(attributes: &str, cells: &[&str]) -> String {
    let cells: String = cells.iter().map(|text| cell(text)).collect();
    format!("<table:table-row {attributes}>{cells}</table:table-row>")
}

/// A document with these tables: style, name and content.
fn ods(tables: &[(&str, &str, &str)]) -> Vec<u8> {
    let table = |(style, name, content): &(&str, &str, &str)| {
        format!(
            "<table:table table:name=\"{name}\" table:style-name=\"{style}\">{content}\
             <table:table-row table:number-rows-repeated=\"1048500\"><table:table-cell \
             table:number-columns-repeated=\"16384\"/></table:table-row></table:table>"
        )
    };
    let tables = tables.iter().map(table).collect::<Vec<_>>().concat();
    let content = format!(
        "<?xml version=\"1.0\"?><office:document-content xmlns:office=\"o\" xmlns:table=\"t\" \
         xmlns:text=\"x\" xmlns:style=\"s\" xmlns:calcext=\"c\"><office:automatic-styles>\
         <style:style style:name=\"seen\" style:family=\"table\"><style:table-properties \
         table:display=\"true\"/></style:style><style:style style:name=\"hidden\" \
         style:family=\"table\"><style:table-properties table:display=\"false\"/></style:style>\
         </office:automatic-styles><office:body><office:spreadsheet>{tables}\
         </office:spreadsheet></office:body></office:document-content>"
    );
    let list = "<manifest:manifest xmlns:manifest=\"m\"/>";
    archive(&[
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
        ("META-INF/manifest.xml", list.as_bytes()),
        ("content.xml", content.as_bytes()),
    ])
}

fn one(content: &str) -> Vec<u8> {
    ods(&[("seen", "S", content)])
}

fn header() -> String {
    row("", &["user", "new_email", "note"])
}

fn read(bytes: &[u8]) -> Result<Loaded, LoadError> {
    parse("m.ods", bytes, &Options::default())
}

fn refusal(bytes: &[u8]) -> String {
    read(bytes).unwrap_err().to_string()
}

fn ada() -> Vec<(String, String)> {
    vec![("a@b.example".to_owned(), "a@c.example".to_owned())]
}

#[test]
fn a_document_is_read_as_it_looks() {
    let dated = "<table:table-row><table:table-cell><office:annotation><text:p>not this\
         </text:p></office:annotation><text:p>a@b<text:span>.exa</text:span>mple</text:p>\
         </table:table-cell><table:table-cell office:value-type=\"string\"><text:p>\
         <text:a>a@c.example</text:a></text:p></table:table-cell><table:table-cell \
         office:value-type=\"date\" office:date-value=\"2026-05-04\"><text:p>4.5.26</text:p>\
         </table:table-cell></table:table-row>";
    let loaded = read(&one(&(header() + dated))).unwrap();
    assert_eq!(places(&loaded), [""; 0]);
    assert_eq!(moves(&loaded), ada());
    let first = loaded.manifest.detected.to_string();
    assert!(
        first.starts_with("m.ods: workbook, sheet `S`; 1 row; columns: user, new_email"),
        "{first}"
    );
    let cells = loaded.manifest.written.cells(2).unwrap();
    assert_eq!(cells, "[\"a@b.example\",\"a@c.example\",\"2026-05-04\"]");
}

#[test]
fn what_nobody_sees_is_refused_or_left_out() {
    for hidden in ["table:visibility=\"collapse\"", "table:visibility=\"filter\""] {
        let bytes = one(&(header()
            + &row("", &["a@b.example", "a@c.example"])
            + &row(hidden, &["b@b.example", "b@c.example"])));
        assert_eq!(refusal(&bytes), "`m.ods`: sheet `S` hides row 3, which is not empty");
        let options = Options { include_hidden: true, ..Options::default() };
        assert_eq!(moves(&parse("m.ods", &bytes, &options).unwrap()).len(), 2);
    }
    let closed = "<table:table-row-group table:display=\"false\">".to_owned()
        + &row("", &["b@b.example", "b@c.example"])
        + "</table:table-row-group>";
    assert!(refusal(&one(&(header() + &closed))).contains("hides row 2"));
    let columns = "<table:table-column/><table:table-column table:visibility=\"collapse\" \
                   table:number-columns-repeated=\"2\"/>";
    let rows = header() + &row("", &["a@b.example", "a@c.example"]);
    assert_eq!(
        refusal(&one(&(columns.to_owned() + &rows))),
        "`m.ods`: sheet `S` hides column B, `new_email`"
    );
    let other = row("", &["user", "new_email"]) + &row("", &["x@b.example", "x@c.example"]);
    let loaded = read(&ods(&[("hidden", "Old", &other), ("seen", "New", &rows)])).unwrap();
    assert_eq!(moves(&loaded), ada());
    assert!(loaded.manifest.detected.notes[0].contains("`Old`, which is hidden"));
}

#[test]
fn merged_cells_errors_and_uncalculated_formulas_are_problems_of_their_cells() {
    let with = |new: &str| {
        header() + "<table:table-row>" + &cell("a@b.example") + new + "</table:table-row>"
    };
    for (new, code) in [
        ("<table:table-cell table:formula=\"of:=[.A2]\"/>", "2:2 formula-without-value"),
        (
            "<table:table-cell table:formula=\"of:=x\" office:value-type=\"string\" \
             calcext:value-type=\"error\"><text:p>#REF!</text:p></table:table-cell>",
            "2:2 formula-error",
        ),
        (
            "<table:table-cell table:formula=\"of:=x\" office:value-type=\"float\" \
             office:value=\"0\"><text:p>Err:502</text:p></table:table-cell>",
            "2:2 formula-error",
        ),
        (
            "<table:table-cell table:number-columns-spanned=\"1\" table:number-rows-spanned=\"2\" \
             office:value-type=\"string\"><text:p>a@c.example</text:p></table:table-cell>",
            "2:2 merged-cells",
        ),
    ] {
        let loaded = read(&one(&with(new))).unwrap();
        assert!(places(&loaded).contains(&code.to_owned()), "{new}: {:?}", places(&loaded));
        assert!(moves(&loaded).is_empty(), "{new}");
    }
}

#[test]
fn repeated_rows_are_rows_and_too_many_are_refused() {
    let repeated = |times: &str| {
        let attributes = format!("table:number-rows-repeated=\"{times}\"");
        one(&(header() + &row(&attributes, &["a@b.example", &"x".repeat(400)])))
    };
    assert_eq!(read(&repeated("3")).unwrap().manifest.detected.rows, 3);
    assert!(refusal(&repeated("1000000")).contains("unfolds to more than"));
    assert!(refusal(&repeated("4000000000")).contains("more rows than a sheet can have"));
}

#[test]
fn a_document_with_a_password_says_so() {
    let list = "<manifest:manifest><manifest:encryption-data/></manifest:manifest>";
    let bytes =
        archive(&[("META-INF/manifest.xml", list.as_bytes()), ("content.xml", b"\x01\x02")]);
    assert!(refusal(&bytes).contains("is protected by a password"), "{}", refusal(&bytes));
}

/// A record of a binary workbook: type, length, content.
fn record(kind: u16, content: &[u8]) -> Vec<u8> {
    let low = u8::try_from(kind & 0x7f).unwrap();
    let mut bytes = match kind {
        ..0x80 => vec![low],
        _ => vec![low | 0x80, u8::try_from(kind >> 7).unwrap()],
    };
    bytes.push(u8::try_from(content.len()).unwrap());
    bytes.extend(content);
    bytes
}

fn wide(text: &str) -> Vec<u8> {
    let units: Vec<u16> = text.encode_utf16().collect();
    let mut bytes = u32::try_from(units.len()).unwrap().to_le_bytes().to_vec();
    bytes.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
    bytes
}

/// A binary workbook with one sheet of these rows, the second of which may be hidden.
fn xlsb(hides: bool) -> Vec<u8> {
    let sheet = [&[0, 0, 0, 0, 1, 0, 0, 0][..], &wide("rId1"), &wide("Guests")].concat();
    let book = [record(156, &sheet), record(144, &[]), record(157, &[])].concat();
    let mut part = record(148, &[0; 16]);
    part.extend(record(145, &[]));
    let rows =
        [["user", "new_email"], ["a@b.example", "a@c.example"], ["b@b.example", "b@c.example"]];
    for (at, cells) in (0u32..).zip(rows) {
        let flags = if hides && at == 2 { 0x10 } else { 0 };
        let header = [&at.to_le_bytes()[..], &[0; 4], &[44, 1], &[0, flags, 0]].concat();
        part.extend(record(0, &header));
        for (column, text) in (0u32..).zip(cells) {
            part.extend(record(6, &[&column.to_le_bytes()[..], &[0; 4], &wide(text)].concat()));
        }
    }
    part.extend(record(146, &[]));
    let relations = "<Relationships><Relationship Id=\"rId1\" Type=\"worksheet\" \
                     Target=\"worksheets/sheet1.bin\"/></Relationships>";
    archive(&[
        ("xl/workbook.bin", &book),
        ("xl/_rels/workbook.bin.rels", relations.as_bytes()),
        ("xl/worksheets/sheet1.bin", &part),
    ])
}

#[test]
fn a_binary_workbook_is_read_as_it_looks() {
    let options = Options::default();
    let loaded = parse("m.xlsb", &xlsb(false), &options).unwrap();
    assert_eq!(moves(&loaded).len(), 2);
    assert_eq!(moves(&loaded)[..1], ada());
    let error = parse("m.xlsb", &xlsb(true), &options).unwrap_err();
    assert_eq!(error.to_string(), "`m.xlsb`: sheet `Guests` hides row 3, which is not empty");
}
