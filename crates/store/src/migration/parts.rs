//! Helpers for migrations, except columns.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{DbBackend, DbErr, RuntimeErr, Statement, sqlx};

/// Errors of MySQL that say that what a statement creates exists: a column, an index.
const EXIST: [u16; 2] = [1060, 1061];

/// Creates tables, each of which references only earlier ones, and then their indexes.
pub(super) async fn create(
    manager: &SchemaManager<'_>,
    tables: Vec<TableCreateStatement>,
    indexes: Vec<IndexCreateStatement>,
) -> Result<(), DbErr> {
    let collation = collation(manager).await?;
    for mut table in tables {
        if let Some(collation) = collation {
            table.engine("InnoDB").character_set("utf8mb4").collate(collation);
        }
        manager.create_table(table).await?;
    }
    for index in indexes {
        unless_exists(manager.create_index(index).await)?;
    }
    Ok(())
}

/// Adds a column.
pub(super) async fn add(manager: &SchemaManager<'_>, column: TableAlterStatement) -> Result<(), DbErr> {
    unless_exists(manager.alter_table(column).await)
}

/// The collation of tables in MySQL and MariaDB, whose default takes names that differ in case, accents or trailing
/// spaces for the same name. `None` for other databases, which compare bytes.
async fn collation(manager: &SchemaManager<'_>) -> Result<Option<&'static str>, DbErr> {
    if manager.get_database_backend() != DbBackend::MySql {
        return Ok(None);
    }
    let query = Statement::from_string(DbBackend::MySql, "SELECT VERSION() AS version");
    let row = manager.get_connection().query_one_raw(query).await?;
    let version: String =
        row.ok_or_else(|| DbErr::Custom("the server has no version".to_owned()))?.try_get("", "version")?;
    Ok(Some(if version.contains("MariaDB") { "utf8mb4_nopad_bin" } else { "utf8mb4_0900_bin" }))
}

/// MySQL and MariaDB cannot roll back a change of the schema: a migration that was interrupted starts again, and finds
/// a part of its columns and indexes there.
fn unless_exists(done: Result<(), DbErr>) -> Result<(), DbErr> {
    let Err(DbErr::Exec(RuntimeErr::SqlxError(inner))) = &done else { return done };
    let sqlx::Error::Database(error) = inner.as_ref() else { return done };
    let number =
        error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>().map(sqlx::mysql::MySqlDatabaseError::number);
    if number.is_some_and(|number| EXIST.contains(&number)) { Ok(()) } else { done }
}

/// An index; its name is derived from table and columns.
pub(super) fn index(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut statement = Index::create();
    statement.name(format!("ix_{table}_{}", columns.join("_"))).table(table);
    for column in columns {
        statement.col(*column);
    }
    statement
}

/// The same as a unique index.
pub(super) fn unique(table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    index(table, columns).unique().take()
}
