//! Tables for people. Ids, names and statuses, which users copy, never wrap; prose wraps between words. On a terminal
//! that is too narrow for a list, the least important columns are left out, with a note.
//!
//! Table libraries fit a table into the terminal by wrapping every cell, ids first, as these are the longest words.

use std::io::IsTerminal;

use super::output::Shown;
use super::style::{BOLD, DIM, paint};

/// Blanks between columns. Two, so that programs can split lines although values contain single blanks.
const GAP: usize = 2;
/// The minimum width of wrapped text: about four words; narrower text is unreadable.
const MIN_TEXT: usize = 24;

/// Width of the terminal in columns; `None` without a terminal, where nothing must wrap. `COLUMNS` takes precedence, as
/// in other programs.
pub(super) fn room() -> Option<usize> {
    if !std::io::stdout().is_terminal() {
        return None;
    }
    let asked = std::env::var("COLUMNS").ok().and_then(|columns| columns.trim().parse().ok());
    let real = || console::Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
    // A terminal that does not know its size reports 0.
    asked.or_else(real).filter(|columns| *columns > 0)
}

/// A list of objects, one per line.
pub(super) fn list<T: Shown>(items: &[T], room: Option<usize>) -> String {
    let rows: Vec<Vec<String>> = items.iter().map(Shown::row).collect();
    let shown = |left_out: &[&str]| -> Vec<usize> {
        (0..T::COLUMNS.len()).filter(|column| !left_out.contains(&T::COLUMNS[*column])).collect()
    };
    // As few as possible, and none if that would not be enough: the terminal wraps the lines then, and nothing is lost.
    let fits = |left_out: &&[&str]| room.is_none_or(|room| least(T::COLUMNS, &rows, &shown(left_out), T::TEXT) <= room);
    let left_out = (0..=T::SPARE.len()).map(|count| &T::SPARE[..count]).find(fits).unwrap_or_default();
    let columns = shown(left_out);
    let headings: Vec<&str> = columns.iter().map(|column| T::COLUMNS[*column]).collect();
    let mut rows: Vec<Vec<String>> =
        rows.iter().map(|row| columns.iter().map(|column| row[*column].clone()).collect()).collect();
    let text = T::TEXT.and_then(|text| headings.iter().position(|heading| *heading == text));
    rows.insert(0, headings.iter().map(|heading| paint(BOLD, heading)).collect());
    let mut lines = render(&rows, text, room);
    if !left_out.is_empty() {
        let missing = format!("Left out for lack of space: {}. -o json has all.", left_out.join(", "));
        lines.push(paint(DIM, &missing));
    }
    lines.join("\n")
}

