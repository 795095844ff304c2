//! What a person settled about the manifest because it can't be guessed.
//!
//! Leaves to others: reading the manifest by it.

use std::fmt;
use std::str::FromStr;

use super::key;
use super::layers::{Layers, Reported};
use super::settings::Overrides;
use super::suggest;
use super::value::{Fault, Value};

/// `[manifest]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ManifestSettings {
    /// Rows without a new address ask for a reset of the present one.
    pub reset_only: bool,
    /// Which column is what, where its heading does not say.
    pub columns: Vec<NamedColumn>,
    /// The sheet of a workbook.
    pub sheet: Option<String>,
    /// Whether hidden rows of a sheet are read; only a flag says so, each time anew.
    pub include_hidden: bool,
}

/// `NAME=HEADING`: the column with this heading is to be taken for this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedColumn {
    /// One of [`NamedColumn::NAMES`].
    pub name: &'static str,
    pub heading: String,
}

impl NamedColumn {
    /// The columns that can be named.
    pub const NAMES: [&'static str; 10] = [
        "user",
        "current_email",
        "new_email",
        "reset",
        "message",
        "cc",
        "language",
        "redirect_url",
        "send",
        "display_name",
    ];

    fn new(name: &str, heading: &str) -> Result<Self, String> {
        let (name, heading) = (name.trim(), heading.trim());
        let known = Self::NAMES.into_iter().find(|known| *known == name).ok_or_else(|| {
            match suggest::nearest(name, Self::NAMES) {
                Some(near) => format!("there is no column `{name}`; did you mean `{near}`?"),
                None => format!(
                    "there is no column `{name}`; the columns are {}",
                    suggest::listed(Self::NAMES)
                ),
            }
        })?;
        if heading.is_empty() {
            return Err(format!("give the heading of `{known}`, as in {known}=\"Heading\""));
        }
        Ok(Self { name: known, heading: heading.to_owned() })
    }
}

impl FromStr for NamedColumn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, heading) =
            text.split_once('=').ok_or("write NAME=HEADING, such as new_email=\"Neue Adresse\"")?;
        Self::new(name, heading)
    }
}

impl fmt::Display for NamedColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.heading)
    }
}

impl ManifestSettings {
    pub(super) fn resolve(
        layers: &mut Layers<'_>,
        overrides: &Overrides,
    ) -> Result<Self, Reported> {
        let reset_only = layers.get(key::MANIFEST_RESET_ONLY, Value::boolean);
        let columns = layers.get(key::MANIFEST_COLUMNS, columns);
        let sheet = layers.get(key::MANIFEST_SHEET, |value| value.text().map(str::to_owned));
        let mut settings = Self {
            reset_only: overrides.reset_only || reset_only?.unwrap_or_default(),
            columns: columns?.unwrap_or_default(),
            sheet: overrides.sheet.clone().or(sheet?),
            include_hidden: overrides.include_hidden,
        };
        for column in &overrides.columns {
            settings.columns.retain(|known| known.name != column.name);
        }
        settings.columns.extend(overrides.columns.iter().cloned());
        Ok(settings)
    }
}

/// `{ new_email = "Neue Adresse" }`; in a variable `new_email=Neue Adresse; user=Gast`.
fn columns(value: &Value) -> Result<Vec<NamedColumn>, Fault> {
    match value {
        Value::Table(entries) => entries
            .iter()
            .map(|(name, heading)| NamedColumn::new(name, heading.text()?).map_err(Fault::new))
            .collect(),
        Value::Variable(text) => text
            .split(';')
            .filter(|part| !part.trim().is_empty())
            .map(|part| part.parse().map_err(|error: String| Fault::new(error)))
            .collect(),
        Value::Text(_)
        | Value::Boolean(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::List(_)
        | Value::Other(_) => Err(Fault::new("must be a table")
            .with_hint("write columns = { new_email = \"Neue Adresse\" }")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_named_by_one_word_and_its_heading() {
        let column: NamedColumn = " new_email = Neue Adresse=x ".parse().unwrap();
        assert_eq!((column.name, column.heading.as_str()), ("new_email", "Neue Adresse=x"));
        assert_eq!(column.to_string(), "new_email=Neue Adresse=x");
        for (text, error) in [
            ("new_email", "write NAME=HEADING"),
            ("new_emial=x", "did you mean `new_email`?"),
            ("shoe_size=x", "the columns are `user`"),
            ("user= ", "give the heading of `user`"),
        ] {
            let told = text.parse::<NamedColumn>().unwrap_err();
            assert!(told.contains(error), "{told}");
        }
    }

    #[test]
    fn columns_are_a_table_or_a_variable_of_pairs() {
        let table = Value::Table(vec![("user".into(), Value::Text("Gast".into()))]);
        assert_eq!(columns(&table).unwrap()[0].to_string(), "user=Gast");
        let variable = Value::Variable("user=Gast; new_email=Neue Adresse;".into());
        assert_eq!(columns(&variable).unwrap().len(), 2);
        assert!(columns(&Value::Boolean(true)).is_err());
    }
}
