//! Access to a cluster's engine: its address, its CA and a client certificate for us.

use std::sync::Arc;
use std::time::Duration;

use jeroboam_engine::Access;
use jeroboam_model::{Cause, CauseExt, Code, NodeRole};
use jeroboam_pki::{Authority, Profile};
use jeroboam_store::{ClusterRecord, Store};
use jiff::{SignedDuration, Timestamp};
use moka::future::Cache;
use secrecy::ExposeSecret;
use uuid::Uuid;

/// How long our client certificates are valid. They are replaced long before they expire.
const VALIDITY: SignedDuration = SignedDuration::from_hours(24);
/// How long a certificate is cached.
const KEPT: Duration = Duration::from_secs(6 * 3600);
/// How many are cached; issuing one again takes a millisecond or two.
const MOST_KEPT: u64 = 10_000;

/// Returns access to clusters' engines, and issues a client certificate where none is cached.
#[derive(Clone)]
pub struct AccessBook {
    store: Store,
    pairs: Cache<Uuid, Arc<Pair>>,
}

struct Pair {
    /// Generation of the authorities that issued it.
    generation: u64,
    ca: String,
    certificate: String,
    key: String,
}

impl AccessBook {
    /// Reads authorities from this store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store, pairs: Cache::builder().max_capacity(MOST_KEPT).time_to_live(KEPT).build() }
    }

    /// Access to a cluster's engine.
    ///
    /// # Errors
    /// `cluster_not_reachable_yet` while the cluster has no API address or no authority; `secret_unreadable` when the
    /// authority cannot be used.
    pub async fn of(&self, record: &ClusterRecord) -> Result<Access, Cause> {
        let cluster = &record.cluster;
        let Some(api_address) = cluster.api_address.clone() else {
            return Err(not_yet(&cluster.name));
        };
        // Authorities may have been rotated since.
        let generation = self
            .store
            .authorities_generation(record.id())
            .await
            .map_err(|problem| crate::perform::store_cause("reading the cluster's authority", &problem))?;
        let pair = match self.pairs.get(&cluster.uuid).await.filter(|pair| pair.generation == generation) {
            Some(pair) => pair,
            None => {
                let pair = Arc::new(self.make_pair(record, generation).await?);
                self.pairs.insert(cluster.uuid, pair.clone()).await;
                pair
            }
        };
        let mut masters: Vec<_> = record.nodes.iter().filter(|node| node.role == NodeRole::Master).collect();
        masters.sort_by_key(|node| node.slot);
        Ok(Access {
            cluster: cluster.uuid,
            api_address,
            masters: masters.iter().filter_map(|node| node.address).collect(),
            ca: pair.ca.clone(),
            certificate: pair.certificate.clone(),
            key: pair.key.clone(),
        })
    }

    /// Drops the cached certificate of a deleted cluster.
    pub async fn forget(&self, cluster: Uuid) {
        self.pairs.invalidate(&cluster).await;
    }

    async fn make_pair(&self, record: &ClusterRecord, generation: u64) -> Result<Pair, Cause> {
        let name = &record.cluster.name;
        let Some(authority) = record.cluster.engine.authorities.first() else { return Err(not_yet(name)) };
        let secret = self
            .store
            .secret(record.id(), authority)
            .await
            .map_err(|problem| crate::perform::store_cause("reading the cluster's authority", &problem))?;
        let Some((ca, key)) = secret.and_then(|secret| Some((secret.certificate?, secret.key?))) else {
            return Err(not_yet(name));
        };
        let broken = |problem: &dyn std::fmt::Display| {
            Cause::operator(
                Code::SecretUnreadable,
                format!("the authority of cluster {name} cannot be used"),
                "check that the encryption key in the data folder is the one the cluster was made with",
            )
            .said(problem)
        };
        let authority = Authority::load(&ca, &key).map_err(|problem| broken(&problem))?;
        let pair = authority
            .issue_pair(
                &Profile {
                    common_name: "jeroboam".into(),
                    organizations: vec!["system:masters".into()],
                    names: Vec::new(),
                    addresses: Vec::new(),
                    server: false,
                    client: true,
                    validity: VALIDITY,
                },
                Timestamp::now(),
            )
            .map_err(|problem| broken(&problem))?;
        Ok(Pair { generation, ca, certificate: pair.certificate, key: pair.key.expose_secret().to_owned() })
    }
}

fn not_yet(name: &str) -> Cause {
    Cause::user(
        Code::ClusterNotReachableYet,
        format!("cluster {name} has no API yet"),
        "wait until it is CREATE_COMPLETE, or see its operation for what holds it up",
    )
    .may_pass()
}
