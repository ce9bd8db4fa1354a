//! Identity of the deployment, its progress number, and its servers: these distinguish an outdated database and a copy
//! from the original.

use sea_orm_migration::prelude::*;

use super::columns::{maybe_json, maybe_number, number, short, table, uuid};
use super::parts::{create, unique};

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    #[allow(elided_lifetimes_in_paths, reason = "async-trait requires the signature of the trait")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create(manager, tables(), indexes()).await?;
        // A server without transactions for the schema may have been interrupted after the insert.
        let there = Query::select().column("uuid").from("deployments").take();
        if manager.get_connection().query_one(&there).await?.is_some() {
            return Ok(());
        }
        // The only row of the table. Until the first start its id can be replaced by one of an earlier release.
        let row = Query::insert()
            .into_table("deployments")
            .columns(["uuid", "number"])
            .values([::uuid::Uuid::new_v4().to_string().into(), 0.into()])
            .map_err(|error| DbErr::Custom(error.to_string()))?
            .take();
        manager.get_connection().execute(&row).await?;
        Ok(())
    }

    /// Atomic where the database has transactional DDL (SQLite and PostgreSQL).
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
    // Ids of earlier releases were read from a file, and may be any text.
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
