//! Measured values of one kind.

use std::time::Duration;

/// Measured values of one kind, in one unit.
#[derive(Debug, Clone, Default)]
pub(crate) struct Samples(Vec<f64>);

impl Samples {
    /// Adds a value.
    pub(crate) fn add(&mut self, value: f64) {
        self.0.push(value);
    }

    /// Adds a duration in seconds.
    pub(crate) fn add_seconds(&mut self, value: Duration) {
        self.add(value.as_secs_f64());
    }

    /// Adds a duration in milliseconds.
    pub(crate) fn add_millis(&mut self, value: Duration) {
        self.add(value.as_secs_f64() * 1000.0);
    }

    /// Number of values.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The value that `percent` of all values do not exceed (nearest rank); 0 when there is none.
    pub(crate) fn percentile(&self, percent: usize) -> f64 {
        let sorted = self.sorted();
        let rank = (sorted.len() * percent).div_ceil(100).max(1);
        sorted.get(rank - 1).copied().unwrap_or_default()
    }

    /// The middle value; between the two middle ones when their number is even.
    pub(crate) fn median(&self) -> f64 {
        let sorted = self.sorted();
        let middle = sorted.len() / 2;
        match sorted.get(middle) {
            None => 0.0,
            Some(upper) if sorted.len() % 2 == 1 => *upper,
            Some(upper) => f64::midpoint(sorted.get(middle.wrapping_sub(1)).copied().unwrap_or(*upper), *upper),
        }
    }

    /// The smallest value.
    pub(crate) fn least(&self) -> f64 {
        self.sorted().first().copied().unwrap_or_default()
    }

    /// The greatest value.
    pub(crate) fn most(&self) -> f64 {
        self.sorted().last().copied().unwrap_or_default()
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64]) -> Samples {
        Samples(values.to_vec())
    }

    #[test]
    fn the_median_is_the_middle_or_between_the_two_in_the_middle() {
        assert!((of(&[3.0, 1.0, 2.0]).median() - 2.0).abs() < f64::EPSILON);
        assert!((of(&[4.0, 1.0, 2.0, 3.0]).median() - 2.5).abs() < f64::EPSILON);
        assert!(of(&[]).median().abs() < f64::EPSILON);
    }

    #[test]
    fn a_percentile_is_a_value_that_was_measured() {
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        assert!((of(&hundred).percentile(99) - 99.0).abs() < f64::EPSILON);
        assert!((of(&hundred).percentile(50) - 50.0).abs() < f64::EPSILON);
        assert!((of(&[7.0]).percentile(99) - 7.0).abs() < f64::EPSILON);
        assert!((of(&hundred).least() - 1.0).abs() < f64::EPSILON);
        assert!((of(&hundred).most() - 100.0).abs() < f64::EPSILON);
    }
}
