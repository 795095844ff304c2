//! Reads a `$filter`.
//!
//! Leaves to others: whether Graph supports it (`check`) and what it finds (`eval`).

use super::lexer::{Token, tokens};
use crate::emulator::errors::Refusal;
use crate::emulator::property::Property;

#[derive(Debug, PartialEq)]
pub(in crate::emulator) enum Filter {
    And(Vec<Self>),
    Or(Vec<Self>),
    Not(Box<Self>),
    Compare(Operand, Comparison, Literal),
    In(Operand, Vec<Literal>),
    StartsWith(Operand, String),
    EndsWith(Operand, String),
    /// `property/any(x:…)`
    Any(&'static Property, Box<Self>),
}

/// The left side of a comparison.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::emulator) enum Operand {
    Property(&'static Property),
    /// The element of a list, inside `any`; with the list it belongs to.
    Item(&'static Property),
    /// `property/$count`
    Count(&'static Property),
}

impl Operand {
    pub(super) fn property(self) -> &'static Property {
        match self {
            Self::Property(property) | Self::Item(property) | Self::Count(property) => property,
        }
    }
}

/// An operator between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::emulator) enum Comparison {
    Eq,
    Ne,
    Ge,
    Le,
}

/// The right side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::emulator) enum Literal {
    Null,
    Bool(bool),
    Text(String),
    /// A number or a date, as written.
    Number(String),
}

impl Filter {
    /// Reads a filter; a name that is no property of a user is refused in Graph's
    /// words.
    pub(in crate::emulator) fn parse(text: &str) -> Result<Self, Refusal> {
        let tokens = tokens(text).map_err(|at| syntax_error(text, at))?;
        let mut parser = Parser { text, tokens: &tokens, at: 0, item: None };
        let filter = parser.or()?;
        if parser.at < tokens.len() {
            return Err(parser.error());
        }
        Ok(filter)
    }
}

fn syntax_error(text: &str, at: usize) -> Refusal {
    Refusal::bad_request(format!(
        "Invalid filter clause: Syntax error at position {at} in '{text}'."
    ))
}

struct Parser<'a> {
    text: &'a str,
    tokens: &'a [(usize, Token)],
    at: usize,
    /// Inside `any`: the name of its variable and the list it runs over.
    item: Option<(String, &'static Property)>,
}

