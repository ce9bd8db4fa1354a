//! When a cluster may be repaired automatically again: pauses grow with the number of recent repairs, and there is a
//! daily limit, so that repairs cannot make an outage worse.

use jiff::{SignedDuration, Timestamp};

/// Most automatic repairs of one cluster per day.
pub const MOST_PER_DAY: usize = 24;
/// Repairs that finished longer ago do not count.
pub const DAY: SignedDuration = SignedDuration::from_hours(24);
/// Repairs that finished within this time count for the pause before the next one.
const LATELY: SignedDuration = SignedDuration::from_hours(1);
/// The pause after the first one, and the longest; each repair doubles it.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_secs(5);
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(15);

/// Why the next repair has to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// The last one is recent: not before this time.
    Pause(Timestamp),
    /// The daily limit is reached: none until this time.
    DailyLimit(Timestamp),
}

impl Wait {
    /// When the next repair may start.
    #[must_use]
    pub fn end(self) -> Timestamp {
        match self {
            Self::Pause(end) | Self::DailyLimit(end) => end,
        }
    }
}

/// Why the next repair cannot start now. `past` are the times at which those of the last [`DAY`] finished, newest
/// first.
#[must_use]
pub fn wait(past: &[Timestamp], now: Timestamp) -> Option<Wait> {
    let after = |at: Timestamp, pause: SignedDuration| at.saturating_add(pause).unwrap_or(now);
    let wait = match past.get(MOST_PER_DAY - 1) {
        Some(oldest) => Wait::DailyLimit(after(*oldest, DAY)),
        None => {
            let lately = past.iter().take_while(|end| now.duration_since(**end) < LATELY).count();
            let last = past.first().filter(|_| lately > 0)?;
            let doublings = u32::try_from(lately - 1).unwrap_or(u32::MAX).min(16);
            Wait::Pause(after(*last, (FIRST_PAUSE * 2_i32.pow(doublings)).min(LONGEST_PAUSE)))
        }
    };
    (wait.end() > now).then_some(wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn ago(seconds: i64) -> Timestamp {
        NOW - SignedDuration::from_secs(seconds)
    }

    fn seconds(past: &[Timestamp]) -> i64 {
        wait(past, NOW).map_or(0, |wait| wait.end().duration_since(NOW).as_secs())
    }

    #[test]
    fn pauses_grow_with_what_was_repaired_lately() {
        assert_eq!(wait(&[], NOW), None);
        assert_eq!(wait(&[ago(0)], NOW), Some(Wait::Pause(ago(-5))));
        assert_eq!(seconds(&[ago(0), ago(60)]), 10);
        assert_eq!(seconds(&[ago(8), ago(60), ago(120)]), 12);
        assert_eq!(seconds(&[ago(0); 20]), 900);
        assert_eq!(seconds(&[ago(3601)]), 0, "an hour later it is forgotten");
    }

    #[test]
    fn there_is_a_limit_per_day() {
        let past: Vec<Timestamp> = (0..24).map(|hour| ago(3600 * hour)).collect();
        assert_eq!(wait(&past, NOW), Some(Wait::DailyLimit(ago(-3600))), "the first of them is a day old then");
        assert_eq!(wait(&past[1..], NOW), None);
    }
}
