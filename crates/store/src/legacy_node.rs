//! Nodes of Magnum's 2015 API.

use jeroboam_model::LegacyNode;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, Select};
use uuid::Uuid;

use crate::entity::legacy_node;
use crate::error::{Doing, classify, is_duplicate};
use crate::rows::{self, Thing};
use crate::{Page, Result, Scope, Store, StoreError, codec};

const WHAT: &str = "node";

impl Store {
    /// Inserts a new node.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when its uuid or its machine is taken.
    pub async fn create_legacy_node(&self, new: &LegacyNode) -> Result<()> {
        self.write(|transaction| async move {
            let inserted = legacy_node::Entity::insert(new.row()?).exec_without_returning(&transaction).await;
            inserted.map_err(|error| new.refused("creating a node", &error))?;
            self.commit(transaction, "creating a node").await
        })
        .await
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
        rows::list(self.reader(), visible(scope), by, page).await
    }

    /// Changes a node: `change` gets the present one and returns the new one, or refuses with an error of its own type.
    /// The row is locked meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the machine is taken, [`StoreError::NotFound`], and the errors of `change`.
    pub async fn update_legacy_node<E: From<StoreError>>(
        &self,
        scope: &Scope,
        uuid: Uuid,
        change: impl Fn(LegacyNode) -> std::result::Result<LegacyNode, E> + Send + Sync,
    ) -> std::result::Result<LegacyNode, E> {
        self.change_thing(scope, uuid, change).await
    }

    /// Deletes a node.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn delete_legacy_node(&self, scope: &Scope, uuid: Uuid) -> Result<()> {
        self.remove_thing::<LegacyNode>(scope, uuid).await
    }
}

fn visible(scope: &Scope) -> Select<legacy_node::Entity> {
    legacy_node::Entity::find().filter(scope.condition(legacy_node::Column::ProjectId))
}

impl Thing for LegacyNode {
    type Entity = legacy_node::Entity;
    const WHAT: &'static str = WHAT;
    const ID: legacy_node::Column = legacy_node::Column::Id;
    const UUID: legacy_node::Column = legacy_node::Column::Uuid;
    const PROJECT: legacy_node::Column = legacy_node::Column::ProjectId;

    fn row(&self) -> Result<legacy_node::ActiveModel> {
        Ok(legacy_node::ActiveModel {
            id: NotSet,
            uuid: Set(self.uuid.to_string()),
            project_id: Set(self.project_id.clone()),
            user_id: Set(self.user_id.clone()),
            kind: Set(self.kind.clone()),
            image_id: Set(self.image_id.clone()),
            ironic_node_id: Set(self.ironic_node_id.clone()),
            created_at: Set(codec::micros(self.created_at)),
            updated_at: Set(self.updated_at.map(codec::micros)),
        })
    }

    /// Ids of nodes and of their machines are unique.
    fn refused(&self, doing: &str, error: &DbErr) -> StoreError {
        if !is_duplicate(error) {
            return classify(doing, error);
        }
        let machine = self.ironic_node_id.as_deref().unwrap_or("-");
        StoreError::Conflict(format!("There is a node with uuid {} or ironic_node_id {machine} already.", self.uuid))
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
