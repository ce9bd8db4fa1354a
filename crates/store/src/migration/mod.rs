//! Changes of the schema, oldest first. One that was released is never edited; it is followed by another.

use sea_orm_migration::{MigrationTrait, MigratorTrait};

mod columns;
mod m0001_first_light;

/// Brings a schema up to date.
pub(crate) struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(m0001_first_light::Migration)]
    }
}

/// All tables and indexes that there are after every migration, for the tests that read them in other dialects.
#[cfg(test)]
pub(crate) fn schema()
-> (Vec<sea_orm_migration::prelude::TableCreateStatement>, Vec<sea_orm_migration::prelude::IndexCreateStatement>) {
    (m0001_first_light::tables(), m0001_first_light::indexes())
}
