//! Writes of a conductor in the name of an operation whose lease it holds. All of them go through [`Held`], which
//! checks the fence in the same transaction: a conductor that has lost the lease writes nothing.

use std::net::IpAddr;

use jeroboam_model::{Cause, plan};
use jiff::Timestamp;
use sea_orm::DatabaseTransaction;
use secrecy::SecretString;
use uuid::Uuid;

use super::lease::guard;
use super::{Claim, Outcome};
use crate::error::Doing;
use crate::{ClusterFacts, Event, HealthChange, Result, Store, StoreError, cluster, health, node, secret};

/// An operation whose lease a conductor holds, with the right to write in its name.
#[derive(Clone)]
pub struct Held {
    store: Store,
    operation: Uuid,
    cluster: Uuid,
    fence: i64,
}

impl Store {
    /// The right to write in the name of a claimed operation.
    #[must_use]
    pub fn held(&self, claim: &Claim) -> Held {
        let operation = &claim.operation;
        Held { store: self.clone(), operation: operation.uuid, cluster: operation.cluster_uuid, fence: claim.fence }
    }
}

/// Every method fails with [`StoreError::LeaseLost`] once another conductor has the operation, and then changes
/// nothing.
impl Held {
    /// The operation.
    #[must_use]
    pub fn operation(&self) -> Uuid {
        self.operation
    }

    /// Its cluster.
    #[must_use]
    pub fn cluster(&self) -> Uuid {
        self.cluster
    }

    /// The fence, which every write in its name must match.
    #[must_use]
    pub fn fence(&self) -> i64 {
        self.fence
    }

