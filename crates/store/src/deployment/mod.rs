//! Identity of the deployment that this database belongs to, its progress number, and whether it is held.
//!
//! The number grows in the transaction of every start, and whenever an operation is requested, claimed or finished.
//! Resources at the infrastructure and messages to agents carry it. A resource or agent with a higher number, or of a
//! server that is not in `instances`, proves that this database is outdated or a copy. The deployment is then held: no
//! operation starts until the operator has chosen which database is authoritative.
//!
//! The deployment's row is the last one that a transaction locks.

mod instance;

use jeroboam_model::{Cause, CauseExt, Code};
use jeroboam_pki::voucher;
use jeroboam_types::v1::Evidence;
use jiff::Timestamp;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use crate::entity::{deployment, operation};
use crate::error::Doing;
use crate::{Event, Result, Store, StoreError, cluster, codec};

pub use instance::Instance;

/// Identity and state of the deployment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// Its id, with which its resources are marked.
    pub id: String,
    /// Its progress number.
    pub number: i64,
    /// Resources with at most this number may belong to a history that was abandoned when an older database was
    /// accepted; 0 when none was.
    pub accepted: i64,
    /// Why no operation starts; `None` when not held.
    pub hold: Option<Hold>,
}

/// Why nothing is created or deleted until the operator has chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Since when.
    pub since: Timestamp,
    /// What was found.
    pub evidence: Vec<Evidence>,
}

impl Hold {
    /// The cause and the operator's options, for responses and logs.
    #[must_use]
    pub fn cause(&self) -> Cause {
        held(&self.found())
    }

    /// The messages of the evidence, as one text.
    #[must_use]
    pub fn found(&self) -> String {
        self.evidence.iter().map(|evidence| evidence.message.as_str()).collect::<Vec<_>>().join(" ")
    }
}

/// The cause of everything that is refused while the deployment is held; `found` is the evidence as text.
#[must_use]
pub fn held(found: &str) -> Cause {
    Cause::operator(
        Code::DeploymentHeld,
        format!("Nothing is created or deleted until the operator has chosen the authoritative database: {found}"),
        "Run 'jeroboam deployment show'. Restore the newer database, or run 'jeroboam deployment accept' \
         (this database is authoritative) or 'jeroboam deployment new-id' (this copy becomes a separate deployment)",
    )
}

impl Store {
    /// Identity and state of the deployment.
    ///
    /// # Errors
    /// On a database error.
    pub async fn deployment(&self) -> Result<Deployment> {
        one(self.reader()).await?.try_into()
    }

    /// Records the start of a server with this database, and increases the number. A database that never had a server
    /// takes over `former`, the id that an earlier release kept outside of it.
    ///
    /// # Errors
    /// On a database error.
    pub async fn start_instance(&self, host: &str, former: Option<&str>) -> Result<(Deployment, Uuid)> {
        let doing = "recording the start of a server";
        let instance = Uuid::new_v4();
        self.write(|transaction| async move {
            instance::insert(&transaction, instance, host, Timestamp::now()).await?;
            let row = lock(&transaction, 1).await?;
            if let Some(former) = former.filter(|_| row.number == 1) {
                let changed = deployment::ActiveModel { uuid: Set(former.to_owned()), ..Default::default() };
                deployment::Entity::update_many().set(changed).exec(&transaction).await.doing(doing)?;
            }
            let started = one(&transaction).await?.try_into()?;
            self.commit(transaction, doing).await?;
            Ok((started, instance))
        })
        .await
    }

    /// Holds the deployment: no operation starts from now on, and conductors lose their operations. Evidence that is
    /// known already is not added again.
    ///
    /// # Errors
    /// On a database error.
    pub async fn hold(&self, evidence: &[Evidence]) -> Result<Hold> {
        let doing = "holding the deployment";
        self.write(|transaction| async move {
            operation::Entity::update_many()
                .set(operation::ActiveModel { owner: Set(None), lease_until: Set(None), ..Default::default() })
                .filter(operation::Column::Owner.is_not_null())
                .exec(&transaction)
                .await
                .doing(doing)?;
            let row = lock(&transaction, 0).await?;
            let before = Deployment::try_from(row)?.hold;
            let mut hold = before.unwrap_or_else(|| Hold { since: Timestamp::now(), evidence: Vec::new() });
            for new in evidence {
                let known = |old: &&mut Evidence| (old.kind, old.instance) == (new.kind, new.instance);
                match hold.evidence.iter_mut().find(known) {
                    // Keep the highest number: accepting the database must exceed it.
                    Some(old) if old.number > new.number => {}
                    Some(old) => *old = new.clone(),
                    None => hold.evidence.push(new.clone()),
                }
            }
            let changed = deployment::ActiveModel {
                held_since: Set(Some(codec::micros(hold.since))),
                evidence: Set(Some(codec::json("evidence", &hold.evidence)?)),
                ..Default::default()
            };
            deployment::Entity::update_many().set(changed).exec(&transaction).await.doing(doing)?;
            self.commit(transaction, doing).await?;
            Ok(hold)
        })
        .await
    }

