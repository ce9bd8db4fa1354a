//! What a failed command prints, and its exit code.

use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use jeroboam_client::Error;

use super::style::{DIM, paint};

/// The exit codes, as `jeroboam help exit-codes` prints them.
pub(crate) const EXIT_CODES: &str = "  0    success
  1    failed for a reason without a code of its own
  2    the command line is invalid
  3    not found
  4    authentication failed, or the role or quota does not allow it
  5    the operation failed or was cancelled; its steps say why
  6    the server cannot be reached
  130  interrupted with Ctrl-C while watching; the operation continues

`container exec` exits with the exit code of the command in the container.";

/// Why a command failed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The arguments are wrong.
    Usage(String),
    /// The requested object does not exist, as this client determined from a response.
    NotFound(String),
    /// The API refused the request, or could not be reached.
    Client(Error),
    /// A policy does not allow it. The reason has been printed.
    Refused,
    /// An operation failed or was cancelled. Its causes have been printed.
    Operation,
    /// Ctrl-C while watching. The next step has been printed.
    Interrupted,
    /// The reader of our output has closed it (EPIPE), so nothing is printed.
    NobodyReads,
    /// The exit code of a command in a container.
    Exit(u8),
    /// The server failed to start.
    Start(anyhow::Error),
    /// Anything else.
    Other(anyhow::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Client(error)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe { Self::NobodyReads } else { Self::Other(error.into()) }
    }
}

impl Failure {
    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::NobodyReads => 0,
            Self::Start(_) | Self::Other(_) => 1,
            Self::Usage(_) => 2,
            Self::NotFound(_) => 3,
            Self::Refused => 4,
            Self::Operation => 5,
            Self::Interrupted => 130,
            Self::Exit(code) => *code,
            Self::Client(error) => match error {
                Error::Unreachable { .. } => 6,
                Error::Login { status, .. } if *status < 500 => 4,
                Error::Api(error) => match error.status {
                    401 | 403 => 4,
                    404 => 3,
                    502..=504 => 6,
                    _ => 1,
                },
                Error::Config { .. } | Error::Login { .. } | Error::Protocol { .. } => 1,
            },
        }
    }

    /// Prints what went wrong and what to do, on standard error.
    pub(crate) fn report(&self) -> ExitCode {
        if let Some(text) = self.text() {
            // If standard error fails too, there is nowhere left to report it.
            let _ = super::output::complain(&text);
        }
        ExitCode::from(self.code())
    }

    fn text(&self) -> Option<String> {
        let error = paint(Style::new().fg_color(Some(AnsiColor::Red.into())).bold(), "error:");
        match self {
            Self::Usage(message) => Some(format!("{error} {message}\n\nFor more information, try '--help'.")),
            Self::NotFound(message) => Some(format!("{error} {message}")),
            Self::Other(cause) => Some(format!("{error} {cause:#}")),
            // Only the operator can fix what keeps a server from starting.
            Self::Start(cause) => {
                let whose = paint(DIM, "the server has not started; the operator must act");
                Some(format!("{error} {cause:#}\n       {whose}"))
            }
            Self::Client(cause) => {
                let mut text = format!("{error} {cause}");
                let mut facts = Vec::new();
                if let Some(status) = cause.status() {
                    facts.push(format!("HTTP {status}"));
                }
                if let Some(id) = cause.request_id() {
                    facts.push(format!("request {id}"));
                }
                if !facts.is_empty() {
                    text += &format!("\n       {}", paint(DIM, &facts.join(", ")));
                }
                if let Some(action) = cause.action() {
                    text += &format!("\n       {}.", action.replace('\n', "\n       "));
                }
                Some(text)
            }
            Self::Refused | Self::Operation | Self::Interrupted | Self::NobodyReads | Self::Exit(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use jeroboam_client::error::ApiError;

    use super::*;

    #[test]
    fn every_kind_of_failure_has_the_documented_code() {
        let api = |status| Failure::Client(Error::Api(Box::new(ApiError::read(status, None, "no"))));
        let unreachable = Failure::Client(Error::Unreachable { url: String::new(), message: String::new() });
        for (failure, code) in [
            (api(400), 1),
            (api(401), 4),
            (api(403), 4),
            (api(404), 3),
            (api(500), 1),
            (api(503), 6),
            (unreachable, 6),
            (Failure::Usage(String::new()), 2),
            (Failure::NotFound(String::new()), 3),
            (Failure::Start(anyhow::anyhow!("")), 1),
            (Failure::Operation, 5),
            (Failure::Refused, 4),
            (Failure::Interrupted, 130),
        ] {
            assert_eq!(failure.code(), code, "{failure:?}");
            assert!(EXIT_CODES.contains(&format!("  {code} ")), "{code} is not documented");
        }
    }

    #[test]
    fn an_error_says_where_to_look_and_what_to_do() {
        let error = ApiError::read(404, Some("req-7".to_owned()), "no such bay");
        let text = Failure::Client(Error::Api(Box::new(error))).text().unwrap();
        assert!(text.contains("no such bay") && text.contains("req-7") && text.contains("`list`"), "{text}");
    }
}
