//! Schema migrations, oldest first. A released one is never edited; a new one follows it.

use sea_orm_migration::{MigrationTrait, MigratorTrait};

mod columns;
mod m0001_first_light;
mod m0002_quotas_and_federations;
mod m0003_keys_and_notifications;
mod m0004_roles_of_node_groups;
mod m0005_versions_of_engines;
mod m0006_recovery;
mod m0007_silence;
mod m0008_deployment;
mod m0009_healing;
mod m0010_receipts;
mod m0011_targets;
mod m0012_added_steps;
mod parts;

/// Migrates the schema to the newest version.
pub(crate) struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_first_light::Migration),
            Box::new(m0002_quotas_and_federations::Migration),
            Box::new(m0003_keys_and_notifications::Migration),
            Box::new(m0004_roles_of_node_groups::Migration),
            Box::new(m0005_versions_of_engines::Migration),
            Box::new(m0006_recovery::Migration),
            Box::new(m0007_silence::Migration),
            Box::new(m0008_deployment::Migration),
            Box::new(m0009_healing::Migration),
            Box::new(m0010_receipts::Migration),
            Box::new(m0011_targets::Migration),
            Box::new(m0012_added_steps::Migration),
        ]
    }
}

/// Columns added later, for the tests that generate them in other dialects.
#[cfg(test)]
pub(crate) fn new_columns() -> Vec<sea_orm_migration::prelude::TableAlterStatement> {
    let mut columns = vec![m0005_versions_of_engines::column()];
    columns.extend(m0006_recovery::columns());
    columns.push(m0007_silence::column());
    columns.push(m0009_healing::column());
    columns.push(m0010_receipts::column());
    columns.extend(m0011_targets::columns());
    columns.push(m0012_added_steps::column());
    columns
}

/// All tables and indexes after every migration, for the tests that generate them in other dialects.
#[cfg(test)]
pub(crate) fn schema()
-> (Vec<sea_orm_migration::prelude::TableCreateStatement>, Vec<sea_orm_migration::prelude::IndexCreateStatement>) {
    let (mut tables, mut indexes) = (m0001_first_light::tables(), m0001_first_light::indexes());
    tables.extend(m0002_quotas_and_federations::tables());
    indexes.extend(m0002_quotas_and_federations::indexes());
    tables.extend(m0003_keys_and_notifications::tables());
    indexes.extend(m0003_keys_and_notifications::indexes());
    tables.extend(m0008_deployment::tables());
    indexes.extend(m0008_deployment::indexes());
    (tables, indexes)
}
