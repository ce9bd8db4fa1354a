//! Constructors of the causes of errors. Every code is listed in `docs/errors.md`.

use jeroboam_types::code::Code;
use jeroboam_types::error::{Cause, WhoMustAct};

/// Constructors of a [`Cause`], one per class of error, so that it is decided here and not at each call who must act
/// and whether the error is transient.
pub trait CauseExt: Sized {
    /// A lower layer does not respond or asks to retry later; usually transient.
    fn passing(code: Code, message: impl Into<String>, action: impl Into<String>) -> Self;
    /// The operator of Jeroboam must change something.
    fn operator(code: Code, message: impl Into<String>, action: impl Into<String>) -> Self;
    /// The user who made the request must change something.
    fn user(code: Code, message: impl Into<String>, action: impl Into<String>) -> Self;
    /// Adds the underlying error.
    #[must_use]
    fn said(self, detail: impl std::fmt::Display) -> Self;
    /// Marks it as one that a retry may solve.
    #[must_use]
    fn may_pass(self) -> Self;
    /// One line for `status_reason` and logs: message, then the underlying error.
    fn one_line(&self) -> String;
}

impl CauseExt for Cause {
    fn passing(code: Code, message: impl Into<String>, action: impl Into<String>) -> Self {
        make(code, WhoMustAct::Cloud, message, action, true)
    }

    fn operator(code: Code, message: impl Into<String>, action: impl Into<String>) -> Self {
        make(code, WhoMustAct::Operator, message, action, false)
    }

    fn user(code: Code, message: impl Into<String>, action: impl Into<String>) -> Self {
        make(code, WhoMustAct::User, message, action, false)
    }

    fn said(mut self, detail: impl std::fmt::Display) -> Self {
        self.detail = Some(detail.to_string());
        self
    }

    fn may_pass(mut self) -> Self {
        self.retryable = true;
        self
    }

    fn one_line(&self) -> String {
        match &self.detail {
            Some(detail) => {
                let last = detail.lines().next_back().unwrap_or_default().trim();
                format!("{}: {last}", self.message.trim_end_matches('.'))
            }
            None => self.message.clone(),
        }
    }
}

fn make(
    code: Code,
    who_must_act: WhoMustAct,
    message: impl Into<String>,
    action: impl Into<String>,
    retryable: bool,
) -> Cause {
    Cause {
        code: code.to_string(),
        who_must_act,
        message: message.into(),
        detail: None,
        action: action.into(),
        retryable,
    }
}
