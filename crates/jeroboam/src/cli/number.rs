//! Numbers on the command line, with errors that state the allowed range.

/// An integer type for an option.
pub(crate) trait Whole: TryFrom<i64> {
    /// The error for a number that is out of range.
    fn bounds() -> String;
}

impl Whole for i64 {
    fn bounds() -> String {
        // Never used: every i64 fits. The server checks the range.
        String::new()
    }
}

impl Whole for u32 {
    fn bounds() -> String {
        format!("must be from 0 to {}", Self::MAX)
    }
}

impl Whole for u16 {
    fn bounds() -> String {
        format!("must be from 0 to {}", Self::MAX)
    }
}

/// Reads a number.
pub(crate) fn number<T: Whole>(text: &str) -> Result<T, String> {
    let wide: i64 = text.trim().parse().map_err(|_| "must be a number".to_owned())?;
    T::try_from(wide).map_err(|_| T::bounds())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_or_out_of_bounds_is_told_so() {
        assert_eq!(number::<i64>("-3"), Ok(-3));
        assert_eq!(number::<u16>("6443"), Ok(6443));
        assert_eq!(number::<u32>("abc"), Err("must be a number".to_owned()));
        assert_eq!(number::<i64>(""), Err("must be a number".to_owned()));
        assert_eq!(number::<i64>("1.5"), Err("must be a number".to_owned()));
        assert_eq!(number::<u32>("-1"), Err("must be from 0 to 4294967295".to_owned()));
        assert_eq!(number::<u16>("70000"), Err("must be from 0 to 65535".to_owned()));
    }
}
