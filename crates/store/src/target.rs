//! What nodes are to be.

use jeroboam_model::{NodeGroup, Target};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseConnection, EntityTrait, JsonValue, QueryFilter, QuerySelect,
    TransactionTrait,
};

use crate::entity::{cluster as cluster_entity, node};
use crate::error::Doing;
use crate::{Result, cluster, cluster_template, codec, node_group};

/// A target as it is kept.
pub(crate) fn row(target: &Target) -> Result<JsonValue> {
    codec::json("a target", target)
}

/// What new nodes of a group are to be as things stand now.
pub(crate) async fn now(
    connection: &impl ConnectionTrait,
    cluster: &cluster_entity::Model,
    group: &NodeGroup,
) -> Result<JsonValue> {
    let template = cluster_template::one(connection, codec::uuid(&cluster.template_uuid)?).await?.try_into()?;
    row(&Target::of(&cluster.clone().try_into()?, &template, group))
}

/// Gives nodes that were there before targets were kept the one that they were told until now.
pub(crate) async fn fill(connection: &DatabaseConnection) -> Result<()> {
    let doing = "writing down what nodes are to be";
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
