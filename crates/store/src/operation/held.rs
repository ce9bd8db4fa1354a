//! What a conductor writes in the name of an operation that it holds. All of it goes through [`Held`], which looks at
//! the fence in the same transaction: a conductor that has lost the operation writes nothing at all.

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

/// An operation that a conductor holds, and the right to write in its name for as long as it does.
#[derive(Clone)]
pub struct Held {
    store: Store,
    operation: Uuid,
    cluster: Uuid,
    fence: i64,
}

impl Store {
    /// The right to write in the name of an operation that was taken.
    #[must_use]
    pub fn held(&self, claim: &Claim) -> Held {
        let operation = &claim.operation;
        Held { store: self.clone(), operation: operation.uuid, cluster: operation.cluster_uuid, fence: claim.fence }
    }
}

/// Every method fails with [`StoreError::LeaseLost`] once somebody else has the operation, and then has changed nothing.
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

    /// What every write in its name shows.
    #[must_use]
    pub fn fence(&self) -> i64 {
        self.fence
    }

    /// Gives the operation back for others to take.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn release(&self) -> Result<()> {
        self.store.release(self.operation, self.fence).await
    }

    /// The operation cannot go on right now.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn block(&self, cause: &Cause) -> Result<()> {
        self.store.block_operation(self.operation, self.fence, cause, None).await
    }

    /// The operation goes on.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn unblock(&self) -> Result<()> {
        self.store.unblock_operation(self.operation, self.fence).await
    }

    /// Records what is planned now.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn record_plan(&self, steps: &[plan::Step]) -> Result<()> {
        self.store.record_plan(self.operation, self.fence, steps).await
    }

    /// The step is begun.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`], [`StoreError::NotFound`] when it was never planned.
    pub async fn step_running(&self, key: &str) -> Result<()> {
        self.store.step_running(self.operation, self.fence, key).await
    }

    /// What is happening in the step right now.
    ///
    /// # Errors
    /// As [`Held::step_running`].
    pub async fn step_progress(&self, key: &str, progress: &str) -> Result<()> {
        self.store.step_progress(self.operation, self.fence, key, progress).await
    }

    /// The step failed in a way that may pass.
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

    /// Ends the operation.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn finish(&self, outcome: Outcome) -> Result<()> {
        self.store.finish(self.operation, self.fence, outcome).await
    }

    /// Keeps which machine a node has and where it is reached; `None`: not known yet.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`], [`StoreError::NotFound`] when the node is gone.
    pub async fn set_machine(&self, node: Uuid, machine_id: &str, address: Option<IpAddr>) -> Result<()> {
        let transaction = self.begin().await?;
        let is_news = node::set_machine(&transaction, node, machine_id, address).await?;
        let event = is_news.then(|| Event::node(self.cluster, node));
        self.commit(transaction, "keeping a node's machine", event).await
    }

    /// A node's machine starts again: what its agent said before counts no more.
    ///
    /// # Errors
    /// As [`Held::set_machine`].
    pub async fn forget_report(&self, node: Uuid) -> Result<()> {
        let transaction = self.begin().await?;
        node::forget_report(&transaction, node).await?;
        self.commit(transaction, "forgetting an agent's report", Some(Event::node(self.cluster, node))).await
    }

    /// A node gets another machine with another disk.
    ///
    /// # Errors
    /// As [`Held::set_machine`].
    pub async fn begin_anew(&self, node: Uuid) -> Result<()> {
        let transaction = self.begin().await?;
        node::begin_anew(&transaction, node, false).await?;
        self.commit(transaction, "forgetting a node's machine", Some(Event::node(self.cluster, node))).await
    }

    /// A node gets another machine with another disk, and what the others know of the cluster is void: all of them begin
    /// once more.
    ///
    /// # Errors
    /// As [`Held::set_machine`].
    pub async fn begin_cluster_anew(&self, node: Uuid) -> Result<()> {
        let transaction = self.begin().await?;
        node::begin_anew(&transaction, node, true).await?;
        node::begin_others_again(&transaction, self.cluster, node).await?;
        self.commit(transaction, "beginning a cluster anew", Some(Event::node(self.cluster, node))).await
    }

    /// A node is to begin once more: its agent starts all components anew.
    ///
    /// # Errors
    /// As [`Held::set_machine`].
    pub async fn restart_components(&self, node: Uuid) -> Result<()> {
        let transaction = self.begin().await?;
        node::begin_again(&transaction, self.cluster, vec![node.to_string()]).await?;
        self.commit(transaction, "asking a node to begin once more", Some(Event::node(self.cluster, node))).await
    }

    /// A node's machine, if it is still this one, is to be replaced with its disk.
    ///
    /// # Errors
    /// As [`Held::set_machine`].
    pub async fn replace_machine(&self, node: Uuid, machine_id: &str) -> Result<()> {
        let transaction = self.begin().await?;
        node::replace_machine(&transaction, node, machine_id).await?;
        self.commit(transaction, "asking for another machine", Some(Event::node(self.cluster, node))).await
    }

    /// Gives out a one-time token: keeps the hash (SHA-256 in hex) of a token that is good until `expires`.
    ///
    /// # Errors
    /// As [`Held::set_machine`].
    pub async fn issue_token(&self, node: Uuid, token_hash: &str, expires: Timestamp) -> Result<()> {
        let transaction = self.begin().await?;
        node::issue_token(&transaction, node, token_hash, expires).await?;
        self.commit(transaction, "giving out a token", None).await
    }

    /// Forgets a node. Nothing happens when it is gone already.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn remove_node(&self, node: Uuid) -> Result<()> {
        let transaction = self.begin().await?;
        node::remove(&transaction, node).await?;
        self.commit(transaction, "forgetting a node", Some(Event::node(self.cluster, node))).await
    }

    /// Keeps what was found out about the cluster.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`], [`StoreError::NotFound`] when the cluster is gone.
    pub async fn set_facts(&self, facts: ClusterFacts) -> Result<()> {
        let transaction = self.begin().await?;
        let before = cluster::one(&transaction, self.cluster).await?;
        cluster::write_facts(&transaction, &before, facts).await?;
        self.commit(transaction, "keeping facts about a cluster", Some(Event::cluster(self.cluster))).await
    }

    /// Keeps how the cluster is.
    ///
    /// # Errors
    /// As [`Held::set_facts`].
    pub async fn set_health(&self, change: &HealthChange) -> Result<()> {
        let transaction = self.begin().await?;
        let before = cluster::one(&transaction, self.cluster).await?;
        let is_news = health::write(&transaction, &before, change).await?;
        let event = is_news.then(|| Event::cluster(self.cluster));
        self.commit(transaction, "keeping a cluster's health", event).await
    }

    /// Keeps a secret of the cluster that is not there yet; one that is there stays as it is.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`], or when it cannot be sealed.
    pub async fn keep_secret(&self, name: &str, certificate: Option<&str>, key: Option<&SecretString>) -> Result<()> {
        let transaction = self.begin().await?;
        match self.store.keep_secret(&transaction, self.cluster, name, certificate, key).await {
            Ok(()) => self.commit(transaction, "keeping a secret", Some(Event::cluster(self.cluster))).await,
            // Where two can write at once, somebody was faster; theirs it is.
            Err(StoreError::Conflict(_)) => transaction.rollback().await.doing("keeping a secret"),
            Err(error) => Err(error),
        }
    }

    /// Deletes all secrets of the cluster.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`].
    pub async fn delete_secrets(&self) -> Result<()> {
        let transaction = self.begin().await?;
        secret::delete(&transaction, self.cluster).await?;
        self.commit(transaction, "deleting secrets", None).await
    }

    /// A transaction that has the operation.
    async fn begin(&self) -> Result<DatabaseTransaction> {
        let transaction = self.store.begin().await?;
        // The order of locks: the cluster (which may be gone), then the operation.
        match cluster::lock(&transaction, self.cluster).await {
            Ok(_) | Err(StoreError::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
        guard(&transaction, self.operation, self.fence).await?;
        Ok(transaction)
    }

    async fn commit(&self, transaction: DatabaseTransaction, doing: &str, event: Option<Event>) -> Result<()> {
        self.store.commit(transaction, doing).await?;
        if let Some(event) = event {
            self.store.publish(event);
        }
        Ok(())
    }
}
