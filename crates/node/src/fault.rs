//! What goes wrong.

use jeroboam_types::agent::Problem;
pub use jeroboam_types::code::Code;

/// A failure of the node as a whole or of one component.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", problem.message)]
pub struct Fault {
    /// What is reported.
    pub problem: Problem,
    /// Whether trying again is useless until something changes from outside.
    pub permanent: bool,
}

impl Fault {
    /// A failure that may go away by itself.
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

    /// A failure that stays until something changes from outside.
    pub fn permanent(code: Code, component: &str, message: impl Into<String>) -> Self {
        Self { permanent: true, ..Self::passing(code, component, message) }
    }
}
