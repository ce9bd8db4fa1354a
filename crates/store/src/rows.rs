//! Shared code for resources that consist of one row with a uuid: lists, and changes under a row lock.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, Select};
use uuid::Uuid;

use crate::error::{Doing, classify};
use crate::page::{Columns, cut};
use crate::{Page, Result, Scope, Store, StoreError};

/// A column of the table of a kind of resource.
type Column<T> = <<T as Thing>::Entity as EntityTrait>::Column;

/// A kind of resource, each of which is one row.
pub(crate) trait Thing:
    Sized + Send + TryFrom<<Self::Entity as EntityTrait>::Model, Error = StoreError>
{
    /// The table.
    type Entity: EntityTrait<Model: Send + Sync, Column: Send, ActiveModel: Send>;
    /// Name of the kind for error messages, for example `federation`.
    const WHAT: &'static str;
    /// Internal id, the order of creation.
    const ID: Column<Self>;
    /// Public id.
    const UUID: Column<Self>;
    /// The owning project.
    const PROJECT: Column<Self>;

    /// The resource as a row.
    ///
    /// # Errors
    /// When a part of it cannot be encoded.
    fn row(&self) -> Result<<Self::Entity as EntityTrait>::ActiveModel>;

    /// Maps an error of writing it.
    fn refused(&self, doing: &str, error: &DbErr) -> StoreError {
        classify(doing, error)
    }
}

/// A page of the visible resources, sorted by a column or by the order of creation.
pub(crate) async fn list<T: Thing>(
    connection: &impl ConnectionTrait,
    visible: Select<T::Entity>,
    by: Option<Column<T>>,
    page: &Page,
) -> Result<Vec<T>> {
    cut(connection, visible, Columns { id: T::ID, uuid: T::UUID, by }, page, T::WHAT)
        .await?
        .all(connection)
        .await
        .doing(&format!("listing {}s", T::WHAT))?
        .into_iter()
        .map(TryInto::try_into)
        .collect()
}

/// The visible resource, locked until the transaction ends.
pub(crate) async fn locked<T: Thing>(transaction: &impl ConnectionTrait, scope: &Scope, uuid: Uuid) -> Result<T> {
    // A no-op update locks the row in every database.
    T::Entity::update_many()
        .col_expr(T::UUID, Expr::col(T::UUID))
        .filter(T::UUID.eq(uuid.to_string()))
        .exec(transaction)
        .await
        .doing(&format!("locking a {}", T::WHAT))?;
    let visible = T::Entity::find().filter(scope.condition(T::PROJECT));
    let found = visible.filter(T::UUID.eq(uuid.to_string())).one(transaction).await;
    found.doing(&format!("reading a {}", T::WHAT))?.ok_or_else(|| StoreError::not_found(T::WHAT, uuid))?.try_into()
}

/// Overwrites the resource. Call it in the transaction in which it is [`locked`].
pub(crate) async fn replace<T: Thing>(transaction: &impl ConnectionTrait, uuid: Uuid, after: &T) -> Result<()> {
    let written = T::Entity::update_many().set(after.row()?).filter(T::UUID.eq(uuid.to_string())).exec(transaction);
    written.await.map(|_| ()).map_err(|error| after.refused(&format!("changing a {}", T::WHAT), &error))
}

impl Store {
    /// Changes a resource: `change` gets the present one and returns the new one, or refuses with an error of its own
    /// type. The row is locked meanwhile.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and the errors of `change`.
    pub(crate) async fn change_thing<T: Thing + Sync, E: From<StoreError>>(
        &self,
        scope: &Scope,
        uuid: Uuid,
        change: impl Fn(T) -> std::result::Result<T, E> + Send + Sync,
    ) -> std::result::Result<T, E> {
        let change = &change;
        self.write(|transaction| async move {
            let after = change(locked(&transaction, scope, uuid).await?)?;
            replace(&transaction, uuid, &after).await?;
            self.commit(transaction, &format!("changing a {}", T::WHAT)).await?;
            Ok(after)
        })
        .await
    }

    /// Deletes a resource.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub(crate) async fn remove_thing<T: Thing>(&self, scope: &Scope, uuid: Uuid) -> Result<()> {
        let doing = format!("deleting a {}", T::WHAT);
        let doing = &doing;
        self.write(|transaction| async move {
            let visible = T::Entity::delete_many().filter(scope.condition(T::PROJECT));
            let deleted = visible.filter(T::UUID.eq(uuid.to_string())).exec(&transaction).await;
            if deleted.doing(doing)?.rows_affected == 0 {
                return Err(StoreError::not_found(T::WHAT, uuid));
            }
            self.commit(transaction, doing).await
        })
        .await
    }
}
