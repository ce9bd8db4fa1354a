//! The type of a fault in the catalogue.

use jeroboam_tests::Living;
use serde_json::Value;

use crate::trial::Trial;

/// The recovery of faults that are repaired automatically.
pub(crate) const REPAIRED: &str = "automatic: it is repaired";
/// The recovery of operations that continue when the cause is gone.
pub(crate) const GOES_ON: &str = "automatic once the fault is gone: the operation continues";

/// What is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum On {
    /// A Kubernetes cluster on the local Docker Engine.
    Kubernetes,
    /// A Docker Swarm on the local Docker Engine.
    Swarm,
    /// The infrastructure `docker`, whatever the engine.
    Docker,
    /// The simulated cloud.
    Simulated,
    /// The server, whatever the infrastructure.
    Server,
}

impl On {
    /// The name in files and on the page.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Kubernetes => "kubernetes",
            Self::Swarm => "swarm",
            Self::Docker => "docker",
            Self::Simulated => "simulated",
            Self::Server => "server",
        }
    }
}

/// Where the cause is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Where {
    /// `jeroboam bay why`.
    Why,
    /// The cause of an operation.
    Operation,
    /// The answer to a request, with this status.
    Answer(u16),
    /// The error message of a server that does not start: the code is a part of the message.
    Start,
    /// `jeroboam deployment show`, and rejected requests.
    Deployment,
}

/// The expected report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    /// Stable code of the cause.
    pub(crate) code: &'static str,
    /// Who must act, as in causes.
    pub(crate) who: &'static str,
    /// Whether the cause is retryable: it may pass without action.
    pub(crate) passes: bool,
    /// Where it is reported.
    pub(crate) by: Where,
}

impl Told {
    /// Reported by `bay why`: the operator must act.
    pub(crate) const fn operator(code: &'static str) -> Self {
        Self { code, who: "operator", passes: false, by: Where::Why }
    }

    /// Reported by `bay why`: the infrastructure or engine does not answer; retryable.
    pub(crate) const fn cloud(code: &'static str) -> Self {
        Self { who: "cloud", passes: true, ..Self::operator(code) }
    }

    /// Reported by `bay why`: the user must act.
    pub(crate) const fn user(code: &'static str) -> Self {
        Self { who: "user", ..Self::operator(code) }
    }

    /// The same, but retryable.
    pub(crate) const fn passing(self) -> Self {
        Self { passes: true, ..self }
    }

    /// The same, but reported elsewhere.
    pub(crate) const fn by(self, by: Where) -> Self {
        Self { by, ..self }
    }
}

/// A reported cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cause {
    /// Stable code.
    pub(crate) code: String,
    /// Who must act.
    pub(crate) who: String,
    /// Whether it is retryable.
    pub(crate) passes: bool,
}

impl Cause {
    /// Reads a cause from a response of the API, if there is one.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        Some(Self {
            code: value["code"].as_str()?.to_owned(),
            who: value["who_must_act"].as_str()?.to_owned(),
            passes: value["retryable"].as_bool()?,
        })
    }
}

/// How a fault is injected.
#[derive(Clone, Copy)]
pub(crate) enum Act {
    /// Into a healthy cluster of one master and one worker, which must be healthy or deleted in the end. Several faults
    /// use it one after the other.
    Living(fn(&mut Trial<'_>, &Living<'_>)),
    /// Into resources that the fault creates itself.
    Own(fn(&mut Trial<'_>)),
}

/// One fault.
#[derive(Clone)]
pub(crate) struct Fault {
    /// Stable id, the same for both engines.
    pub(crate) id: &'static str,
    /// What is broken.
    pub(crate) on: On,
    /// What is done, for the page.
    pub(crate) what: &'static str,
    /// The expected report.
    pub(crate) told: Told,
    /// The recovery: a command to run, or `automatic`.
    pub(crate) way_out: &'static str,
    /// Why it may be reported later than the target; `None` if it may not.
    pub(crate) late: Option<&'static str>,
    /// Whether `make test` runs it.
    pub(crate) quick: bool,
    /// Injects the fault, shows that it took effect, waits for its report, and recovers from it.
    pub(crate) act: Act,
}

impl Fault {
    /// The same, but also run by `make test`.
    pub(crate) const fn quick(self) -> Self {
        Self { quick: true, ..self }
    }

    /// The same, but allowed to be reported late, with the reason.
    pub(crate) const fn late(self, why: &'static str) -> Self {
        Self { late: Some(why), ..self }
    }

    /// The same on another engine.
    pub(crate) const fn on(&self, on: On) -> Self {
        Self { on, ..*self }
    }

    /// The same on both engines.
    pub(crate) fn on_both(&self) -> [Self; 2] {
        [self.on(On::Kubernetes), self.on(On::Swarm)]
    }

    /// The key in lists and files.
    pub(crate) fn key(&self) -> String {
        format!("{}/{}", self.on.name(), self.id)
    }
}

/// A fault of a running cluster, of Kubernetes by default.
pub(crate) const fn living(
    id: &'static str,
    what: &'static str,
    told: Told,
    way_out: &'static str,
    act: fn(&mut Trial<'_>, &Living<'_>),
) -> Fault {
    Fault { id, on: On::Kubernetes, what, told, way_out, late: None, quick: false, act: Act::Living(act) }
}

/// A fault that creates its own resources.
pub(crate) const fn own(
    id: &'static str,
    on: On,
    what: &'static str,
    told: Told,
    way_out: &'static str,
    act: fn(&mut Trial<'_>),
) -> Fault {
    Fault { id, on, what, told, way_out, late: None, quick: false, act: Act::Own(act) }
}
