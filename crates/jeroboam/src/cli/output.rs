//! What commands print: tables for people, JSON, YAML or bare names for programs.

use std::io::Write;

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use super::failure::Failure;
use super::style::{BOLD, DIM, paint};

/// In which form results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Table,
    /// The API's own words.
    Json,
    /// The same as YAML.
    Yaml,
    /// Names only, one per line; ids where there is no name.
    Name,
}

/// Something that can be printed in every [`Format`].
pub(crate) trait Shown: Serialize {
    /// Headings of a list.
    const COLUMNS: &'static [&'static str];
    /// One line of a list.
    fn row(&self) -> Vec<String>;
    /// Everything worth knowing about one, as pairs.
    fn details(&self) -> Vec<(&'static str, String)>;
    /// What a person calls it.
    fn name(&self) -> String;
}

/// Prints results.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Printer {
    pub(crate) format: Format,
}

impl Printer {
    /// Whether a person reads.
    pub(crate) fn is_for_people(self) -> bool {
        self.format == Format::Table
    }

    /// A list.
    pub(crate) fn list<T: Shown>(self, items: &[T], nothing: &str) -> Result<(), Failure> {
        match self.format {
            Format::Table if items.is_empty() => say(&paint(DIM, nothing)),
            Format::Table => say(&list_table(items)),
            Format::Name => items.iter().try_for_each(|item| say(&item.name())),
            Format::Json | Format::Yaml => self.data(&items),
        }
    }

    /// One thing.
    pub(crate) fn one<T: Shown>(self, item: &T) -> Result<(), Failure> {
        match self.format {
            Format::Table => say(&pairs(&item.details())),
            Format::Name => say(&item.name()),
            Format::Json | Format::Yaml => self.data(item),
        }
    }

    /// One thing that a person is told about in a sentence, a program in full.
    pub(crate) fn told<T: Shown>(self, item: &T, sentence: &str) -> Result<(), Failure> {
        if self.is_for_people() { say(sentence) } else { self.one(item) }
    }

    /// JSON or YAML.
    fn data<T: Serialize>(self, value: &T) -> Result<(), Failure> {
        let text = if self.format == Format::Yaml {
            serde_norway::to_string(value).map_err(anyhow::Error::new)?
        } else {
            serde_json::to_string_pretty(value).map_err(anyhow::Error::new)?
        };
        say(text.trim_end())
    }

    /// Something of its own shape, which has no list.
    pub(crate) fn tree<T: Serialize>(self, value: &T, name: &str, text: &str) -> Result<(), Failure> {
        match self.format {
            Format::Table => say(text),
            Format::Name => say(name),
            Format::Json | Format::Yaml => self.data(value),
        }
    }
}

/// Writes a line to standard output, with colours where they are wanted.
pub(crate) fn say(text: &str) -> Result<(), Failure> {
    writeln!(anstream::stdout().lock(), "{text}").map_err(Failure::from)
}

/// Writes text to standard output as it is.
pub(crate) fn raw(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush().map_err(Failure::from)
}

/// Writes a line to standard error, with colours where they are wanted.
pub(crate) fn complain(text: &str) -> Result<(), Failure> {
    writeln!(anstream::stderr().lock(), "{text}").map_err(Failure::from)
}

/// Text with its colours, or without them where nobody sees them. For what is not printed by [`say`].
pub(crate) fn tinted(text: &str) -> String {
    if anstream::AutoStream::choice(&std::io::stdout()) == anstream::ColorChoice::Never {
        anstream::adapter::strip_str(text).to_string()
    } else {
        text.to_owned()
    }
}

/// Text, or a dash for nothing.
pub(crate) fn or_dash(text: Option<&str>) -> String {
    text.filter(|text| !text.is_empty()).unwrap_or("-").to_owned()
}

/// `k=v, k=v`.
pub(crate) fn map(map: &std::collections::BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = map.iter().map(|(key, value)| format!("{key}={value}")).collect();
    or_dash(Some(&pairs.join(", ")))
}

fn bare_table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table
}

/// Two blanks between columns and none at the edges, so that lines can be cut up by other programs too.
fn render(mut table: Table) -> String {
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

pub(super) fn list_table<T: Shown>(items: &[T]) -> String {
    let mut table = bare_table();
    table.set_header(T::COLUMNS.iter().map(|heading| paint(BOLD, heading)));
    for item in items {
        table.add_row(item.row());
    }
    render(table)
}

pub(super) fn pairs(pairs: &[(&'static str, String)]) -> String {
    let mut table = bare_table();
    for (name, value) in pairs {
        table.add_row([paint(BOLD, name), value.clone()]);
    }
    render(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Bottle(&'static str, u32);

    impl Shown for Bottle {
        const COLUMNS: &'static [&'static str] = &["NAME", "LITRES"];
        fn row(&self) -> Vec<String> {
            vec![self.0.to_owned(), super::super::style::status("HEALTHY") + &self.1.to_string()]
        }
        fn details(&self) -> Vec<(&'static str, String)> {
            vec![("name", self.0.to_owned()), ("litres", self.1.to_string())]
        }
        fn name(&self) -> String {
            self.0.to_owned()
        }
    }

    #[test]
    fn columns_line_up_whatever_is_painted() {
        let text = list_table(&[Bottle("magnum", 15), Bottle("jeroboam", 30)]);
        let plain = anstream::adapter::strip_str(&text).to_string();
        assert_eq!(plain, "NAME      LITRES\nmagnum    HEALTHY15\njeroboam  HEALTHY30");
        let plain = anstream::adapter::strip_str(&pairs(&Bottle("magnum", 15).details())).to_string();
        assert_eq!(plain, "name    magnum\nlitres  15");
    }
}
