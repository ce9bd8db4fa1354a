//! Errors in Keystone's format.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;

use crate::embedded::LoginError;

/// An error response.
#[derive(Debug, Clone)]
pub(crate) struct Error {
    status: StatusCode,
    message: String,
}

impl Error {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    /// Wrong user, password, token or project: always the same message.
    pub(crate) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "The request you have made requires authentication.")
    }

    pub(crate) fn forbidden(what: &str) -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            format!("You are not authorized to perform the requested action: {what}. It needs the role admin."),
        )
    }

    pub(crate) fn not_found(what: &str, ident: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("Could not find {what}: {ident}."))
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }
}

impl From<LoginError> for Error {
    fn from(error: LoginError) -> Self {
        match error {
            LoginError::Refused => Self::unauthorized(),
            LoginError::Busy => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "Too many logins at once. Try again in a moment.")
            }
            LoginError::Internal => Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Creating the token failed."),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let title = self.status.canonical_reason().unwrap_or_default();
        let body = json!({"error": {"code": self.status.as_u16(), "title": title, "message": self.message}});
        (self.status, Json(body)).into_response()
    }
}

pub(super) async fn not_found() -> Error {
    Error::new(StatusCode::NOT_FOUND, "There is nothing here.")
}

pub(super) async fn method_not_allowed() -> Error {
    Error::new(StatusCode::METHOD_NOT_ALLOWED, "This method is not possible here.")
}
