//! Which deployment this database is, how far it has come, and which of its servers are known: what tells an older
//! database and a copy from the original.

use sea_orm_migration::prelude::*;

use super::columns::{maybe_json, maybe_number, number, short, table, uuid};
use super::parts::{create, unique};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    #[allow(elided_lifetimes_in_paths, reason = "the trait leaves it out, and async-trait wants the same")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create(manager, tables(), indexes()).await?;
        // The one row that there ever is. Until the first start its id can be replaced by one from before.
        let row = Query::insert()
            .into_table("deployments")
            .columns(["uuid", "number"])
            .values([::uuid::Uuid::new_v4().to_string().into(), 0.into()])
            .map_err(|error| DbErr::Custom(error.to_string()))?
            .take();
        manager.get_connection().execute(&row).await?;
        Ok(())
    }

    /// All or nothing where the database can do that for schemas (SQLite and PostgreSQL).
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

pub(super) fn tables() -> Vec<TableCreateStatement> {
    vec![deployments(), instances()]
}

pub(super) fn indexes() -> Vec<IndexCreateStatement> {
    vec![unique("instances", &["uuid"])]
}

fn deployments() -> TableCreateStatement {
    // Ids of earlier releases came from a file, and may be any text.
    table("deployments")
        .col(short("uuid"))
        .col(number("number"))
        .col(number("accepted").default(0).take())
        .col(maybe_number("held_since"))
        .col(maybe_json("evidence"))
        .take()
}

fn instances() -> TableCreateStatement {
    table("instances").col(uuid("uuid")).col(short("host")).col(number("started_at")).take()
}
