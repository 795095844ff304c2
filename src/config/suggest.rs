//! The nearest right word to a misspelt one.
//!
//! Leaves to others: what the words are and how a suggestion is shown.

/// The candidate a person most likely meant, if any is near enough. Case and the
/// difference between `-` and `_` don't count; a third of the letters may be
/// wrong.
pub(super) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let fold = |text: &str| text.trim().to_lowercase().replace('-', "_");
    let word = fold(word);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word, &fold(candidate)), candidate))
        .min_by_key(|&(distance, _)| distance)
        .filter(|&(distance, candidate)| {
            distance <= (word.chars().count().max(candidate.len()) / 3).max(1)
        })
        .map(|(_, candidate)| candidate)
}

/// The words in quotes, as a person lists them: `"a", "b" or "c"`.
pub(super) fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut words: Vec<_> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match words.pop() {
        Some(last) if words.is_empty() => last,
        Some(last) => format!("{} or {last}", words.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_word_is_found_and_a_far_one_is_not() {
        let keys = ["writes_per_second", "burst", "requests_in_flight", "id"];
        for (word, expected) in [
            ("writes_per_secnd", Some("writes_per_second")),
            ("writes-per-second", Some("writes_per_second")),
            ("Burst", Some("burst")),
            ("brust", Some("burst")),
            ("request_in_flight", Some("requests_in_flight")),
            ("colour", None),
            ("", None),
            ("xyzzy", None),
        ] {
            assert_eq!(nearest(word, keys), expected, "{word:?}");
        }
        assert_eq!(nearest("anything", []), None);
    }

    #[test]
    fn words_are_listed_as_in_a_sentence() {
        assert_eq!(listed(["a", "b", "c"]), "`a`, `b` or `c`");
        assert_eq!(listed(["a"]), "`a`");
        assert_eq!(listed([]), "");
    }
}
