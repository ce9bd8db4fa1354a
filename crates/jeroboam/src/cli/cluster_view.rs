//! How a cluster is printed.

use jeroboam_types::v1::Cluster;
use serde::Serialize;

use super::Context;
use super::failure::Failure;
use super::output::{Shown, map, or_dash, time};
use super::style::status;

/// A cluster with the name of its template, for lists.
#[derive(Serialize)]
pub(crate) struct ClusterView {
    #[serde(flatten)]
    pub(crate) cluster: Cluster,
    #[serde(skip)]
    pub(crate) template: String,
    /// The Kubernetes version that was chosen at creation; only shown for a single cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) engine_version: Option<String>,
}

impl Shown for ClusterView {
    const COLUMNS: &'static [&'static str] = &["UUID", "NAME", "TEMPLATE", "MASTERS", "NODES", "STATUS", "HEALTH"];
    const SPARE: &'static [&'static str] = &["MASTERS", "TEMPLATE", "NODES"];

    fn row(&self) -> Vec<String> {
        let cluster = &self.cluster;
        vec![
            cluster.uuid.clone(),
            or_dash(cluster.name.as_deref()),
            self.template.clone(),
            cluster.master_count.to_string(),
            cluster.node_count.to_string(),
            status(&cluster.status),
            status(&or_dash(cluster.health_status.as_deref())),
        ]
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        let cluster = &self.cluster;
        let addresses = |list: &Option<Vec<String>>| or_dash(list.as_ref().map(|list| list.join(", ")).as_deref());
        let mut details = vec![
            ("uuid", cluster.uuid.clone()),
            ("name", or_dash(cluster.name.as_deref())),
            ("status", status(&cluster.status)),
            ("status_reason", or_dash(cluster.status_reason.as_deref())),
            ("health_status", status(&or_dash(cluster.health_status.as_deref()))),
        ];
        if let Some(reasons) = cluster.health_status_reason.as_ref().filter(|reasons| !reasons.is_empty()) {
            details.push(("health_status_reason", map(reasons)));
        }
        details.extend([("template", self.template.clone()), ("api_address", or_dash(cluster.api_address.as_deref()))]);
        // Kubernetes only; the engine itself reports its version once it runs.
        details.extend(self.engine_version.clone().map(|version| ("engine_version", version)));
        details.extend([
            ("coe_version", or_dash(cluster.coe_version.as_deref())),
            ("container_version", or_dash(cluster.container_version.as_deref())),
            ("master_count", cluster.master_count.to_string()),
            ("node_count", cluster.node_count.to_string()),
            ("master_addresses", addresses(&cluster.master_addresses)),
            ("node_addresses", addresses(&cluster.node_addresses)),
            ("labels", map(&cluster.labels)),
            (
                "create_timeout",
                cluster.create_timeout.map_or_else(|| "-".to_owned(), |minutes| format!("{minutes} min")),
            ),
            ("created_at", time(cluster.created_at.as_deref())),
            ("updated_at", time(cluster.updated_at.as_deref())),
        ]);
        details
    }

    fn name(&self) -> String {
        self.cluster.name.clone().unwrap_or_else(|| self.cluster.uuid.clone())
    }
}

/// Reads one cluster for printing.
pub(crate) async fn view(context: &Context, ident: &str) -> Result<ClusterView, Failure> {
    let cluster = context.client.cluster(ident).await?;
    // The template may be hidden from this user by now; then show its id.
    let template = match context.client.template(&cluster.cluster_template_id).await {
        Ok(template) => template.name.unwrap_or(template.uuid),
        Err(_) => cluster.cluster_template_id.clone(),
    };
    // A stock Magnum does not have this resource.
    let engine_version = context.client.topology(&cluster.uuid).await.ok().and_then(|topology| topology.engine_version);
    Ok(ClusterView { cluster, template, engine_version })
}

/// The version that a cluster runs, or its target version.
pub(crate) async fn engine_version(context: &Context, cluster: &Cluster) -> Option<String> {
    match &cluster.coe_version {
        Some(version) => Some(version.clone()),
        None => context.client.topology(&cluster.uuid).await.ok()?.engine_version,
    }
}
