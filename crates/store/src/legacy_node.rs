//! The nodes of the API of 2015.

use jeroboam_model::LegacyNode;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::ExprTrait;
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, Select};
use uuid::Uuid;

use crate::entity::legacy_node;
use crate::error::{Doing, classify, is_duplicate};
use crate::page::{Columns, cut};
use crate::{Page, Result, Scope, Store, StoreError, codec};

const WHAT: &str = "node";

impl Store {
    /// Keeps a new node.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when its uuid or its machine is taken.
    pub async fn create_legacy_node(&self, new: &LegacyNode) -> Result<()> {
        let transaction = self.begin().await?;
        let inserted = legacy_node::Entity::insert(row(new)).exec_without_returning(&transaction).await;
        inserted.map_err(|error| taken("creating a node", new, &error))?;
        transaction.commit().await.doing("creating a node")
    }

    /// The visible node with this id.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] among those visible.
    pub async fn legacy_node(&self, scope: &Scope, uuid: Uuid) -> Result<LegacyNode> {
        let found = visible(scope).filter(legacy_node::Column::Uuid.eq(uuid.to_string())).one(self.reader()).await;
        found.doing("reading a node")?.ok_or_else(|| StoreError::not_found(WHAT, uuid))?.try_into()
    }

    /// A page of the visible nodes.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for the marker, [`StoreError::BadSortKey`].
    pub async fn legacy_nodes(&self, scope: &Scope, page: &Page) -> Result<Vec<LegacyNode>> {
        use legacy_node::Column as C;
        let by = match page.sort_key.as_deref() {
            None | Some("" | "id") => None,
            Some("uuid") => Some(C::Uuid),
            Some("type") => Some(C::Kind),
            Some("image_id") => Some(C::ImageId),
            Some("ironic_node_id") => Some(C::IronicNodeId),
            Some("project_id") => Some(C::ProjectId),
            Some("user_id") => Some(C::UserId),
            Some("created_at") => Some(C::CreatedAt),
            Some("updated_at") => Some(C::UpdatedAt),
            Some(other) => return Err(StoreError::BadSortKey(other.to_owned())),
        };
        cut(self.reader(), visible(scope), Columns { id: C::Id, uuid: C::Uuid, by }, page, WHAT)
            .await?
            .all(self.reader())
            .await
            .doing("listing nodes")?
            .into_iter()
            .map(TryInto::try_into)
            .collect()
    }

    /// Replaces a node by its changed self. A machine is only given to a node that has none at that very moment.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the node has another machine already, or the machine is taken;
    /// [`StoreError::NotFound`].
    pub async fn update_legacy_node(&self, changed: &LegacyNode) -> Result<()> {
        let doing = "changing a node";
        let transaction = self.begin().await?;
        let mut update = legacy_node::Entity::update_many()
            .set(row(changed))
            .filter(legacy_node::Column::Uuid.eq(changed.uuid.to_string()));
        if let Some(machine) = &changed.ironic_node_id {
            let free = legacy_node::Column::IronicNodeId.is_null();
            update = update.filter(free.or(legacy_node::Column::IronicNodeId.eq(machine.as_str())));
        }
        let updated = update.exec(&transaction).await.map_err(|error| taken(doing, changed, &error))?;
        if updated.rows_affected == 0 {
            let by_uuid = legacy_node::Entity::find().filter(legacy_node::Column::Uuid.eq(changed.uuid.to_string()));
            return match by_uuid.one(&transaction).await.doing(doing)? {
                None => Err(StoreError::not_found(WHAT, changed.uuid)),
                Some(_) => Err(StoreError::Conflict(format!(
                    "Node {} is associated with a machine of Ironic already. Remove ironic_node_id first.",
                    changed.uuid
                ))),
            };
        }
        transaction.commit().await.doing(doing)
    }

    /// Takes a node away.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn delete_legacy_node(&self, uuid: Uuid) -> Result<()> {
        let transaction = self.begin().await?;
        let deleted = legacy_node::Entity::delete_many()
            .filter(legacy_node::Column::Uuid.eq(uuid.to_string()))
            .exec(&transaction)
            .await
            .doing("deleting a node")?;
        if deleted.rows_affected == 0 {
            return Err(StoreError::not_found(WHAT, uuid));
        }
        transaction.commit().await.doing("deleting a node")
    }
}

fn taken(doing: &str, node: &LegacyNode, error: &DbErr) -> StoreError {
    if !is_duplicate(error) {
        return classify(doing, error);
    }
    let machine = node.ironic_node_id.as_deref().unwrap_or("-");
    StoreError::Conflict(format!("There is a node with uuid {} or ironic_node_id {machine} already.", node.uuid))
}

fn visible(scope: &Scope) -> Select<legacy_node::Entity> {
    legacy_node::Entity::find().filter(scope.condition(legacy_node::Column::ProjectId))
}

fn row(new: &LegacyNode) -> legacy_node::ActiveModel {
    legacy_node::ActiveModel {
        id: NotSet,
        uuid: Set(new.uuid.to_string()),
        project_id: Set(new.project_id.clone()),
        user_id: Set(new.user_id.clone()),
        kind: Set(new.kind.clone()),
        image_id: Set(new.image_id.clone()),
        ironic_node_id: Set(new.ironic_node_id.clone()),
        created_at: Set(codec::micros(new.created_at)),
        updated_at: Set(new.updated_at.map(codec::micros)),
    }
}

impl TryFrom<legacy_node::Model> for LegacyNode {
    type Error = StoreError;

    fn try_from(row: legacy_node::Model) -> Result<Self> {
        Ok(Self {
            uuid: codec::uuid(&row.uuid)?,
            project_id: row.project_id,
            user_id: row.user_id,
            kind: row.kind,
            image_id: row.image_id,
            ironic_node_id: row.ironic_node_id,
            created_at: codec::time(row.created_at)?,
            updated_at: codec::maybe_time(row.updated_at)?,
        })
    }
}
