//! How long to wait before the next attempt.

use std::time::Duration;

/// Doubling waits between a first and a longest one.
#[derive(Debug, Clone)]
pub struct BackOff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl BackOff {
    /// Starts with `first` and never waits longer than `longest`.
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, next: first }
    }

    /// The wait before the next attempt; the one after will be twice as long.
    pub fn wait(&mut self) -> Duration {
        let wait = self.next;
        self.next = (self.next * 2).min(self.longest);
        wait
    }

    /// Things went well: start over with the first wait.
    pub fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest_and_start_over_after_a_reset() {
        let mut back_off = BackOff::new(Duration::from_millis(250), Duration::from_secs(1));
        let waits: Vec<u128> = (0..4).map(|_| back_off.wait().as_millis()).collect();
        assert_eq!(waits, [250, 500, 1000, 1000]);
        back_off.reset();
        assert_eq!(back_off.wait().as_millis(), 250);
    }
}
