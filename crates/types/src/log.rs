//! What must not be logged.

use tracing::{Level, Metadata};

/// Prefix of the names of our own modules, which do not log secrets.
const OURS: &str = "jeroboam";
/// Logs responses of API servers that it cannot parse, in full, as warnings.
const KUBERNETES_CLIENT: &str = "kube_client";

/// Whether the log events of a module cannot contain environment variables, manifests, secrets or passwords of users.
/// Libraries log whole requests and responses from level debug on (the clients of Docker and of Kubernetes do), so
/// their debug events are dropped whatever the operator's filter is.
#[must_use]
pub fn is_harmless(metadata: &Metadata<'_>) -> bool {
    let (target, level) = (metadata.target(), *metadata.level());
    let most = if target.starts_with(KUBERNETES_CLIENT) { Level::ERROR } else { Level::INFO };
    target.starts_with(OURS) || level <= most
}
