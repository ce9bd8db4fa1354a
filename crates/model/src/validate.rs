//! What input must look like, and the error that names the field.

use thiserror::Error;

/// Input that is refused: which field, and why in words for the person who sent it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{field}: {message}")]
pub struct FieldError {
    /// Name of the field as the client wrote it; a path with `/` for inner ones.
    pub field: String,
    /// What is wrong with it and what would be right.
    pub message: String,
}

impl FieldError {
    /// Makes one.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// Longest name of a cluster (contract magnum-v1 section 6.1).
pub const MAX_CLUSTER_NAME: usize = 242;

/// Longest text of most other attributes.
pub const MAX_TEXT: usize = 255;

/// Limits on the size of one cluster. The operator's to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most nodes without masters.
    pub nodes: u32,
    /// Most masters.
    pub masters: u32,
}

impl Default for Limits {
    /// 200 nodes fit the address range of one network on the docker infrastructure; more than seven masters slow etcd
    /// and Raft down without making them safer.
    fn default() -> Self {
        Self { nodes: 200, masters: 7 }
    }
}

/// A cluster's name: a letter, then letters, digits, `_`, `.`, `-` (contract magnum-v1 section 6.1).
///
/// # Errors
/// Says which rule the name breaks.
pub fn cluster_name(field: &str, name: &str) -> Result<(), FieldError> {
    if name.is_empty() || name.chars().count() > MAX_CLUSTER_NAME {
        return Err(FieldError::new(
            field,
            format!("must have 1 to {MAX_CLUSTER_NAME} characters, this has {}", name.chars().count()),
        ));
    }
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if !starts_well || !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')) {
        return Err(FieldError::new(
            field,
            format!("'{name}' must begin with a letter, followed by letters, digits, '_', '.' or '-'"),
        ));
    }
    Ok(())
}

/// A text of 1 to [`MAX_TEXT`] characters.
///
/// # Errors
/// When it is empty or too long.
pub fn text(field: &str, value: &str) -> Result<(), FieldError> {
    let length = value.chars().count();
    if length == 0 || length > MAX_TEXT {
        return Err(FieldError::new(field, format!("must have 1 to {MAX_TEXT} characters, this has {length}")));
    }
    Ok(())
}

/// A number of nodes between `min` and `max`.
///
/// # Errors
/// When it is outside.
pub fn count(field: &str, value: i64, min: u32, max: u32) -> Result<u32, FieldError> {
    u32::try_from(value)
        .ok()
        .filter(|count| (min..=max).contains(count))
        .ok_or_else(|| FieldError::new(field, format!("must be a number from {min} to {max}, this is {value}")))
}

/// A number of masters: odd, so that a majority survives as much as possible (contract magnum-v1 section 6.8).
///
/// # Errors
/// When it is even or out of bounds.
pub fn master_count(field: &str, value: i64, limits: Limits) -> Result<u32, FieldError> {
    let masters = count(field, value, 1, limits.masters)?;
    if masters % 2 == 0 {
        return Err(FieldError::new(
            field,
            format!("must be odd, so that the masters can form a majority; this is {masters}"),
        ));
    }
    Ok(masters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_contract() {
        for good in ["a", "prod.eu-1_x", "A1"] {
            assert!(cluster_name("name", good).is_ok(), "{good}");
        }
        for bad in ["", "1a", "-a", "a b", "ä", "a/b", &"a".repeat(243)] {
            assert_eq!(cluster_name("name", bad).unwrap_err().field, "name", "{bad}");
        }
    }

    #[test]
    fn counts_stay_in_their_bounds() {
        assert_eq!(count("node_count", 3, 1, 200), Ok(3));
        for bad in [0, -1, 10_000, i64::MAX, i64::MIN] {
            assert!(count("node_count", bad, 1, 200).is_err(), "{bad}");
        }
        assert!(master_count("master_count", 2, Limits::default()).is_err());
        assert_eq!(master_count("master_count", 3, Limits::default()), Ok(3));
    }
}
