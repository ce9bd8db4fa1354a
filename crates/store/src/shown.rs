//! Clusters as clients read them, most of what a busy server does: without what agents report, which is long, and
//! without nodes where only numbers are shown.

use std::collections::HashMap;

use jeroboam_model::Labels;
use sea_orm::{EntityTrait, FromQueryResult, ModelTrait, QueryResult};
use uuid::Uuid;

use crate::cluster::{self, WHAT};
use crate::counter::{self, Counter};
use crate::entity::{cluster as cluster_entity, node as node_entity, node_group as group_entity};
use crate::error::Doing;
use crate::page::{Columns, cut};
use crate::{ClusterRecord, Page, Result, Scope, Store, StoreError, codec, node, node_group};

/// A cluster by its id, its groups and nodes, and the labels of its template: `?1` is the id, `?2` the project or
/// nothing. One text for SQLite, which reads it in one go and of one state. The nodes' reports are left out.
const SHOWN: &str = "BEGIN;
    SELECT * FROM clusters WHERE uuid = ?1 AND (?2 IS NULL OR project_id = ?2);
    SELECT * FROM node_groups WHERE cluster_uuid = ?1 ORDER BY id;
    SELECT id, uuid, cluster_uuid, node_group_uuid, name, number, role, slot, wanted, machine_id, address,
        NULL AS report, reported_at, enrolled, created_at FROM nodes WHERE cluster_uuid = ?1 ORDER BY id;
    SELECT labels FROM cluster_templates WHERE uuid = (SELECT template_uuid FROM clusters WHERE uuid = ?1);
    COMMIT";

/// `?1` is the counter's name.
const COUNTED: &str = "SELECT value FROM counters WHERE name = ?1";

impl Store {
    /// A number that goes up with every change of any cluster template: who has a list of them made at this number or
    /// a later one has all that is there.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn templates_revision(&self) -> Result<i64> {
        let Some(quick) = self.quick() else {
            return counter::get(self.reader(), Counter::ClusterTemplates).await;
        };
        let lists = quick.read(COUNTED, &[Some(&Counter::ClusterTemplates.to_string())]).await?;
        let row = lists.first().and_then(|list| list.first());
        row.map_or(Ok(0), |row| row.try_get("", "value").doing("reading a counter"))
    }

    /// The cluster with this id or name, without what its agents report, and the labels of its template.
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
            && let Some(found) = from_lists(&quick.read(SHOWN, &[Some(&uuid.to_string()), project]).await?)?
        {
            return Ok(found);
        }
        // By name, or on another database.
        let snapshot = self.snapshot().await?;
        let found = cluster::find(&snapshot, scope, ident).await?;
        let template = crate::cluster_template::one(&snapshot, codec::uuid(&found.template_uuid)?).await?;
        let uuids = vec![found.uuid.clone()];
        let groups = node_group::of_clusters(&snapshot, uuids.clone()).await?;
        let nodes = node::of_clusters_without_reports(&snapshot, uuids).await?;
        let record = assemble(vec![found], groups, nodes)?.pop().ok_or_else(|| StoreError::not_found(WHAT, ident))?;
        Ok((record, codec::from_json("labels", template.labels)?))
    }

    /// A page of the visible clusters without what their agents report; without any nodes unless `with_nodes`. Two
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

/// What [`SHOWN`] gives; `None` when there is no such cluster.
fn from_lists(lists: &[Vec<QueryResult>]) -> Result<Option<(ClusterRecord, Labels)>> {
    let [_begin, clusters, groups, nodes, templates, _commit] = lists else {
        return Err(StoreError::Database("reading a cluster: the database gave another number of lists".to_owned()));
    };
    let Some(record) = assemble(rows(clusters)?, rows(groups)?, rows(nodes)?)?.pop() else { return Ok(None) };
    let template =
        templates.first().ok_or_else(|| StoreError::not_found("cluster template", record.cluster.template))?;
    let labels = template.try_get("", "labels").doing("reading the labels of a cluster template")?;
    Ok(Some((record, codec::from_json("labels", labels)?)))
}

fn rows<M: ModelTrait + FromQueryResult>(list: &[QueryResult]) -> Result<Vec<M>>
where
    M::Entity: EntityTrait,
{
    list.iter().map(|row| M::from_query_result(row, "").doing("reading a cluster")).collect()
}

/// Clusters in their order, with what belongs to them.
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
            Ok(ClusterRecord {
                cluster: row.try_into()?,
                groups: groups.into_iter().map(TryInto::try_into).collect::<Result<_>>()?,
                nodes: nodes.into_iter().map(TryInto::try_into).collect::<Result<_>>()?,
            })
        })
        .collect()
}
