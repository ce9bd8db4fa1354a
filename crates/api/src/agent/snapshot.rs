//! Snapshots of clusters, shared by all polls of their agents: read once per change, however many agents wait for it.
//!
//! Hundreds of agents of one cluster wake at the same change, and every report of one of them is an event. So one task
//! follows the events, reads the cluster's revision, and reads the whole record only when the revision has grown.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jeroboam_model::assignment::{ClusterSecrets, Source};
use jeroboam_store::{ClusterRecord, Event, Scope, Secret, Store, StoreError};
use secrecy::ExposeSecret;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::watch;
use uuid::Uuid;

/// A cluster's record at a revision, or slightly newer.
pub(super) struct Snapshot {
    pub(super) revision: u64,
    pub(super) record: ClusterRecord,
    secrets: ClusterSecrets,
}

impl Snapshot {
    async fn read(store: &Store, cluster: Uuid, revision: u64) -> Result<Self, StoreError> {
        let mut record = store.cluster_by_uuid(&Scope::All, cluster).await?;
        for report in record.nodes.iter_mut().filter_map(|node| node.report.as_mut()) {
            // Only the phase of a report matters here, and the rest is large.
            report.components = Vec::new();
            report.problem = None;
            report.engine_nodes = None;
        }
        let mut secrets = store.secrets(record.id()).await?;
        let authorities = jeroboam_store::secret::generation(&secrets);
        let mut take = |name: &str| secrets.remove(name);
        let certificate = |secret: Option<Secret>| secret.and_then(|secret| secret.certificate);
        let key = |secret: Option<Secret>| Some(secret?.key?.expose_secret().to_owned());
        let service_account = take("service-account");
        let secrets = ClusterSecrets {
            ca: certificate(take("kubernetes")),
            etcd_ca: certificate(take("etcd")),
            front_proxy_ca: certificate(take("front-proxy")),
            service_account_public_key: certificate(service_account.clone()),
            service_account_key: key(service_account),
            authorities,
            swarm_manager_token: key(take("swarm-manager-token")),
            swarm_worker_token: key(take("swarm-worker-token")),
        };
        Ok(Self { revision, record, secrets })
    }

    pub(super) fn source(&self) -> Source<'_> {
        Source {
            cluster: &self.record.cluster,
            groups: &self.record.groups,
            nodes: &self.record.nodes,
            secrets: &self.secrets,
            revision: self.revision,
        }
    }
}

/// The cached state of a cluster.
#[derive(Clone)]
pub(super) enum Known {
    /// Being read for the first time.
    NotYet,
    /// Its current snapshot.
    Is(Arc<Snapshot>),
    /// The cluster no longer exists.
    Gone,
}

/// The snapshots of all clusters whose agents are waiting.
pub(super) struct Snapshots {
    store: Store,
    /// A sender stays as long as it has receivers. When reading fails it is dropped, and its receivers notice.
    known: Mutex<HashMap<Uuid, watch::Sender<Known>>>,
}

impl Snapshots {
    pub(super) fn new(store: Store) -> Self {
        Self { store, known: Mutex::default() }
    }

    /// Subscribes to a cluster: its cached state now, and all later ones.
    pub(super) async fn follow(&self, cluster: Uuid) -> Result<watch::Receiver<Known>, StoreError> {
        let listener = {
            let mut known = self.lock();
            match known.get(&cluster) {
                Some(sender) => sender.subscribe(),
                // Inserted before anything is read, so that no later change is missed.
                None => known.entry(cluster).or_insert(watch::Sender::new(Known::NotYet)).subscribe(),
            }
        };
        // The first subscriber may have been cancelled while reading.
        if !matches!(*listener.borrow(), Known::NotYet) {
            return Ok(listener);
        }
        self.refresh(cluster).await?;
        Ok(listener)
    }

    /// Reads changed clusters, for as long as it is polled.
    pub(super) async fn keep_fresh(&self) {
        let mut events = self.store.subscribe();
        // Clusters that were followed before the subscription to events.
        self.refresh_all(self.clusters()).await;
        while let Some(changed) = self.changes(&mut events).await {
            self.refresh_all(changed).await;
        }
    }

    /// Waits for an event about a followed cluster, and takes all queued ones too. `None` when there will be no more.
    async fn changes(&self, events: &mut Receiver<Event>) -> Option<BTreeSet<Uuid>> {
        let mut changed = BTreeSet::new();
        match events.recv().await {
            Ok(event) => _ = changed.insert(event.cluster),
            Err(RecvError::Lagged(_)) => return Some(self.clusters()),
            Err(RecvError::Closed) => return None,
        }
        loop {
            match events.try_recv() {
                Ok(event) => _ = changed.insert(event.cluster),
                Err(TryRecvError::Lagged(_)) => return Some(self.clusters()),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
            }
        }
        let known = self.lock();
        changed.retain(|cluster| known.contains_key(cluster));
        Some(changed)
    }

    async fn refresh_all(&self, clusters: BTreeSet<Uuid>) {
        for cluster in clusters {
            if let Err(error) = self.refresh(cluster).await {
                tracing::warn!(%cluster, "reading a cluster for its agents: {error}");
            }
        }
    }

    /// Reads a cluster if it has changed. When that fails, its receivers are closed, and the agents poll again.
    async fn refresh(&self, cluster: Uuid) -> Result<(), StoreError> {
        let before = match self.lock().get(&cluster).map(|sender| sender.borrow().clone()) {
            None => return Ok(()),
            Some(Known::Is(snapshot)) => Some(snapshot.revision),
            Some(Known::NotYet | Known::Gone) => None,
        };
        let read = async {
            // The revision first: the record read after it is at least as new.
            let revision = self.store.cluster_revision(cluster).await?;
            if before == Some(revision) {
                return Ok(None);
            }
            Snapshot::read(&self.store, cluster, revision).await.map(Some)
        };
        let found = match read.await {
            Ok(None) => None,
            Ok(Some(snapshot)) => Some(Known::Is(Arc::new(snapshot))),
            Err(StoreError::NotFound { .. }) => Some(Known::Gone),
            Err(error) => {
                self.lock().remove(&cluster);
                return Err(error);
            }
        };
        let mut known = self.lock();
        let Some(sender) = known.get(&cluster) else { return Ok(()) };
        if let Some(found) = found {
            // Two tasks may have read concurrently; the newer snapshot stays.
            sender.send_if_modified(|is| {
                let newer = match (&*is, &found) {
                    (Known::Is(old), Known::Is(new)) => new.revision > old.revision,
                    (Known::Gone, _) => false,
                    _ => true,
                };
                if newer {
                    *is = found;
                }
                newer
            });
        }
        // Nobody waits any more: the next subscriber reads again. A task that follows for the first time counts as a
        // receiver.
        if sender.receiver_count() == 0 || matches!(*sender.borrow(), Known::Gone) {
            known.remove(&cluster);
        }
        Ok(())
    }

    /// The clusters that are followed.
    fn clusters(&self) -> BTreeSet<Uuid> {
        self.lock().keys().copied().collect()
    }

    /// Whether a poll waits for changes of the cluster.
    #[cfg(test)]
    pub(super) fn is_waited_for(&self, cluster: Uuid) -> bool {
        self.lock().get(&cluster).is_some_and(|sender| sender.receiver_count() > 0)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, watch::Sender<Known>>> {
        // A panic leaves nothing in here half done.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
