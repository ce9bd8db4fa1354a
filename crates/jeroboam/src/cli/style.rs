//! Colours. Text is always painted; the streams of [`super::output`] remove the colours where they cannot be shown (no
//! terminal, `NO_COLOR`, `--color never`).

use anstyle::{AnsiColor, Style};

/// For secondary text.
pub(crate) const DIM: Style = Style::new().dimmed();
/// For headings and names.
pub(crate) const BOLD: Style = Style::new().bold();
/// For a good state.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// For a state in progress.
pub(crate) const BUSY: Style = AnsiColor::Cyan.on_default();
/// For a state that needs attention.
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default();
/// For a broken state.
pub(crate) const BAD: Style = AnsiColor::Red.on_default();

/// Text in a colour.
pub(crate) fn paint(style: Style, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{style}{text}{style:#}") }
}

/// A status in its usual colour: of clusters, operations, steps, nodes, components, pods and containers.
pub(crate) fn status(word: &str) -> String {
    paint(status_style(word), word)
}

fn status_style(word: &str) -> Style {
    match word {
        "HEALTHY" | "Running" | "Succeeded" | "up" | "done" | "succeeded" => GOOD,
        "UNHEALTHY" | "Error" | "Failed" | "failed" | "CrashLoopBackOff" | "ImagePullBackOff" | "ErrImagePull" => BAD,
        "UNKNOWN" | "Unknown" | "unknown" | "blocked" | "backoff" | "Paused" => WARN,
        "running" | "starting" | "Pending" | "ContainerCreating" | "Terminating" => BUSY,
        "queued" | "pending" | "waiting" | "skipped" | "cancelled" | "Stopped" => DIM,
        _ if word.ends_with("_COMPLETE") => GOOD,
        _ if word.ends_with("_FAILED") => BAD,
        _ if word.ends_with("_IN_PROGRESS") => BUSY,
        _ => Style::new(),
    }
}
