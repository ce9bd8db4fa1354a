//! Compares Jeroboam's clusters with the same programs started by hand, in turns, so that both run under the same
//! conditions.

use std::time::Duration;

use crate::check::Kind;
use crate::hand::{ByHand, Memory};
use crate::report::{Goal, Report, Unit};
use crate::samples::Samples;

/// Targets for the creation of a cluster.
pub(crate) struct Goals {
    /// Most seconds.
    pub(crate) seconds: f64,
    /// Highest ratio of Jeroboam's time to that of the same programs started by hand.
    pub(crate) times: f64,
    /// Whether one of the two is enough.
    pub(crate) is_either: bool,
}

/// How much more memory a node of Jeroboam may take, in MB: the agent's.
const MORE_MEMORY: f64 = 40.0;

/// Pairs of measurements.
#[derive(Default)]
pub(crate) struct Comparison {
    version: String,
    ahead: Samples,
    ready: Samples,
    seconds: Pair,
    times: Samples,
    master: Pair,
    worker: Pair,
}

/// The same quantity, twice.
#[derive(Default)]
struct Pair {
    by_hand: Samples,
    ours: Samples,
}

impl Comparison {
    /// Adds a pair: how long Jeroboam took, and the memory of its nodes.
    pub(crate) fn add(&mut self, by_hand: ByHand, took: Duration, memory: Memory) {
        self.version = by_hand.version;
        self.ahead.add(by_hand.ahead);
        self.ready.add(by_hand.ready);
        self.seconds.by_hand.add(by_hand.seconds);
        self.seconds.ours.add_seconds(took);
        self.times.add(took.as_secs_f64() / by_hand.seconds);
        for (pair, by_hand, ours) in [
            (&mut self.master, by_hand.memory.master, memory.master),
            (&mut self.worker, by_hand.memory.worker, memory.worker),
        ] {
            pair.by_hand.add(by_hand);
            pair.ours.add(ours);
        }
    }

    /// Adds the rows of the table; returns the name of the first one.
    pub(crate) fn report(&self, kind: Kind, goals: &Goals, report: &mut Report) -> String {
        let title = format!("{} {}", kind.title(), short(&self.version));
        let (seconds, times) = (self.seconds.ours.median(), self.times.median());
        let (is_slow, is_slower) = (seconds > goals.seconds, times > goals.times);
        let (of_seconds, of_times) = (Unit::Seconds.most(goals.seconds), Unit::Times.most(goals.times));
        let what = format!("{title}, 1 master + 2 workers, image warm, POST to CREATE_COMPLETE with all nodes Ready");
        let (first, second) = match goals.is_either {
            true => {
                let is_missed = is_slow && is_slower;
                (Goal { text: format!("{of_seconds}, or {of_times} by hand"), is_missed }, None)
            }
            false => {
                (Goal { text: of_seconds, is_missed: is_slow }, Some(Goal { text: of_times, is_missed: is_slower }))
            }
        };
        report.judged(&what, Unit::Seconds, Some(first), &self.seconds.ours);
        let ahead = self.ahead.median();
        report.judged(
            &format!("the same programs started by hand, `docker run` until they can run workloads, certificates prepared in {ahead:.1} s"),
            Unit::Seconds,
            None,
            &self.seconds.by_hand,
        );
        report.judged("the same, until all nodes are Ready", Unit::Seconds, None, &self.ready);
        report.judged("ratio of Jeroboam's time to the time by hand, pair by pair", Unit::Times, second, &self.times);
        for (role, pair) in [("the master", &self.master), ("a worker", &self.worker)] {
            let what = format!("{title}: memory of {role}, idle");
            let most = pair.by_hand.median() + MORE_MEMORY;
            let goal = Goal {
                text: format!("{} (by hand + {MORE_MEMORY:.0} MB)", Unit::Megabytes.most(most)),
                is_missed: pair.ours.median() > most,
            };
            report.judged(&what, Unit::Megabytes, Some(goal), &pair.ours);
            report.judged(&format!("{what}, by hand"), Unit::Megabytes, None, &pair.by_hand);
        }
        what
    }
}

/// Major and minor of a version, without `v`.
fn short(version: &str) -> String {
    version.trim_start_matches('v').split('.').take(2).collect::<Vec<_>>().join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(is_either: bool, ours: u64, master: f64) -> String {
        let mut comparison = Comparison::default();
        let by_hand = ByHand {
            version: "v1.37.2".to_owned(),
            ready: 3.0,
            seconds: 4.0,
            ahead: 0.5,
            memory: Memory { master: 400.0, worker: 80.0 },
        };
        comparison.add(by_hand, Duration::from_secs(ours), Memory { master, worker: 100.0 });
        let mut report = Report::default();
        comparison.report(Kind::Kubernetes, &Goals { seconds: 8.0, times: 1.5, is_either }, &mut report);
        report.markdown()
    }

    #[test]
    fn both_goals_must_be_reached_unless_one_is_enough() {
        assert!(table(false, 7, 430.0).contains("| ≤ 8 s | 7.0 s |"));
        assert!(table(false, 7, 430.0).contains("| ≤ 1.5 × | 1.75 × (missed) |"));
        assert!(table(true, 7, 430.0).contains("| ≤ 8 s, or ≤ 1.5 × by hand | 7.0 s |"));
        assert!(table(true, 9, 430.0).contains("| ≤ 8 s, or ≤ 1.5 × by hand | 9.0 s (missed) |"));
        assert!(table(true, 9, 430.0).contains("|  | 2.25 × |"), "{}", table(true, 9, 430.0));
    }

    #[test]
    fn memory_is_held_against_that_of_the_programs_alone() {
        let line = "Kubernetes 1.37: memory of the master, idle | ≤ 440 MB (by hand + 40 MB) |";
        assert!(table(true, 7, 439.0).contains(&format!("{line} 439.0 MB |")), "{}", table(true, 7, 439.0));
        assert!(table(true, 7, 441.0).contains(&format!("{line} 441.0 MB (missed) |")));
    }
}
