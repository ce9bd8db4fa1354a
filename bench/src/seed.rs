//! Fills the database of a stopped server, far faster than through the API: one template and one cluster that the
//! server has created are copied with all their rows and columns.

use std::path::Path;

use anyhow::{Context, bail};
use sea_orm::{ConnectionTrait, Database, DatabaseTransaction, TransactionTrait};

/// An SQLite expression for a random UUID.
const NEW_ID: &str = "lower(printf('%s-%s-4%s-8%s-%s', hex(randomblob(4)), hex(randomblob(2)), \
                      substr(hex(randomblob(2)), 2), substr(hex(randomblob(2)), 2), hex(randomblob(6))))";

/// Adds templates and clusters up to these numbers, and returns the ids of all clusters.
pub(crate) async fn fill(database: &Path, templates: usize, clusters: usize) -> anyhow::Result<Vec<String>> {
    let url = format!("sqlite://{}", database.display());
    let connection = Database::connect(url).await.context("opening the server's database")?;
    let transaction = connection.begin().await.context("filling the database")?;
    copy(&transaction, templates, clusters).await.context("filling the database")?;
    let rows = transaction.query_all_raw(statement("SELECT uuid FROM clusters".to_owned())).await?;
    let ids = rows.iter().map(|row| row.try_get("", "uuid")).collect::<Result<Vec<String>, _>>()?;
    transaction.commit().await.context("filling the database")?;
    connection.close().await.context("closing the database")?;
    if ids.len() != clusters {
        bail!("the database has {} clusters instead of {clusters}", ids.len());
    }
    Ok(ids)
}

async fn copy(on: &DatabaseTransaction, templates: usize, clusters: usize) -> anyhow::Result<()> {
    let run = async |sql: String| on.execute_unprepared(&sql).await;
    let numbers = |wanted: usize, table: &str| {
        format!(
            "WITH RECURSIVE numbers(number) AS (SELECT count(*) FROM {table} \
             UNION ALL SELECT number + 1 FROM numbers WHERE number + 1 < {wanted})"
        )
    };
    let renamed = [("uuid", NEW_ID), ("name", "name || '-' || number")];
    run(format!(
        "{} {} FROM (SELECT * FROM cluster_templates LIMIT 1), numbers",
        numbers(templates, "cluster_templates"),
        insert(on, "cluster_templates", &renamed).await?
    ))
    .await?;
    // Maps each copy to its id, so that groups and nodes can refer to it.
    run(format!(
        "CREATE TEMP TABLE copies AS {} SELECT number, {NEW_ID} AS copy FROM numbers",
        numbers(clusters, "clusters")
    ))
    .await?;
    run("CREATE TEMP TABLE source AS SELECT uuid AS original FROM clusters LIMIT 1".to_owned()).await?;
    run(format!(
        "CREATE TEMP TABLE groups AS SELECT copy, uuid AS original_group, {NEW_ID} AS copied_group \
         FROM copies, node_groups WHERE cluster_uuid = (SELECT original FROM source)"
    ))
    .await?;
    run(format!(
        "{} FROM clusters, copies WHERE uuid = (SELECT original FROM source)",
        insert(on, "clusters", &[("uuid", "copy"), ("name", "name || '-' || number")]).await?
    ))
    .await?;
    run(format!(
        "{} FROM node_groups JOIN groups ON uuid = original_group",
        insert(on, "node_groups", &[("uuid", "copied_group"), ("cluster_uuid", "copy")]).await?
    ))
    .await?;
    run(format!(
        "{} FROM nodes JOIN groups ON node_group_uuid = original_group",
        insert(on, "nodes", &[("uuid", NEW_ID), ("cluster_uuid", "copy"), ("node_group_uuid", "copied_group")]).await?
    ))
    .await?;
    Ok(())
}

/// `INSERT INTO table (columns) SELECT columns`, with other expressions for some columns and a new internal id.
async fn insert(on: &DatabaseTransaction, table: &str, other: &[(&str, &str)]) -> anyhow::Result<String> {
    let sql = format!("SELECT name FROM pragma_table_info('{table}') WHERE name <> 'id'");
    let rows = on.query_all_raw(statement(sql)).await?;
    let columns = rows.iter().map(|row| row.try_get("", "name")).collect::<Result<Vec<String>, _>>()?;
    let value = |column: &String| {
        let found = other.iter().find(|(name, _)| name == column);
        found.map_or_else(|| column.clone(), |(_, expression)| (*expression).to_owned())
    };
    let values: Vec<String> = columns.iter().map(value).collect();
    Ok(format!("INSERT INTO {table} ({}) SELECT {}", columns.join(", "), values.join(", ")))
}

fn statement(sql: String) -> sea_orm::Statement {
    sea_orm::Statement::from_string(sea_orm::DbBackend::Sqlite, sql)
}
