//! Targets of nodes.

use jeroboam_model::{NodeGroup, Target};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseConnection, EntityTrait, JsonValue, QueryFilter, QuerySelect,
    TransactionTrait,
};

use crate::entity::{cluster as cluster_entity, node};
use crate::error::Doing;
use crate::{Result, cluster, cluster_template, codec, node_group};

/// A target as stored.
pub(crate) fn row(target: &Target) -> Result<JsonValue> {
    codec::json("a target", target)
}

/// The target of new nodes of a group.
pub(crate) async fn now(
    connection: &impl ConnectionTrait,
    cluster: &cluster_entity::Model,
    group: &NodeGroup,
) -> Result<JsonValue> {
    let template = cluster_template::one(connection, codec::uuid(&cluster.template_uuid)?).await?.try_into()?;
    row(&Target::of(&cluster.clone().try_into()?, &template, group))
}

/// Sets the target of nodes from releases that did not store it, computed as those releases did.
pub(crate) async fn fill(connection: &DatabaseConnection) -> Result<()> {
    let doing = "storing the targets of nodes";
    let transaction = connection.begin().await.doing(doing)?;
    let clusters: Vec<String> = node::Entity::find()
        .select_only()
        .column(node::Column::ClusterUuid)
        .distinct()
        .filter(node::Column::Target.is_null())
        .into_tuple()
        .all(&transaction)
        .await
        .doing(doing)?;
    for uuid in clusters {
        let found = cluster::one(&transaction, codec::uuid(&uuid)?).await?;
        for group in node_group::of_clusters(&transaction, vec![uuid]).await? {
            let group: NodeGroup = group.try_into()?;
            node::Entity::update_many()
                .col_expr(node::Column::Target, Expr::value(now(&transaction, &found, &group).await?))
                .filter(node::Column::NodeGroupUuid.eq(group.uuid.to_string()))
                .filter(node::Column::Target.is_null())
                .exec(&transaction)
                .await
                .doing(doing)?;
        }
    }
    transaction.commit().await.doing(doing)
}
