//! Dry runs: requests that are carried out completely and then rolled back.
//!
//! The transaction of a dry run does everything that the real request does: it locks, checks status and quotas, writes,
//! and reads the result. Then it is rolled back, so that it leaves no event, notification, idempotency key or increase
//! of the deployment's number. A request that may commit only if its result is what was planned works the same way, and
//! commits in that case.
//!
//! Like a [precondition](crate::precondition) it is passed in a task-local value: every write of a request ends in
//! [`Store::commit`](crate::Store), so that no write can bypass it.

use std::sync::{Arc, Mutex, PoisonError};

use jeroboam_model::ClusterTemplate;
use jeroboam_types::operation::Operation;
use sea_orm::DatabaseTransaction;
use uuid::Uuid;

use crate::operation::unfinished;
use crate::secret::{SecretNames, names};
use crate::{ClusterRecord, Result, StoreError, cluster, cluster_template, codec};

tokio::task_local! {
    static DRY_RUN: DryRun;
}

/// A dry run. Clones share their state.
#[derive(Clone, Default)]
pub struct DryRun(Arc<Inner>);

/// Condition under which a write is committed.
type IsPlanned = Box<dyn Fn(Option<&Asked>) -> bool + Send + Sync>;

#[derive(Default)]
struct Inner {
    is_planned: Option<IsPlanned>,
    begun: Mutex<Option<Operation>>,
    asked: Mutex<Option<Asked>>,
}

/// A requested operation, and its cluster in the state in which the operation would start.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The operation.
    pub operation: Operation,
    /// Its cluster, with the requested changes.
    pub record: ClusterRecord,
    /// The cluster's template.
    pub template: ClusterTemplate,
    /// The cluster's secrets.
    pub secrets: SecretNames,
    /// Unfinished operations of the cluster that run before this one, oldest first.
    pub waits_for: Vec<Uuid>,
}

impl DryRun {
    /// A dry run that never commits.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Commits if `is_planned` holds for the requested operation; it gets `None` where the write requests no operation.
    #[must_use]
    pub fn unless(is_planned: impl Fn(Option<&Asked>) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(Inner { is_planned: Some(Box::new(is_planned)), ..Inner::default() }))
    }

    /// Runs `work`. Its first write that is not committed fails with [`StoreError::DryRun`].
    pub async fn around<F: Future>(self, work: F) -> F::Output {
        DRY_RUN.scope(self, work).await
    }

    /// The operation that was requested and rolled back.
    #[must_use]
    pub fn asked(&self) -> Option<Asked> {
        lock(&self.0.asked).clone()
    }

    async fn decide(&self, transaction: &DatabaseTransaction) -> Result<()> {
        let begun = lock(&self.0.begun).take();
        let asked = match begun {
            Some(operation) => Some(Asked::read(transaction, operation).await?),
            None => None,
        };
        if self.0.is_planned.as_ref().is_some_and(|is_planned| is_planned(asked.as_ref())) {
            return Ok(());
        }
        *lock(&self.0.asked) = asked;
        Err(StoreError::DryRun)
    }
}

impl Asked {
    async fn read(transaction: &DatabaseTransaction, operation: Operation) -> Result<Self> {
        let uuid = operation.cluster_uuid;
        let missing = || StoreError::not_found(cluster::WHAT, uuid);
        let row = cluster::one(transaction, uuid).await?;
        let record = cluster::records(transaction, vec![row]).await?.pop().ok_or_else(missing)?;
        let before = unfinished(transaction, &uuid.to_string()).await?.into_iter();
        let before = before.filter(|other| !other.cancel_requested && other.uuid != operation.uuid.to_string());
        Ok(Self {
            template: cluster_template::one(transaction, record.cluster.template).await?.try_into()?,
            secrets: names(transaction, uuid).await?,
            waits_for: before.map(|other| codec::uuid(&other.uuid)).collect::<Result<_>>()?,
            record,
            operation,
        })
    }
}

/// Whether the current request is a dry run that never commits.
pub(crate) fn is_on() -> bool {
    DRY_RUN.try_with(|run| run.0.is_planned.is_none()).unwrap_or(false)
}

/// Notes that the current request asks for an operation. Call it in the transaction that inserts the operation.
pub(crate) fn begins(operation: &Operation) {
    // Fails for requests that are no dry runs, which is most of them.
    let _ = DRY_RUN.try_with(|run| *lock(&run.0.begun) = Some(operation.clone()));
}

/// Whether a transaction of the current request may be committed. Call it last in the transaction.
pub(crate) async fn check(transaction: &DatabaseTransaction) -> Result<()> {
    match DRY_RUN.try_with(DryRun::clone) {
        // Boxed: otherwise the future of every write would have the size of this one.
        Ok(run) => Box::pin(run.decide(transaction)).await,
        Err(_) => Ok(()),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
