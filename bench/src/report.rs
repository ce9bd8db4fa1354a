//! The tables that are printed.

use std::fmt::Write as _;

use crate::samples::Samples;
use crate::stages::Stages;

/// What was measured, in the order in which it is printed.
#[derive(Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
    stages: Vec<(String, Stages)>,
}

/// A row of the table.
struct Row {
    what: String,
    /// The target, as in the README; empty for values that are only informative.
    goal: String,
    measured: String,
    range: String,
    is_missed: bool,
}

/// A unit and how many decimals make sense in it.
#[derive(Clone, Copy)]
pub(crate) enum Unit {
    /// Seconds.
    Seconds,
    /// Milliseconds.
    Millis,
    /// Megabytes, as in 1024 * 1024 bytes.
    Megabytes,
    /// Megabytes, as in 1000 * 1000 bytes: the Docker Engine's way to write sizes of images.
    ImageMegabytes,
    /// Ratio of two times.
    Times,
    /// Answers per second.
    Rate,
    /// Processors kept busy.
    Cores,
}

impl Unit {
    fn text(self, value: f64) -> String {
        match self {
            Self::Seconds => format!("{value:.1} s"),
            Self::Millis if value >= 100.0 => format!("{value:.0} ms"),
            Self::Millis => format!("{value:.1} ms"),
            Self::Megabytes => format!("{value:.1} MB"),
            Self::ImageMegabytes => format!("{value:.0} MB"),
            Self::Times => format!("{value:.2} ×"),
            Self::Rate => format!("{value:.0}/s"),
            Self::Cores => format!("{value:.3}"),
        }
    }

    /// The text of a target that must not be exceeded.
    pub(crate) fn most(self, value: f64) -> String {
        let text = self.text(value);
        match text.split_once(' ') {
            Some((number, unit)) if number.contains('.') => {
                format!("≤ {} {unit}", number.trim_end_matches('0').trim_end_matches('.'))
            }
            _ => format!("≤ {text}"),
        }
    }
}

/// A target as text, and whether it was missed.
pub(crate) struct Goal {
    /// As in the README.
    pub(crate) text: String,
    /// The median does not reach it.
    pub(crate) is_missed: bool,
}

impl Report {
    /// Adds a row with the median. `goal` is the maximum for the median.
    pub(crate) fn median(&mut self, what: &str, unit: Unit, goal: Option<f64>, samples: &Samples) {
        self.line(what, unit, goal, samples, samples.median());
    }

    /// Adds a row with the median and a target that the caller has evaluated.
    pub(crate) fn judged(&mut self, what: &str, unit: Unit, goal: Option<Goal>, samples: &Samples) {
        self.line(what, unit, None, samples, samples.median());
        if let (Some(goal), Some(row)) = (goal, self.rows.last_mut()) {
            (row.goal, row.is_missed) = (goal.text, goal.is_missed);
        }
    }

    /// Adds a row with a percentile. `goal` is its maximum.
    pub(crate) fn percentile(&mut self, what: &str, unit: Unit, goal: Option<f64>, samples: &Samples, percent: usize) {
        self.line(&format!("{what}, p{percent}"), unit, goal, samples, samples.percentile(percent));
    }

    /// Adds a row with the median of answers per second. `goal` is its minimum.
    pub(crate) fn rate(&mut self, what: &str, goal: Option<f64>, samples: &Samples) {
        let value = samples.median();
        self.line(what, Unit::Rate, None, samples, value);
        if let (Some(goal), Some(row)) = (goal, self.rows.last_mut()) {
            row.goal = format!("≥ {}", Unit::Rate.text(goal));
            row.is_missed = value < goal;
        }
    }

    fn line(&mut self, what: &str, unit: Unit, goal: Option<f64>, samples: &Samples, value: f64) {
        let row = Row {
            what: what.to_owned(),
            goal: goal.map_or_else(String::new, |goal| unit.most(goal)),
            measured: unit.text(value),
            range: match samples.count() {
                0 | 1 => String::new(),
                count => format!("{} – {} ({count})", unit.text(samples.least()), unit.text(samples.most())),
            },
            is_missed: goal.is_some_and(|goal| value > goal),
        };
        crate::say(&format!("{}: {} {}", row.what, row.measured, row.range));
        self.rows.push(row);
    }

    /// Adds where the time of an operation goes.
    pub(crate) fn stages(&mut self, what: &str, stages: Stages) {
        self.stages.push((what.to_owned(), stages));
    }

    /// The whole report as Markdown.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::from("| what | target | measured | least – most (runs) |\n|---|---|---|---|\n");
        for row in &self.rows {
            let missed = if row.is_missed { " (missed)" } else { "" };
            let _ = writeln!(text, "| {} | {} | {}{missed} | {} |", row.what, row.goal, row.measured, row.range);
        }
        if !self.stages.is_empty() {
            text.push_str(
                "\nWhere the time goes: start and end of each kind of step, in seconds since the request, medians.\n\n",
            );
            text.push_str("| operation | steps |\n|---|---|\n");
        }
        for (what, stages) in &self.stages {
            let _ = writeln!(text, "| {what} | {} |", stages.text());
        }
        text
    }
}
