//! Faults of the node or its components.

use jeroboam_types::agent::Problem;
pub use jeroboam_types::code::Code;

/// A failure of the node as a whole or of one component.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", problem.message)]
pub struct Fault {
    /// The problem to report.
    pub problem: Problem,
    /// Whether a retry is useless until something changes from outside.
    pub permanent: bool,
}

impl Fault {
    /// A fault that may be temporary: a retry may succeed.
    pub fn passing(code: Code, component: &str, message: impl Into<String>) -> Self {
        Self {
            problem: Problem {
                code: code.to_string(),
                message: message.into(),
                component: Some(component.to_owned()),
                log: Vec::new(),
            },
            permanent: false,
        }
    }

    /// A fault that stays until something changes from outside.
    pub fn permanent(code: Code, component: &str, message: impl Into<String>) -> Self {
        Self { permanent: true, ..Self::passing(code, component, message) }
    }
}
