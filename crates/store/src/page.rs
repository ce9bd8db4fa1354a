//! Scope of a query, and pages of lists (contract magnum-v1 section 4).

use sea_orm::sea_query::NullOrdering;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ModelTrait, Order, QueryFilter, QueryOrder, QuerySelect,
    Select,
};
use uuid::Uuid;

use crate::error::Doing;
use crate::{Result, StoreError};

/// Whose resources a query may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Those of one project (and the public ones of others).
    Project(String),
    /// Those of all projects: for administrators.
    All,
}

impl Scope {
    /// The condition that a row's project must fulfil.
    pub(crate) fn condition(&self, project: impl ColumnTrait) -> Condition {
        match self {
            Self::Project(id) => Condition::all().add(project.eq(id.as_str())),
            Self::All => Condition::all(),
        }
    }
}

/// What a page's marker is: a public id, or the internal one of resources that have no other.
pub trait Marker: std::fmt::Display {
    /// The value as stored in the column.
    fn value(&self) -> sea_orm::Value;
}

impl Marker for Uuid {
    fn value(&self) -> sea_orm::Value {
        self.to_string().into()
    }
}

/// For resources that have another unique key, for example a serial number.
impl Marker for String {
    fn value(&self) -> sea_orm::Value {
        self.as_str().into()
    }
}

impl Marker for i64 {
    fn value(&self) -> sea_orm::Value {
        (*self).into()
    }
}

/// Which part of a list to return, in which order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<M = Uuid> {
    /// Most items.
    pub limit: u64,
    /// Last item of the previous page. [`StoreError::NotFound`] if it is not visible.
    pub marker: Option<M>,
    /// Field to sort by, named as in the API. `None`: in order of creation.
    pub sort_key: Option<String>,
    /// In descending order.
    pub descending: bool,
}

impl Default for Page {
    /// The first 1000 in order of creation; 1000 is the limit of the API.
    fn default() -> Self {
        Self { limit: 1000, marker: None, sort_key: None, descending: false }
    }
}

/// Selects a page of the visible rows. Rows that are equal in `by` are ordered by their internal id. NULLs come last
/// (first in descending order); that is explicit because databases differ in it.
pub(crate) async fn cut<E: EntityTrait, M: Marker>(
    connection: &impl ConnectionTrait,
    visible: Select<E>,
    columns: Columns<E>,
    page: &Page<M>,
    what: &'static str,
) -> Result<Select<E>>
where
    E::Model: Sync,
{
    let Columns { id, uuid: named, by } = columns;
    let order = if page.descending { Order::Desc } else { Order::Asc };
    let mut select = visible.clone();
    if let Some(marker) = &page.marker {
        let last = visible
            .filter(named.eq(marker.value()))
            .one(connection)
            .await
            .doing("reading the page's marker")?
            .ok_or_else(|| StoreError::not_found(what, marker))?;
        let after_id = |column: E::Column, value: sea_orm::Value| {
            if page.descending { column.lt(value) } else { column.gt(value) }
        };
        let later = after_id(id, last.get(id));
        select = select.filter(match by {
            None => Condition::all().add(later),
            Some(by) => {
                let value = last.get(by);
                let is_null = value == value.as_null();
                match (is_null, page.descending) {
                    (true, false) => Condition::all().add(by.is_null()).add(later),
                    (true, true) => {
                        Condition::any().add(by.is_not_null()).add(Condition::all().add(by.is_null()).add(later))
                    }
                    (false, descending) => {
                        let next = Condition::any()
                            .add(after_id(by, value.clone()))
                            .add(Condition::all().add(by.eq(value)).add(later));
                        if descending { next } else { next.add(by.is_null()) }
                    }
                }
            }
        });
    }
    if let Some(by) = by {
        let nulls = if page.descending { NullOrdering::First } else { NullOrdering::Last };
        select = select.order_by_with_nulls(by, order.clone(), nulls);
    }
    Ok(select.order_by(id, order).limit(page.limit))
}

/// The columns that [`cut`] needs to know.
pub(crate) struct Columns<E: EntityTrait> {
    /// Internal id: order of creation.
    pub(crate) id: E::Column,
    /// The column that markers refer to.
    pub(crate) uuid: E::Column,
    /// Column to sort by; `None`: in order of creation.
    pub(crate) by: Option<E::Column>,
}
