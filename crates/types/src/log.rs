//! What never gets into a log.

use tracing::{Level, Metadata};

/// Beginning of the names of our own modules, which take care of what they write.
const OURS: &str = "jeroboam";
/// Writes down answers of API servers that it cannot read, whole, as warnings.
const KUBERNETES_CLIENT: &str = "kube_client";

/// Whether what a module writes cannot hold environment variables, manifests, secrets or passwords of users. Libraries
/// write down requests and answers whole from debug on (the clients of Docker and of Kubernetes do), so that their
/// details are left out whatever the operator's filter says.
#[must_use]
pub fn is_harmless(metadata: &Metadata<'_>) -> bool {
    let (target, level) = (metadata.target(), *metadata.level());
    let most = if target.starts_with(KUBERNETES_CLIENT) { Level::ERROR } else { Level::INFO };
    target.starts_with(OURS) || level <= most
}
