//! Errors between a caller and the API, always with the action that resolves them.

use jeroboam_types::error::ErrorBody;
use serde::Deserialize;
use thiserror::Error;

/// Why a call gave no usable response.
#[derive(Debug, Error)]
pub enum Error {
    /// The configuration is missing or invalid.
    #[error("{message}")]
    Config {
        /// Description of the problem.
        message: String,
        /// What to do.
        action: String,
    },
    /// No connection to the server.
    #[error("no answer from {url}: {message}")]
    Unreachable {
        /// URL of the server.
        url: String,
        /// The underlying error.
        message: String,
    },
    /// The identity service refused authentication.
    #[error("logging in at {url} failed: {message}")]
    Login {
        /// URL of the identity service.
        url: String,
        /// HTTP status.
        status: u16,
        /// Message of the identity service.
        message: String,
        /// Origin of user name and password.
        source_of_credentials: String,
    },
    /// The API returned an error.
    #[error("{0}")]
    Api(Box<ApiError>),
    /// The response is invalid.
    #[error("the answer from {url} cannot be read: {message}")]
    Protocol {
        /// URL of the server.
        url: String,
        /// Description of the problem.
        message: String,
    },
}

/// An error response of the API.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct ApiError {
    /// HTTP status.
    pub status: u16,
    /// Message of the API.
    pub message: String,
    /// Id of the request in the operator's logs.
    pub request_id: Option<String>,
    /// Stable code of the error, if the API returns one.
    pub reason: Option<String>,
    /// The field of the request that the error is about, if the API names one.
    pub field: Option<String>,
}

impl Error {
    /// HTTP status of the response, if there was one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Api(error) => Some(error.status),
            Self::Login { status, .. } => Some(*status),
            Self::Config { .. } | Self::Unreachable { .. } | Self::Protocol { .. } => None,
        }
    }

    /// Whether the error means that an object does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Api(error) if error.status == 404)
    }

    /// Whether the error means that several objects have the name.
    #[must_use]
    pub fn is_ambiguous(&self) -> bool {
        matches!(self, Self::Api(error) if error.is_ambiguous())
    }

    /// Whether a retry may succeed without any change.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Api(error) => matches!(error.status, 502..=504),
            Self::Config { .. } | Self::Login { .. } | Self::Protocol { .. } => false,
        }
    }

    /// Id of the request in the operator's logs.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Api(error) => error.request_id.as_deref(),
            _ => None,
        }
    }

    /// What to do about it, in one or several lines. `None` if the message is sufficient, as for invalid fields.
    #[must_use]
    pub fn action(&self) -> Option<String> {
        match self {
            Self::Config { action, .. } => Some(action.clone()),
            Self::Unreachable { url, .. } => Some(format!(
                "Check that the server runs and that {url} is its address.\n`jeroboam up` starts one on this machine"
            )),
            Self::Login { status: 401, source_of_credentials, .. } => {
                Some(format!("Check the user name, password and project in {source_of_credentials}"))
            }
            Self::Login { .. } => Some("Check that the authentication URL is that of a Keystone v3 service".to_owned()),
            Self::Protocol { .. } => {
                Some("Check that the address is that of a container-infra API of a compatible version".to_owned())
            }
            Self::Api(error) => error.action().map(str::to_owned),
        }
    }
}

impl ApiError {
    /// Magnum has no code for this, only a message: "Multiple clusters exist with same name".
    fn is_ambiguous(&self) -> bool {
        self.status == 409 && self.message.contains("ultiple")
    }

