//! What log lines of a request carry: its id, method and path, the project that asks, and the cluster and the operation
//! that it is about, as soon as they are known. Nothing else of a request is in it.

use http::Method;
use tracing::Span;
use tracing::field::{Empty, display};
use uuid::Uuid;

/// The span that a request is served in. Of the highest level, so that a filter that lets a line through lets the span
/// through.
pub(super) fn span(id: &str, method: &Method, path: &str) -> Span {
    tracing::error_span!("request", id, %method, path, project = Empty, cluster = Empty, operation = Empty)
}

/// The project that asks.
pub(super) fn project(id: &str) {
    Span::current().record("project", id);
}

/// The cluster that the request is about.
pub(crate) fn cluster(uuid: Uuid) {
    Span::current().record("cluster", display(uuid));
}

/// The operation that the request is about, or that it began.
pub(crate) fn operation(uuid: Uuid) {
    Span::current().record("operation", display(uuid));
}