    /// Accepts this database as the authoritative one: its number is raised above `highest`, and the servers in `dead`
    /// are recorded. Agents then replace what they were told since by the state of their clusters in this database.
    ///
    /// # Errors
    /// On a database error.
    pub async fn accept_deployment(&self, highest: i64, dead: &[(Uuid, String)]) -> Result<Deployment> {
        let doing = "accepting the database";
        let now = Timestamp::now();
        self.write(|transaction| async move {
            cluster::leap(&transaction).await?;
            for (instance, host) in dead {
                instance::insert(&transaction, *instance, host, now).await?;
            }
            let row = lock(&transaction, 1).await?;
            let seen = Deployment::try_from(row.clone())?.hold.into_iter().flat_map(|hold| hold.evidence);
            let highest = seen.filter_map(|evidence| evidence.number).chain([highest, row.number]).max();
            let highest = highest.unwrap_or(row.number);
            let accepted =
                deployment::ActiveModel { number: Set(highest.saturating_add(1)), accepted: Set(highest), ..free() };
            self.settle(transaction, accepted, doing).await
        })
        .await
    }

    /// Makes this copy a separate deployment with an `id` of its own. Resources marked with the old id no longer belong
    /// to it.
    ///
    /// # Errors
    /// On a database error.
    pub async fn rename_deployment(&self, id: &str) -> Result<Deployment> {
        self.write(|transaction| async move {
            lock(&transaction, 1).await?;
            let renamed = deployment::ActiveModel { uuid: Set(id.to_owned()), ..free() };
            self.settle(transaction, renamed, "giving the deployment a new id").await
        })
        .await
    }

    /// Writes the operator's choice, and wakes up the conductors.
    async fn settle(
        &self,
        transaction: sea_orm::DatabaseTransaction,
        changed: deployment::ActiveModel,
        doing: &str,
    ) -> Result<Deployment> {
        deployment::Entity::update_many().set(changed).exec(&transaction).await.doing(doing)?;
        let settled = one(&transaction).await?.try_into()?;
        self.commit(transaction, doing).await?;
        self.publish(Event::cluster(Uuid::nil()));
        Ok(settled)
    }

    /// A voucher, which agents keep: it proves to a server of this deployment that `number` was reached. Agents cannot
    /// forge one.
    ///
    /// # Errors
    /// When it cannot be sealed.
    pub fn voucher(&self, deployment: &str, number: i64) -> Result<String> {
        voucher::issue(self.key(), deployment, number)
            .map_err(|error| StoreError::Database(format!("creating a voucher: {error}")))
    }

    /// The number that a voucher proves; `None` if it is not a voucher of this deployment.
    #[must_use]
    pub fn vouched(&self, deployment: &str, text: &str) -> Option<i64> {
        voucher::read(self.key(), deployment, text)
    }
}

/// Increases the number, unless the deployment is held. Locks the row until the end of the transaction.
///
/// # Errors
/// [`StoreError::Held`].
pub(crate) async fn rise(connection: &impl ConnectionTrait) -> Result<()> {
    let row = lock(connection, 1).await?;
    match Deployment::try_from(row)?.hold {
        Some(hold) => Err(StoreError::Held { found: hold.found() }),
        None => Ok(()),
    }
}

/// Increases the number, which locks the row in every database, and reads the row.
async fn lock(connection: &impl ConnectionTrait, by: i64) -> Result<deployment::Model> {
    deployment::Entity::update_many()
        .col_expr(deployment::Column::Number, Expr::col(deployment::Column::Number).add(by))
        .exec(connection)
        .await
        .doing("increasing the deployment's number")?;
    one(connection).await
}

async fn one(connection: &impl ConnectionTrait) -> Result<deployment::Model> {
    deployment::Entity::find()
        .one(connection)
        .await
        .doing("reading the deployment")?
        .ok_or_else(|| StoreError::Database("the deployment's row is missing".to_owned()))
}

/// Clears the hold.
fn free() -> deployment::ActiveModel {
    deployment::ActiveModel { held_since: Set(None), evidence: Set(None), ..Default::default() }
}

impl TryFrom<deployment::Model> for Deployment {
    type Error = StoreError;

    fn try_from(row: deployment::Model) -> Result<Self> {
        let hold = match codec::maybe_time(row.held_since)? {
            None => None,
            Some(since) => {
                let evidence = codec::maybe_from_json("evidence", row.evidence)?.unwrap_or_default();
                Some(Hold { since, evidence })
            }
        };
        Ok(Self { id: row.uuid, number: row.number, accepted: row.accepted, hold })
    }
}
