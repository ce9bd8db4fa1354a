//! What each action of a plan does.

use std::collections::BTreeMap;
use std::fmt::Display;

use futures::StreamExt;
use jeroboam_engine::{Access, NodeMarks};
use jeroboam_infra::{ClusterRef, Progress};
use jeroboam_model::plan::{Action, NodeRef};
use jeroboam_model::{Cause, CauseExt, Cluster, Code, Node, NodeRole};
use jeroboam_pki::Authority;
use jeroboam_store::{ClusterRecord, Store, StoreError};
use secrecy::SecretString;

use crate::run::Run;

impl Run<'_> {
    /// Performs an action; idempotent. The stage handles machines, several in one call; waits are handled elsewhere.
    pub(crate) async fn perform(&self, record: &ClusterRecord, action: &Action) -> Result<(), Cause> {
        let (infra, cluster) = (&self.conductor.infra, &record.cluster);
        let engine = || self.conductor.engines.of(cluster.engine);
        match action {
            Action::EnsureMachine(_) | Action::RemoveMachine(_) | Action::AwaitAgent(_) | Action::AwaitReady(_) => {
                Ok(())
            }
            Action::EnsureSecrets => self.ensure_secrets(record).await,
            Action::EnsureNetwork => {
                let reference = reference(&self.conductor.store, record).await?;
                let (progress, reports) = Progress::channel();
                let ensured = infra.ensure_network(&reference, &progress);
                let network = self.followed(ensured, reports, |_| Some(action.key())).await?;
                self.conductor.note_network(&self.held, record, Some(&network)).await
            }
            Action::RestartComponents(node) => {
                self.stored("asking the node to restart its components", self.held.restart_components(node.uuid).await)
            }
            Action::RestartMachine(node) => {
                self.stored("deleting the agent's last report", self.held.forget_report(node.uuid).await)?;
                infra.restart_machine(cluster.uuid, node.uuid).await
            }
            Action::RecreateMachine(node) => {
                self.stored("clearing the agent's report", self.held.forget_report(node.uuid).await)?;
                infra.free_disks(cluster.uuid, Some(node.uuid)).await
            }
            Action::ReplaceMachine(node) => self.replace(record, node).await,
            Action::ConfigureEngine => engine()?.configure(&self.access().await?, cluster).await,
            Action::MarkNodes => engine()?.mark(&self.access().await?, &marks(record)).await,
            Action::Drain(node) => engine()?.drain(&self.access().await?, &node.name).await,
            Action::Forget(node) => {
                engine()?.forget(&self.access().await?, &node.name).await?;
                self.stored("forgetting the node", self.held.remove_node(node.uuid).await)
            }
            Action::RemoveStray(machine) => self.remove_stray(record, machine).await,
            Action::RemoveNetwork => {
                let (progress, reports) = Progress::channel();
                self.followed(infra.remove_network(cluster.uuid, &progress), reports, |_| Some(action.key())).await
            }
            Action::RemoveSecrets => self.stored("removing the secrets", self.held.delete_secrets().await),
        }
    }

    /// Marks the node's machine for replacement, and removes the node from the engine, so that it does not wait for
    /// what ran there.
    async fn replace(&self, record: &ClusterRecord, node: &NodeRef) -> Result<(), Cause> {
        let row = record.nodes.iter().find(|row| row.uuid == node.uuid);
        let Some(machine) = row.and_then(|row| row.machine_id.as_deref()) else { return Ok(()) };
        self.conductor.engines.of(record.cluster.engine)?.forget(&self.access().await?, &node.name).await?;
        self.stored("requesting another machine", self.held.replace_machine(node.uuid, machine).await)
    }

    /// Access to the cluster's engine, from its current record.
    pub(crate) async fn access(&self) -> Result<Access, Cause> {
        self.conductor.accesses.of(&self.record().await?).await
    }

    /// Removes a stray: a machine without a node's label, or with that of an unknown node, of which everything is then
    /// left over.
    async fn remove_stray(&self, record: &ClusterRecord, machine: &str) -> Result<(), Cause> {
        let (infra, cluster) = (&self.conductor.infra, record.cluster.uuid);
        let there = infra.observe(cluster).await?.machines;
        match there.into_iter().find(|(_, there)| there.id == machine) {
            Some((node, _)) if record.nodes.iter().all(|row| row.uuid != node) => {
                let mut gone = infra.remove_machines(cluster, std::slice::from_ref(&node), Progress::ignored());
                gone.next().await.map_or(Ok(()), |(_, outcome)| outcome)
            }
            _ => infra.remove_stray(cluster, machine).await,
        }
    }

    async fn ensure_secrets(&self, record: &ClusterRecord) -> Result<(), Cause> {
        let cluster = &record.cluster;
        for name in cluster.engine.secrets() {
            let (certificate, key) = make_secret(cluster, name, self.conductor.clock.now()).map_err(|problem| {
                Cause::operator(
                    Code::PkiFailed,
                    format!("the authority '{name}' cannot be created"),
                    "see the server's log",
                )
                .said(problem)
            })?;
            // An existing authority stays; the one created here is then discarded.
            let stored = self.held.keep_secret(name, Some(&certificate), Some(&key)).await;
            self.stored("storing an authority", stored)?;
        }
        Ok(())
    }
}

