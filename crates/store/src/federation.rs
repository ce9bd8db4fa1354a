//! Federations.

use jeroboam_model::Federation;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect, Select};
use uuid::Uuid;

use crate::entity::federation;
use crate::error::Doing;
use crate::rows::{self, Thing};
use crate::{Page, Result, Scope, Store, StoreError, codec};

const WHAT: &str = "federation";

impl Store {
    /// Inserts a new federation.
    ///
    /// # Errors
    /// On a database error.
    pub async fn create_federation(&self, new: &Federation) -> Result<()> {
        self.write(|transaction| async move {
            federation::Entity::insert(new.row()?)
                .exec_without_returning(&transaction)
                .await
                .doing("creating a federation")?;
            self.commit(transaction, "creating a federation").await
        })
        .await
    }

    /// The visible federation with this id, or else the one with this name.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] or [`StoreError::Ambiguous`] among those visible.
    pub async fn federation(&self, scope: &Scope, ident: &str) -> Result<Federation> {
        find(self.reader(), scope, ident).await
    }

    /// A page of the visible federations.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for the marker, [`StoreError::BadSortKey`].
    pub async fn federations(&self, scope: &Scope, page: &Page) -> Result<Vec<Federation>> {
        use federation::Column as C;
        let by = match page.sort_key.as_deref() {
            // Databases do not agree on an order of JSON values: sort by creation, which is stable.
            None | Some("" | "id" | "member_ids" | "properties") => None,
            Some("uuid") => Some(C::Uuid),
            Some("name") => Some(C::Name),
            Some("project_id") => Some(C::ProjectId),
            Some("hostcluster_id") => Some(C::HostCluster),
            Some("status") => Some(C::Status),
            Some("status_reason") => Some(C::StatusReason),
            Some("created_at") => Some(C::CreatedAt),
            Some("updated_at") => Some(C::UpdatedAt),
            Some(other) => return Err(StoreError::BadSortKey(other.to_owned())),
        };
        rows::list(self.reader(), visible(scope), by, page).await
    }

    /// Changes a federation: `change` gets the present one and returns the new one, or refuses with an error of its own
    /// type. The row is locked meanwhile.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and the errors of `change`.
    pub async fn update_federation<E: From<StoreError>>(
        &self,
        scope: &Scope,
        uuid: Uuid,
        change: impl Fn(Federation) -> std::result::Result<Federation, E> + Send + Sync,
    ) -> std::result::Result<Federation, E> {
        self.change_thing(scope, uuid, change).await
    }

    /// Deletes a federation. Its clusters stay.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn delete_federation(&self, scope: &Scope, uuid: Uuid) -> Result<()> {
        self.remove_thing::<Federation>(scope, uuid).await
    }
}

/// The visible federation with this id, or else the one with this name.
pub(crate) async fn find(connection: &impl ConnectionTrait, scope: &Scope, ident: &str) -> Result<Federation> {
    let doing = "looking up a federation";
    if let Ok(uuid) = Uuid::parse_str(ident) {
        let by_uuid = visible(scope).filter(federation::Column::Uuid.eq(uuid.to_string()));
        if let Some(row) = by_uuid.one(connection).await.doing(doing)? {
            return row.try_into();
        }
    }
    let by_name = visible(scope).filter(federation::Column::Name.eq(ident)).limit(2);
    let mut found = by_name.all(connection).await.doing(doing)?;
    if found.len() > 1 {
        return Err(StoreError::Ambiguous { what: WHAT, ident: ident.to_owned() });
    }
    found.pop().ok_or_else(|| StoreError::not_found(WHAT, ident))?.try_into()
}

fn visible(scope: &Scope) -> Select<federation::Entity> {
    federation::Entity::find().filter(scope.condition(federation::Column::ProjectId))
}

impl Thing for Federation {
    type Entity = federation::Entity;
    const WHAT: &'static str = WHAT;
    const ID: federation::Column = federation::Column::Id;
    const UUID: federation::Column = federation::Column::Uuid;
    const PROJECT: federation::Column = federation::Column::ProjectId;

    fn row(&self) -> Result<federation::ActiveModel> {
        Ok(federation::ActiveModel {
            id: NotSet,
            uuid: Set(self.uuid.to_string()),
            project_id: Set(self.project_id.clone()),
            user_id: Set(self.user_id.clone()),
            name: Set(self.name.clone()),
            host_cluster: Set(self.host_cluster.to_string()),
            members: Set(codec::json("members", &self.members)?),
            status: Set(self.status.to_string()),
            status_reason: Set(self.status_reason.clone()),
            properties: Set(codec::json("properties", &self.properties)?),
            created_at: Set(codec::micros(self.created_at)),
            updated_at: Set(self.updated_at.map(codec::micros)),
        })
    }
}

impl TryFrom<federation::Model> for Federation {
    type Error = StoreError;

    fn try_from(row: federation::Model) -> Result<Self> {
        Ok(Self {
            uuid: codec::uuid(&row.uuid)?,
            project_id: row.project_id,
            user_id: row.user_id,
            name: row.name,
            host_cluster: codec::uuid(&row.host_cluster)?,
            members: codec::from_json("members", row.members)?,
            status: codec::word("a status", &row.status)?,
            status_reason: row.status_reason,
            properties: codec::from_json("properties", row.properties)?,
            created_at: codec::time(row.created_at)?,
            updated_at: codec::maybe_time(row.updated_at)?,
        })
    }
}
