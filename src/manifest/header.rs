//! Which line names the columns. It is the first, unless titles stand above one that
//! plainly does.
//!
//! Leaves to others: lines that programs put in front and that are known by their form
//! (`delimiter`), and what the names mean (`columns`).

use super::cells::shown;
use super::columns::likeness;
use super::detected::Detected;
use super::record::Record;

/// As many lines as titles and remarks take.
const SAMPLE: usize = 20;

type Records<'a> = Box<dyn Iterator<Item = Record<'a>> + 'a>;

/// The header and the records below it. What stands above is left out, and said.
pub(super) fn find<'a>(
    records: impl Iterator<Item = Record<'a>> + 'a,
    detected: &mut Detected,
) -> (Option<Record<'a>>, Records<'a>) {
    let mut records = records.filter(|record| !record.is_blank());
    let mut sample: Vec<Record<'a>> = records.by_ref().take(SAMPLE).collect();
    let header = titles(&sample);
    if header > 0 {
        let first = sample[0].text(sample[0].filled().saturating_sub(1));
        let first = if sample[0].text(0).is_empty() { first } else { sample[0].text(0) };
        let lines = if header == 1 { "1 line".to_owned() } else { format!("{header} lines") };
        detected.notes.push(format!(
            "line {} is taken for the header; {lines} above it left out, beginning with `{}`",
            sample[header].line,
            shown(first)
        ));
    }
    let below = sample.split_off(sample.len().min(header + 1));
    (sample.pop(), Box::new(below.into_iter().chain(records)))
}

/// How many records stand above the header. One that says who is meant and what is
/// asked for is the header, if nothing above it looks like a name or like data.
fn titles(sample: &[Record<'_>]) -> usize {
    let is_title = |record: &Record<'_>| {
        let (_, _, understood) = likeness(record);
        record.defects.is_empty()
            && (understood == 0 || record.filled() == 1)
            && (0..record.filled()).all(|index| !record.text(index).contains('@'))
    };
    let is_header = |record: &Record<'_>| {
        let (names_guest, asks, understood) = likeness(record);
        names_guest && (asks || understood > 1) && record.filled() > 1
    };
    let first = sample.iter().position(is_header).unwrap_or(0);
    if sample[..first].iter().all(is_title) { first } else { 0 }
}
