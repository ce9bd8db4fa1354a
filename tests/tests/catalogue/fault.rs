//! What a fault of the catalogue is.

use jeroboam_tests::Living;
use serde_json::Value;

use crate::trial::Trial;

/// The way out of what is repaired by itself.
pub(crate) const REPAIRED: &str = "nothing: it is repaired by itself";
/// The way out of what goes on when the cause is gone.
pub(crate) const GOES_ON: &str = "nothing once it is gone: what was being done goes on by itself";

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
    /// As it stands in files and on the page.
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

/// Where the cause is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Where {
    /// `jeroboam bay why`.
    Why,
    /// The cause of an operation.
    Operation,
    /// The answer to a request, with this status.
    Answer(u16),
    /// What a server says when it does not start: the code is words of it.
    Start,
    /// `jeroboam deployment show`, and refused requests.
    Deployment,
}

/// What is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Told {
    /// Stable code of the cause.
    pub(crate) code: &'static str,
    /// Who must act, as causes name them.
    pub(crate) who: &'static str,
    /// Whether it may pass by itself.
    pub(crate) passes: bool,
    /// Where.
    pub(crate) by: Where,
}

impl Told {
    /// Told by `bay why`: the operator must act.
    pub(crate) const fn operator(code: &'static str) -> Self {
        Self { code, who: "operator", passes: false, by: Where::Why }
    }

    /// Told by `bay why`: something below does not answer.
    pub(crate) const fn cloud(code: &'static str) -> Self {
        Self { who: "cloud", passes: true, ..Self::operator(code) }
    }

    /// Told by `bay why`: the user must act.
    pub(crate) const fn user(code: &'static str) -> Self {
        Self { who: "user", ..Self::operator(code) }
    }

    /// It may pass by itself.
    pub(crate) const fn passing(self) -> Self {
        Self { passes: true, ..self }
    }

    /// Told somewhere else.
    pub(crate) const fn by(self, by: Where) -> Self {
        Self { by, ..self }
    }
}

/// What was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cause {
    /// Stable code.
    pub(crate) code: String,
    /// Who must act.
    pub(crate) who: String,
    /// Whether it may pass by itself.
    pub(crate) passes: bool,
}

impl Cause {
    /// Reads one out of an answer of the API; none where there is none.
    pub(crate) fn of(value: &Value) -> Option<Self> {
        Some(Self {
            code: value["code"].as_str()?.to_owned(),
            who: value["who_must_act"].as_str()?.to_owned(),
            passes: value["retryable"].as_bool()?,
        })
    }
}

/// What is done.
#[derive(Clone, Copy)]
pub(crate) enum Act {
    /// To a cluster of one master and one worker that is well, and is to be so again, or gone. Several faults have it
    /// one after the other.
    Living(fn(&mut Trial<'_>, &Living<'_>)),
    /// To something of the fault's own.
    Own(fn(&mut Trial<'_>)),
}

/// One fault.
#[derive(Clone)]
pub(crate) struct Fault {
    /// Stable, the same for both engines.
    pub(crate) id: &'static str,
    /// What is broken.
    pub(crate) on: On,
    /// What is done, as the beginning of a sentence.
    pub(crate) what: &'static str,
    /// What is to be told of it.
    pub(crate) told: Told,
    /// What helps: a command to type, or nothing.
    pub(crate) way_out: &'static str,
    /// Why it may be told later than others; none where it may not.
    pub(crate) late: Option<&'static str>,
    /// Whether `make test` runs it.
    pub(crate) quick: bool,
    /// Does it, shows that it has struck, has it told, and finds the way out.
    pub(crate) act: Act,
}

impl Fault {
    /// One that `make test` runs too.
    pub(crate) const fn quick(self) -> Self {
        Self { quick: true, ..self }
    }

    /// One that is told late, and why.
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

    /// How it is known in lists and files.
    pub(crate) fn key(&self) -> String {
        format!("{}/{}", self.on.name(), self.id)
    }
}

/// A fault of a living cluster, of Kubernetes if nothing else is said.
pub(crate) const fn living(
    id: &'static str,
    what: &'static str,
    told: Told,
    way_out: &'static str,
    act: fn(&mut Trial<'_>, &Living<'_>),
) -> Fault {
    Fault { id, on: On::Kubernetes, what, told, way_out, late: None, quick: false, act: Act::Living(act) }
}

/// A fault with a stage of its own.
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
