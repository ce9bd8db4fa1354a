//! Which deployment this database is, how far it has come, and whether it is held.
//!
//! The number rises in the transaction of every start and whenever an operation is asked for, taken or ended; what is
//! made at the infrastructure and what agents are told carries it. Whatever is met with a higher number, or from a
//! server that is not among the `instances`, proves this database older than that, or a copy. Then it is held: nothing
//! begins any more until the operator has said which database counts.
//!
//! The row is the last that a transaction locks.

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

/// Which deployment this database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// Its id, which is the mark of what is made.
    pub id: String,
    /// How far it has come.
    pub number: i64,
    /// What has at most this number may come from a history that was given up when an older database was accepted; 0
    /// when none was.
    pub accepted: i64,
    /// Why nothing begins, if so.
    pub hold: Option<Hold>,
}

/// Why nothing is made or removed until the operator has chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Since when.
    pub since: Timestamp,
    /// What was found.
    pub evidence: Vec<Evidence>,
}

impl Hold {
    /// What is wrong and what the operator can do, for answers and logs.
    #[must_use]
    pub fn cause(&self) -> Cause {
        held(&self.found())
    }

    /// What was found, in sentences.
    #[must_use]
    pub fn found(&self) -> String {
        self.evidence.iter().map(|evidence| evidence.message.as_str()).collect::<Vec<_>>().join(" ")
    }
}

/// The cause of whatever is refused while the deployment is held, by what was found.
#[must_use]
pub fn held(found: &str) -> Cause {
    Cause::operator(
        Code::DeploymentHeld,
        format!("Nothing is made or removed until the operator has chosen which database counts: {found}"),
        "Look with 'jeroboam deployment show'. Bring back the newer database, or choose 'jeroboam deployment accept' \
         (this one counts) or 'jeroboam deployment new-id' (this is a copy that goes its own way)",
    )
}

impl Store {
    /// Which deployment this is, and how it stands.
    ///
    /// # Errors
    /// On a database error.
    pub async fn deployment(&self) -> Result<Deployment> {
        one(self.reader()).await?.try_into()
    }

    /// Begins the life of a server at this database: it is known from now on, and the number rises. A database that
    /// never had a server takes over `former`, the id that an earlier release kept beside it.
    ///
    /// # Errors
    /// On a database error.
    pub async fn start_instance(&self, host: &str, former: Option<&str>) -> Result<(Deployment, Uuid)> {
        let doing = "writing down the start of a server";
        let instance = Uuid::new_v4();
        let transaction = self.begin().await?;
        instance::insert(&transaction, instance, host, Timestamp::now()).await?;
        let row = lock(&transaction, 1).await?;
        if let Some(former) = former.filter(|_| row.number == 1) {
            let changed = deployment::ActiveModel { uuid: Set(former.to_owned()), ..Default::default() };
            deployment::Entity::update_many().set(changed).exec(&transaction).await.doing(doing)?;
        }
        let started = one(&transaction).await?.try_into()?;
        self.commit(transaction, doing).await?;
        Ok((started, instance))
    }

    /// Nothing begins from now on, and whoever is at an operation loses it. What is known already is not said again.
    ///
    /// # Errors
    /// On a database error.
    pub async fn hold(&self, evidence: &[Evidence]) -> Result<Hold> {
        let doing = "holding the deployment";
        let transaction = self.begin().await?;
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
                // The highest counts: what is accepted goes above it.
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
    }

    /// The operator says that this database counts: its number goes above `highest`, and the servers in `dead` are known
    /// from now on. Agents take what their clusters are here in the place of what they were told since.
    ///
    /// # Errors
    /// On a database error.
    pub async fn accept_deployment(&self, highest: i64, dead: &[(Uuid, String)]) -> Result<Deployment> {
        let doing = "accepting the database";
        let now = Timestamp::now();
        let transaction = self.begin().await?;
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
    }

    /// The operator says that this is a copy that goes its own way, under an `id` of its own. What carries the old one
    /// is not its own any more.
    ///
    /// # Errors
    /// On a database error.
    pub async fn rename_deployment(&self, id: &str) -> Result<Deployment> {
        let transaction = self.begin().await?;
        lock(&transaction, 1).await?;
        let renamed = deployment::ActiveModel { uuid: Set(id.to_owned()), ..free() };
        self.settle(transaction, renamed, "giving the deployment a new id").await
    }

    /// Writes down what the operator chose, and wakes up who waits for work.
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

    /// What proves to a server of this deployment that `number` was reached, for agents to keep: they cannot make one up.
    ///
    /// # Errors
    /// When it cannot be sealed.
    pub fn voucher(&self, deployment: &str, number: i64) -> Result<String> {
        voucher::issue(self.key(), deployment, number)
            .map_err(|error| StoreError::Database(format!("making a voucher: {error}")))
    }

    /// The number that a voucher of this deployment proves; `None` for one that is not.
    #[must_use]
    pub fn vouched(&self, deployment: &str, text: &str) -> Option<i64> {
        voucher::read(self.key(), deployment, text)
    }
}

/// One more, unless nothing may begin. Locks the row until the transaction's end.
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

/// Lets the number rise, which locks the row in every database, and reads it.
async fn lock(connection: &impl ConnectionTrait, by: i64) -> Result<deployment::Model> {
    deployment::Entity::update_many()
        .col_expr(deployment::Column::Number, Expr::col(deployment::Column::Number).add(by))
        .exec(connection)
        .await
        .doing("writing down how far the deployment has come")?;
    one(connection).await
}

async fn one(connection: &impl ConnectionTrait) -> Result<deployment::Model> {
    deployment::Entity::find()
        .one(connection)
        .await
        .doing("reading the deployment")?
        .ok_or_else(|| StoreError::Database("the deployment's row is gone".to_owned()))
}

/// No longer held.
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
