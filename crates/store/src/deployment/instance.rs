//! The servers that were ever started at this database.

use jiff::Timestamp;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use crate::entity::instance;
use crate::error::Doing;
use crate::{Result, Store, StoreError, codec};

/// A server that was started at this database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Its id; another one for every start.
    pub uuid: Uuid,
    /// The machine that it ran on.
    pub host: String,
    /// When it was started.
    pub started_at: Timestamp,
}

impl Store {
    /// All servers that were started at this database, newest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn instances(&self) -> Result<Vec<Instance>> {
        instance::Entity::find()
            .order_by_desc(instance::Column::Id)
            .all(self.reader())
            .await
            .doing("listing servers")?
            .into_iter()
            .map(TryInto::try_into)
            .collect()
    }

    /// Whether a server was started at this database.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn knows_instance(&self, uuid: Uuid) -> Result<bool> {
        let known = instance::Entity::find()
            .filter(instance::Column::Uuid.eq(uuid.to_string()))
            .one(self.reader())
            .await
            .doing("looking for a server")?;
        Ok(known.is_some())
    }
}

/// Keeps a server; one that is known stays as it is.
pub(super) async fn insert(connection: &impl ConnectionTrait, uuid: Uuid, host: &str, now: Timestamp) -> Result<()> {
    instance::Entity::insert(instance::ActiveModel {
        id: NotSet,
        uuid: Set(uuid.to_string()),
        host: Set(host.to_owned()),
        started_at: Set(codec::micros(now)),
    })
    // Nothing changes; "do nothing" is not portable.
    .on_conflict(OnConflict::column(instance::Column::Uuid).update_column(instance::Column::Uuid).to_owned())
    .exec_without_returning(connection)
    .await
    .map(|_| ())
    .doing("writing down a server")
}

impl TryFrom<instance::Model> for Instance {
    type Error = StoreError;

    fn try_from(row: instance::Model) -> Result<Self> {
        Ok(Self { uuid: codec::uuid(&row.uuid)?, host: row.host, started_at: codec::time(row.started_at)? })
    }
}
