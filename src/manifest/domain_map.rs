//! A file that says which domains move where: two columns, read in every format that a
//! manifest can have.
//!
//! Leaves to others: what moves because of it (`draft`).

use super::cells::shown;
use super::encoding;
use super::heading::{Heading, Side, cleaned, plain_words, side};
use super::problem::{ProblemCode, Problems};
use super::record::Record;
use super::table::Table;
use super::workbook;
use super::{LoadError, LoadErrorKind, Meaning, Options, RowProblem, Source};
use crate::domain::DomainName;

/// Domains that move, and all that is wrong with the file.
#[derive(Debug)]
pub struct DomainMap {
    pub name: String,
    pub moves: Vec<DomainMove>,
    pub problems: Vec<RowProblem>,
}

/// One row of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainMove {
    /// Line of the file, from 1.
    pub line: u32,
    pub from: DomainName,
    pub to: DomainName,
}

/// What a domain is called.
const DOMAIN: &[&str] =
    &["domain", "domains", "domaine", "dominio", "domein", "domane", "suffix", "domena"];

/// Reads a map of domains.
pub fn read_domain_map(source: &Source, options: &Options) -> Result<DomainMap, LoadError> {
    let (name, bytes) = source.load()?;
    if workbook::is_zip(&bytes) {
        return of_table(name.clone(), Table::from_workbook(&name, &bytes, options)?);
    }
    if workbook::is_ole(&bytes) {
        return Err(workbook::refuse_ole(&name, &bytes).into());
    }
    let (text, encoding) = encoding::decode(&name, &bytes)?;
    of_table(name.clone(), Table::from_text(&name, &text, encoding)?)
}

fn of_table(name: String, table: Table<'_>) -> Result<DomainMap, LoadError> {
    let Table { header, records, .. } = table;
    let mut problems = Problems::default();
    problems.extend(header.defects.iter().cloned());
    let mut moves = Vec::new();
    let found = (column(&header, Side::Present), column(&header, Side::New));
    let (Some(from), Some(to)) = found else {
        problems.push(header.place(0).problem(
            ProblemCode::MissingColumn,
            "the columns do not say which domain moves where",
            "name one column `from` and one `to`",
        ));
        return Ok(DomainMap { name, moves, problems: problems.into_sorted() });
    };
    let mut rows = 0_usize;
    for record in records {
        if record.is_blank() {
            continue;
        }
        rows += 1;
        if !record.defects.is_empty() {
            problems.extend(record.defects.iter().cloned());
            continue;
        }
        let before = problems.found();
        let mut domain = |index: usize| {
            let text = record.text(index);
            let parsed = DomainName::parse(text);
            if parsed.is_err() {
                let problem = format!("`{}` is not a domain", shown(text));
                problems.push(record.place(index).problem(
                    ProblemCode::BadDomain,
                    problem,
                    "write a domain such as fabrikam.example",
                ));
            }
            parsed.ok()
        };
        let (from, to) = (domain(from), domain(to));
        if let (Some(from), Some(to)) = (from, to)
            && problems.found() == before
        {
            moves.push(DomainMove { line: record.line, from, to });
        }
    }
    if rows == 0 {
        return Err(LoadErrorKind::NoRows { name }.into());
    }
    Ok(DomainMap { name, moves, problems: problems.into_sorted() })
}

/// The one column of this side.
fn column(header: &Record<'_>, wanted: Side) -> Option<usize> {
    let mut columns = (0..header.filled()).filter(|index| of(header.text(*index)) == Some(wanted));
    columns.next().filter(|_| columns.next().is_none())
}

/// Which side a heading names: `from`, `Old domain`, `Neue Domäne`.
fn of(heading: &str) -> Option<Side> {
    let mut words = plain_words(&cleaned(heading));
    words.retain(|word| !DOMAIN.contains(&word.as_str()));
    let rest = words.join(" ");
    if let Some((_, side)) = side(&rest) {
        return Some(side);
    }
    match Heading::of(&rest)? {
        Heading::PresentAddress => Some(Side::Present),
        Heading::Means(Meaning::NewEmail) => Some(Side::New),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(text: &str) -> DomainMap {
        let table = Table::from_text("domains.csv", text, crate::manifest::Encoding::Utf8).unwrap();
        of_table("domains.csv".to_owned(), table).unwrap()
    }

    #[test]
    fn two_columns_in_any_order_and_under_many_names_say_what_moves() {
        for text in [
            "from,to\nnorthwind.example,fabrikam.example\n",
            "Note;New domain;Old domain\nx;@Fabrikam.example;northwind.example\n",
            "Alte Domäne\tNeue Domäne\nNORTHWIND.example\tfabrikam.example\n",
        ] {
            let DomainMap { moves, problems, .. } = map(text);
            assert!(problems.is_empty(), "{problems:?}");
            let moves: Vec<_> =
                moves.iter().map(|m| (m.line, m.from.as_str(), m.to.as_str())).collect();
            assert_eq!(moves, [(2, "northwind.example", "fabrikam.example")], "{text}");
        }
    }

    #[test]
    fn what_is_no_domain_is_told_by_its_place() {
        let told = |text: &str| -> Vec<String> {
            map(text).problems.iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            told("from,to\nnorthwind.example,fabrikam\nada@x.example,y.example\na.example,\n"),
            ["2:19: `fabrikam` is not a domain"]
        );
        assert_eq!(
            told("northwind.example,fabrikam.example\na.example,b.example\n"),
            ["1:1: the columns do not say which domain moves where"]
        );
        assert_eq!(told("from,from,to\na.example,b.example,c.example\n").len(), 1);
    }
}