    /// Releases the operation, so that any conductor can claim it.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn release(&self) -> Result<()> {
        self.store.release(self.operation, self.fence).await
    }

    /// Marks the operation as blocked.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn block(&self, cause: &Cause) -> Result<()> {
        self.store.block_operation(self.operation, self.fence, cause, None).await
    }

    /// Marks the operation as running again.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn unblock(&self) -> Result<()> {
        self.store.unblock_operation(self.operation, self.fence).await
    }

    /// Records the current plan.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn record_plan(&self, steps: &[plan::Step]) -> Result<()> {
        self.store.record_plan(self.operation, self.fence, steps).await
    }

    /// The step starts.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`], [`StoreError::NotFound`] when it was never planned.
    pub async fn step_running(&self, key: &str) -> Result<()> {
        self.store.step_running(self.operation, self.fence, key).await
    }

    /// Records the progress of the step.
    ///
    /// # Errors
    /// As [`Held::step_running`].
    pub async fn step_progress(&self, key: &str, progress: &str) -> Result<()> {
        self.store.step_progress(self.operation, self.fence, key, progress).await
    }

    /// The step failed in a way that may pass: it is retried.
    ///
    /// # Errors
    /// As [`Held::step_running`].
    pub async fn step_blocked(&self, key: &str, cause: &Cause) -> Result<()> {
        self.store.step_blocked(self.operation, self.fence, key, cause).await
    }

    /// The step is done.
    ///
    /// # Errors
    /// As [`Held::step_running`].
    pub async fn step_done(&self, key: &str) -> Result<()> {
        self.store.step_done(self.operation, self.fence, key).await
    }

    /// The step is given up.
    ///
    /// # Errors
    /// As [`Held::step_running`].
    pub async fn step_failed(&self, key: &str, cause: &Cause) -> Result<()> {
        self.store.step_failed(self.operation, self.fence, key, cause).await
    }

    /// Finishes the operation.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn finish(&self, outcome: Outcome) -> Result<()> {
        self.store.finish(self.operation, self.fence, outcome).await
    }

    /// Stores a node's machine and address; `None`: not known yet.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`], [`StoreError::NotFound`] when the node is gone.
    pub async fn set_machine(&self, node: Uuid, machine_id: &str, address: Option<IpAddr>) -> Result<()> {
        self.write(|transaction| async move {
            let is_news = node::set_machine(&transaction, node, machine_id, address).await?;
            let event = is_news.then(|| Event::node(self.cluster, node));
            self.commit(transaction, "storing a node's machine", event).await
        })
        .await
    }

    /// A node's machine restarts: the last report of its agent is void.
    ///
    /// # Errors
    /// As [`Held::set_machine`].
    pub async fn forget_report(&self, node: Uuid) -> Result<()> {
        self.write(|transaction| async move {
            node::forget_report(&transaction, node).await?;
            self.commit(transaction, "clearing an agent's report", Some(Event::node(self.cluster, node))).await
        })
        .await
    }

    /// A node gets a new machine with a new disk.
    ///
    /// # Errors
    /// As [`Held::set_machine`].
    pub async fn begin_anew(&self, node: Uuid) -> Result<()> {
        self.write(|transaction| async move {
            node::begin_anew(&transaction, node, false).await?;
            self.commit(transaction, "clearing a node's machine", Some(Event::node(self.cluster, node))).await
        })
        .await
    }

    /// A node gets a new machine with a new disk, and the other nodes' state of the cluster is void: all of them start
    /// over.
    ///
    /// # Errors
    /// As [`Held::set_machine`].
    pub async fn begin_cluster_anew(&self, node: Uuid) -> Result<()> {
        self.write(|transaction| async move {
            node::begin_anew(&transaction, node, true).await?;
            node::begin_others_again(&transaction, self.cluster, node).await?;
            self.commit(transaction, "resetting a cluster's nodes", Some(Event::node(self.cluster, node))).await
        })
        .await
    }

    /// Asks a node to start over: its agent restarts all components.
    ///
    /// # Errors
    /// As [`Held::set_machine`].
    pub async fn restart_components(&self, node: Uuid) -> Result<()> {
        self.write(|transaction| async move {
            node::begin_again(&transaction, self.cluster, vec![node.to_string()]).await?;
            self.commit(transaction, "asking a node to start over", Some(Event::node(self.cluster, node))).await
        })
        .await
    }

    /// Marks a node's machine for replacement with its disk, if it is still this one.
    ///
    /// # Errors
    /// As [`Held::set_machine`].
    pub async fn replace_machine(&self, node: Uuid, machine_id: &str) -> Result<()> {
        self.write(|transaction| async move {
            node::replace_machine(&transaction, node, machine_id).await?;
            self.commit(transaction, "marking a machine for replacement", Some(Event::node(self.cluster, node))).await
        })
        .await
    }

    /// Issues a one-time token: stores the hash (SHA-256 in hex) of a token that is valid until `expires`.
    ///
    /// # Errors
    /// As [`Held::set_machine`].
    pub async fn issue_token(&self, node: Uuid, token_hash: &str, expires: Timestamp) -> Result<()> {
        self.write(|transaction| async move {
            node::issue_token(&transaction, node, token_hash, expires).await?;
            self.commit(transaction, "issuing a token", None).await
        })
        .await
    }

    /// Deletes a node. No error when it does not exist.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn remove_node(&self, node: Uuid) -> Result<()> {
        self.write(|transaction| async move {
            node::remove(&transaction, node).await?;
            self.commit(transaction, "deleting a node", Some(Event::node(self.cluster, node))).await
        })
        .await
    }

    /// Stores facts about the cluster.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`], [`StoreError::NotFound`] when the cluster was deleted.
    pub async fn set_facts(&self, facts: ClusterFacts) -> Result<()> {
        let facts = &facts;
        self.write(|transaction| async move {
            let before = cluster::one(&transaction, self.cluster).await?;
            cluster::write_facts(&transaction, &before, facts.clone()).await?;
            self.commit(transaction, "storing facts about a cluster", Some(Event::cluster(self.cluster))).await
        })
        .await
    }

    /// Stores the health of the cluster.
    ///
    /// # Errors
    /// As [`Held::set_facts`].
    pub async fn set_health(&self, change: &HealthChange) -> Result<()> {
        self.write(|transaction| async move {
            let before = cluster::one(&transaction, self.cluster).await?;
            let is_news = health::write(&transaction, &before, change).await?;
            let event = is_news.then(|| Event::cluster(self.cluster));
            self.commit(transaction, "storing a cluster's health", event).await
        })
        .await
    }

    /// Inserts a secret of the cluster unless it exists; an existing one stays as it is.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`], or when sealing fails.
    pub async fn keep_secret(&self, name: &str, certificate: Option<&str>, key: Option<&SecretString>) -> Result<()> {
        self.write(|transaction| async move {
            match self.store.keep_secret(&transaction, self.cluster, name, certificate, key).await {
                Ok(()) => self.commit(transaction, "storing a secret", Some(Event::cluster(self.cluster))).await,
                // With concurrent writers (PostgreSQL, MySQL) somebody may have been faster; use theirs.
                Err(StoreError::Conflict(_)) => transaction.rollback().await.doing("storing a secret"),
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// Deletes all secrets of the cluster.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn delete_secrets(&self) -> Result<()> {
        self.write(|transaction| async move {
            secret::delete(&transaction, self.cluster).await?;
            self.commit(transaction, "deleting secrets", None).await
        })
        .await
    }

    /// Runs `work` in a transaction that locks the operation.
    async fn write<T, W: Future<Output = Result<T>>>(
        &self,
        work: impl Fn(DatabaseTransaction) -> W + Sync,
    ) -> Result<T> {
        let work = &work;
        self.store
            .write(|transaction| async move {
                // Lock order: the cluster (which may be deleted), then the operation.
                match cluster::lock(&transaction, self.cluster).await {
                    Ok(_) | Err(StoreError::NotFound { .. }) => {}
                    Err(error) => return Err(error),
                }
                guard(&transaction, self.operation, self.fence).await?;
                work(transaction).await
            })
            .await
    }

    async fn commit(&self, transaction: DatabaseTransaction, doing: &str, event: Option<Event>) -> Result<()> {
        self.store.commit(transaction, doing).await?;
        if let Some(event) = event {
            self.store.publish(event);
        }
        Ok(())
    }
}
