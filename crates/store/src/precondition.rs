//! Conditions under which a request may write (`If-Match` and `If-None-Match`, RFC 9110 section 13.1).
//!
//! A condition is about the resource in the request's path. It is checked inside of the transaction that writes, so
//! that of two requests that have read the same state only one succeeds. It is passed in a task-local value: every
//! write of a request goes through [`Store::write`](crate::Store), so no present or future write can bypass it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jeroboam_model::{ClusterTemplate, Federation, Quota, QuotaResource};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use crate::{ClusterRecord, Result, Scope, Store, StoreError, cluster, cluster_template, federation, quota, rows};

tokio::task_local! {
    static PRECONDITION: Precondition;
}

/// The state of a resource as clients see it, as a 64-bit hash: equal states have equal tags, different states have
/// different ones. It is not stored but computed from the rows. It is stable within one version of the program; another
/// version may compute other tags, which only costs a client another read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag(pub u64);

impl Tag {
    /// The tag of a state.
    #[must_use]
    pub fn of(state: &impl Hash) -> Self {
        let mut hasher = DefaultHasher::new();
        state.hash(&mut hasher);
        Self(hasher.finish())
    }
}

/// The resource of a condition, by id or name as in the request's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A cluster.
    Cluster(String),
    /// A cluster template.
    Template(String),
    /// A node group.
    NodeGroup {
        /// Its cluster.
        cluster: String,
        /// The group.
        group: String,
    },
    /// A project's own quota.
    Quota {
        /// The project, by id.
        project: String,
        /// The limited resource.
        resource: QuotaResource,
    },
    /// A federation.
    Federation(String),
}

/// A condition. Clones share their state.
#[derive(Clone)]
pub struct Precondition(Arc<Inner>);

struct Inner {
    scope: Scope,
    target: Target,
    holds: Box<dyn Fn(Tag) -> bool + Send + Sync>,
    /// A request may write in several transactions. Only the first one finds the state that the client read; later ones
    /// find what the first has written.
    is_checked: AtomicBool,
}

impl Precondition {
    /// A condition on the resource that `scope` sees as `target`: that `holds` of its tag.
    #[must_use]
    pub fn new(scope: Scope, target: Target, holds: impl Fn(Tag) -> bool + Send + Sync + 'static) -> Self {
        let is_checked = AtomicBool::new(false);
        Self(Arc::new(Inner { scope, target, holds: Box::new(holds), is_checked }))
    }

    /// Runs `work`, which may only write if the condition holds. Otherwise its first write fails with
    /// [`StoreError::PreconditionFailed`] and nothing is written.
    pub async fn around<F: Future>(self, work: F) -> F::Output {
        PRECONDITION.scope(self, work).await
    }
}

impl Store {
    /// Checks the condition of the current request, if it has one that none of its writes has checked: for requests
    /// that turn out to have nothing to write.
    ///
    /// # Errors
    /// [`StoreError::PreconditionFailed`], [`StoreError::NotFound`] when the resource does not exist.
    pub async fn check_precondition(&self) -> Result<()> {
        if PRECONDITION.try_with(|_| ()).is_ok() && !is_checked() {
            // Starting a transaction checks the condition; this one is dropped without a write.
            self.write(|_| async { Ok::<_, StoreError>(()) }).await?;
        }
        Ok(())
    }
}

/// Whether a write of the current request has checked its condition.
pub(crate) fn is_checked() -> bool {
    PRECONDITION.try_with(|condition| condition.0.is_checked.load(Ordering::Acquire)).unwrap_or(false)
}

/// Makes the next transaction check again: the last one wrote nothing, and the request is retried.
pub(crate) fn look_again() {
    // Fails for requests without a condition, which is most of them.
    let _ = PRECONDITION.try_with(|condition| condition.0.is_checked.store(false, Ordering::Release));
}

/// Checks the condition of the current request, if it has one. Call it first in a transaction that writes.
pub(crate) async fn check(transaction: &impl ConnectionTrait) -> Result<()> {
    let Ok(Precondition(condition)) = PRECONDITION.try_with(Precondition::clone) else { return Ok(()) };
    if condition.is_checked.load(Ordering::Acquire) {
        return Ok(());
    }
    // Boxed: few requests have a condition, and otherwise the future of every write would have the size of this one.
    let tag = Box::pin(tag_now(transaction, &condition.scope, &condition.target)).await?;
    if !(condition.holds)(tag) {
        return Err(StoreError::PreconditionFailed);
    }
    condition.is_checked.store(true, Ordering::Release);
    Ok(())
}

/// The tag of the target, which is locked until the transaction ends.
async fn tag_now(transaction: &impl ConnectionTrait, scope: &Scope, target: &Target) -> Result<Tag> {
    Ok(match target {
        Target::Cluster(ident) => locked(transaction, scope, ident).await?.tag(),
        Target::NodeGroup { cluster, group } => {
            let record = locked(transaction, scope, cluster).await?;
            record.group_tag(group).ok_or_else(|| StoreError::not_found("node group", group))?
        }
        Target::Template(ident) => {
            let found = cluster_template::find(transaction, scope, ident).await?;
            Tag::of(&rows::locked::<ClusterTemplate>(transaction, &Scope::All, found.uuid).await?)
        }
        Target::Quota { project, resource } => {
            quota::lock(transaction, project, 0).await?;
            Tag::of(&Quota::try_from(quota::one(transaction, project, *resource).await?)?)
        }
        Target::Federation(ident) => {
            let found = federation::find(transaction, scope, ident).await?;
            Tag::of(&rows::locked::<Federation>(transaction, scope, found.uuid).await?)
        }
    })
}

/// The cluster, locked until the transaction ends.
async fn locked(transaction: &impl ConnectionTrait, scope: &Scope, ident: &str) -> Result<ClusterRecord> {
    let uuid = cluster::find(transaction, scope, ident).await?.uuid;
    let row = cluster::lock(transaction, crate::codec::uuid(&uuid)?).await?;
    cluster::records(transaction, vec![row]).await?.pop().ok_or_else(|| StoreError::not_found(cluster::WHAT, ident))
}

impl ClusterRecord {
    /// The tag of the cluster as clients see it: with the sizes of its groups and the addresses of its nodes, but
    /// without the reports of its agents.
    #[must_use]
    pub fn tag(&self) -> Tag {
        let addresses: Vec<_> = self.nodes.iter().map(|node| (node.role, node.address)).collect();
        Tag::of(&(&self.cluster, &self.groups, addresses))
    }

    /// The tag of one of its groups, by id or name.
    #[must_use]
    pub fn group_tag(&self, ident: &str) -> Option<Tag> {
        let uuid = ident.parse::<Uuid>().ok();
        let group = self.groups.iter().find(|group| uuid == Some(group.uuid) || group.name == ident)?;
        let nodes = self.nodes.iter().filter(|node| node.node_group == group.uuid);
        let addresses: Vec<_> = nodes.map(|node| node.address).collect();
        // The parts of the cluster that a group shows: the labels that its own are compared with, and the stack id.
        Some(Tag::of(&(group, addresses, &self.cluster.labels, &self.cluster.stack_id)))
    }
}
