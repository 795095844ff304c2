//! From JSON Lines to records: one object a line, its keys are the columns.
//!
//! Leaves to others: what the keys mean (`columns`).

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::cells::shown;
use super::heading::{Heading, folded};
use super::problem::{ProblemCode, RowProblem};
use super::record::{Cell, Record, Ruler};

#[derive(Debug)]
pub(super) struct JsonLines<'a> {
    /// The keys of all objects, in the order of their first appearance; two
    /// spellings of one name in different objects are one column.
    pub(super) header: Record<'a>,
    pub(super) records: Vec<Record<'a>>,
}

/// How a text stands to JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Its first line is an object.
    Lines,
    /// It is JSON of another shape: an array, or an object over several lines.
    Document,
    NotJson,
}

/// Looks at the beginning of a text.
pub(super) fn kind(text: &str) -> Kind {
    let text = text.trim_start();
    let line = text.lines().next().unwrap_or_default().trim();
    let is_array =
        text.strip_prefix('[').is_some_and(|rest| rest.trim_start().starts_with(['{', ']', '[']));
    if serde_json::from_str::<Object>(line).is_ok() {
        Kind::Lines
    } else if is_array || line == "{" {
        Kind::Document
    } else {
        Kind::NotJson
    }
}

/// Reads every line, or as many as have no more than `most_columns` different
/// keys: values are kept by column, and a file in which every object has keys of
/// its own would fill the memory with empty cells.
pub(super) fn read(text: &str, most_columns: usize) -> JsonLines<'_> {
    let mut lines =
        Lines { ruler: Ruler::Text(text), text, columns: HashMap::new(), keys: Vec::new() };
    let mut records = Vec::new();
    for (line, start, content) in lines_of(text) {
        records.push(match serde_json::from_str::<Object>(content) {
            Ok(object) => lines.record(line, start, start + content.len(), object),
            Err(error) => {
                let mut record = lines.empty(line);
                record.broken = true;
                record.defects.push(bad_json(record.ruler, line, start, content, &error));
                record
            }
        });
        if lines.keys.len() > most_columns {
            break;
        }
    }
    let header = Record { cells: std::mem::take(&mut lines.keys), ..lines.empty(1) };
    JsonLines { header, records }
}

/// What is known after some of the lines.
struct Lines<'a> {
    text: &'a str,
    ruler: Ruler<'a>,
    /// The column of every folded key so far.
    columns: HashMap<String, usize>,
    /// The keys themselves, as first written.
    keys: Vec<Cell<'a>>,
}

impl<'a> Lines<'a> {
    fn empty(&self, line: u32) -> Record<'a> {
        Record { line, cells: Vec::new(), defects: Vec::new(), broken: false, ruler: self.ruler }
    }

    /// Puts an object's values under their columns.
    fn record(&mut self, line: u32, start: usize, end: usize, object: Object) -> Record<'a> {
        let mut record = self.empty(line);
        let mut seen = HashSet::new();
        let mut searched = start;
        for (key, value) in object.0 {
            let found = key_position(self.text, searched, end, &key);
            searched = found.map_or(searched, |at| at + 1);
            let mut cell = Cell { text: Cow::Borrowed(""), line, at: found.unwrap_or(start) };
            let column = self.column(&key, &cell);
            if !seen.insert(column) {
                record.defects.push(twice(self.ruler, &cell, &key));
                continue;
            }
            match plain(value) {
                Ok(text) => cell.text = Cow::Owned(text),
                // A column without a use is kept, whatever it holds.
                Err(value) if Heading::of(&key).is_none() => {
                    cell.text = Cow::Owned(value.to_string());
                }
                Err(_) => record.defects.push(nested(self.ruler, &cell, &key)),
            }
            if record.cells.len() <= column {
                let absent = Cell { text: Cow::Borrowed(""), line, at: start };
                record.cells.resize(column + 1, absent);
            }
            record.cells[column] = cell;
        }
        record
    }

    /// The column of a key; a key not seen before opens one.
    fn column(&mut self, key: &str, cell: &Cell<'a>) -> usize {
        *self.columns.entry(folded(key)).or_insert_with(|| {
            self.keys.push(Cell { text: Cow::Owned(key.to_owned()), ..cell.clone() });
            self.keys.len() - 1
        })
    }
}

/// The lines that are not blank: number, first byte, content.
fn lines_of(text: &str) -> impl Iterator<Item = (u32, usize, &str)> {
    let mut at = 0;
    let mut number = 0_u32;
    std::iter::from_fn(move || {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let content = &rest[..rest.find(['\r', '\n']).unwrap_or(rest.len())];
        let end = if rest[content.len()..].starts_with("\r\n") { 2 } else { 1 };
        let line = (number.saturating_add(1), at, content);
        number = line.0;
        at += content.len() + end;
        Some(line)
    })
    .filter(|(_, _, content)| !content.trim().is_empty())
}

