//! The last lines of a component's output.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// Number of lines kept per component: enough for the reason of a crash, with little memory.
const LINES: usize = 200;

/// Maximum length of a line, in bytes. Longer ones are truncated: some components print whole objects.
const LINE_BYTES: usize = 1024;

/// Bounded log of one component.
#[derive(Debug, Default)]
pub struct LogRing(Mutex<VecDeque<String>>);

impl LogRing {
    /// Adds a line, and drops the oldest one if there are too many.
    pub fn push(&self, line: &str) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LINES {
            lines.pop_front();
        }
        lines.push_back(cut(line).to_owned());
    }

    /// Removes all lines before a restart, as they belong to the previous run.
    pub fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Whether some line contains a text.
    pub fn contains(&self, text: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|line| line.contains(text))
    }

    /// The last lines that explain a failure, at most `count`, oldest first. If no line looks like an error, the last
    /// lines.
    pub fn telling(&self, count: usize) -> Vec<String> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let telling: Vec<&String> = lines.iter().filter(|line| is_telling(line)).collect();
        let chosen = if telling.is_empty() { lines.iter().collect() } else { telling };
        chosen[chosen.len().saturating_sub(count)..].iter().map(|line| (*line).clone()).collect()
    }
}

fn cut(line: &str) -> &str {
    let mut end = line.len().min(LINE_BYTES);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    &line[..end]
}

/// Whether a line looks like an error, in the formats of the components: klog (`E0102 ...`, `F0102 ...`), logrus
/// (`level=error`), zap (`"level":"fatal"`, or a bare ` E | `), Go's panics, and plain text.
fn is_telling(line: &str) -> bool {
    let mut characters = line.chars();
    if matches!(characters.next(), Some('E' | 'F')) && characters.take(4).filter(char::is_ascii_digit).count() == 4 {
        return true;
    }
    const SIGNS: [&str; 10] = [
        "level=error",
        "level=fatal",
        "level=panic",
        "\"level\":\"error\"",
        "\"level\":\"fatal\"",
        " E | ",
        " C | ",
        "panic: ",
        "fatal error: ",
        "rror: ",
    ];
    SIGNS.iter().any(|sign| line.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_newest_lines_are_kept_and_long_ones_are_cut() {
        let ring = LogRing::default();
        for number in 0..LINES + 10 {
            ring.push(&format!("line {number}"));
        }
        assert_eq!(ring.telling(2), ["line 208", "line 209"]);
        assert_eq!(ring.telling(LINES * 2).len(), LINES);
        ring.push(&"ä".repeat(LINE_BYTES));
        assert_eq!(ring.telling(1)[0].len(), LINE_BYTES);
    }

    #[test]
    fn errors_are_preferred_to_newer_chatter() {
        let ring = LogRing::default();
        for line in [
            "I0102 15:04:05.0 1 server.go:1] starting",
            "F0102 15:04:05.1 1 server.go:2] failed to run Kubelet: swap is on",
            "goroutine 1 [running]:",
            "time=now level=fatal msg=\"no such file\"",
            "	/usr/lib/go/proc.go:204",
        ] {
            ring.push(line);
        }
        assert_eq!(
            ring.telling(5),
            [
                "F0102 15:04:05.1 1 server.go:2] failed to run Kubelet: swap is on",
                "time=now level=fatal msg=\"no such file\""
            ]
        );
    }
}
