//! Rows of the tables. Conversions to the types of the model are beside the queries.
//!
//! Every table has an internal `id`, which gives the order of creation, and the public `uuid` of the resource if it has
//! one.
#![allow(unreachable_pub, reason = "the derives make public items, and the module is private")]

use sea_orm::JsonValue;
use serde::{Deserialize, Deserializer, de};

pub(crate) mod cluster;
pub(crate) mod cluster_template;
pub(crate) mod counter;
pub(crate) mod deployment;
pub(crate) mod enrolment_token;
pub(crate) mod federation;
pub(crate) mod idempotency_key;
pub(crate) mod instance;
pub(crate) mod issued_certificate;
pub(crate) mod legacy_node;
pub(crate) mod mservice;
pub(crate) mod node;
pub(crate) mod node_group;
pub(crate) mod notification;
pub(crate) mod operation;
pub(crate) mod project;
pub(crate) mod quota;
pub(crate) mod secret;
pub(crate) mod step;

/// JSON as SQLite stores it: as text.
fn json_text<'de, D: Deserializer<'de>>(row: D) -> Result<JsonValue, D::Error> {
    serde_json::from_str(&String::deserialize(row)?).map_err(de::Error::custom)
}

/// The same, for a column that may be NULL.
fn optional_json_text<'de, D: Deserializer<'de>>(row: D) -> Result<Option<JsonValue>, D::Error> {
    let text = Option::<String>::deserialize(row)?;
    text.map(|text| serde_json::from_str(&text).map_err(de::Error::custom)).transpose()
}