    fn action(&self) -> Option<&'static str> {
        match self.status {
            401 => Some("Log in again: the token is not valid any more"),
            403 => Some("Ask the project's administrator for the role or quota that this needs"),
            404 => Some("Check the name or id, and the project; `list` shows what there is"),
            409 if self.is_ambiguous() => Some("`list` shows the ids of all that have the name"),
            // An error with a reason is one of our own, which includes the action.
            500..=599 if self.reason.is_none() => {
                Some("Retry in a moment; if the error persists, give the operator the request id")
            }
            _ => None,
        }
    }

    /// Parses an error response: ours and Magnum's (contract magnum-v1 section 3.1), that of 2015, Keystone's, or any
    /// other as text.
    #[must_use]
    pub fn read(status: u16, request_id: Option<String>, body: &str) -> Self {
        let mut error = Self { status, message: String::new(), request_id, reason: None, field: None };
        if let Ok(body) = serde_json::from_str::<ErrorBody>(body)
            && let Some(entry) = body.errors.into_iter().next()
        {
            error.message = entry.detail;
            error.reason = entry.reason;
            error.field = entry.field;
            if error.request_id.is_none() {
                error.request_id = Some(entry.request_id).filter(|id| !id.is_empty());
            }
        } else if let Ok(other) = serde_json::from_str::<OtherBody>(body) {
            error.message = other.message();
        }
        if error.message.is_empty() {
            let text: String = body.trim().chars().take(LONGEST_FOREIGN_TEXT).collect();
            error.message = if text.is_empty() || text.starts_with('<') {
                format!("the server answered with HTTP status {status}")
            } else {
                text
            };
        }
        error
    }
}

/// Maximum length shown of an unknown error document, in characters: enough for a sentence, not for a proxy's error
/// page.
const LONGEST_FOREIGN_TEXT: usize = 300;

/// Error documents of other servers.
#[derive(Deserialize)]
struct OtherBody {
    #[serde(default)]
    errors: Vec<OtherEntry>,
    #[serde(default)]
    error_message: Option<serde_json::Value>,
    #[serde(default)]
    error: Option<OtherEntry>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct OtherEntry {
    detail: String,
    message: String,
    title: String,
}

impl OtherEntry {
    fn text(self) -> String {
        [self.detail, self.message, self.title].into_iter().find(|text| !text.is_empty()).unwrap_or_default()
    }
}

impl OtherBody {
    fn message(self) -> String {
        if let Some(text) = self.errors.into_iter().next().map(OtherEntry::text).filter(|text| !text.is_empty()) {
            return text;
        }
        if let Some(error) = self.error {
            return error.text();
        }
        // JSON text in JSON: `{"faultcode", "faultstring", "debuginfo"}`, or plain text from the router.
        let Some(serde_json::Value::String(text)) = self.error_message else { return String::new() };
        serde_json::from_str::<serde_json::Value>(&text)
            .ok()
            .and_then(|inner| Some(inner.get("faultstring")?.as_str()?.to_owned()))
            .unwrap_or(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_errors_keep_code_field_and_request_id() {
        let body = r#"{"errors":[{"request_id":"req-1","code":"client","status":400,"title":"node_count: must","detail":"node_count: must be a number from 1 to 200, this is 0","links":[],"reason":"invalid","field":"node_count"}],"error_message":"{}"}"#;
        let error = ApiError::read(400, None, body);
        assert_eq!(error.message, "node_count: must be a number from 1 to 200, this is 0");
        assert_eq!(error.field.as_deref(), Some("node_count"));
        assert_eq!(error.reason.as_deref(), Some("invalid"));
        assert_eq!(error.request_id.as_deref(), Some("req-1"));
    }

    #[test]
    fn errors_of_other_servers_are_understood() {
        for (body, message) in [
            (
                r#"{"errors":[{"request_id":"","code":"client","status":404,"title":"t","detail":"Cluster x could not be found.","links":[]}]}"#,
                "Cluster x could not be found.",
            ),
            (
                r#"{"error_message":"{\"faultcode\":\"Client\",\"faultstring\":\"Bay x could not be found.\",\"debuginfo\":null}"}"#,
                "Bay x could not be found.",
            ),
            (r#"{"error_message":"plain"}"#, "plain"),
            (
                r#"{"error":{"code":401,"message":"The request you have made requires authentication.","title":"Unauthorized"}}"#,
                "The request you have made requires authentication.",
            ),
            ("<html>bad gateway</html>", "the server answered with HTTP status 502"),
            ("", "the server answered with HTTP status 502"),
            ("no such thing", "no such thing"),
        ] {
            assert_eq!(ApiError::read(502, None, body).message, message, "{body}");
        }
    }
}
