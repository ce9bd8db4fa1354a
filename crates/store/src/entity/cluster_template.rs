//! Cluster templates.
use sea_orm::entity::prelude::*;

/// A row of `cluster_templates`.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "cluster_templates")]
pub struct Model {
    #[sea_orm(primary_key)]
    /// Internal id, the order of creation; never exposed.
    pub id: i64,
    pub uuid: String,
    pub project_id: String,
    pub user_id: String,
    pub name: Option<String>,
    pub engine: String,
    pub image_id: String,
    pub flavor_id: Option<String>,
    pub master_flavor_id: Option<String>,
    pub keypair_id: Option<String>,
    pub external_network_id: Option<String>,
    pub fixed_network: Option<String>,
    pub fixed_subnet: Option<String>,
    pub dns_nameserver: Option<String>,
    pub network_driver: Option<String>,
    pub volume_driver: Option<String>,
    pub docker_volume_size: Option<i64>,
    pub docker_storage_driver: Option<String>,
    pub apiserver_port: Option<i64>,
    pub cluster_distro: Option<String>,
    pub http_proxy: Option<String>,
    pub https_proxy: Option<String>,
    pub no_proxy: Option<String>,
    pub insecure_registry: Option<String>,
    pub labels: Json,
    pub registry_enabled: bool,
    pub tls_disabled: bool,
    pub public: bool,
    pub hidden: bool,
    pub master_lb_enabled: bool,
    pub floating_ip_enabled: bool,
    pub server_type: String,
    pub tags: Option<String>,
    pub driver: Option<String>,
    pub created_at: i64,
    pub updated_at: Option<i64>,
}

/// No relations are declared: the few queries that need a join spell it out.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
