//! Requests that go through everything, and of which nothing is kept.
//!
//! The transaction of a dry run does all that it would do: it locks, checks policies of state and quotas, writes, and in
//! the end reads what would be there. Then it is rolled back, so that no event, notification, idempotency key or rise of
//! the deployment's number is left of it. A request that is to keep what it writes only if that is what was planned goes
//! the same way, and is committed where it is.
//!
//! Like a [precondition](crate::precondition) this travels beside the call: every write that a request makes ends in
//! [`Store::commit`](crate::Store), so that none can forget it.

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

/// A dry run. All clones are the same one.
#[derive(Clone, Default)]
pub struct DryRun(Arc<Inner>);

/// What a write is kept for: that this holds of it.
type IsPlanned = Box<dyn Fn(Option<&Asked>) -> bool + Send + Sync>;

#[derive(Default)]
struct Inner {
    is_planned: Option<IsPlanned>,
    begun: Mutex<Option<Operation>>,
    asked: Mutex<Option<Asked>>,
}

/// An operation as it was asked for, and its cluster as the operation would find it.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The operation.
    pub operation: Operation,
    /// Its cluster, as it is to be.
    pub record: ClusterRecord,
    /// The cluster's template.
    pub template: ClusterTemplate,
    /// The cluster's secrets.
    pub secrets: SecretNames,
    /// Operations of the cluster that go on before this one, oldest first.
    pub waits_for: Vec<Uuid>,
}

impl DryRun {
    /// Keeps nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps what is written if `is_planned` holds of the operation that is asked for; of nothing where a write asks for
    /// none.
    #[must_use]
    pub fn unless(is_planned: impl Fn(Option<&Asked>) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(Inner { is_planned: Some(Box::new(is_planned)), ..Inner::default() }))
    }

    /// Does some work. Its first write that is not kept fails with [`StoreError::DryRun`].
    pub async fn around<F: Future>(self, work: F) -> F::Output {
        DRY_RUN.scope(self, work).await
    }

    /// What was asked for and not kept.
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

/// Whether nothing of the current request is kept.
pub(crate) fn is_on() -> bool {
    DRY_RUN.try_with(|run| run.0.is_planned.is_none()).unwrap_or(false)
}

/// The current request asks for an operation. To be called in the transaction that keeps it.
pub(crate) fn begins(operation: &Operation) {
    // Most requests are no dry runs.
    let _ = DRY_RUN.try_with(|run| *lock(&run.0.begun) = Some(operation.clone()));
}

/// Whether a transaction of the current request may be committed. To be called last in it.
pub(crate) async fn check(transaction: &DatabaseTransaction) -> Result<()> {
    match DRY_RUN.try_with(DryRun::clone) {
        // In a box: every write would have to carry the space for this.
        Ok(run) => Box::pin(run.decide(transaction)).await,
        Err(_) => Ok(()),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
