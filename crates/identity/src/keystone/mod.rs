//! The part of the Keystone v3 API that clients need to log in and to find the endpoint, for [`Embedded`]. Unmodified
//! OpenStack clients work with it.
//!
//! - `documents`: version documents.
//! - `tokens`: issues, validates and revokes tokens.
//! - `catalog`: the service catalogue.
//! - `directory`: projects, users and roles, read-only.

mod catalog;
mod directory;
mod documents;
mod error;
mod tokens;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use http::HeaderMap;
use http::header::HOST;

use crate::Embedded;

/// Path at which the API is mounted.
pub const PREFIX: &str = "/identity";

/// Largest request body in bytes: a login has a few hundred.
const MAX_BODY: usize = 64 * 1024;

/// State that the handlers share.
pub(crate) type Shared = Arc<Embedded>;

/// The API, with [`PREFIX`] in its paths. Paths have no trailing slash.
pub fn router(embedded: Arc<Embedded>) -> Router {
    let v3 = Router::new()
        .route("/", get(documents::version))
        .route("/auth/tokens", get(tokens::validate).head(tokens::check).post(tokens::create).delete(tokens::revoke))
        .route("/auth/catalog", get(catalog::show))
        .route("/auth/projects", get(directory::own_projects))
        .route("/auth/domains", get(directory::own_domains))
        .route("/auth/system", get(directory::own_system))
        .route("/projects", get(directory::projects))
        .route("/projects/{id}", get(directory::project))
        .route("/users", get(directory::users))
        .route("/users/{id}", get(directory::user))
        .route("/users/{id}/projects", get(directory::user_projects))
        .route("/domains", get(directory::domains))
        .route("/domains/{id}", get(directory::domain))
        .route("/roles", get(directory::roles))
        .route("/services", get(catalog::services))
        .route("/endpoints", get(catalog::endpoints))
        .route("/regions", get(catalog::regions));
    let identity = Router::new()
        .route("/", get(documents::versions))
        .nest("/v3", v3)
        .fallback(error::not_found)
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(embedded);
    Router::new().nest(PREFIX, identity)
}

/// Scheme, host and port at which the client reached us, for the links in responses.
pub(crate) fn base(embedded: &Embedded, headers: &HeaderMap) -> String {
    let scheme = embedded.public_url().split_once("://").map_or("http", |(scheme, _)| scheme);
    headers
        .get(HOST)
        .and_then(|host| host.to_str().ok())
        .filter(|host| is_host(host))
        .map_or_else(|| embedded.public_url().to_owned(), |host| format!("{scheme}://{host}"))
}

/// Whether a text can be a host with a port, without characters that would end the host in a URL.
fn is_host(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']'))
}

#[cfg(test)]
mod tests;
