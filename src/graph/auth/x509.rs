//! The few fields of an X.509 certificate (RFC 5280, 4.1) that tell whether it can be
//! used: its time and its key.
//!
//! Leaves to others: trust. Whether a certificate is registered Entra says.

use jiff::Timestamp;

/// What is read of a certificate.
pub(super) struct Fields<'a> {
    pub(super) not_before: Timestamp,
    pub(super) not_after: Timestamp,
    /// The bits of `subjectPublicKey`; of an RSA key its `RSAPublicKey`.
    pub(super) public_key: &'a [u8],
}

const BIT_STRING: u8 = 0x03;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;

/// Reads a certificate in DER; None when it is none.
pub(super) fn read(der: &[u8]) -> Option<Fields<'_>> {
    let mut certificate = Reader(der).enter(SEQUENCE)?;
    let mut fields = certificate.enter(SEQUENCE)?;
    if fields.0.first() == Some(&VERSION) {
        fields.next()?;
    }
    let (_serial, _algorithm, _issuer) = (fields.next()?, fields.next()?, fields.next()?);
    let mut validity = fields.enter(SEQUENCE)?;
    let _subject = fields.next()?;
    let mut key = fields.enter(SEQUENCE)?;
    let _algorithm = key.next()?;
    let (tag, bits) = key.next()?;
    // The first byte counts unused bits; a key has none.
    let public_key = bits.strip_prefix(&[0]).filter(|_| tag == BIT_STRING)?;
    Some(Fields {
        not_before: time(validity.next()?)?,
        not_after: time(validity.next()?)?,
        public_key,
    })
}

/// What is left of a run of DER values.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The next value: its tag and its content.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[tag, length], rest) = self.0.split_first_chunk::<2>()?;
        let (length, rest) = if length < 0x80 {
            (usize::from(length), rest)
        } else {
            let (bytes, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            if bytes.len() > 4 {
                return None;
            }
            (bytes.iter().fold(0, |length, &byte| length << 8 | usize::from(byte)), rest)
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    /// The inside of the next value, which must have this tag.
    fn enter(&mut self, expected: u8) -> Option<Self> {
        let (tag, content) = self.next()?;
        (tag == expected).then_some(Self(content))
    }
}

/// `YYMMDDHHMMSSZ`, where 50 is 1950 and 49 is 2049, or `YYYYMMDDHHMMSSZ`.
fn time((tag, content): (u8, &[u8])) -> Option<Timestamp> {
    let text = std::str::from_utf8(content).ok().filter(|text| text.is_ascii())?;
    let text = match tag {
        UTC_TIME if text.len() == 13 => {
            let century = if text < "5" { "20" } else { "19" };
            format!("{century}{text}")
        }
        GENERALIZED_TIME if text.len() == 15 => text.to_owned(),
        _ => return None,
    };
    // The year that stands for "never" (RFC 5280, 4.1.2.5) is beyond what can be shown.
    if text.starts_with("9999") {
        return Some(Timestamp::MAX);
    }
    let part = |from, to| &text[from..to];
    format!(
        "{}-{}-{}T{}:{}:{}",
        part(0, 4),
        part(4, 6),
        part(6, 8),
        part(8, 10),
        part(10, 12),
        part(12, 15)
    )
    .parse()
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_forms_of_time_are_read() {
        for (tag, text, expected) in [
            (UTC_TIME, "261121093000Z", Some("2026-11-21T09:30:00Z")),
            (UTC_TIME, "491231235959Z", Some("2049-12-31T23:59:59Z")),
            (UTC_TIME, "500101000000Z", Some("1950-01-01T00:00:00Z")),
            (GENERALIZED_TIME, "20500101000000Z", Some("2050-01-01T00:00:00Z")),
            (GENERALIZED_TIME, "20501301000000Z", None),
            (GENERALIZED_TIME, "261121093000Z", None),
            (UTC_TIME, "2611210930Z", None),
            (SEQUENCE, "261121093000Z", None),
        ] {
            let read = time((tag, text.as_bytes())).map(|time| time.to_string());
            assert_eq!(read.as_deref(), expected, "{text}");
        }
        assert_eq!(time((GENERALIZED_TIME, b"99991231235959Z")), Some(Timestamp::MAX));
    }

    proptest! {
        #[test]
        fn no_bytes_make_trouble(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = read(&bytes);
        }
    }
}
