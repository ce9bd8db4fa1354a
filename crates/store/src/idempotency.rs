//! Requests that carry an `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): the same request sent twice
//! creates one resource.
//!
//! The key is written in the transaction that creates the resource, so neither exists without the other: whoever finds
//! the key finds the resource, also when the process died before it answered or when two such requests arrived at once.
//! The response is added afterwards.
//!
//! Like a [precondition](crate::precondition) the key is passed in a task-local value, so that no write can bypass it.

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

/// How long a key is known: clients retry within minutes, and the same key a day later means a new request.
pub const KEY_LIFETIME: SignedDuration = SignedDuration::from_hours(24);

/// Largest response that is kept, in bytes; ours have some hundred. Sealed it must fit a BLOB of MySQL (65,535 bytes).
pub const MAX_ANSWER: usize = 60_000;

tokio::task_local! {
    static KEY: Arc<IdempotencyKey>;
}

/// The idempotency key of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    digest: String,
    fingerprint: String,
    request_id: String,
}

/// What is known about a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KnownKey {
    /// It was used for a different request.
    OtherRequest,
    /// The response that was sent.
    Answered(Vec<u8>),
    /// There is no response (yet).
    Unanswered {
        /// The resource that was created, if it is kept in this database.
        resource: Option<Uuid>,
    },
}

impl IdempotencyKey {
    /// The key of the request `request_id`. `owner` identifies the user and the route that the key belongs to; `asked`
    /// is the content of the request: the same key with other content is refused.
    #[must_use]
    pub fn new(owner: &[&str], asked: &[&[u8]], request_id: &str) -> Self {
        let owner: Vec<&[u8]> = owner.iter().map(|part| part.as_bytes()).collect();
        Self { digest: digest(&owner), fingerprint: digest(asked), request_id: request_id.to_owned() }
    }

    /// Runs `work`, whose first write also takes the key. If another request has taken it, that write fails with
    /// [`StoreError::KeyTaken`] and nothing is written.
    pub async fn around<F: Future>(self, work: F) -> F::Output {
        KEY.scope(Arc::new(self), work).await
    }
}

/// SHA-256 of the parts in hex. Lengths are hashed too, so that parts cannot be shifted into each other.
fn digest(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.len().to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Store {
    /// What is known about a key; `None` when it is new or has expired.
    ///
    /// # Errors
    /// When the response cannot be opened, or on a database error.
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
                let unreadable = |error| StoreError::Database(format!("opening a stored response: {error}"));
                KnownKey::Answered(opened.map_err(unreadable)?.to_vec())
            }
        }))
    }

    /// Takes a key before the work starts, for work that changes something outside of this database.
    ///
    /// # Errors
    /// [`StoreError::KeyTaken`].
    pub async fn take_key(&self, key: &IdempotencyKey) -> Result<()> {
        self.write(|transaction| async move {
            take(&transaction, key).await?;
            self.commit(transaction, "storing an idempotency key").await
        })
        .await
    }

    /// Stores the response to the request that took the key. Responses above [`MAX_ANSWER`] are not kept.
    ///
    /// # Errors
    /// When sealing fails, or on a database error.
    pub async fn keep_answer(&self, key: &IdempotencyKey, answer: &[u8]) -> Result<()> {
        if answer.len() > MAX_ANSWER {
            return Ok(());
        }
        let unsealed = |error| StoreError::Database(format!("sealing a response: {error}"));
        let sealed = self.key().seal(key.digest.as_bytes(), answer).map_err(unsealed)?;
        let sealed = &sealed;
        self.write(|transaction| async move {
            idempotency_key::Entity::update_many()
                .col_expr(idempotency_key::Column::SealedAnswer, Expr::value(sealed.clone()))
                .filter(idempotency_key::Column::Digest.eq(key.digest.as_str()))
                .filter(idempotency_key::Column::RequestId.eq(key.request_id.as_str()))
                .exec(&transaction)
                .await
                .doing("storing a response")?;
            self.commit(transaction, "storing a response").await
        })
        .await
    }

    /// Releases a key that this request took, because the request had no effect.
    ///
    /// # Errors
    /// On a database error.
    pub async fn give_key_back(&self, key: &IdempotencyKey) -> Result<()> {
        self.write(|transaction| async move {
            idempotency_key::Entity::delete_many()
                .filter(idempotency_key::Column::Digest.eq(key.digest.as_str()))
                .filter(idempotency_key::Column::RequestId.eq(key.request_id.as_str()))
                .exec(&transaction)
                .await
                .doing("releasing an idempotency key")?;
            self.commit(transaction, "releasing an idempotency key").await
        })
        .await
    }

    /// Deletes keys older than [`KEY_LIFETIME`], and returns how many.
    ///
    /// # Errors
    /// On a database error.
    pub async fn sweep_keys(&self, now: Timestamp) -> Result<u64> {
        self.write(|transaction| async move {
            let deleted = idempotency_key::Entity::delete_many()
                .filter(idempotency_key::Column::CreatedAt.lt(oldest(now)))
                .exec(&transaction)
                .await
                .doing("deleting idempotency keys")?;
            self.commit(transaction, "deleting idempotency keys").await?;
            Ok(deleted.rows_affected)
        })
        .await
    }
}

/// Takes the key of the current request, if it has one. Call it first in a transaction that writes.
pub(crate) async fn take_current(transaction: &impl ConnectionTrait) -> Result<()> {
    match KEY.try_with(Arc::clone) {
        Ok(key) => take(transaction, &key).await,
        Err(_) => Ok(()),
    }
}

/// Records the resource that the current request creates, so that the request's key finds it. Call it in the
/// transaction that creates the resource.
pub(crate) async fn makes(transaction: &impl ConnectionTrait, resource: Uuid) -> Result<()> {
    let Ok(key) = KEY.try_with(Arc::clone) else { return Ok(()) };
    idempotency_key::Entity::update_many()
        .col_expr(idempotency_key::Column::Resource, Expr::value(resource.to_string()))
        .filter(idempotency_key::Column::Digest.eq(key.digest.as_str()))
        .exec(transaction)
        .await
        .map(|_| ())
        .doing("recording what a request created")
}

/// Writes the key, unless this request has already done so.
async fn take(transaction: &impl ConnectionTrait, key: &IdempotencyKey) -> Result<()> {
    let now = Timestamp::now();
    idempotency_key::Entity::delete_many()
        .filter(idempotency_key::Column::Digest.eq(key.digest.as_str()))
        .filter(idempotency_key::Column::CreatedAt.lt(oldest(now)))
        .exec(transaction)
        .await
        .doing("deleting an idempotency key")?;
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
        // With concurrent writers (PostgreSQL, MySQL) another request may have taken it since the check.
        if is_duplicate(&error) { StoreError::KeyTaken } else { classify("storing an idempotency key", &error) }
    })
}

async fn one(connection: &impl ConnectionTrait, key: &IdempotencyKey) -> Result<Option<idempotency_key::Model>> {
    idempotency_key::Entity::find()
        .filter(idempotency_key::Column::Digest.eq(key.digest.as_str()))
        .one(connection)
        .await
        .doing("reading an idempotency key")
}

/// Keys created before this, in microseconds, have expired.
fn oldest(now: Timestamp) -> i64 {
    codec::micros(now.saturating_sub(KEY_LIFETIME).unwrap_or(Timestamp::MIN))
}
