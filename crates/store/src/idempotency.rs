//! Requests that carry an `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): the same request sent twice
//! makes one thing.
//!
//! The key is written in the transaction that makes the thing. So there is no instant at which one is there without
//! the other: who finds the key finds the thing, also when the process died before it answered or two such requests
//! came at once. What was answered is added after that.
//!
//! Like a [precondition](crate::precondition) the key travels beside the call, so that no write can forget it.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::entity::idempotency_key;
use crate::error::{Doing, classify, is_duplicate};
use crate::{Result, Store, StoreError, codec};

/// How long a key is known: clients try again within minutes, and who sends one a day later means something new.
pub const KEY_LIFETIME: SignedDuration = SignedDuration::from_hours(24);

/// Largest answer that is kept, in bytes; ours have some hundred. Sealed it must fit a BLOB of MySQL (65,535 bytes).
pub const MAX_ANSWER: usize = 60_000;

tokio::task_local! {
    static KEY: Arc<IdempotencyKey>;
}

/// A key as one request brings it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    digest: String,
    fingerprint: String,
    request_id: String,
}

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KnownKey {
    /// It came with a request for something else.
    OtherRequest,
    /// This is what was answered.
    Answered(Vec<u8>),
    /// Nothing was answered (yet).
    Unanswered {
        /// What was made, if it was something that is kept here.
        resource: Option<Uuid>,
    },
}

impl IdempotencyKey {
    /// A key that the request `request_id` brings. `owner` says whose key it is and for what route; `asked` says what
    /// the request asks for: the same key with other words is refused.
    #[must_use]
    pub fn new(owner: &[&str], asked: &[&[u8]], request_id: &str) -> Self {
        let owner: Vec<&[u8]> = owner.iter().map(|part| part.as_bytes()).collect();
        Self { digest: digest(&owner), fingerprint: digest(asked), request_id: request_id.to_owned() }
    }

    /// Does some work whose first write also takes the key. If somebody else has taken it, that write fails with
    /// [`StoreError::KeyTaken`] and nothing is written.
    pub async fn around<F: Future>(self, work: F) -> F::Output {
        KEY.scope(Arc::new(self), work).await
    }
}

/// SHA-256 of the parts in hex. Lengths go in too, so that nothing can move from one part to the next.
fn digest(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.len().to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Store {
    /// What is known of a key; `None` when it is new or so old that it counts for nothing.
    ///
    /// # Errors
    /// When the answer cannot be opened or the database refuses.
    pub async fn known_key(&self, key: &IdempotencyKey) -> Result<Option<KnownKey>> {
        let Some(row) = one(self.reader(), key).await? else { return Ok(None) };
        if row.created_at < oldest(Timestamp::now()) {
            return Ok(None);
        }
        if row.fingerprint != key.fingerprint {
            return Ok(Some(KnownKey::OtherRequest));
        }
        Ok(Some(match row.sealed_answer {
            None => KnownKey::Unanswered { resource: row.resource.as_deref().map(codec::uuid).transpose()? },
            Some(sealed) => {
                let opened = self.key().open(key.digest.as_bytes(), &sealed);
                let unreadable = |error| StoreError::Database(format!("opening a kept answer: {error}"));
                KnownKey::Answered(opened.map_err(unreadable)?.to_vec())
            }
        }))
    }

    /// Takes a key before the work begins, for work that changes something elsewhere.
    ///
    /// # Errors
    /// [`StoreError::KeyTaken`].
    pub async fn take_key(&self, key: &IdempotencyKey) -> Result<()> {
        let transaction = self.begin().await?;
        take(&transaction, key).await?;
        self.commit(transaction, "keeping an idempotency key").await
    }

    /// Keeps what was answered to the request that took the key. Answers above [`MAX_ANSWER`] are not kept.
    ///
    /// # Errors
    /// When the answer cannot be sealed or the database refuses.
    pub async fn keep_answer(&self, key: &IdempotencyKey, answer: &[u8]) -> Result<()> {
        if answer.len() > MAX_ANSWER {
            return Ok(());
        }
        let unsealed = |error| StoreError::Database(format!("sealing an answer: {error}"));
        let sealed = self.key().seal(key.digest.as_bytes(), answer).map_err(unsealed)?;
        let transaction = self.begin().await?;
        idempotency_key::Entity::update_many()
            .col_expr(idempotency_key::Column::SealedAnswer, Expr::value(sealed))
            .filter(idempotency_key::Column::Digest.eq(key.digest.as_str()))
            .filter(idempotency_key::Column::RequestId.eq(key.request_id.as_str()))
            .exec(&transaction)
            .await
            .doing("keeping an answer")?;
        self.commit(transaction, "keeping an answer").await
    }

    /// Gives a key back that this request took, because nothing came of it.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn give_key_back(&self, key: &IdempotencyKey) -> Result<()> {
        let transaction = self.begin().await?;
        idempotency_key::Entity::delete_many()
            .filter(idempotency_key::Column::Digest.eq(key.digest.as_str()))
            .filter(idempotency_key::Column::RequestId.eq(key.request_id.as_str()))
            .exec(&transaction)
            .await
            .doing("giving an idempotency key back")?;
        self.commit(transaction, "giving an idempotency key back").await
    }

    /// Forgets keys that have lived for [`KEY_LIFETIME`], and says how many.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn sweep_keys(&self, now: Timestamp) -> Result<u64> {
        let transaction = self.begin().await?;
        let deleted = idempotency_key::Entity::delete_many()
            .filter(idempotency_key::Column::CreatedAt.lt(oldest(now)))
            .exec(&transaction)
            .await
            .doing("forgetting idempotency keys")?;
        self.commit(transaction, "forgetting idempotency keys").await?;
        Ok(deleted.rows_affected)
    }
}

