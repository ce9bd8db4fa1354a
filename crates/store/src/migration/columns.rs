//! Column types that mean the same in SQLite, PostgreSQL and MariaDB/MySQL.

use sea_orm_migration::prelude::{ColumnDef, Table, TableCreateStatement};

/// Length of names, ids and other short texts. 1020 bytes with MySQL's four-byte characters: two of them still fit the
/// 3072 bytes of an index key.
const SHORT: u32 = 255;

/// Length of the words of an enum: a status, a kind, a role.
const WORD: u32 = 32;

/// A table with its internal id column.
pub(super) fn table(name: &'static str) -> TableCreateStatement {
    Table::create()
        .table(name)
        .if_not_exists()
        .col(ColumnDef::new("id").big_integer().not_null().auto_increment().primary_key())
        .take()
}

/// A UUID as text. Not `CHAR`: PostgreSQL does not use the index of such a column when it is compared with a text.
pub(super) fn uuid(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).string_len(36).not_null().take()
}

/// A name, or an id of another service.
pub(super) fn short(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).string_len(SHORT).not_null().take()
}

/// The same, nullable.
pub(super) fn maybe_short(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).string_len(SHORT).null().take()
}

/// A word of an enum.
pub(super) fn word(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).string_len(WORD).not_null().take()
}

/// The same, nullable.
pub(super) fn maybe_word(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).string_len(WORD).null().take()
}

/// Text of any length, nullable.
pub(super) fn maybe_text(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).text().null().take()
}

/// An integer; also a time in microseconds since 1970, UTC.
pub(super) fn number(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().not_null().take()
}

/// The same, nullable.
pub(super) fn maybe_number(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().null().take()
}

/// A boolean.
pub(super) fn flag(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).boolean().not_null().take()
}

/// JSON.
pub(super) fn json(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).json().not_null().take()
}

/// JSON, nullable.
pub(super) fn maybe_json(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).json().null().take()
}

/// Bytes, nullable.
pub(super) fn maybe_bytes(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).blob().null().take()
}
