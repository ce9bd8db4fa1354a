//! Secrets: certificates with their private keys, and join tokens. Keys are sealed with the deployment's key before
//! they are written to the database; owner and name are authenticated with them, so that a row cannot be passed off as
//! another.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, Order, QueryFilter, QueryOrder, QuerySelect};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::cluster::bump;
use crate::entity::secret;
use crate::error::{Doing, classify, is_duplicate};
use crate::{ClusterId, Event, Owner, Result, Store, StoreError, codec};

/// A secret: a certificate, a key, or both.
#[derive(Debug, Clone)]
pub struct Secret {
    /// PEM; not confidential.
    pub certificate: Option<String>,
    /// PEM of a private key, or a token.
    pub key: Option<SecretString>,
    /// When it was created or recreated.
    pub created_at: Timestamp,
}

/// Whether the deployment's key opens the secrets in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyFit {
    /// Nothing is sealed: any key is accepted.
    NothingSealed,
    /// It opens the sealed secrets.
    Fits,
    /// Something is sealed with another key.
    Foreign,
}

/// Names of a cluster's secrets, without their content.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecretNames {
    /// Their names.
    pub names: BTreeSet<String>,
    /// [`generation`] of its authorities.
    pub generation: u64,
}

/// A new certificate authority that replaces an existing one.
#[derive(Debug)]
pub struct NewAuthority {
    /// Name of the secret.
    pub name: &'static str,
    /// Certificate, PEM.
    pub certificate: String,
    /// Private key, PEM.
    pub key: SecretString,
}

/// The generation of these authorities: grows when they are rotated. 0 while there are none.
#[must_use]
pub fn generation(secrets: &BTreeMap<String, Secret>) -> u64 {
    let made = secrets.get(MAIN_AUTHORITY).map(|authority| codec::micros(authority.created_at));
    made.and_then(|made| u64::try_from(made).ok()).unwrap_or_default()
}

impl From<&BTreeMap<String, Secret>> for SecretNames {
    fn from(secrets: &BTreeMap<String, Secret>) -> Self {
        Self { names: secrets.keys().cloned().collect(), generation: generation(secrets) }
    }
}

/// Name of every cluster's main authority. All authorities of a cluster are rotated together.
const MAIN_AUTHORITY: &str = "kubernetes";

impl Store {
    /// Stores a secret unless one with this name exists, and returns the stored one: concurrent callers all get the
    /// same secret.
    ///
    /// # Errors
    /// When sealing fails, or on a database error.
    pub async fn put_secret(
        &self,
        owner: impl Into<Owner>,
        name: &str,
        certificate: Option<&str>,
        key: Option<&SecretString>,
    ) -> Result<Secret> {
        let doing = "storing a secret";
        let of: Owner = owner.into();
        let owner = of.uuid();
        if let Some(there) = self.secret(of, name).await? {
            return Ok(there);
        }
        self.write(|transaction| async move {
            let kept = self.keep_secret(&transaction, owner, name, certificate, key).await;
            match kept {
                Ok(()) => {
                    self.commit(transaction, doing).await?;
                    self.publish(Event::cluster(owner));
                }
                // With concurrent writers (PostgreSQL, MySQL) somebody may have been faster; use theirs.
                Err(StoreError::Conflict(_)) => transaction.rollback().await.doing(doing)?,
                Err(error) => return Err(error),
            }
            self.secret(of, name).await?.ok_or_else(|| StoreError::not_found("secret", name))
        })
        .await
    }

