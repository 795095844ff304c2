//! The text of a mail for readers without HTML, made from the HTML.
//!
//! Leaves to others: the HTML.

use html2text::config;
use html2text::render::{TaggedLine, TextDecorator};

/// Wider than any paragraph or link: a link that is broken into lines does not work, and
/// mail programs wrap lines themselves.
const WIDTH: usize = 100_000;

/// The text of an HTML page, links written out. What can't be read as HTML is no reason
/// to send no mail, so the text is then empty and the HTML stands alone.
pub(super) fn text_of(html: &str) -> String {
    let text = config::with_decorator(Links::default())
        .raw_mode(true)
        .string_from_read(html.as_bytes(), WIDTH)
        .unwrap_or_default();
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim_end) {
        let is_second_blank = line.is_empty() && lines.last().is_none_or(|last| last.is_empty());
        if !is_second_blank {
            lines.push(line);
        }
    }
    lines.join("\n").trim_end().to_owned()
}

/// Writes a link's address behind its words.
#[derive(Debug, Clone, Default)]
struct Links {
    address: Option<String>,
}

impl TextDecorator for Links {
    type Annotation = ();

    fn decorate_link_start(&mut self, url: &str) -> (String, ()) {
        self.address = Some(url.to_owned());
        (String::new(), ())
    }

    fn decorate_link_end(&mut self) -> String {
        self.address.take().map_or_else(String::new, |address| format!(": {address} "))
    }

    fn decorate_em_start(&self) -> (String, ()) {
        (String::new(), ())
    }

    fn decorate_em_end(&self) -> String {
        String::new()
    }

    fn decorate_strong_start(&self) -> (String, ()) {
        (String::new(), ())
    }

    fn decorate_strong_end(&self) -> String {
        String::new()
    }

    fn decorate_strikeout_start(&self) -> (String, ()) {
        (String::new(), ())
    }

    fn decorate_strikeout_end(&self) -> String {
        String::new()
    }

    fn decorate_code_start(&self) -> (String, ()) {
        (String::new(), ())
    }

    fn decorate_code_end(&self) -> String {
        String::new()
    }

    fn decorate_preformat_first(&self) {}

    fn decorate_preformat_cont(&self) {}

    fn decorate_image(&mut self, _src: &str, title: &str) -> (String, ()) {
        (title.to_owned(), ())
    }

    fn header_prefix(&self, _level: usize) -> String {
        String::new()
    }

    fn quote_prefix(&self) -> String {
        "> ".to_owned()
    }

    fn unordered_item_prefix(&self) -> String {
        "- ".to_owned()
    }

    fn ordered_item_prefix(&self, i: i64) -> String {
        format!("{i}. ")
    }

    fn make_subblock_decorator(&self) -> Self {
        Self::default()
    }

    fn finalise(&mut self, _urls: Vec<String>) -> Vec<TaggedLine<()>> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_written_out_whole_behind_its_words() {
        let link = format!("https://login.example/redeem?rd={}", "x".repeat(200));
        let html = format!(
            "<html><head><title>no</title><style>p {{}}</style></head><body><table><tr><td><p>Dear \
             Ada &amp; Bob,</p></td></tr><tr><td><p>Please <a href=\"{link}\">accept</a>.</p>\
             <p>a<br>b</p></td></tr></table></body></html>"
        );
        let text = text_of(&html);
        assert_eq!(text.lines().next(), Some("Dear Ada & Bob,"));
        assert!(text.contains(&format!("accept: {link}")), "{text}");
        assert!(text.ends_with("\na\nb"), "{text}");
        assert!(!text.contains("no") && !text.contains("{}"), "{text}");
    }
}
