//! A value as it was given, in the file or in a variable, and the ways to read
//! one: as a text, a switch, a number, one of several words.
//!
//! Leaves to others: where it was given, and which way is right for which key.

use std::fmt::Display;

use toml::de::DeValue;

use super::suggest;
use super::written_path::{misread, misread_argument, unstartable};

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// The text of an environment variable, which may mean anything.
    Variable(String),
    Text(String),
    Boolean(bool),
    Integer(i64),
    Float(f64),
    List(Vec<Self>),
    Table(Vec<(String, Self)>),
    /// Any other TOML value; its type.
    Other(&'static str),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) message: String,
    pub(super) hint: Option<String>,
    /// The value may be a secret: it must not be shown.
    pub(super) secret: bool,
}

impl Fault {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, secret: false }
    }

    pub(super) fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The same, for a value that must not be shown.
    pub(super) fn unseen(self) -> Self {
        Self { secret: true, ..self }
    }

    fn wrong_type(expected: &str, value: &Value) -> Self {
        Self::new(format!("must be {expected}, not {}", value.kind()))
    }
}

impl From<&DeValue<'_>> for Value {
    fn from(value: &DeValue<'_>) -> Self {
        match value {
            DeValue::String(text) => Self::Text(text.clone().into_owned()),
            DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
                .map_or(Self::Other("a number that large"), Self::Integer),
            DeValue::Float(float) => {
                float.as_str().parse().map_or(Self::Other("such a number"), Self::Float)
            }
            DeValue::Boolean(boolean) => Self::Boolean(*boolean),
            DeValue::Datetime(_) => Self::Other("a date or time"),
            DeValue::Array(array) => {
                Self::List(array.iter().map(|item| Self::from(item.get_ref())).collect())
            }
            DeValue::Table(table) => Self::Table(
                table
                    .iter()
                    .map(|(name, value)| {
                        (name.get_ref().clone().into_owned(), Self::from(value.get_ref()))
                    })
                    .collect(),
            ),
        }
    }
}

/// The smallest rate that has a meaning: once in a quarter of an hour.
const LEAST: f64 = 0.001;

impl Value {
    /// As TOML writes it.
    pub(super) fn to_toml(&self) -> String {
        match self {
            Self::Variable(text) | Self::Text(text) => {
                toml::Value::String(text.clone()).to_string()
            }
            Self::Boolean(boolean) => boolean.to_string(),
            Self::Integer(integer) => integer.to_string(),
            Self::Float(float) => toml::Value::Float(*float).to_string(),
            Self::List(items) => {
                let items: Vec<_> = items.iter().map(Self::to_toml).collect();
                format!("[{}]", items.join(", "))
            }
            Self::Table(items) => {
                let name = |name: &str| toml::Value::String(name.to_owned()).to_string();
                let items: Vec<_> = items
                    .iter()
                    .map(|(key, value)| format!("{} = {}", name(key), value.to_toml()))
                    .collect();
                format!("{{ {} }}", items.join(", "))
            }
            // No key takes one.
            Self::Other(kind) => format!("({kind})"),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Variable(_) | Self::Text(_) => "a text",
            Self::Boolean(_) => "true or false",
            Self::Integer(_) | Self::Float(_) => "a number",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(kind) => kind,
        }
    }

    /// A text that is not empty, without the white space around it.
    pub(super) fn text(&self) -> Result<&str, Fault> {
        match self {
            Self::Variable(text) | Self::Text(text) if text.trim().is_empty() => {
                Err(Fault::new("is empty").with_hint("give a value or leave the key out"))
            }
            Self::Variable(text) | Self::Text(text) => Ok(text.trim()),
            other => Err(Fault::wrong_type("a text in quotes", other)),
        }
    }

    /// A path.
    pub(super) fn path(&self) -> Result<&str, Fault> {
        let path = self.text()?;
        // White space around it is no part of it, but in the file a tab was a backslash.
        let whole = if let Self::Text(text) = self { text } else { path };
        misread(whole).map_or(Ok(path), Err)
    }

