//! The facts on which a plan is based, and its id: digests of all facts. So nothing has to be stored to determine later
//! whether any of them has changed, and which.

use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::hash::Hash;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use jeroboam_model::plan::{MachineState, Observed};
use jeroboam_model::{Cluster, Node, NodeGroup, NodePhase, Status};
use jeroboam_store::{Asked, Tag};
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::request::HEADER;
use super::steps::is_new;
use crate::http::{ApiError, Result};

/// Bytes of the digest that decides whether anything has changed.
const WHOLE: usize = 16;
/// Bytes of a digest that only tells which fact has changed.
const PART: usize = 4;

/// The state of one object: in words, and in full as a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Fact {
    words: String,
    tag: u64,
}

/// Facts by the object that they are about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Basis(BTreeMap<String, Fact>);

/// The id of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PlanId {
    whole: [u8; WHOLE],
    facts: BTreeMap<[u8; PART], [u8; PART]>,
}

impl Basis {
    /// The request as it was sent.
    pub(super) fn request(sent: &impl Hash) -> Self {
        Self::default().with("the request", "not the planned one", sent)
    }

    /// An operation in progress that does the same.
    pub(super) fn under_way(operation: Option<Uuid>) -> Self {
        let words = if operation.is_some() { "is under way" } else { "is not under way" };
        Self::default().with("an operation that does the same", words, &operation)
    }

    /// The database as it would be after the change.
    pub(super) fn written(asked: &Asked) -> Self {
        let (operation, record) = (&asked.operation, &asked.record);
        let before = match asked.waits_for.len() {
            0 => "none".to_owned(),
            count => format!("{count}"),
        };
        let template = format!("the template {}", asked.template.name.as_deref().unwrap_or("without a name"));
        let basis = Self::default()
            .with("the operation", &operation.kind.to_string(), &(operation.kind, operation.replace_data))
            .with("operations before it", &before, &asked.waits_for)
            .with("the cluster", "other attributes", &lasting(asked))
            .with(&template, "other attributes", &asked.template);
        record.groups.iter().fold(basis, |basis, group| {
            let name = format!("node group {}", group.name);
            basis.with(&name, &format!("{} nodes", group.node_count), &lasting_of(group))
        })
    }

    /// What exists at the infrastructure and in the engine.
    pub(super) fn observed(asked: &Asked, observed: &Observed) -> Self {
        let is_there = |there: bool| if there { "there" } else { "not there" };
        let basis = Self::default()
            .with("the certificate authorities", is_there(observed.secrets), &observed.secrets)
            .with("the network", is_there(observed.network), &observed.network);
        let basis = observed.strays.iter().fold(basis, |basis, machine| {
            basis.with(&format!("the left-over machine {machine:.12}"), "there", machine)
        });
        asked.record.nodes.iter().fold(basis, |basis, node| {
            let words = how(node, observed);
            let detail = (&words, node.joined_at.is_some(), observed.disks.contains(&node.uuid));
            basis.with(&format!("node {}", node.name), &words, &detail)
        })
    }

    fn with(mut self, about: &str, words: &str, detail: &impl Hash) -> Self {
        self.0.insert(about.to_owned(), Fact { words: words.to_owned(), tag: Tag::of(detail).0 });
        self
    }

    /// Adds facts about other objects.
    pub(super) fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    pub(super) fn id(&self) -> PlanId {
        let mut whole = Sha256::new();
        for (about, fact) in &self.0 {
            whole.update(digest::<WHOLE>(about.as_bytes()));
            whole.update(fact.digest::<WHOLE>());
        }
        let facts = self.0.iter().map(|(about, fact)| (digest(about.as_bytes()), fact.digest()));
        PlanId { whole: cut(&whole.finalize()), facts: facts.collect() }
    }

    /// Whether the plan with this id is based on the same facts.
    pub(super) fn fits(&self, id: &PlanId) -> bool {
        self.id().whole == id.whole
    }

    /// What has changed since the plan with this id, in words.
    pub(super) fn changes(&self, id: &PlanId) -> Vec<String> {
        let mut gone = id.facts.clone();
        let mut changes = Vec::new();
        for (about, fact) in &self.0 {
            match gone.remove(&digest(about.as_bytes())) {
                Some(before) if before == fact.digest() => {}
                Some(_) => changes.push(format!("{about}: {}", fact.words)),
                None => changes.push(format!("{about}, which is new: {}", fact.words)),
            }
        }
        if !gone.is_empty() {
            changes.push(format!("nodes or other objects that no longer exist: {}", gone.len()));
        }
        changes
    }
}

impl Fact {
    fn digest<const BYTES: usize>(&self) -> [u8; BYTES] {
        digest(format!("{:016x} {}", self.tag, self.words).as_bytes())
    }
}