/// All details of one object.
pub(super) fn pairs(pairs: &[(&'static str, String)], room: Option<usize>) -> String {
    let rows: Vec<Vec<String>> = pairs.iter().map(|(name, value)| vec![paint(BOLD, name), value.clone()]).collect();
    render(&rows, Some(1), room).join("\n")
}

/// The minimum width for some columns of a list: their full width, and for prose the width that is still readable.
fn least(headings: &[&str], rows: &[Vec<String>], columns: &[usize], text: Option<&str>) -> usize {
    let widths = columns.iter().map(|column| {
        let cells = rows.iter().map(|row| width(&row[*column])).max().unwrap_or_default();
        let cells = if text == Some(headings[*column]) { cells.min(MIN_TEXT) } else { cells };
        cells.max(width(headings[*column])) + GAP
    });
    widths.sum::<usize>().saturating_sub(GAP)
}

/// Lines with aligned columns. The column `text` gets the width that the others leave.
fn render(rows: &[Vec<String>], text: Option<usize>, room: Option<usize>) -> Vec<String> {
    let count = rows.iter().map(Vec::len).max().unwrap_or_default();
    let natural = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max();
    let mut widths: Vec<usize> = (0..count).map(|column| natural(column).unwrap_or_default()).collect();
    if let (Some(text), Some(room)) = (text, room) {
        let others: usize =
            widths.iter().enumerate().filter(|(column, _)| *column != text).map(|(_, width)| width).sum();
        let left = room.saturating_sub(others + GAP * count.saturating_sub(1));
        widths[text] = widths[text].min(left.max(MIN_TEXT));
    }
    let mut lines = Vec::new();
    for row in rows {
        let cells: Vec<Vec<String>> = row
            .iter()
            .enumerate()
            .map(|(column, cell)| wrapped(cell, if text == Some(column) { widths[column] } else { usize::MAX }))
            .collect();
        for line in 0..cells.iter().map(Vec::len).max().unwrap_or_default() {
            let mut out = String::new();
            let mut owed = 0;
            for (column, cell) in cells.iter().enumerate() {
                let part = cell.get(line).map_or("", String::as_str);
                if !part.is_empty() {
                    out.extend(std::iter::repeat_n(' ', owed));
                    out.push_str(part);
                    owed = 0;
                }
                owed += (widths[column] + GAP).saturating_sub(width(part));
            }
            lines.push(out);
        }
    }
    lines
}

/// Width of a text on a terminal, in columns.
fn width(text: &str) -> usize {
    console::measure_text_width(text)
}

/// The lines of a cell. A cell in one colour is coloured line by line; one with several colours stays on one line.
fn wrapped(cell: &str, most: usize) -> Vec<String> {
    let (before, text, after) = unpainted(cell);
    if after.contains('\u{1b}') && width(after) > 0 {
        return vec![cell.to_owned()];
    }
    let lines = wrap(text, most);
    lines.into_iter().map(|line| format!("{before}{line}{after}")).collect()
}

/// The parts of a cell: the colour code before its text, the text, and everything from the next colour code on.
fn unpainted(cell: &str) -> (&str, &str, &str) {
    let mut start = 0;
    while cell[start..].starts_with('\u{1b}') {
        let Some(end) = cell[start..].find('m') else { break };
        start += end + 1;
    }
    let end = cell[start..].find('\u{1b}').map_or(cell.len(), |end| start + end);
    (&cell[..start], &cell[start..end], &cell[end..])
}

/// Text in lines of `most` columns, broken between words. A word is broken only if it is too long for a line, and only
/// after `=` and `,`, as in labels. Longer parts stay whole: half an id is of no use.
pub(super) fn wrap(text: &str, most: usize) -> Vec<String> {
    text.split('\n').flat_map(|line| wrap_line(line, most)).collect()
}

fn wrap_line(line: &str, most: usize) -> Vec<String> {
    if width(line) <= most {
        return vec![line.to_owned()];
    }
    let mut lines = vec![String::new()];
    for word in line.split_whitespace() {
        let pieces: Vec<&str> =
            if width(word) <= most { vec![word] } else { word.split_inclusive(['=', ',']).collect() };
        for (index, piece) in pieces.into_iter().enumerate() {
            let blank = if index == 0 { " " } else { "" };
            match lines.last_mut() {
                Some(last) if last.is_empty() => last.push_str(piece),
                Some(last) if width(last) + blank.len() + width(piece) <= most => {
                    last.push_str(blank);
                    last.push_str(piece);
                }
                _ => lines.push(piece.to_owned()),
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::super::style::status;
    use super::*;

    /// A row with every case that is difficult for tables.
    #[derive(Serialize, Clone)]
    struct Bottle {
        name: &'static str,
        cellar: &'static str,
        state: &'static str,
        note: &'static str,
    }

    impl Shown for Bottle {
        const COLUMNS: &'static [&'static str] = &["UUID", "NAME", "CELLAR", "STATUS", "NOTE"];
        const SPARE: &'static [&'static str] = &["CELLAR"];
        const TEXT: Option<&'static str> = Some("NOTE");
        fn row(&self) -> Vec<String> {
            let uuid = "11111111-2222-3333-4444-555555555555".to_owned();
            vec![uuid, self.name.to_owned(), self.cellar.to_owned(), status(self.state), paint(DIM, self.note)]
        }
        fn details(&self) -> Vec<(&'static str, String)> {
            vec![("name", self.name.to_owned()), ("state", status(self.state)), ("note", self.note.to_owned())]
        }
        fn name(&self) -> String {
            self.name.to_owned()
        }
    }

    const MAGNUM: Bottle = Bottle { name: "magnum", cellar: "left", state: "HEALTHY", note: "" };
    const JEROBOAM: Bottle = Bottle {
        name: "jeroboam",
        cellar: "the one below the stairs",
        state: "CREATE_COMPLETE",
        note: "Holds two magnums, and flannel_backend=vxlan,flannel_network_cidr=10.100.0.0/16 does not break",
    };

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn what_is_copied_never_breaks_and_what_is_read_wraps_at_words() {
        insta::assert_snapshot!(plain(&list(&[MAGNUM, JEROBOAM], Some(100))), @r"
        UUID                                  NAME      STATUS           NOTE
        11111111-2222-3333-4444-555555555555  magnum    HEALTHY
        11111111-2222-3333-4444-555555555555  jeroboam  CREATE_COMPLETE  Holds two magnums, and
                                                                         flannel_backend=vxlan,
                                                                         flannel_network_cidr=10.100.0.0/16
                                                                         does not break
        Left out for lack of space: CELLAR. -o json has all.
        ");
        insta::assert_snapshot!(plain(&pairs(&JEROBOAM.details(), Some(40))), @r"
        name   jeroboam
        state  CREATE_COMPLETE
        note   Holds two magnums, and
               flannel_backend=vxlan,
               flannel_network_cidr=
               10.100.0.0/16 does not break
        ");
    }

    #[test]
    fn without_a_terminal_nothing_wraps_and_nothing_is_left_out() {
        let text = plain(&list(&[MAGNUM, JEROBOAM], None));
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(text.contains("below the stairs") && text.ends_with("does not break"), "{text}");
    }

    #[test]
    fn a_terminal_that_is_too_narrow_for_everything_gets_whole_ids_all_the_same() {
        let without = 36 + GAP + "jeroboam".len() + GAP + "CREATE_COMPLETE".len() + GAP + MIN_TEXT;
        let whole = without + JEROBOAM.cellar.len() + GAP;
        for room in 1..whole + 9 {
            let text = plain(&list(&[MAGNUM, JEROBOAM], Some(room)));
            for whole in ["11111111-2222-3333-4444-555555555555", "jeroboam", "CREATE_COMPLETE"] {
                assert!(text.contains(whole), "{room}: {text}");
            }
            let is_shown = !(without..whole).contains(&room);
            assert_eq!(text.contains("below the stairs"), is_shown, "it is left out where that helps: {room}: {text}");
        }
    }

    #[test]
    fn every_line_of_painted_text_is_painted_by_itself() {
        let text = list(&[JEROBOAM], Some(100));
        for line in text.lines().filter(|line| line.contains("flannel")) {
            assert!(line.contains(&DIM.to_string()) && line.contains(&format!("{DIM:#}")), "{line:?}");
        }
    }

    #[test]
    fn wide_letters_and_lines_of_a_text_are_counted_as_they_are_seen() {
        assert_eq!(wrap("酒 a\nb", 4), ["酒 a", "b"]);
        assert_eq!(wrap("酒酒 ab", 5), ["酒酒", "ab"]);
        assert_eq!(wrap("two  blanks", 20), ["two  blanks"], "what fits stays as it is");
        assert_eq!(wrap("", 4), [""]);
    }
}
