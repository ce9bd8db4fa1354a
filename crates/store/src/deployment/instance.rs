//! The servers that were started with this database. A server that meets traces of one that is not recorded here takes
//! the database for an outdated one, so servers that may still be met stay recorded.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use crate::entity::instance;
use crate::error::Doing;
use crate::{Result, Store, StoreError, codec};

/// Minimum time for which a server stays recorded.
const KNOWN_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);
/// Number of the last starts on each machine that stay recorded as well.
const KNOWN_PER_HOST: usize = 50;
/// Most servers that one statement deletes.
const PIECE: usize = 500;

/// A server that was started with this database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Its id; a new one for every start.
    pub uuid: Uuid,
    /// The host that it ran on.
    pub host: String,
    /// When it was started.
    pub started_at: Timestamp,
}

impl Store {
    /// All servers that were started with this database, newest first.
    ///
    /// # Errors
    /// On a database error.
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

    /// Whether a server was started with this database.
    ///
    /// # Errors
    /// On a database error.
    pub async fn knows_instance(&self, uuid: Uuid) -> Result<bool> {
        let known = instance::Entity::find()
            .filter(instance::Column::Uuid.eq(uuid.to_string()))
            .one(self.reader())
            .await
            .doing("looking up a server")?;
        Ok(known.is_some())
    }

    /// Deletes servers that were started long ago and had many successors on their host. `marked` are servers that left
    /// resources at the infrastructure: they stay recorded.
    ///
    /// # Errors
    /// On a database error.
    pub async fn forget_instances(&self, marked: &[Uuid], now: Timestamp) -> Result<()> {
        let doing = "deleting old servers";
        let old = superseded(&self.instances().await?, marked, now);
        for piece in old.chunks(PIECE) {
            self.write_beside(|transaction| async move {
                instance::Entity::delete_many()
                    .filter(instance::Column::Uuid.is_in(piece.iter().map(Uuid::to_string)))
                    .exec(&transaction)
                    .await
                    .doing(doing)?;
                self.commit_beside(transaction, doing).await
            })
            .await?;
        }
        Ok(())
    }
}

/// The servers, of all newest first, that can be deleted.
fn superseded(all: &[Instance], marked: &[Uuid], now: Timestamp) -> Vec<Uuid> {
    let mut newer: HashMap<&str, usize> = HashMap::new();
    let superseded = all.iter().filter(|instance| {
        let newer = newer.entry(&instance.host).or_default();
        *newer += 1;
        let is_old = now.duration_since(instance.started_at) > KNOWN_FOR;
        is_old && *newer > KNOWN_PER_HOST && !marked.contains(&instance.uuid)
    });
    superseded.map(|instance| instance.uuid).collect()
}

/// Records a server; an existing record stays as it is.
pub(super) async fn insert(connection: &impl ConnectionTrait, uuid: Uuid, host: &str, now: Timestamp) -> Result<()> {
    instance::Entity::insert(instance::ActiveModel {
        id: NotSet,
        uuid: Set(uuid.to_string()),
        host: Set(host.to_owned()),
        started_at: Set(codec::micros(now)),
    })
    // A no-op update, as "do nothing" is not portable.
    .on_conflict(OnConflict::column(instance::Column::Uuid).update_column(instance::Column::Uuid).to_owned())
    .exec_without_returning(connection)
    .await
    .map(|_| ())
    .doing("recording a server")
}

impl TryFrom<instance::Model> for Instance {
    type Error = StoreError;

    fn try_from(row: instance::Model) -> Result<Self> {
        Ok(Self { uuid: codec::uuid(&row.uuid)?, host: row.host, started_at: codec::time(row.started_at)? })
    }
}
