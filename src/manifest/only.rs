//! A part of a manifest, by what its rows say in a column: `wave=1`, `department=Legal`.
//!
//! Leaves to others: how that is written (`config`), and what becomes of the other rows
//! (`campaign`).

use super::heading::{cleaned, folded};
use super::{LeftOut, Manifest};
use crate::domain::Email;

/// What the rows of a part say in one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Only {
    /// The column's heading, cleaned as a manifest's are.
    pub column: String,
    /// Its cell, whatever the case.
    pub value: String,
    /// Rows that say anything else instead.
    pub is_negated: bool,
}

/// Why there is no such part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OnlyError {
    #[error("{manifest}: there is no column `{column}`")]
    NoColumn { manifest: String, column: String, nearest: Option<String>, columns: Vec<String> },
    #[error("{manifest}: several columns are `{column}`")]
    SeveralColumns { manifest: String, column: String },
    #[error("{manifest}: no row says so")]
    NoRows { manifest: String },
}

impl Manifest {
    /// Keeps the rows of which all of this is true, remembers which it left out, and gives how
    /// many those are.
    pub fn keep_only(&mut self, only: &[Only]) -> Result<u64, OnlyError> {
        let wanted = only
            .iter()
            .map(|only| Ok((self.column(&only.column)?, only)))
            .collect::<Result<Vec<_>, OnlyError>>()?;
        let written = &self.written;
        let is_kept = |line: u32| {
            let cells = written.cells(line).map(serde_json::from_str::<Vec<String>>);
            let cells = cells.and_then(Result::ok).unwrap_or_default();
            wanted.iter().all(|(at, only)| {
                let cell = cells.get(*at).map_or("", String::as_str);
                let is_it = cleaned(cell).to_lowercase() == cleaned(&only.value).to_lowercase();
                is_it != only.is_negated
            })
        };
        let rows = self.rows.iter().map(|row| LeftOut {
            line: row.line,
            user: row.user.to_string(),
            address: row.wish.address().cloned(),
        });
        let invalid = self.invalid.iter().map(|row| LeftOut {
            line: row.line,
            user: row.user.clone(),
            address: Email::parse(&row.new_email).ok(),
        });
        let left_out: Vec<LeftOut> = rows.chain(invalid).filter(|row| !is_kept(row.line)).collect();
        self.rows.retain(|row| is_kept(row.line));
        self.invalid.retain(|row| is_kept(row.line));
        if self.rows.is_empty() && self.invalid.is_empty() {
            return Err(OnlyError::NoRows { manifest: self.name.clone() });
        }
        self.left_out = left_out;
        Ok(self.left_out.len() as u64)
    }

    fn column(&self, asked: &str) -> Result<usize, OnlyError> {
        let header = &self.written.form.header;
        let wanted = folded(asked);
        let mut found = header.iter().enumerate().filter(|(_, heading)| folded(heading) == wanted);
        match (found.next(), found.next()) {
            (Some((at, _)), None) => Ok(at),
            (Some(_), Some(_)) => Err(OnlyError::SeveralColumns {
                manifest: self.name.clone(),
                column: asked.to_owned(),
            }),
            (None, _) => Err(OnlyError::NoColumn {
                manifest: self.name.clone(),
                column: asked.to_owned(),
                nearest: nearest(&wanted, header),
                columns: header.iter().map(|heading| cleaned(heading).into_owned()).collect(),
            }),
        }
    }
}

/// The heading that a slip of the pen most likely meant.
fn nearest(wanted: &str, header: &[String]) -> Option<String> {
    let distance = |heading: &String| strsim::damerau_levenshtein(wanted, &folded(heading));
    let near = header.iter().min_by_key(|heading| distance(heading))?;
    let most = (wanted.chars().count() / 3).max(1);
    (distance(near) <= most).then(|| cleaned(near).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::{Options, parse};

    const TEXT: &str = "user,new_email,Wave ,Department\n\
                        a@n.example,a@f.example,1,Legal\n\
                        b@n.example,b@f.example,2,legal\n\
                        c@n.example,not-an-address,1,Sales\n\
                        d@n.example,d@f.example,,Sales\n";

    fn only(column: &str, value: &str, is_negated: bool) -> Only {
        Only { column: column.to_owned(), value: value.to_owned(), is_negated }
    }

    fn kept(only: &[Only]) -> Result<(Vec<u32>, u64), OnlyError> {
        let mut manifest = parse("m.csv", TEXT.as_bytes(), &Options::default()).unwrap().manifest;
        let left = manifest.keep_only(only)?;
        let invalid = manifest.invalid.iter().map(|row| row.line);
        let mut lines: Vec<u32> = manifest.rows.iter().map(|row| row.line).chain(invalid).collect();
        lines.sort_unstable();
        Ok((lines, left))
    }

    #[test]
    fn rows_are_kept_by_what_they_say_unusable_ones_too() {
        for (asked, lines) in [
            (vec![only("wave", "1", false)], vec![2, 4]),
            (vec![only("WAVE", " 1 ", false)], vec![2, 4]),
            (vec![only("wave", "1", true)], vec![3, 5]),
            (vec![only("wave", "", false)], vec![5]),
            (vec![only("department", "LEGAL", false)], vec![2, 3]),
            (vec![only("department", "legal", false), only("wave", "2", false)], vec![3]),
            (vec![only("user", "a@n.example", false)], vec![2]),
        ] {
            let left = 4 - lines.len() as u64;
            assert_eq!(kept(&asked), Ok((lines, left)), "{asked:?}");
        }
    }

    #[test]
    fn a_column_that_is_not_there_is_named_with_the_nearest() {
        let Err(OnlyError::NoColumn { nearest, columns, .. }) = kept(&[only("wav", "1", false)])
        else {
            panic!("a column was found");
        };
        assert_eq!(nearest.as_deref(), Some("Wave"));
        assert_eq!(columns, ["user", "new_email", "Wave", "Department"]);
        let far = kept(&[only("colour", "1", false)]);
        assert!(matches!(far, Err(OnlyError::NoColumn { nearest: None, .. })), "{far:?}");
        let none = kept(&[only("wave", "7", false)]);
        assert!(matches!(none, Err(OnlyError::NoRows { .. })), "{none:?}");
    }
}
