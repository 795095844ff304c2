//! Cells that hold no value though they hold a text: what a spreadsheet shows where a formula
//! failed, and what people write where they have nothing to say.
//!
//! Leaves to others: what is told of them (`cells`, `workbook`).

/// Whether a cell is an error value of a spreadsheet, as CSV keeps them: `#N/A`, `#BEZUG!`,
/// `Err:502`, or the hashes of a column that was too narrow.
pub(super) fn is_error_value(text: &str) -> bool {
    const WITHOUT_MARK: &[&str] = &["N/A", "NV", "N/D", "N/B", "N/DD", "ND", "GETTING_DATA"];
    let Some(name) = text.strip_prefix('#') else {
        return text
            .strip_prefix("Err:")
            .is_some_and(|number| number.len() == 3 && number.bytes().all(|b| b.is_ascii_digit()));
    };
    let name = name.to_uppercase();
    let is_capital = |c: char| c.is_alphanumeric() || "/_¡¿".contains(c);
    WITHOUT_MARK.contains(&name.as_str())
        || (!name.is_empty() && name.bytes().all(|b| b == b'#'))
        || (text[1..] == name || name.len() < 8)
            && name
                .strip_suffix(['!', '?'])
                .is_some_and(|name| (2..20).contains(&name.len()) && name.chars().all(is_capital))
}

/// Whether it is what people write where they have no address, or mean the present one.
pub(super) fn says_nothing(text: &str) -> bool {
    const WORDS: &[&str] = &[
        "n/a",
        "na",
        "n.a.",
        "none",
        "no",
        "nil",
        "null",
        "nan",
        "tbd",
        "tbc",
        "tba",
        "todo",
        "unknown",
        "same",
        "unchanged",
        "no change",
        "pending",
        "missing",
        "see above",
        "ditto",
        "keine",
        "kein",
        "keine änderung",
        "unverändert",
        "unbekannt",
        "gleich",
        "offen",
        "folgt",
        "entfällt",
        "aucun",
        "aucune",
        "inconnu",
        "identique",
        "inchangé",
        "ninguno",
        "ninguna",
        "igual",
        "desconocido",
        "geen",
        "onbekend",
        "gelijk",
        "nessuno",
        "nessuna",
        "uguale",
        "nenhum",
        "brak",
    ];
    !text.contains(char::is_alphanumeric) || WORDS.contains(&text.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_errors_of_formulas_are_told_from_what_people_write() {
        for text in [
            "#N/A",
            "#n/a",
            "#REF!",
            "#VALUE!",
            "#NAME?",
            "#DIV/0!",
            "#NULL!",
            "#NUM!",
            "#SPILL!",
            "#NV",
            "#BEZUG!",
            "#ÜBERLAUF!",
            "#¡REF!",
            "#¿NOMBRE?",
            "#GETTING_DATA",
            "######",
            "Err:502",
        ] {
            assert!(is_error_value(text), "{text}");
        }
        for text in
            ["#", "#1", "#EXT#", "N/A", "#a@b.example", "Err:", "Err: yes", "#Welcome!", "#!", ""]
        {
            assert!(!is_error_value(text), "{text}");
        }
    }
}