    /// Inserts a secret unless it exists; an existing one stays as it is. [`StoreError::Conflict`] when somebody else
    /// inserts it concurrently.
    pub(crate) async fn keep_secret(
        &self,
        connection: &impl ConnectionTrait,
        owner: Uuid,
        name: &str,
        certificate: Option<&str>,
        key: Option<&SecretString>,
    ) -> Result<()> {
        if one(connection, owner, name).await?.is_some() {
            return Ok(());
        }
        let sealed = key.map(|key| self.seal(owner, name, key)).transpose()?;
        bump(connection, owner).await?;
        secret::Entity::insert(secret::ActiveModel {
            id: NotSet,
            owner_uuid: Set(owner.to_string()),
            name: Set(name.to_owned()),
            certificate: Set(certificate.map(ToOwned::to_owned)),
            sealed_key: Set(sealed),
            created_at: Set(codec::micros(Timestamp::now())),
        })
        .exec_without_returning(connection)
        .await
        .map(|_| ())
        .map_err(|error| {
            if is_duplicate(&error) {
                StoreError::Conflict(format!("The secret {name} was created concurrently."))
            } else {
                classify("storing a secret", &error)
            }
        })
    }

    /// Replaces the key of this secret; does nothing when it is the same. For keys that others recreate, such as the
    /// join tokens of a swarm that was initialized again.
    ///
    /// # Errors
    /// When sealing fails, or on a database error.
    pub async fn replace_key(&self, owner: impl Into<Owner>, name: &str, key: &SecretString) -> Result<()> {
        let doing = "replacing a secret";
        let of: Owner = owner.into();
        let owner = of.uuid();
        let kept = self.put_secret(of, name, None, Some(key)).await?;
        let given = key.expose_secret().as_bytes();
        if kept.key.is_some_and(|kept| kept.expose_secret().as_bytes().ct_eq(given).into()) {
            return Ok(());
        }
        let sealed = self.seal(owner, name, key)?;
        let sealed = &sealed;
        self.write(|transaction| async move {
            bump(&transaction, owner).await?;
            secret::Entity::update_many()
                .col_expr(secret::Column::SealedKey, Expr::value(sealed.clone()))
                .filter(secret::Column::OwnerUuid.eq(owner.to_string()))
                .filter(secret::Column::Name.eq(name))
                .exec(&transaction)
                .await
                .doing(doing)?;
            self.commit(transaction, doing).await?;
            self.publish(Event::cluster(owner));
            Ok(())
        })
        .await
    }

    /// The secret with this name.
    ///
    /// # Errors
    /// When it cannot be opened, or on a database error.
    pub async fn secret(&self, owner: impl Into<Owner>, name: &str) -> Result<Option<Secret>> {
        let owner = owner.into().uuid();
        one(self.reader(), owner, name).await?.map(|row| self.open(owner, row)).transpose()
    }

    /// All secrets of an owner by name.
    ///
    /// # Errors
    /// When one cannot be opened, or on a database error.
    pub async fn secrets(&self, owner: impl Into<Owner>) -> Result<BTreeMap<String, Secret>> {
        let owner = owner.into().uuid();
        secret::Entity::find()
            .filter(secret::Column::OwnerUuid.eq(owner.to_string()))
            .all(self.reader())
            .await
            .doing("reading secrets")?
            .into_iter()
            .map(|row| Ok((row.name.clone(), self.open(owner, row)?)))
            .collect()
    }

    /// [`generation`] of a cluster's authorities, without opening any.
    ///
    /// # Errors
    /// On a database error.
    pub async fn authorities_generation(&self, cluster: ClusterId) -> Result<u64> {
        let row = one(self.reader(), cluster.uuid(), MAIN_AUTHORITY).await?;
        Ok(row.and_then(|row| u64::try_from(row.created_at).ok()).unwrap_or_default())
    }

    /// Replaces a cluster's authorities, in a transaction that has locked the cluster.
    pub(crate) async fn replace_authorities(
        &self,
        connection: &impl ConnectionTrait,
        cluster: Uuid,
        authorities: &[NewAuthority],
        now: Timestamp,
    ) -> Result<()> {
        bump(connection, cluster).await?;
        for authority in authorities {
            let sealed = self.seal(cluster, authority.name, &authority.key)?;
            let replaced = secret::Entity::update_many()
                .col_expr(secret::Column::Certificate, Expr::value(authority.certificate.as_str()))
                .col_expr(secret::Column::SealedKey, Expr::value(sealed))
                .col_expr(secret::Column::CreatedAt, Expr::value(codec::micros(now)))
                .filter(secret::Column::OwnerUuid.eq(cluster.to_string()))
                .filter(secret::Column::Name.eq(authority.name))
                .exec(connection)
                .await
                .doing("replacing an authority")?;
            if replaced.rows_affected != 1 {
                return Err(StoreError::not_found("certificate authority", authority.name));
            }
        }
        Ok(())
    }

