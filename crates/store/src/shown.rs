//! Clusters as clients read them, which is most of the work of a busy server: without agents' reports, which are long,
//! and without nodes where only their numbers are shown.

use std::collections::HashMap;

use jeroboam_model::{Cluster, Labels};
use rusqlite::Connection;
use uuid::Uuid;

use crate::cluster::{self, WHAT};
use crate::counter::{self, Counter};
use crate::entity::{cluster as cluster_entity, node as node_entity, node_group as group_entity};
use crate::error::Doing;
use crate::page::{Columns, cut};
use crate::{ClusterId, ClusterRecord, Page, Result, Scope, Store, StoreError, codec, node, node_group, quick};

/// `?1` is the cluster's id, `?2` the project or NULL.
const CLUSTER: &str = "SELECT * FROM clusters WHERE uuid = ?1 AND (?2 IS NULL OR project_id = ?2)";
/// `?1` is the cluster's id.
const GROUPS: &str = "SELECT * FROM node_groups WHERE cluster_uuid = ?1 ORDER BY id";
/// As [`GROUPS`]; without reports.
const NODES: &str =
    "SELECT id, uuid, cluster_uuid, node_group_uuid, name, number, role, slot, wanted, target, machine_id, address,
    NULL AS report, reported_at, silent_since, enrolled, joined_at, replace_machine, attempt, created_at FROM nodes
    WHERE cluster_uuid = ?1 ORDER BY id";
/// `?1` is the template's id.
const TEMPLATE_LABELS: &str = "SELECT labels FROM cluster_templates WHERE uuid = ?1";
/// `?1` is the counter's name.
const COUNTED: &str = "SELECT value FROM counters WHERE name = ?1";

/// A cluster's row, those of its groups and nodes, and its template's labels as text.
type Rows = (cluster_entity::Model, Vec<group_entity::Model>, Vec<node_entity::Model>, String);

impl Store {
    /// A number that grows with every change of any cluster template: a cached list of them that was read at this
    /// number or a later one is up to date.
    ///
    /// # Errors
    /// On a database error.
    pub async fn templates_revision(&self) -> Result<i64> {
        let name = Counter::ClusterTemplates.to_string();
        match self.quick().and_then(|quick| quick.read(|on| quick::rows(on, COUNTED, [&name]))) {
            Some(values) => Ok(values.first().copied().unwrap_or_default()),
            None => counter::get(self.reader(), Counter::ClusterTemplates).await,
        }
    }

    /// The cluster with this id or name, without its agents' reports, and the labels of its template.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] or [`StoreError::Ambiguous`] among those visible.
    pub async fn shown_cluster(&self, scope: &Scope, ident: &str) -> Result<(ClusterRecord, Labels)> {
        let project = match scope {
            Scope::Project(id) => Some(id.as_str()),
            Scope::All => None,
        };
        if let Ok(uuid) = Uuid::parse_str(ident)
            && let Some(quick) = self.quick()
            && let Some(Some(rows)) = quick.read(|on| rows(on, &uuid.to_string(), project))
        {
            let (found, groups, nodes, labels) = rows;
            let record =
                assemble(vec![found], groups, nodes)?.pop().ok_or_else(|| StoreError::not_found(WHAT, ident))?;
            return Ok((record, codec::from_text("labels", &labels)?));
        }
        // By name, or on another database than SQLite.
        let snapshot = self.snapshot().await?;
        let found = cluster::find(&snapshot, scope, ident).await?;
        let template = crate::cluster_template::one(&snapshot, codec::uuid(&found.template_uuid)?).await?;
        let uuids = vec![found.uuid.clone()];
        let groups = node_group::of_clusters(&snapshot, uuids.clone()).await?;
        let nodes = node::of_clusters_without_reports(&snapshot, uuids).await?;
        let record = assemble(vec![found], groups, nodes)?.pop().ok_or_else(|| StoreError::not_found(WHAT, ident))?;
        Ok((record, codec::from_json("labels", template.labels)?))
    }

    /// A page of the visible clusters without their agents' reports; without any nodes unless `with_nodes`. Two
    /// queries, one more with nodes, one more with a marker.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for the marker, [`StoreError::BadSortKey`].
    pub async fn shown_clusters(&self, scope: &Scope, page: &Page, with_nodes: bool) -> Result<Vec<ClusterRecord>> {
        let by = cluster::sort_column(page)?;
        let snapshot = self.snapshot().await?;
        let columns = Columns { id: cluster_entity::Column::Id, uuid: cluster_entity::Column::Uuid, by };
        let found = cut(&snapshot, cluster::visible(scope), columns, page, WHAT)
            .await?
            .all(&snapshot)
            .await
            .doing("listing clusters")?;
        let uuids: Vec<String> = found.iter().map(|row| row.uuid.clone()).collect();
        if uuids.is_empty() {
            return Ok(Vec::new());
        }
        let groups = node_group::of_clusters(&snapshot, uuids.clone()).await?;
        let nodes = if with_nodes { node::of_clusters_without_reports(&snapshot, uuids).await? } else { Vec::new() };
        assemble(found, groups, nodes)
    }
}

/// A cluster by its id; `None` when it is not visible.
fn rows(on: &Connection, uuid: &str, project: Option<&str>) -> quick::Outcome<Option<Rows>> {
    let Some(found) = quick::rows::<cluster_entity::Model>(on, CLUSTER, (uuid, project))?.pop() else {
        return Ok(None);
    };
    let groups = quick::rows(on, GROUPS, [uuid])?;
    let nodes = quick::rows(on, NODES, [uuid])?;
    let labels = on.prepare_cached(TEMPLATE_LABELS)?.query_row([&found.template_uuid], |row| row.get(0))?;
    Ok(Some((found, groups, nodes, labels)))
}

/// Clusters in the order of their rows, with their groups and nodes.
pub(crate) fn assemble(
    found: Vec<cluster_entity::Model>,
    all_groups: Vec<group_entity::Model>,
    all_nodes: Vec<node_entity::Model>,
) -> Result<Vec<ClusterRecord>> {
    let mut groups: HashMap<String, Vec<group_entity::Model>> = HashMap::new();
    for row in all_groups {
        groups.entry(row.cluster_uuid.clone()).or_default().push(row);
    }
    let mut nodes: HashMap<String, Vec<node_entity::Model>> = HashMap::new();
    for row in all_nodes {
        nodes.entry(row.cluster_uuid.clone()).or_default().push(row);
    }
    found
        .into_iter()
        .map(|row| {
            let groups = groups.remove(&row.uuid).unwrap_or_default();
            let nodes = nodes.remove(&row.uuid).unwrap_or_default();
            let cluster: Cluster = row.try_into()?;
            Ok(ClusterRecord {
                id: ClusterId::of(cluster.uuid),
                cluster,
                groups: groups.into_iter().map(TryInto::try_into).collect::<Result<_>>()?,
                nodes: nodes.into_iter().map(TryInto::try_into).collect::<Result<_>>()?,
            })
        })
        .collect()
}
