//! Cluster templates.

use jiff::Timestamp;
use uuid::Uuid;

use crate::{EngineKind, Labels};

/// A cluster template (once called baymodel). Fields as in contract magnum-v1 section 2.1.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ClusterTemplate {
    /// Id.
    pub uuid: Uuid,
    /// Project that it belongs to.
    pub project_id: String,
    /// User who created it.
    pub user_id: String,
    /// Name; not unique.
    pub name: Option<String>,
    /// Engine.
    pub engine: EngineKind,
    /// Image of nodes.
    pub image_id: String,
    /// Flavor of nodes.
    pub flavor_id: Option<String>,
    /// Flavor of masters.
    pub master_flavor_id: Option<String>,
    /// Name of the SSH keypair.
    pub keypair_id: Option<String>,
    /// External network.
    pub external_network_id: Option<String>,
    /// Existing network to use.
    pub fixed_network: Option<String>,
    /// Existing subnet to use.
    pub fixed_subnet: Option<String>,
    /// Name servers, comma separated.
    pub dns_nameserver: Option<String>,
    /// Network driver of pods or containers.
    pub network_driver: Option<String>,
    /// Volume driver.
    pub volume_driver: Option<String>,
    /// Volume for containers, in GB per node.
    pub docker_volume_size: Option<u32>,
    /// Storage driver of the container engine.
    pub docker_storage_driver: Option<String>,
    /// Port of the engine's API.
    pub apiserver_port: Option<u16>,
    /// Operating system of the image.
    pub cluster_distro: Option<String>,
    /// Proxy for http.
    pub http_proxy: Option<String>,
    /// Proxy for https.
    pub https_proxy: Option<String>,
    /// Hosts, domains and networks that need no proxy, comma separated.
    pub no_proxy: Option<String>,
    /// Registry that is accessed without TLS, `host:port`.
    pub insecure_registry: Option<String>,
    /// Labels.
    pub labels: Labels,
    /// Whether the cluster runs its own registry.
    pub registry_enabled: bool,
    /// Whether the engine's API is served without TLS.
    pub tls_disabled: bool,
    /// Whether all projects see it.
    pub public: bool,
    /// Whether it is hidden from lists for new clusters.
    pub hidden: bool,
    /// Whether there is a load balancer in front of the masters.
    pub master_lb_enabled: bool,
    /// Whether nodes get floating IP addresses.
    pub floating_ip_enabled: bool,
    /// `vm` or `bm`.
    pub server_type: String,
    /// Tags, comma separated.
    pub tags: Option<String>,
    /// Driver.
    pub driver: Option<String>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Option<Timestamp>,
}

impl ClusterTemplate {
    /// A template with only the required values. The rest has the API's defaults (contract magnum-v1 section 2.1),
    /// except floating addresses, which not every infrastructure has.
    #[must_use]
    pub fn new(engine: EngineKind, image_id: &str, project_id: &str, user_id: &str, now: Timestamp) -> Self {
        Self {
            uuid: Uuid::new_v4(),
            project_id: project_id.to_owned(),
            user_id: user_id.to_owned(),
            name: None,
            engine,
            image_id: image_id.to_owned(),
            flavor_id: None,
            master_flavor_id: None,
            keypair_id: None,
            external_network_id: None,
            fixed_network: None,
            fixed_subnet: None,
            dns_nameserver: None,
            network_driver: None,
            volume_driver: None,
            docker_volume_size: None,
            docker_storage_driver: None,
            apiserver_port: None,
            cluster_distro: None,
            http_proxy: None,
            https_proxy: None,
            no_proxy: None,
            insecure_registry: None,
            labels: Labels::new(),
            registry_enabled: false,
            tls_disabled: false,
            public: false,
            hidden: false,
            master_lb_enabled: false,
            floating_ip_enabled: false,
            server_type: "vm".to_owned(),
            tags: None,
            driver: None,
            created_at: now,
            updated_at: None,
        }
    }
}
