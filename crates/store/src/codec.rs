//! Conversion between columns and values. Portable on purpose: ids are text, times are microseconds UTC, enums are
//! words as text, and what has no columns of its own is JSON.

use std::str::FromStr;

use jiff::Timestamp;
use sea_orm::JsonValue;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::{Result, StoreError};

/// Most rows in one `INSERT`. SQLite allows 32,766 values per statement (sqlite.org/limits.html), MySQL and PostgreSQL
/// 65,535; our widest row that is inserted in bulk has 21 columns.
pub(crate) const ROWS_AT_ONCE: usize = 1000;

/// Microseconds since 1970, UTC.
pub(crate) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// A time from microseconds since 1970, UTC.
pub(crate) fn time(micros: i64) -> Result<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|error| nonsense("a time", &micros.to_string(), &error))
}

/// A time that may be missing.
pub(crate) fn maybe_time(micros: Option<i64>) -> Result<Option<Timestamp>> {
    micros.map(time).transpose()
}

/// An id.
pub(crate) fn uuid(text: &str) -> Result<Uuid> {
    Uuid::from_str(text).map_err(|error| nonsense("an id", text, &error))
}

/// An enum (status, kind, role ...) from its word.
pub(crate) fn word<T: FromStr<Err: std::fmt::Display>>(what: &str, text: &str) -> Result<T> {
    T::from_str(text).map_err(|error| nonsense(what, text, &error))
}

/// A small number: counts, ports, gigabytes.
pub(crate) fn number<T: TryFrom<i64, Error: std::fmt::Display>>(what: &str, number: i64) -> Result<T> {
    T::try_from(number).map_err(|error| nonsense(what, &number.to_string(), &error))
}

/// A value as JSON.
pub(crate) fn json<T: Serialize>(what: &str, value: &T) -> Result<JsonValue> {
    serde_json::to_value(value).map_err(|error| StoreError::Database(format!("writing {what}: {error}")))
}

/// A value from JSON.
pub(crate) fn from_json<T: DeserializeOwned>(what: &str, value: JsonValue) -> Result<T> {
    // The content is left out of the error: it may be long, and must not be logged.
    serde_json::from_value(value).map_err(|error| StoreError::Database(format!("reading {what}: {error}")))
}

/// A value from JSON text.
pub(crate) fn from_text<T: DeserializeOwned>(what: &str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| StoreError::Database(format!("reading {what}: {error}")))
}

/// A value from JSON that may be missing.
pub(crate) fn maybe_from_json<T: DeserializeOwned>(what: &str, value: Option<JsonValue>) -> Result<Option<T>> {
    value.map(|value| from_json(what, value)).transpose()
}

fn nonsense(what: &str, text: &str, error: &dyn std::fmt::Display) -> StoreError {
    StoreError::Database(format!("the database holds '{text}', which is not {what}: {error}"))
}
