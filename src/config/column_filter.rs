//! `--only`: a part of the manifest by one of its columns, as it is written on the command
//! line.
//!
//! Leaves to others: which column that is, and the rows (`manifest`).

use std::fmt;
use std::str::FromStr;

/// `COLUMN=VALUE`, or `COLUMN!=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnFilter {
    pub column: String,
    pub value: String,
    /// Rows that say anything else instead.
    pub is_negated: bool,
}

impl FromStr for ColumnFilter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (column, value) = text
            .split_once('=')
            .ok_or("write COLUMN=VALUE or COLUMN!=VALUE, such as wave=1 or department=Legal")?;
        let (column, is_negated) = match column.strip_suffix('!') {
            Some(column) => (column, true),
            None => (column, false),
        };
        let (column, value) = (column.trim().to_owned(), value.trim().to_owned());
        if column.is_empty() {
            return Err("name the column before the `=`, as in wave=1".to_owned());
        }
        Ok(Self { column, value, is_negated })
    }
}

impl fmt::Display for ColumnFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.is_negated { "!=" } else { "=" };
        write!(f, "{}{sign}{}", self.column, self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_and_what_it_says_are_told_apart() {
        for (text, column, value, is_negated) in [
            ("wave=1", "wave", "1", false),
            ("wave!=1", "wave", "1", true),
            (" Cost centre = a=b ", "Cost centre", "a=b", false),
            ("wave=", "wave", "", false),
        ] {
            let expected = ColumnFilter { column: column.into(), value: value.into(), is_negated };
            assert_eq!(text.parse(), Ok(expected.clone()), "{text}");
            assert_eq!(expected.to_string().parse(), Ok(expected));
        }
        for wrong in ["wave", "=1", "!=1", ""] {
            assert!(wrong.parse::<ColumnFilter>().is_err(), "{wrong}");
        }
    }
}
