//! Progress of a running operation: one line per finished step, and on a terminal a spinner for each running one.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use jeroboam_types::error::Cause;
use jeroboam_types::operation::{Operation, OperationStatus, Step, StepStatus};
use jiff::Timestamp;

use super::failure::Failure;
use super::output;
use super::style::{BAD, BOLD, DIM, GOOD, WARN, paint, status};

/// Width of a step's title, so that the times line up; longer titles push theirs to the right.
const TITLE_WIDTH: usize = 48;
/// Interval of the spinners' animation: smooth to the eye, cheap over ssh.
const TICK: Duration = Duration::from_millis(100);

/// Stream for the progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// Standard output, with the result, for people.
    Output,
    /// Standard error, as a program reads the result from standard output.
    Error,
}

/// Shows the progress of an operation.
pub(crate) struct Progress {
    target: Target,
    /// Spinners, on a terminal only.
    live: Option<Live>,
    /// Status and cause of each step as last printed.
    seen: BTreeMap<String, (StepStatus, Option<Cause>)>,
}

struct Live {
    bars: MultiProgress,
    total: ProgressBar,
    running: BTreeMap<String, ProgressBar>,
}

impl Progress {
    /// `live` enables spinners.
    pub(crate) fn new(target: Target, live: bool) -> Self {
        let live = live.then(|| {
            let bars = MultiProgress::with_draw_target(match target {
                Target::Output => ProgressDrawTarget::stdout(),
                Target::Error => ProgressDrawTarget::stderr(),
            });
            let total = bars.add(spinner("  {msg:.dim} {elapsed:.dim}"));
            total.set_message("waiting for the server");
            Live { bars, total, running: BTreeMap::new() }
        });
        Self { target, live, seen: BTreeMap::new() }
    }

    /// Prints what has changed.
    pub(crate) fn update(&mut self, operation: &Operation, now: Timestamp) -> Result<(), Failure> {
        for step in &operation.steps {
            let state = (step.status, step.cause.clone());
            let changed = self.seen.get(&step.key) != Some(&state);
            if changed && let Some(line) = line(step) {
                self.print(&line)?;
            }
            self.spin(step, now);
            self.seen.insert(step.key.clone(), state);
        }
        if let Some(live) = &self.live {
            live.total.set_message(total(operation));
        }
        Ok(())
    }

    /// Removes the spinners.
    pub(crate) fn end(&mut self) {
        if let Some(live) = self.live.take() {
            live.running.values().for_each(ProgressBar::finish_and_clear);
            live.total.finish_and_clear();
            // A terminal that cannot be cleared keeps an old spinner; nothing is lost.
            let _ = live.bars.clear();
        }
    }

    /// Prints a line above the spinners.
    pub(crate) fn print(&self, line: &str) -> Result<(), Failure> {
        match (&self.live, self.target) {
            (Some(live), _) => live.bars.println(output::tinted(line)).map_err(Failure::from),
            (None, Target::Output) => output::say(line),
            (None, Target::Error) => output::complain(line),
        }
    }

    fn spin(&mut self, step: &Step, now: Timestamp) {
        let Some(live) = &mut self.live else { return };
        if !matches!(step.status, StepStatus::Running | StepStatus::Blocked) {
            if let Some(bar) = live.running.remove(&step.key) {
                bar.finish_and_clear();
                live.bars.remove(&bar);
            }
            return;
        }
        let bar = live.running.entry(step.key.clone()).or_insert_with(|| {
            let bar = live.bars.insert_before(&live.total, spinner("  {spinner:.cyan} {msg} {elapsed:.dim}"));
            bar.with_elapsed(step.started_at.map_or(Duration::ZERO, |start| between(start, now)))
        });
        bar.set_message(output::tinted(&doing(step)));
    }
}

fn spinner(template: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.tick_chars("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ "));
    }
    bar.enable_steady_tick(TICK);
    bar
}

/// The line about the whole operation.
fn total(operation: &Operation) -> String {
    let wanted = operation.steps.iter().filter(|step| step.status != StepStatus::Skipped).count();
    let done = operation.steps.iter().filter(|step| step.status == StepStatus::Done).count();
    match operation.status {
        OperationStatus::Queued => "queued".to_owned(),
        _ => format!("{done} of {wanted} steps so far"),
    }
}