impl Parser<'_> {
    fn error(&self) -> Refusal {
        let at = self.tokens.get(self.at).map_or(self.text.len(), |(at, _)| *at);
        syntax_error(self.text, at)
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(_, token)| token)
    }

    fn next_is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Token::Word(next)) if next == word)
    }

    fn take(&mut self, token: &Token) -> Result<(), Refusal> {
        if self.peek() == Some(token) {
            self.at += 1;
            Ok(())
        } else {
            Err(self.error())
        }
    }

    fn word(&mut self) -> Result<String, Refusal> {
        match self.peek() {
            Some(Token::Word(word)) => {
                let word = word.clone();
                self.at += 1;
                Ok(word)
            }
            _ => Err(self.error()),
        }
    }

    fn or(&mut self) -> Result<Filter, Refusal> {
        let mut parts = vec![self.and()?];
        while self.next_is_word("or") {
            self.at += 1;
            parts.push(self.and()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::Or(parts) })
    }

    fn and(&mut self) -> Result<Filter, Refusal> {
        let mut parts = vec![self.unary()?];
        while self.next_is_word("and") {
            self.at += 1;
            parts.push(self.unary()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::And(parts) })
    }

    fn unary(&mut self) -> Result<Filter, Refusal> {
        if self.next_is_word("not") {
            self.at += 1;
            return Ok(Filter::Not(Box::new(self.unary()?)));
        }
        if self.peek() == Some(&Token::Open) {
            self.at += 1;
            let inner = self.or()?;
            self.take(&Token::Close)?;
            return Ok(inner);
        }
        let name = self.word()?;
        if self.peek() == Some(&Token::Open) {
            return self.call(&name);
        }
        if self.peek() == Some(&Token::Slash) && self.item.is_none() {
            return self.path(&name);
        }
        let operand = self.operand(&name)?;
        self.comparison(operand)
    }

    /// `startsWith(mail,'a')`
    fn call(&mut self, function: &str) -> Result<Filter, Refusal> {
        self.take(&Token::Open)?;
        let name = self.word()?;
        let operand = self.operand(&name)?;
        self.take(&Token::Comma)?;
        let Literal::Text(text) = self.literal()? else { return Err(self.error()) };
        self.take(&Token::Close)?;
        match function.to_ascii_lowercase().as_str() {
            "startswith" => Ok(Filter::StartsWith(operand, text)),
            "endswith" => Ok(Filter::EndsWith(operand, text)),
            _ => Err(Refusal::bad_request(format!(
                "Invalid filter clause: An unknown function with name '{function}' was found."
            ))),
        }
    }

    /// `otherMails/any(x:x eq 'a')` and `otherMails/$count eq 0`
    fn path(&mut self, name: &str) -> Result<Filter, Refusal> {
        let property = property(name)?;
        self.take(&Token::Slash)?;
        let step = self.word()?;
        match step.as_str() {
            "$count" => self.comparison(Operand::Count(property)),
            "any" => {
                self.take(&Token::Open)?;
                let variable = self.word()?;
                self.take(&Token::Colon)?;
                self.item = Some((variable, property));
                let inner = self.or();
                self.item = None;
                let inner = inner?;
                self.take(&Token::Close)?;
                Ok(Filter::Any(property, Box::new(inner)))
            }
            _ => Err(Refusal::unsupported_query(format!(
                "Unsupported or invalid query filter clause specified for property '{name}' of \
                 resource 'User'."
            ))),
        }
    }

    fn operand(&self, name: &str) -> Result<Operand, Refusal> {
        match &self.item {
            Some((variable, list)) if variable == name => Ok(Operand::Item(list)),
            _ => Ok(Operand::Property(property(name)?)),
        }
    }

    fn comparison(&mut self, operand: Operand) -> Result<Filter, Refusal> {
        let comparison = match self.word()?.as_str() {
            "eq" => Comparison::Eq,
            "ne" => Comparison::Ne,
            "ge" => Comparison::Ge,
            "le" => Comparison::Le,
            "in" => return self.list(operand),
            _ => {
                self.at -= 1;
                return Err(self.error());
            }
        };
        Ok(Filter::Compare(operand, comparison, self.literal()?))
    }

    fn list(&mut self, operand: Operand) -> Result<Filter, Refusal> {
        self.take(&Token::Open)?;
        let mut literals = vec![self.literal()?];
        while self.peek() == Some(&Token::Comma) {
            self.at += 1;
            literals.push(self.literal()?);
        }
        self.take(&Token::Close)?;
        Ok(Filter::In(operand, literals))
    }

    fn literal(&mut self) -> Result<Literal, Refusal> {
        let literal = match self.peek() {
            Some(Token::Text(text)) => Literal::Text(text.clone()),
            Some(Token::Number(number)) => Literal::Number(number.clone()),
            Some(Token::Word(word)) if word == "null" => Literal::Null,
            Some(Token::Word(word)) if word == "true" => Literal::Bool(true),
            Some(Token::Word(word)) if word == "false" => Literal::Bool(false),
            _ => return Err(self.error()),
        };
        self.at += 1;
        Ok(literal)
    }
}

fn property(name: &str) -> Result<&'static Property, Refusal> {
    Property::named(name).ok_or_else(|| Refusal::unknown_property(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn and_binds_closer_than_or_and_not_closer_than_both() {
        let filter = Filter::parse(
            "not userType eq 'Member' and mail eq null or (mail eq 'a' and mail eq 'b')",
        );
        let Ok(Filter::Or(parts)) = filter else { panic!("{filter:?}") };
        assert!(matches!(&parts[0], Filter::And(inner) if matches!(inner[0], Filter::Not(_))));
        assert!(matches!(&parts[1], Filter::And(inner) if inner.len() == 2));
    }

    #[test]
    fn nonsense_is_refused_with_its_position() {
        for (text, at) in [("mail eq", 7), ("mail 'x' eq", 5), ("mail eq 'x' mail", 12), ("", 0)] {
            let refusal = Filter::parse(text).unwrap_err();
            assert!(refusal.message.contains(&format!("position {at} ")), "{text}: {refusal}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in r"([a-z]{1,3}|mail|otherMails| eq | or |not |in|any|/|\(|\)|,|:|'|\$count|ü|1)*") {
            if let Ok(filter) = Filter::parse(&text) {
                let _ = filter.check(false);
                filter.finds(&crate::emulator::guest("1", "ü@x.example"));
            }
        }
    }

    #[test]
    fn a_property_that_graph_does_not_know_is_named() {
        let refusal = Filter::parse("email eq 'x'").unwrap_err();
        assert_eq!(
            refusal.message,
            "Could not find a property named 'email' on type 'microsoft.graph.user'."
        );
    }
}