    /// Whether the key opens the secrets; tries the oldest and the newest sealed one.
    ///
    /// # Errors
    /// On a database error.
    pub async fn key_fit(&self) -> Result<KeyFit> {
        let mut fit = KeyFit::NothingSealed;
        for order in [Order::Asc, Order::Desc] {
            let row = secret::Entity::find()
                .filter(secret::Column::SealedKey.is_not_null())
                .order_by(secret::Column::Id, order)
                .one(self.reader())
                .await
                .doing("reading a secret")?;
            let Some((row, sealed)) = row.and_then(|mut row| row.sealed_key.take().map(|sealed| (row, sealed))) else {
                continue;
            };
            let purpose = format!("{}/{}", row.owner_uuid, row.name);
            if self.key().open(purpose.as_bytes(), &sealed).is_err() {
                return Ok(KeyFit::Foreign);
            }
            fit = KeyFit::Fits;
        }
        Ok(fit)
    }

    fn seal(&self, owner: Uuid, name: &str, key: &SecretString) -> Result<Vec<u8>> {
        self.key()
            .seal(purpose(owner, name).as_bytes(), key.expose_secret().as_bytes())
            .map_err(|error| StoreError::Database(format!("sealing secret {name} of {owner}: {error}")))
    }

    fn open(&self, owner: Uuid, row: secret::Model) -> Result<Secret> {
        let unreadable = |error: &dyn std::fmt::Display| {
            StoreError::Database(format!("opening secret {} of {owner}: {error}", row.name))
        };
        let key = match &row.sealed_key {
            None => None,
            Some(sealed) => {
                let plain = self
                    .key()
                    .open(purpose(owner, &row.name).as_bytes(), sealed)
                    .map_err(|error| unreadable(&error))?;
                let text = std::str::from_utf8(&plain).map_err(|error| unreadable(&error))?;
                Some(SecretString::from(text))
            }
        };
        Ok(Secret { certificate: row.certificate, key, created_at: codec::time(row.created_at)? })
    }
}

/// The data authenticated with the key: owner and name.
fn purpose(owner: Uuid, name: &str) -> String {
    format!("{owner}/{name}")
}

async fn one(connection: &impl ConnectionTrait, owner: Uuid, name: &str) -> Result<Option<secret::Model>> {
    secret::Entity::find()
        .filter(secret::Column::OwnerUuid.eq(owner.to_string()))
        .filter(secret::Column::Name.eq(name))
        .one(connection)
        .await
        .doing("reading a secret")
}

/// The names of an owner's secrets.
pub(crate) async fn names(connection: &impl ConnectionTrait, owner: Uuid) -> Result<SecretNames> {
    let rows: Vec<(String, i64)> = secret::Entity::find()
        .select_only()
        .columns([secret::Column::Name, secret::Column::CreatedAt])
        .filter(secret::Column::OwnerUuid.eq(owner.to_string()))
        .into_tuple()
        .all(connection)
        .await
        .doing("reading the names of secrets")?;
    let made = rows.iter().find(|(name, _)| name == MAIN_AUTHORITY).map(|(_, made)| *made);
    let generation = made.and_then(|made| u64::try_from(made).ok()).unwrap_or_default();
    Ok(SecretNames { names: rows.into_iter().map(|(name, _)| name).collect(), generation })
}

/// Deletes all secrets of an owner.
pub(crate) async fn delete(connection: &impl ConnectionTrait, owner: Uuid) -> Result<()> {
    secret::Entity::delete_many()
        .filter(secret::Column::OwnerUuid.eq(owner.to_string()))
        .exec(connection)
        .await
        .map(|_| ())
        .doing("deleting secrets")
}
