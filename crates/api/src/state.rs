//! The state that handlers share.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use jeroboam_conductor::engines::AccessBook;
use jeroboam_conductor::lookout::Lookout;
use jeroboam_conductor::observe::Observer;
use jeroboam_engine::kubernetes::Kubernetes;
use jeroboam_engine::manifest::ManifestFetcher;
use jeroboam_engine::swarm::Swarm;
use jeroboam_identity::Identity;
use jeroboam_identity::policy::PolicyBook;
use jeroboam_infra::Infrastructure;
use jeroboam_model::QuotaDefaults;
use jeroboam_model::labels::LabelRules;
use jeroboam_model::validate::Limits;
use jeroboam_store::Store;
use moka::future::Cache;

use crate::catalog::Catalog;
use crate::healthcheck::Readiness;

/// Size of the cache of template lists in bytes: a few dozen long lists.
const LISTS_KEPT: u64 = 8 * 1024 * 1024;
/// How long an unused list stays in the cache.
const LIST_KEPT_FOR: Duration = Duration::from_secs(60);

/// What the operator configures.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Scheme, host and port of the API for links, when a request has no `Host`; no trailing slash.
    pub public_url: String,
    /// Size limits of a cluster.
    pub limits: Limits,
    /// Which labels are accepted.
    pub labels: LabelRules,
    /// Limits for projects without quotas of their own.
    pub quotas: QuotaDefaults,
    /// While this file exists, `/healthcheck` returns 503, so that load balancers send no requests here.
    pub disable_file: Option<PathBuf>,
    /// Whether the rest of the server has started.
    pub readiness: Readiness,
    /// Internal networks from which manifests may be fetched nevertheless.
    pub manifest_networks: Vec<ipnet::IpNet>,
    /// The policy: who may do what.
    pub policy: PolicyBook,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            public_url: "http://127.0.0.1:9511".to_owned(),
            limits: Limits::default(),
            labels: LabelRules::default(),
            quotas: QuotaDefaults::default(),
            disable_file: None,
            readiness: Readiness::default(),
            manifest_networks: Vec::new(),
            policy: PolicyBook::default(),
        }
    }
}

/// The state that handlers share. Cheap to clone: every layer and handler has its own clone.
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

/// The contents of [`AppState`].
pub struct Shared {
    pub(crate) store: Store,
    pub(crate) identity: Arc<dyn Identity>,
    pub(crate) accesses: AccessBook,
    pub(crate) infra: Arc<dyn Infrastructure>,
    pub(crate) lookout: Arc<Lookout>,
    pub(crate) observer: Observer,
    pub(crate) kubernetes: Kubernetes,
    pub(crate) swarm: Swarm,
    pub(crate) fetcher: ManifestFetcher,
    pub(crate) settings: Settings,
    pub(crate) catalog: Catalog,
    /// Cached responses with lists of templates. The key holds everything that a list depends on, the templates'
    /// revision first. The lists are long, change rarely, and dashboards request them all the time.
    pub(crate) template_lists: Cache<String, Bytes>,
}

impl Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl AppState {
    /// Creates the state. The engines are the conductor's, so that both share connections.
    #[must_use]
    pub fn new(
        store: Store,
        identity: Arc<dyn Identity>,
        accesses: AccessBook,
        (infra, lookout, observer): (Arc<dyn Infrastructure>, Arc<Lookout>, Observer),
        (kubernetes, swarm): (Kubernetes, Swarm),
        settings: Settings,
    ) -> Self {
        Self(Arc::new(Shared {
            kubernetes,
            swarm,
            fetcher: ManifestFetcher { allow_internal: settings.manifest_networks.clone() },
            store,
            identity,
            accesses,
            catalog: Catalog::new(infra.clone()),
            template_lists: Cache::builder()
                .weigher(|key: &String, list: &Bytes| u32::try_from(key.len() + list.len()).unwrap_or(u32::MAX))
                .max_capacity(LISTS_KEPT)
                .time_to_idle(LIST_KEPT_FOR)
                .build(),
            infra,
            lookout,
            observer,
            settings,
        }))
    }
}