    /// A text that a parser accepts.
    pub(super) fn parsed<T, E: Display>(
        &self,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, Fault> {
        parse(self.text()?).map_err(|error| Fault::new(error.to_string()))
    }

    pub(super) fn choice<T: Copy>(&self, choices: &[(&'static str, T)]) -> Result<T, Fault> {
        let word = self.text()?;
        choices.iter().find(|(name, _)| *name == word).map(|&(_, choice)| choice).ok_or_else(|| {
            let names = || choices.iter().map(|&(name, _)| name);
            let fault = Fault::new(format!("`{word}` is not {}", suggest::listed(names())));
            match suggest::nearest(word, names()) {
                Some(name) => fault.with_hint(format!("did you mean `{name}`?")),
                None => fault,
            }
        })
    }

    /// True or false; in a variable also 1, 0, yes, no, on, off.
    pub(super) fn boolean(&self) -> Result<bool, Fault> {
        match self {
            Self::Boolean(boolean) => Ok(*boolean),
            Self::Variable(text) => match text.trim().to_lowercase().as_str() {
                "true" | "1" | "yes" | "y" | "on" | "t" => Ok(true),
                "false" | "0" | "no" | "n" | "off" | "f" => Ok(false),
                _ => Err(Fault::new(format!("`{text}` is neither true nor false"))),
            },
            other @ (Self::Text(_)
            | Self::Integer(_)
            | Self::Float(_)
            | Self::List(_)
            | Self::Table(_)
            | Self::Other(_)) => Err(Fault::wrong_type("true or false, without quotes", other)),
        }
    }

    /// A whole number of at least `least` and at most `most`.
    pub(super) fn whole(&self, least: u32, most: u32) -> Result<u32, Fault> {
        let number = match self {
            Self::Integer(integer) => Some(*integer),
            Self::Variable(text) => text.trim().parse().ok(),
            Self::Float(_) => None,
            other @ (Self::Text(_)
            | Self::Boolean(_)
            | Self::List(_)
            | Self::Table(_)
            | Self::Other(_)) => {
                return Err(Fault::wrong_type("a whole number, without quotes", other));
            }
        };
        number
            .and_then(|number| u32::try_from(number).ok())
            .filter(|number| (least..=most).contains(number))
            .ok_or_else(|| {
                Fault::new(if most == u32::MAX {
                    format!("must be a whole number of at least {least}")
                } else {
                    format!("must be a whole number from {least} to {most}")
                })
            })
    }

    /// A number that is no less than a thousandth and at most `most`.
    pub(super) fn positive(&self, most: u32) -> Result<f64, Fault> {
        let number = match self {
            // Bounded by `most` below, so what precision is lost doesn't matter.
            #[expect(clippy::cast_precision_loss)]
            Self::Integer(integer) => Some(*integer as f64),
            Self::Float(float) => Some(*float),
            Self::Variable(text) => text.trim().parse().ok(),
            other @ (Self::Text(_)
            | Self::Boolean(_)
            | Self::List(_)
            | Self::Table(_)
            | Self::Other(_)) => {
                return Err(Fault::wrong_type("a number, without quotes", other));
            }
        };
        number
            .filter(|&number| (LEAST..=f64::from(most)).contains(&number))
            .ok_or_else(|| Fault::new(format!("must be a number from {LEAST} to {most}")))
    }

    /// A program and its arguments: a list of texts; in a variable a JSON list, or words
    /// separated by blanks. An error never shows them: an argument may be a secret.
    pub(super) fn command(&self) -> Result<Vec<String>, Fault> {
        let fault = |text: &str| {
            let hint =
                "give the program and its arguments, such as [\"pass\", \"show\", \"reinvite\"]";
            Fault::new(text).with_hint(hint).unseen()
        };
        let words: Vec<String> = match self {
            Self::Variable(text) if text.trim_start().starts_with('[') => {
                serde_json::from_str(text).map_err(|_| fault("is not a JSON list of texts"))?
            }
            Self::Variable(text) => text.split_whitespace().map(str::to_owned).collect(),
            Self::List(items) => items
                .iter()
                .map(|item| match item {
                    Self::Text(text) => Ok(text.clone()),
                    _ => Err(fault("must be a list of texts")),
                })
                .collect::<Result<_, _>>()?,
            _ => return Err(fault("must be a list of texts")),
        };
        if words.first().is_none_or(|program| program.trim().is_empty()) {
            return Err(fault("names no program"));
        }
        can_be_meant(&words).map_err(Fault::unseen)?;
        Ok(words)
    }

    /// A list of texts; in a variable they are separated by commas.
    pub(super) fn texts(&self) -> Result<Vec<&str>, Fault> {
        match self {
            Self::Variable(text) => Ok(text.split(',').map(str::trim).collect()),
            Self::List(items) => items.iter().map(Self::text).collect(),
            other => Err(Fault::wrong_type("a list of texts such as [\"a.example\"]", other)),
        }
    }
}

/// Refuses a program and arguments that are misread paths, or that can't be started.
pub(super) fn can_be_meant(command: &[impl AsRef<str>]) -> Result<(), Fault> {
    let Some((program, arguments)) = command.split_first() else { return Ok(()) };
    let program = program.as_ref();
    let of_program = misread(program).or_else(|| unstartable(program));
    let misread = || arguments.iter().find_map(|argument| misread_argument(argument.as_ref()));
    of_program.or_else(misread).map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(text: &str) -> Value {
        Value::Variable(text.into())
    }

    #[test]
    fn a_variable_is_read_as_what_the_key_needs() {
        assert_eq!(variable(" a b ").text(), Ok("a b"));
        assert_eq!(variable("Yes").boolean(), Ok(true));
        assert_eq!(variable("0").boolean(), Ok(false));
        assert_eq!(variable("12").whole(1, 20), Ok(12));
        assert_eq!(variable("0.5").positive(10), Ok(0.5));
        assert_eq!(variable("a.example, b.example").texts(), Ok(vec!["a.example", "b.example"]));
    }

    #[test]
    fn a_value_of_another_type_is_refused_by_name() {
        let text = Value::Text("12".into());
        let number = Value::Integer(12);
        for (fault, expected) in [
            (text.boolean().unwrap_err(), "must be true or false, without quotes, not a text"),
            (text.whole(1, 20).unwrap_err(), "must be a whole number, without quotes, not a text"),
            (number.text().unwrap_err(), "must be a text in quotes, not a number"),
            (number.boolean().unwrap_err(), "must be true or false, without quotes, not a number"),
            (variable("maybe").boolean().unwrap_err(), "`maybe` is neither true nor false"),
        ] {
            assert_eq!(fault.message, expected);
        }
        assert!(text.texts().is_err());
        assert!(Value::Text("  ".into()).text().is_err());
    }

    #[test]
    fn numbers_stay_within_their_bounds() {
        for (value, ok) in [
            (Value::Integer(1), true),
            (Value::Integer(20), true),
            (Value::Integer(0), false),
            (Value::Integer(21), false),
            (Value::Integer(-1), false),
            (Value::Integer(i64::MAX), false),
            (Value::Float(2.0), false),
        ] {
            assert_eq!(value.whole(1, 20).is_ok(), ok, "{value:?}");
        }
        for (value, ok) in [
            (Value::Float(0.001), true),
            (Value::Integer(20), true),
            (Value::Float(0.0), false),
            (Value::Float(-0.1), false),
            (Value::Float(20.1), false),
            (Value::Float(f64::NAN), false),
            (Value::Float(f64::INFINITY), false),
            (variable("nan"), false),
        ] {
            assert_eq!(value.positive(20).is_ok(), ok, "{value:?}");
        }
    }

    #[test]
    fn a_misspelt_word_is_answered_with_the_nearest() {
        let fault = Value::Text("carefull".into())
            .choice(&[("careful", 1), ("steady", 2), ("full", 3)])
            .unwrap_err();
        assert_eq!(fault.message, "`carefull` is not `careful`, `steady` or `full`");
        assert_eq!(fault.hint.as_deref(), Some("did you mean `careful`?"));
    }
}
