//! What we sent as a secret is taken out of every answer that repeats it, before
//! anything of the answer is kept, shown or read.
//!
//! Leaves to others: which words are secret.

use bytes::Bytes;
use http::{HeaderValue, Response};
use url::form_urlencoded;

/// What stands in its place.
const REDACTED: &str = "[redacted]";

/// So much of the beginning gives a secret away, also when the rest was cut off.
const TELLING: usize = 12;

/// Takes secrets out of an answer, each as it is, as a form has it, and cut short.
pub(super) fn redact(answer: &mut Response<Bytes>, secrets: &[&str]) {
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let quoted = serde_json::Value::from(*secret).to_string();
        let quoted = quoted.trim_matches('"');
        let mut forms = vec![*secret];
        for form in [encoded.as_str(), quoted] {
            if form != *secret {
                forms.push(form);
            }
        }
        for form in forms {
            if let Some(body) = without(answer.body(), form.as_bytes()) {
                *answer.body_mut() = body.into();
            }
            for value in answer.headers_mut().values_mut() {
                if let Some(clean) = without(value.as_bytes(), form.as_bytes()) {
                    *value = HeaderValue::from_bytes(&clean)
                        .unwrap_or(HeaderValue::from_static(REDACTED));
                }
            }
        }
    }
}

/// None when there is nothing of it.
fn without(text: &[u8], secret: &[u8]) -> Option<Vec<u8>> {
    let telling = &secret[..secret.len().min(TELLING)];
    let mut clean: Option<Vec<u8>> = None;
    let mut rest = text;
    while let Some(at) = find(rest, telling) {
        let same = rest[at..].iter().zip(secret).take_while(|(one, other)| one == other).count();
        let clean = clean.get_or_insert_default();
        clean.extend_from_slice(&rest[..at]);
        clean.extend_from_slice(REDACTED.as_bytes());
        rest = &rest[at + same..];
    }
    if let Some(clean) = &mut clean {
        clean.extend_from_slice(rest);
    }
    clean
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    let first = part.first()?;
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.iter().position(|byte| byte == first)?;
        if text[at..].starts_with(part) {
            return Some(at);
        }
        from = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cleaned(body: &str, secret: &str) -> String {
        let mut answer = Response::new(Bytes::copy_from_slice(body.as_bytes()));
        redact(&mut answer, &[secret]);
        String::from_utf8(answer.into_body().to_vec()).unwrap()
    }

    #[test]
    fn a_secret_is_taken_out_in_every_form() {
        let secret = "p/w+\"d~q1w2e3r4t5z6";
        for (body, expected) in [
            ("you sent p/w+\"d~q1w2e3r4t5z6!", "you sent [redacted]!"),
            ("client_secret=p%2Fw%2B%22d%7Eq1w2e3r4t5z6&x", "client_secret=[redacted]&x"),
            (r#"{"m":"p/w+\"d~q1w2e3r4t5z6"}"#, r#"{"m":"[redacted]"}"#),
            ("cut short: p/w+\"d~q1w2e", "cut short: [redacted]"),
            ("p/w, not it", "p/w, not it"),
        ] {
            assert_eq!(cleaned(body, secret), expected);
        }
    }

    #[test]
    fn headers_are_cleaned_too() {
        let mut answer = Response::new(Bytes::new());
        answer.headers_mut().insert("request-id", "was eyJ0eXAiOiJKV1QiLCJ".parse().unwrap());
        redact(&mut answer, &["eyJ0eXAiOiJKV1QiLCJub25jZSI6"]);
        assert_eq!(answer.headers()["request-id"], "was [redacted]");
    }

    proptest! {
        #[test]
        fn nothing_of_it_is_left_and_everything_else_is(
            before in "[a-f ]{0,40}", after in "[a-f ]{0,40}", secret in "[g-z0-9./+]{1,60}",
        ) {
            prop_assert_eq!(
                cleaned(&format!("{before}{secret}{after}"), &secret),
                format!("{before}[redacted]{after}")
            );
        }
    }
}
