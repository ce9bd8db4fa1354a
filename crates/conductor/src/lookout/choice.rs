//! What the operator can choose while the deployment is held.

use jeroboam_infra::{Progress, Remains};
use jeroboam_model::node::FoundNode;
use jeroboam_model::{Cause, CauseExt, Code, NodeRole};
use jeroboam_store::{Deployment, Scope, StoreError};
use tracing::warn;
use uuid::Uuid;

use super::{Lookout, LookoutError};

impl Lookout {
    /// Accepts this database: its number is raised above all that were seen, and servers that it does not know count as
    /// dead.
    ///
    /// # Errors
    /// When the deployment is not held, when another server answers that uses another database, or when database or
    /// infrastructure fail. Nothing is changed then.
    pub async fn accept(&self) -> Result<Deployment, LookoutError> {
        self.must_be_held().await?;
        let found = self.find().await?;
        if let Some(rival) = found.neighbours.iter().find(|neighbour| neighbour.knows_us == Some(false)) {
            return Err(Cause::user(
                Code::DeploymentRival,
                format!("The server on {} still answers at {}, with another database", rival.host, rival.url),
                "Stop that server first; or, if this one is the copy, choose 'jeroboam deployment new-id'",
            )
            .into());
        }
        let numbers = found.presences.iter().map(|presence| presence.number);
        let highest = numbers.chain(found.remains.iter().map(|remains| remains.number)).max().unwrap_or_default();
        let dead: Vec<(Uuid, String)> =
            found.presences.into_iter().map(|presence| (presence.instance, presence.host)).collect();
        let accepted = self.store.accept_deployment(highest, &dead).await?;
        warn!(number = accepted.number, "the operator has accepted this database as the one that counts");
        self.wake.notify_one();
        Ok(accepted)
    }

    /// Makes this copy a deployment of its own, under a new id: what carries the old id belongs to the original.
    ///
    /// # Errors
    /// When the deployment is not held, or when the database fails. Nothing is changed then.
    pub async fn take_new_id(&self) -> Result<Deployment, LookoutError> {
        let held = self.must_be_held().await?;
        let id = Uuid::new_v4().to_string();
        // Before the database is changed: what starts right after that must not touch the original's resources.
        self.infra.take_deployment(&id);
        match self.store.rename_deployment(&id).await {
            Ok(renamed) => {
                warn!(before = held.id, now = id, "the operator has given this deployment an id of its own");
                self.id.send_replace(id);
                self.wake.notify_one();
                Ok(renamed)
            }
            Err(problem) => {
                self.infra.take_deployment(&held.id);
                Err(problem.into())
            }
        }
    }

    /// Clusters at the infrastructure that the database neither has nor has recorded as deleted, oldest first.
    ///
    /// # Errors
    /// When database or infrastructure fail.
    pub async fn orphans(&self) -> Result<Vec<Remains>, LookoutError> {
        let mut orphans = Vec::new();
        // First the infrastructure, then the database: a cluster is recorded before any of its resources are created.
        for remains in self.infra.remains().await? {
            if self.is_orphan(remains.cluster).await? {
                orphans.push(remains);
            }
        }
        orphans.sort_by_key(|remains| (remains.created, remains.cluster));
        Ok(orphans)
    }

    /// Deletes all resources of an orphan.
    ///
    /// # Errors
    /// [`StoreError::Held`] until the operator has chosen, [`StoreError::NotFound`] for what is no orphan, and errors
    /// of the infrastructure.
    pub async fn remove_orphan(&self, cluster: Uuid) -> Result<Remains, LookoutError> {
        let orphan = self.find_orphan(cluster).await?;
        self.infra.remove_network(cluster, Progress::ignored()).await?;
        Ok(orphan)
    }

    /// An orphan with its nodes, read from the labels of its resources.
    ///
    /// # Errors
    /// As [`Self::remove_orphan`]; `orphan_without_master` when nothing is left of its masters, whose disks hold its
    /// state.
    pub async fn orphan(&self, cluster: Uuid) -> Result<(Remains, Vec<FoundNode>), LookoutError> {
        let orphan = self.find_orphan(cluster).await?;
        let nodes = self.infra.found_nodes(cluster).await?;
        if nodes.iter().any(|node| node.role == NodeRole::Master) {
            return Ok((orphan, nodes));
        }
        Err(Cause::user(
            Code::OrphanWithoutMaster,
            format!("Nothing is left of the masters of {cluster}, and with them its state is gone"),
            format!("Delete it: 'jeroboam orphan delete {cluster} --yes'"),
        )
        .into())
    }

    /// Removes the machines of an orphan and keeps their disks for the machines that replace them.
    ///
    /// # Errors
    /// Errors of the infrastructure.
    pub async fn free_disks(&self, orphan: &Remains) -> Result<(), LookoutError> {
        Ok(self.infra.free_disks(orphan.cluster, None).await?)
    }

    async fn find_orphan(&self, cluster: Uuid) -> Result<Remains, LookoutError> {
        if let Some(hold) = self.store.deployment().await?.hold {
            return Err(StoreError::Held { found: hold.found() }.into());
        }
        let orphans = self.orphans().await?;
        let missing = || StoreError::NotFound { what: "orphan", ident: cluster.to_string() };
        Ok(orphans.into_iter().find(|orphan| orphan.cluster == cluster).ok_or_else(missing)?)
    }

    async fn is_orphan(&self, cluster: Uuid) -> Result<bool, LookoutError> {
        match self.store.cluster_by_uuid(&Scope::All, cluster).await {
            Err(StoreError::NotFound { .. }) => Ok(!self.store.was_deleted(cluster).await?),
            Ok(_) => Ok(false),
            Err(problem) => Err(problem.into()),
        }
    }

    /// The operator can choose only while the deployment is held.
    async fn must_be_held(&self) -> Result<Deployment, LookoutError> {
        let deployment = self.store.deployment().await?;
        if deployment.hold.is_some() {
            return Ok(deployment);
        }
        let nothing = "The deployment is not held: this database is the one that counts";
        Err(Cause::user(Code::DeploymentNotHeld, nothing, "Nothing").into())
    }
}
