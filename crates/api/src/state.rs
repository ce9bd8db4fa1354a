//! What handlers share.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use jeroboam_conductor::access::AccessBook;
use jeroboam_engine::kubernetes::Kubernetes;
use jeroboam_engine::manifest::ManifestFetcher;
use jeroboam_engine::swarm::Swarm;
use jeroboam_identity::Identity;
use jeroboam_infra::Infrastructure;
use jeroboam_model::Cause;
use jeroboam_model::validate::Limits;
use jeroboam_store::Store;
use jiff::Timestamp;
use moka::future::Cache;

use crate::http::error::words;
use crate::http::{ApiError, Result};

/// How long an image that was found is not asked for again: asking costs more than all else in `POST /v1/clusters`,
/// and a script makes many clusters of one template.
const IMAGE_KNOWN_FOR: Duration = Duration::from_secs(10);

/// Images remembered.
const IMAGES_KNOWN: u64 = 1000;

/// What the operator chooses.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Scheme, host and port under which clients reach the API, when a request does not say; no slash at the end.
    pub public_url: String,
    /// Most nodes of a cluster.
    pub limits: Limits,
    /// Most clusters of a project (Magnum's default is 20).
    pub cluster_quota: u32,
    /// While this file exists, `/healthcheck` answers 503, so that load balancers send nobody here.
    pub disable_file: Option<PathBuf>,
    /// Name of this machine, for `GET /v1/mservices`.
    pub host: String,
    /// Internal networks from which manifests may be fetched all the same.
    pub manifest_networks: Vec<ipnet::IpNet>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            public_url: "http://127.0.0.1:9511".to_owned(),
            limits: Limits::default(),
            cluster_quota: 20,
            disable_file: None,
            host: "localhost".to_owned(),
            manifest_networks: Vec::new(),
        }
    }
}

/// What handlers share. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    pub(crate) store: Store,
    pub(crate) identity: Arc<dyn Identity>,
    pub(crate) accesses: AccessBook,
    pub(crate) infra: Arc<dyn Infrastructure>,
    pub(crate) kubernetes: Kubernetes,
    pub(crate) swarm: Swarm,
    pub(crate) fetcher: ManifestFetcher,
    pub(crate) settings: Arc<Settings>,
    pub(crate) started_at: Timestamp,
    images: Cache<String, ()>,
}

impl AppState {
    /// Puts it together. The engines are those that the conductor uses, so that both share connections.
    #[must_use]
    pub fn new(
        store: Store,
        identity: Arc<dyn Identity>,
        accesses: AccessBook,
        infra: Arc<dyn Infrastructure>,
        (kubernetes, swarm): (Kubernetes, Swarm),
        settings: Settings,
    ) -> Self {
        Self {
            kubernetes,
            swarm,
            fetcher: ManifestFetcher { allow_internal: settings.manifest_networks.clone() },
            store,
            identity,
            accesses,
            infra,
            settings: Arc::new(settings),
            started_at: Timestamp::now(),
            images: Cache::builder().max_capacity(IMAGES_KNOWN).time_to_live(IMAGE_KNOWN_FOR).build(),
        }
    }

    /// Checks that an image is there.
    ///
    /// # Errors
    /// 400 naming `image_id` when it is not; 503 when the infrastructure does not answer.
    pub(crate) async fn check_image(&self, image: &str) -> Result<()> {
        if self.images.contains_key(image) {
            return Ok(());
        }
        self.infra.check_image(image).await.map_err(|cause| image_error(&cause))?;
        self.images.insert(image.to_owned(), ()).await;
        Ok(())
    }

    /// Checks that the infrastructure has a flavor.
    ///
    /// # Errors
    /// 400 naming `field` when it has not.
    pub(crate) fn check_flavor(&self, field: &str, flavor: Option<&str>) -> Result<()> {
        let Some(flavor) = flavor else { return Ok(()) };
        self.infra
            .check_flavor(flavor)
            .map_err(|cause| ApiError::new(StatusCode::BAD_REQUEST, cause.code.clone(), words(&cause)).about(field))
    }
}

/// An infrastructure that does not answer may do so later; any other cause means that there is no such image.
fn image_error(cause: &Cause) -> ApiError {
    let error = ApiError::new(StatusCode::BAD_REQUEST, cause.code.clone(), words(cause));
    if cause.retryable { error.with_status(StatusCode::SERVICE_UNAVAILABLE) } else { error.about("image_id") }
}