/// The text of a spinner.
fn doing(step: &Step) -> String {
    let mut text = step.title.clone();
    if step.attempts > 1 {
        text += &paint(WARN, &format!(" (attempt {})", step.attempts));
    }
    if let Some(progress) = &step.progress {
        text += &paint(DIM, &format!(": {progress}"));
    }
    text
}

/// The line for a step whose status has changed. None while it waits or runs without problems.
fn line(step: &Step) -> Option<String> {
    let title = format!("{:<TITLE_WIDTH$}", step.title);
    let time = paint(DIM, &step_time(step));
    match (step.status, &step.cause) {
        (StepStatus::Done, _) => {
            let added = step.added_because.as_ref().map_or(String::new(), |because| {
                format!("\n      {}", paint(WARN, &format!("not planned at first: {because}")))
            });
            Some(format!("  {} {title} {time}", paint(GOOD, "✓")).trim_end().to_owned() + &added)
        }
        (StepStatus::Failed, cause) => {
            let why = cause.as_ref().map_or(String::new(), |cause| format!("\n      {}", paint(BAD, &cause.message)));
            Some(format!("  {} {} {time}{why}", paint(BAD, "✗"), paint(BAD, &title)))
        }
        (StepStatus::Blocked, Some(cause)) => {
            let mut text = format!("  {} {}\n      {}", paint(WARN, "!"), step.title, paint(WARN, &cause.message));
            if let Some(detail) = &cause.detail {
                text += &format!("\n      {}", paint(DIM, detail));
            }
            Some(text + &format!("\n      {}", paint(DIM, "continues automatically once this is resolved")))
        }
        (StepStatus::Blocked | StepStatus::Pending | StepStatus::Running | StepStatus::Skipped, _) => None,
    }
}

fn step_time(step: &Step) -> String {
    match (step.started_at, step.finished_at) {
        (Some(start), Some(end)) => duration(between(start, end)),
        _ => String::new(),
    }
}

/// The time from one moment to another; zero when clocks disagree.
pub(crate) fn between(start: Timestamp, end: Timestamp) -> Duration {
    Duration::try_from(end.duration_since(start)).unwrap_or_default()
}

/// `0.8 s`, `12.3 s`, `3 min 05 s`.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    if seconds < 60 {
        format!("{:.1} s", duration.as_secs_f64())
    } else {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    }
}

/// The age of something, in its largest unit: `40 s`, `5 min`, `3 h`, `12 d`.
pub(crate) fn age(age: Duration) -> String {
    match age.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds @ 3600..86_400 => format!("{} h", seconds / 3600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

/// The final message about an operation: its result, and the full causes if it did not succeed.
pub(crate) fn summary(operation: &Operation) -> String {
    let time = match (operation.started_at.or(Some(operation.created_at)), operation.finished_at) {
        (Some(start), Some(end)) => format!(" after {}", duration(between(start, end))),
        _ => String::new(),
    };
    let word = status(&operation.status.to_string());
    let mut text = format!("{} of {} {word}{time}", operation.kind, paint(BOLD, &operation.cluster_name));
    if operation.status == OperationStatus::Succeeded {
        return text;
    }
    let failed: Vec<_> = operation
        .steps
        .iter()
        .filter(|step| step.status == StepStatus::Failed)
        .filter_map(|step| Some((step.title.as_str(), step.cause.as_ref()?)))
        .collect();
    for (title, cause) in &failed {
        text += &format!("\n\n  {}{}", paint(BAD, title), causes(cause));
    }
    if failed.is_empty()
        && let Some(cause) = &operation.cause
    {
        text += &format!("\n{}", causes(cause));
    }
    text
}

/// A cause in full: what went wrong, the underlying error, who must act and what to do.
pub(crate) fn causes(cause: &Cause) -> String {
    let whose = cause.who_must_act.to_string().replace('_', " ");
    let mut text = format!("\n    {}", paint(BAD, &cause.message));
    let mut entry = |name: &str, value: &str| {
        let value = value.replace('\n', "\n                  ");
        text.push_str(&format!("\n    {} {value}", paint(DIM, &format!("{name:<13}"))));
    };
    if let Some(detail) = &cause.detail {
        entry("caused by:", detail);
    }
    entry("who must act:", &whose);
    entry("to do:", &cause.action);
    entry("code:", &cause.code);
    text
}

#[cfg(test)]
#[path = "progress_tests.rs"]
mod tests;
