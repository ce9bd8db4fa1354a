//! What commands print: tables for people; JSON, YAML or plain names for programs.

use std::io::Write;

use jiff::Timestamp;
use serde::Serialize;

use super::failure::Failure;
use super::style::{DIM, paint};
use super::table;

/// Output format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Format {
    /// Readable table.
    #[default]
    Table,
    /// JSON as the API returns it.
    Json,
    /// The same as YAML.
    Yaml,
    /// Names only, one per line; ids for objects without a name.
    Name,
}

/// Something that can be printed in every [`Format`].
pub(crate) trait Shown: Serialize {
    /// Column headings of a list.
    const COLUMNS: &'static [&'static str];
    /// Columns that a list leaves out first on a narrow terminal, in this order.
    const SPARE: &'static [&'static str] = &[];
    /// The column with prose, which may wrap between words.
    const TEXT: Option<&'static str> = None;
    /// One line of a list.
    fn row(&self) -> Vec<String>;
    /// All details of one object, as pairs of name and value.
    fn details(&self) -> Vec<(&'static str, String)>;
    /// The name to print for this object.
    fn name(&self) -> String;
}

/// Prints results.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Printer {
    pub(crate) format: Format,
}

impl Printer {
    /// Whether the output is for people.
    pub(crate) fn is_for_people(self) -> bool {
        self.format == Format::Table
    }

    /// Prints a list.
    pub(crate) fn list<T: Shown>(self, items: &[T], nothing: &str) -> Result<(), Failure> {
        match self.format {
            Format::Table if items.is_empty() => say(&paint(DIM, nothing)),
            Format::Table => say(&table::list(items, table::room())),
            Format::Name => items.iter().try_for_each(|item| say(&item.name())),
            Format::Json | Format::Yaml => self.data(&items),
        }
    }

    /// Prints one object.
    pub(crate) fn one<T: Shown>(self, item: &T) -> Result<(), Failure> {
        match self.format {
            Format::Table => say(&table::pairs(&item.details(), table::room())),
            Format::Name => say(&item.name()),
            Format::Json | Format::Yaml => self.data(item),
        }
    }

    /// Prints a sentence for people, or the whole object for programs.
    pub(crate) fn told<T: Shown>(self, item: &T, sentence: &str) -> Result<(), Failure> {
        if self.is_for_people() { say(sentence) } else { self.one(item) }
    }

    /// Prints JSON or YAML.
    fn data<T: Serialize>(self, value: &T) -> Result<(), Failure> {
        let text = if self.format == Format::Yaml {
            serde_norway::to_string(value).map_err(anyhow::Error::new)?
        } else {
            serde_json::to_string_pretty(value).map_err(anyhow::Error::new)?
        };
        say(text.trim_end())
    }

    /// Prints something with a layout of its own, not a list.
    pub(crate) fn tree<T: Serialize>(self, value: &T, name: &str, text: &str) -> Result<(), Failure> {
        match self.format {
            Format::Table => say(text),
            Format::Name => say(name),
            Format::Json | Format::Yaml => self.data(value),
        }
    }
}

/// Writes a line to standard output, with colours if enabled.
pub(crate) fn say(text: &str) -> Result<(), Failure> {
    writeln!(anstream::stdout().lock(), "{text}").map_err(Failure::from)
}

/// Writes text to standard output as it is.
pub(crate) fn raw(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush().map_err(Failure::from)
}

/// Writes a line to standard error, with colours if enabled.
pub(crate) fn complain(text: &str) -> Result<(), Failure> {
    writeln!(anstream::stderr().lock(), "{text}").map_err(Failure::from)
}

/// Text with its colours if they are enabled, else without. For text that is not printed by [`say`].
pub(crate) fn tinted(text: &str) -> String {
    if anstream::AutoStream::choice(&std::io::stdout()) == anstream::ColorChoice::Never {
        anstream::adapter::strip_str(text).to_string()
    } else {
        text.to_owned()
    }
}

/// The text, or a dash if there is none.
pub(crate) fn or_dash(text: Option<&str>) -> String {
    text.filter(|text| !text.is_empty()).unwrap_or("-").to_owned()
}

/// A map as `k=v, k=v`.
pub(crate) fn map(map: &std::collections::BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = map.iter().map(|(key, value)| format!("{key}={value}")).collect();
    or_dash(Some(&pairs.join(", ")))
}

/// A timestamp in readable form.
pub(crate) fn moment(at: Option<Timestamp>) -> String {
    or_dash(at.map(|at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()).as_deref())
}

/// The same for a timestamp as the API writes it. If it cannot be parsed, it is shown unchanged.
pub(crate) fn time(text: Option<&str>) -> String {
    match text.map(str::parse::<Timestamp>) {
        Some(Ok(at)) => moment(Some(at)),
        _ => or_dash(text),
    }
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
        let text = table::list(&[Bottle("magnum", 15), Bottle("jeroboam", 30)], None);
        let plain = anstream::adapter::strip_str(&text).to_string();
        assert_eq!(plain, "NAME      LITRES\nmagnum    HEALTHY15\njeroboam  HEALTHY30");
        let plain = anstream::adapter::strip_str(&table::pairs(&Bottle("magnum", 15).details(), None)).to_string();
        assert_eq!(plain, "name    magnum\nlitres  15");
    }
    #[test]
    fn times_of_the_api_are_made_readable_and_others_left() {
        assert_eq!(time(Some("2026-11-23T15:02:38.904493+00:00")), "2026-11-23 15:02:38 UTC");
        assert_eq!(time(Some("2026-11-23T17:02:38+02:00")), "2026-11-23 15:02:38 UTC");
        assert_eq!(time(Some("some day")), "some day");
        assert_eq!(time(None), "-");
    }
}
