//! Statistics of the sequences that were run.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use jeroboam_infra::simulated::FaultKind;
use jeroboam_types::operation::Operation;

use super::Deed;

/// Linux counts processor time in hundredths of a second (time(7), USER_HZ).
const TICK: Duration = Duration::from_millis(10);

/// Figures of sequences.
#[derive(Debug, Default)]
pub(super) struct Figures {
    sequences: usize,
    /// How often each deed was done, and how often it took effect: was accepted, or found something to break.
    deeds: BTreeMap<&'static str, (usize, usize)>,
    /// By kind and outcome.
    operations: BTreeMap<(String, String), usize>,
    longest: Duration,
}

impl Figures {
    /// Counts a deed, and whether it took effect.
    pub(super) fn deed(&mut self, deed: &Deed, has_hit: bool) {
        let (done, hit) = self.deeds.entry(name(deed)).or_default();
        *done += 1;
        *hit += usize::from(has_hit);
    }

    /// Counts an injected fault that has not struck.
    pub(super) fn missed(&mut self, kind: FaultKind) {
        self.deeds.entry(fault(kind)).or_default().1 -= 1;
    }

    /// Counts a sequence and its operations.
    pub(super) fn sequence(&mut self, operations: &[Operation]) {
        self.sequences += 1;
        for operation in operations {
            let what = (operation.kind.to_string(), operation.status.to_string());
            *self.operations.entry(what).or_default() += 1;
            let end = operation.finished_at.unwrap_or(operation.created_at);
            let took = Duration::try_from(end.duration_since(operation.created_at)).unwrap_or_default();
            self.longest = self.longest.max(took);
        }
    }

    /// Adds the statistics of another run.
    pub(super) fn add(&mut self, other: Self) {
        self.sequences += other.sequences;
        for (deed, (done, hit)) in other.deeds {
            let sum = self.deeds.entry(deed).or_default();
            *sum = (sum.0 + done, sum.1 + hit);
        }
        for (what, count) in other.operations {
            *self.operations.entry(what).or_default() += count;
        }
        self.longest = self.longest.max(other.longest);
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let deeds = self.deeds.iter().map(|(deed, (done, hit))| format!("{deed} {hit} of {done}"));
        let operations = self.operations.iter().map(|((kind, status), count)| format!("{kind} {status} {count}"));
        writeln!(f, "sequences: {}", self.sequences)?;
        writeln!(f, "deeds that hit something: {}", deeds.collect::<Vec<_>>().join(", "))?;
        writeln!(
            f,
            "operations: {} ({})",
            self.operations.values().sum::<usize>(),
            operations.collect::<Vec<_>>().join(", ")
        )?;
        writeln!(f, "longest operation: {:.1} s", self.longest.as_secs_f64())?;
        write!(f, "processor time: {} s", processor_time().as_secs())
    }
}

fn name(deed: &Deed) -> &'static str {
    match deed {
        Deed::Resize(_) => "resize",
        Deed::Repair => "repair",
        Deed::Retry => "retry",
        Deed::Cancel => "cancel",
        Deed::Delete => "delete",
        Deed::Pause(true) => "pause",
        Deed::Pause(false) => "resume",
        Deed::Stop(_) => "machine stopped",
        Deed::TakeAway(_) => "machine taken away",
        Deed::Lose(_) => "machine and disk lost",
        Deed::Fail(_, _, kind) => fault(*kind),
        Deed::CutOff => "conductor cut off",
        Deed::Wait(_) => "wait",
        Deed::Settle => "settle",
    }
}

fn fault(kind: FaultKind) -> &'static str {
    match kind {
        FaultKind::Passing => "call failed",
        FaultKind::Permanent => "call failed for good",
        FaultKind::AnswerLost => "answer lost",
        FaultKind::Hang => "call hung",
        FaultKind::NoCapacity => "no capacity",
    }
}

/// Processor time that this process has used (proc(5): fields 14 and 15 of `/proc/self/stat`; the second, the name, is
/// in parentheses).
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let ticks: u32 = fields.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u32>().unwrap()).sum();
    TICK * ticks
}
