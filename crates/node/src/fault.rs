//! What goes wrong, with a stable code.

use jeroboam_types::agent::Problem;

/// The stable codes. Documentation and clients refer to them: never change the meaning of one.
pub mod code {
    /// The binaries of the version asked for are not on this machine.
    pub const VERSION_UNAVAILABLE: &str = "version_unavailable";
    /// The server refused a component's certificate.
    pub const CERTIFICATE_REFUSED: &str = "certificate_refused";
    /// A component ends again and again.
    pub const COMPONENT_CRASHED: &str = "component_crashed";
    /// A component's program is missing or cannot be run.
    pub const COMPONENT_MISSING: &str = "component_missing";
    /// An image on this machine could not be given to the container runtime.
    pub const IMAGE_IMPORT_FAILED: &str = "image_import_failed";
    /// Routes, devices or packet filter rules of the pod network could not be made.
    pub const NETWORK_FAILED: &str = "network_failed";
    /// The cluster's DNS cannot be served on this machine.
    pub const DNS_FAILED: &str = "dns_failed";
    /// The way to the cluster's registry, or to the Docker Engine, cannot be opened.
    pub const GATEWAY_FAILED: &str = "gateway_failed";
    /// Founding or joining the swarm failed.
    pub const SWARM_FAILED: &str = "swarm_failed";
    /// The machine cannot be made fit to be a node.
    pub const MACHINE_UNFIT: &str = "machine_unfit";
    /// The assignment contains something that this agent does not understand.
    pub const ASSIGNMENT_INVALID: &str = "assignment_invalid";
}

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
    pub fn passing(code: &str, component: &str, message: impl Into<String>) -> Self {
        Self {
            problem: Problem {
                code: code.to_owned(),
                message: message.into(),
                component: Some(component.to_owned()),
                log: Vec::new(),
            },
            permanent: false,
        }
    }

    /// A failure that stays until something changes from outside.
    pub fn permanent(code: &str, component: &str, message: impl Into<String>) -> Self {
        Self { permanent: true, ..Self::passing(code, component, message) }
    }
}
