//! The writes that a conductor does in the name of an operation, but without an operation: for tests that need a
//! cluster in some state.

use std::net::IpAddr;

use jiff::Timestamp;
use uuid::Uuid;

use crate::{ClusterFacts, Event, Result, Store, cluster, node, secret};

#[allow(clippy::missing_errors_doc, reason = "see the methods of Held with the same names")]
impl Store {
    /// As [`Held::set_machine`](crate::Held::set_machine).
    pub async fn set_machine(&self, uuid: Uuid, machine_id: &str, address: Option<IpAddr>) -> Result<()> {
        let transaction = self.begin().await?;
        let cluster = node::cluster_of(&transaction, uuid).await?;
        let is_news = node::set_machine(&transaction, uuid, machine_id, address).await?;
        self.commit(transaction, "storing a node's machine").await?;
        if is_news {
            self.publish(Event::node(cluster, uuid));
        }
        Ok(())
    }

    /// As [`Held::begin_anew`](crate::Held::begin_anew).
    pub async fn begin_anew(&self, uuid: Uuid) -> Result<()> {
        let transaction = self.begin().await?;
        node::begin_anew(&transaction, uuid, false).await?;
        self.commit(transaction, "clearing a node's machine").await
    }

    /// As [`Held::issue_token`](crate::Held::issue_token).
    pub async fn issue_token(&self, uuid: Uuid, token_hash: &str, expires: Timestamp) -> Result<()> {
        let transaction = self.begin().await?;
        node::issue_token(&transaction, uuid, token_hash, expires).await?;
        self.commit(transaction, "issuing a token").await
    }

    /// As [`Held::remove_node`](crate::Held::remove_node).
    pub async fn remove_node(&self, uuid: Uuid) -> Result<()> {
        let transaction = self.begin().await?;
        let cluster = node::cluster_of(&transaction, uuid).await.ok();
        node::remove(&transaction, uuid).await?;
        self.commit(transaction, "deleting a node").await?;
        if let Some(cluster) = cluster {
            self.publish(Event::node(cluster, uuid));
        }
        Ok(())
    }

    /// As [`Held::set_facts`](crate::Held::set_facts).
    pub async fn set_cluster_facts(&self, uuid: Uuid, facts: ClusterFacts) -> Result<()> {
        let transaction = self.begin().await?;
        let before = cluster::lock(&transaction, uuid).await?;
        cluster::write_facts(&transaction, &before, facts).await?;
        self.commit(transaction, "storing facts about a cluster").await?;
        self.publish(Event::cluster(uuid));
        Ok(())
    }

    /// As [`Held::delete_secrets`](crate::Held::delete_secrets).
    pub async fn delete_secrets(&self, owner: Uuid) -> Result<()> {
        let transaction = self.begin().await?;
        secret::delete(&transaction, owner).await?;
        self.commit(transaction, "deleting secrets").await
    }
}