/// Where a key stands. One written with escapes is not found.
fn key_position(text: &str, from: usize, end: usize, key: &str) -> Option<usize> {
    let quoted = format!("\"{key}\"");
    let mut from = from;
    loop {
        let at = from + text.get(from..end)?.find(&quoted)?;
        let after = at + quoted.len();
        if text[after..end].trim_start().starts_with(':') {
            return Some(at);
        }
        from = after;
    }
}

/// The text of a value, or one that is a list or an object.
fn plain(value: Value) -> Result<String, Value> {
    match value {
        Value::Null => Ok(String::new()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Number(number) => Ok(number.to_string()),
        Value::String(text) => Ok(text),
        Value::Array(_) | Value::Object(_) => Err(value),
    }
}

fn nested(ruler: Ruler<'_>, cell: &Cell<'_>, key: &str) -> RowProblem {
    ruler.place(cell.line, cell.at).problem(
        ProblemCode::NestedValue,
        format!("`{}` is a list or an object", shown(key)),
        "give a text, a number, true, false or null",
    )
}

fn twice(ruler: Ruler<'_>, cell: &Cell<'_>, key: &str) -> RowProblem {
    ruler.place(cell.line, cell.at).problem(
        ProblemCode::DuplicateColumn,
        format!("this object has `{}` twice", shown(key)),
        "delete or rename one of the two",
    )
}

fn bad_json(
    ruler: Ruler<'_>,
    line: u32,
    start: usize,
    content: &str,
    error: &serde_json::Error,
) -> RowProblem {
    let at = error.column().saturating_sub(1).min(content.len());
    let at = (0..=at).rev().find(|at| content.is_char_boundary(*at)).unwrap_or(0);
    let text = error.to_string();
    let reason = text.rfind(" at line ").map_or(text.as_str(), |end| &text[..end]);
    ruler.place(line, start + at).problem(
        ProblemCode::BadJson,
        format!("this line is not a JSON object: {}", shown(reason)),
        "write one whole object on each line",
    )
}

/// An object with its keys in order and repeated keys kept, which a map would
/// silently drop.
struct Object(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Object, M::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Object(fields))
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts<'a>(record: &'a Record<'_>) -> Vec<&'a str> {
        record.cells.iter().map(|cell| &*cell.text).collect()
    }

    #[test]
    fn objects_may_have_their_keys_in_any_order_and_number() {
        let text = "{\"user\": \"a@b.example\", \"send\": true}\r\n\r\n\
                    {\"cc\": null, \"User\": \"c\", \"n\": 4.5}\r\n";
        let JsonLines { header, records } = read(text, 9);
        assert_eq!(texts(&header), ["user", "send", "cc", "n"]);
        assert_eq!(texts(&records[0]), ["a@b.example", "true"]);
        assert_eq!(texts(&records[1]), ["c", "", "", "4.5"]);
        let nested = read("{\"user\": \"a\", \"extra\": {\"b\": [1, \"c\"]}}", 9).records;
        assert_eq!(texts(&nested[0]), ["a", "{\"b\":[1,\"c\"]}"]);
        let place = records[1].place(0);
        assert_eq!((records[1].line, place.line, place.column), (3, 3, 14));
    }

    #[test]
    fn what_is_no_flat_object_is_a_problem_of_its_line() {
        for (text, code, column) in [
            ("{\"user\": [\"a\"]}", "nested-value", 2),
            ("{\"user\": \"a\", \"user\": \"b\"}", "duplicate-column", 15),
            ("{\"user\": \"a\", \"USER\": \"b\"}", "duplicate-column", 15),
            ("{\"user\": \"ü\", }", "bad-json", 15),
            ("[1]", "bad-json", 1),
            ("{\"a\":1} {\"a\":2}", "bad-json", 9),
        ] {
            let records = read(text, 9).records;
            let defect = &records[0].defects[0];
            assert_eq!((defect.code.as_str(), defect.column), (code, column), "{text}: {defect}");
        }
    }

    #[test]
    fn json_is_told_from_csv() {
        for (text, expected) in [
            ("\n {\"user\":1}\n{}\n", Kind::Lines),
            ("[\n {\"user\":1}]", Kind::Document),
            ("{\n \"user\": 1}", Kind::Document),
            ("[inviteeEmail],message\n", Kind::NotJson),
            ("user,new_email\n", Kind::NotJson),
            ("{user},x\n", Kind::NotJson),
        ] {
            assert_eq!(kind(text), expected, "{text:?}");
        }
    }
}