/// Takes the key of the current request, if it has one. To be called first in a transaction that writes.
pub(crate) async fn take_current(transaction: &impl ConnectionTrait) -> Result<()> {
    match KEY.try_with(Arc::clone) {
        Ok(key) => take(transaction, &key).await,
        Err(_) => Ok(()),
    }
}

/// Says what the current request makes, so that it is found again by the request's key. To be called in the
/// transaction that makes it.
pub(crate) async fn makes(transaction: &impl ConnectionTrait, resource: Uuid) -> Result<()> {
    let Ok(key) = KEY.try_with(Arc::clone) else { return Ok(()) };
    idempotency_key::Entity::update_many()
        .col_expr(idempotency_key::Column::Resource, Expr::value(resource.to_string()))
        .filter(idempotency_key::Column::Digest.eq(key.digest.as_str()))
        .exec(transaction)
        .await
        .map(|_| ())
        .doing("keeping what a request made")
}

/// Writes the key, if this request has not done so already.
async fn take(transaction: &impl ConnectionTrait, key: &IdempotencyKey) -> Result<()> {
    let now = Timestamp::now();
    idempotency_key::Entity::delete_many()
        .filter(idempotency_key::Column::Digest.eq(key.digest.as_str()))
        .filter(idempotency_key::Column::CreatedAt.lt(oldest(now)))
        .exec(transaction)
        .await
        .doing("forgetting an idempotency key")?;
    if let Some(there) = one(transaction, key).await? {
        return if there.request_id == key.request_id { Ok(()) } else { Err(StoreError::KeyTaken) };
    }
    let row = idempotency_key::ActiveModel {
        id: NotSet,
        digest: Set(key.digest.clone()),
        fingerprint: Set(key.fingerprint.clone()),
        request_id: Set(key.request_id.clone()),
        resource: Set(None),
        sealed_answer: Set(None),
        created_at: Set(codec::micros(now)),
    };
    let inserted = idempotency_key::Entity::insert(row).exec_without_returning(transaction).await;
    inserted.map(|_| ()).map_err(|error| {
        // Where two can write at once, somebody may have come in between.
        if is_duplicate(&error) { StoreError::KeyTaken } else { classify("keeping an idempotency key", &error) }
    })
}

async fn one(connection: &impl ConnectionTrait, key: &IdempotencyKey) -> Result<Option<idempotency_key::Model>> {
    idempotency_key::Entity::find()
        .filter(idempotency_key::Column::Digest.eq(key.digest.as_str()))
        .one(connection)
        .await
        .doing("reading an idempotency key")
}

/// Keys made before this, in microseconds, have lived long enough.
fn oldest(now: Timestamp) -> i64 {
    codec::micros(now.saturating_sub(KEY_LIFETIME).unwrap_or(Timestamp::MIN))
}