/// Labels and taints of each node that is not a master, by node name.
fn marks(record: &ClusterRecord) -> BTreeMap<String, NodeMarks> {
    let group_of = |node: &Node| {
        record.groups.iter().find(|group| group.uuid == node.node_group && group.role != NodeRole::Master)
    };
    let of_node = |node: &Node| {
        let group = group_of(node)?;
        let marks = NodeMarks { labels: group.node_labels.clone(), taints: group.node_taints.clone() };
        Some((node.name.clone(), marks))
    };
    record.nodes.iter().filter(|node| node.wanted).filter_map(of_node).collect()
}

/// The cluster for the infrastructure, with the deployment's current number.
pub(crate) async fn reference(store: &Store, record: &ClusterRecord) -> Result<ClusterRef, Cause> {
    let deployment =
        store.deployment().await.map_err(|problem| store_cause("reading the number of the deployment", &problem))?;
    Ok(ClusterRef {
        uuid: record.cluster.uuid,
        name: record.cluster.name.clone(),
        project_id: record.cluster.project_id.clone(),
        engine: record.cluster.engine.name.to_owned(),
        number: deployment.number,
    })
}

fn make_secret(
    cluster: &Cluster,
    name: &str,
    now: jiff::Timestamp,
) -> Result<(String, SecretString), Box<dyn Display + Send + Sync>> {
    let failed = |problem: jeroboam_pki::PkiError| Box::new(problem) as Box<dyn Display + Send + Sync>;
    if cluster.engine.keys.contains(&name) {
        let (private, public) = jeroboam_pki::signing_key().map_err(failed)?;
        return Ok((public, private));
    }
    let authority = Authority::of_cluster(&cluster.name, name, now).map_err(failed)?;
    Ok((authority.certificate_pem().to_owned(), authority.key_pem()))
}

/// The cause of a database error. Most are transient: a lock, a full disk, a restart.
pub(crate) fn store_cause(doing: &str, problem: &StoreError) -> Cause {
    match problem {
        StoreError::Full(_) => {
            Cause::operator(Code::StorageFull, format!("{doing}: the database cannot write"), "free space")
                .may_pass()
                .said(problem)
        }
        StoreError::NotFound { .. } => {
            Cause::operator(Code::RecordMissing, format!("{doing}: its record is gone"), "delete the cluster")
                .said(problem)
        }
        _ => Cause::passing(
            Code::DatabaseUnavailable,
            format!("{doing}: the database does not answer"),
            "wait: it is retried automatically",
        )
        .said(problem),
    }
}
