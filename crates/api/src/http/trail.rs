//! The tracing span of a request: its id, method and path, the caller's project, and the cluster and operation that it
//! is about, as soon as they are known. Nothing else of a request is logged with it.

use http::Method;
use tracing::Span;
use tracing::field::{Empty, display};
use uuid::Uuid;

/// The span in which a request is served. Of the highest level, so that a filter that keeps a line keeps the span.
pub(super) fn span(id: &str, method: &Method, path: &str) -> Span {
    tracing::error_span!("request", id, %method, path, project = Empty, cluster = Empty, operation = Empty)
}

/// Records the caller's project.
pub(super) fn project(id: &str) {
    Span::current().record("project", id);
}

/// Records the cluster that the request is about.
pub(crate) fn cluster(uuid: Uuid) {
    Span::current().record("cluster", display(uuid));
}

/// Records the operation that the request is about or has started.
pub(crate) fn operation(uuid: Uuid) {
    Span::current().record("operation", display(uuid));
}