fn digest<const BYTES: usize>(bytes: &[u8]) -> [u8; BYTES] {
    cut(&Sha256::digest(bytes))
}

fn cut<const BYTES: usize>(digest: &[u8]) -> [u8; BYTES] {
    std::array::from_fn(|index| digest[index])
}

/// The attributes of a cluster that no progress of work changes, without its id when it is only now created.
fn lasting(asked: &Asked) -> Cluster {
    let cluster = asked.record.cluster.clone();
    Cluster {
        uuid: if is_new(asked) { Uuid::nil() } else { cluster.uuid },
        status: Status::CreateComplete,
        status_reason: None,
        health: None,
        health_reason: BTreeMap::new(),
        paused_at: None,
        stack_id: None,
        api_address: None,
        coe_version: None,
        container_version: None,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: None,
        ..cluster
    }
}

/// The same for a node group, which is identified by its cluster and name.
fn lasting_of(group: &NodeGroup) -> NodeGroup {
    NodeGroup {
        id: 0,
        uuid: Uuid::nil(),
        cluster: Uuid::nil(),
        status: Status::CreateComplete,
        status_reason: None,
        version: None,
        created_at: Timestamp::UNIX_EPOCH,
        updated_at: None,
        ..group.clone()
    }
}

/// The state of a node in words.
fn how(node: &Node, observed: &Observed) -> String {
    let machine = match observed.machines.get(&node.uuid) {
        Some(_) if observed.replace.contains(&node.uuid) => "machine to be replaced",
        Some(MachineState::Running) => "machine runs",
        Some(MachineState::Stopped) => "machine has stopped",
        Some(MachineState::Paused) => "machine is paused",
        Some(MachineState::Created) => "machine not started",
        Some(MachineState::CutOff) => "machine disconnected from its network",
        None if observed.disks.contains(&node.uuid) => "no machine, a disk",
        None => "no machine, no disk",
    };
    let agent = match observed.agents.get(&node.uuid) {
        Some(NodePhase::Up) => "agent up",
        Some(NodePhase::Starting) => "agent starting",
        Some(NodePhase::Failed) => "agent failed",
        None => "agent silent",
    };
    let ready = if observed.ready.contains(&node.uuid) { "ready" } else { "not ready" };
    let goes = if node.wanted { "" } else { "to be removed, " };
    format!("{goes}{machine}, {agent}, {ready}")
}

impl PlanId {
    /// The id in a header.
    pub(super) fn read(value: &HeaderValue) -> Result<Self> {
        let no_id = || ApiError::field(HEADER.as_str(), "is not a plan id. Send the id of a plan");
        let bytes = URL_SAFE_NO_PAD.decode(value.as_bytes()).map_err(|_| no_id())?;
        let (whole, facts) = bytes.split_first_chunk::<WHOLE>().ok_or_else(no_id)?;
        let (facts, rest) = facts.as_chunks::<{ 2 * PART }>();
        if !rest.is_empty() {
            return Err(no_id());
        }
        let facts = facts.iter().map(|fact| (cut(&fact[..PART]), cut(&fact[PART..]))).collect();
        Ok(Self { whole: *whole, facts })
    }
}

impl Display for PlanId {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let facts = self.facts.iter().flat_map(|(about, fact)| about.iter().chain(fact));
        let bytes: Vec<u8> = self.whole.iter().chain(facts).copied().collect();
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn basis(size: u32) -> Basis {
        Basis::default().with("node a", "machine runs", &1).with("node group g", &format!("{size} nodes"), &size)
    }

    #[test]
    fn an_id_survives_its_way_through_a_header() {
        let id = basis(2).id();
        let read = PlanId::read(&HeaderValue::from_str(&id.to_string()).unwrap()).unwrap();
        assert_eq!(read, id);
        assert!(basis(2).fits(&read) && basis(2).changes(&read).is_empty());
        for bad in ["", "x", "!", "AAAA", &format!("{id}A")] {
            let error = PlanId::read(&HeaderValue::from_str(bad).unwrap()).unwrap_err();
            assert_eq!(error.field.as_deref(), Some("x-jeroboam-plan"), "{bad}");
        }
    }

    #[test]
    fn what_has_changed_is_told_in_words() {
        let id = basis(2).id();
        assert!(!basis(3).fits(&id));
        assert_eq!(basis(3).changes(&id), ["node group g: 3 nodes"]);
        let more = basis(2).with("node b", "no machine", &0);
        assert_eq!(more.changes(&id), ["node b, which is new: no machine"]);
        assert!(!more.fits(&id));
        assert_eq!(basis(2).changes(&more.id()), ["nodes or other objects that no longer exist: 1"]);
        // The words may be the same although the details differ.
        let detail = Basis::default().with("node a", "machine runs", &2).with("node group g", "2 nodes", &2_u32);
        assert_eq!(detail.changes(&id), ["node a: machine runs"]);
    }
}
