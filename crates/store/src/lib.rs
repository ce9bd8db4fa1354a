//! The database of clusters, their nodes, operations and secrets: schema, migrations and queries.
//!
//! Files are named by noun in each layer: [`cluster`] has the queries about clusters, `entity::cluster` the row.
//!
//! Rules for all of it:
//! - A query on behalf of a tenant takes a [`Scope`] and finds nothing outside of it, or takes the [`ClusterId`] that
//!   such a query returned. Calls that take a bare uuid are for the conductor and the agents' endpoint.
//! - The change that a request makes and the operation that carries it out are written in one transaction.
//! - Every write in the name of an operation checks its fence: a conductor that has lost the lease writes nothing.
//! - A list takes a fixed number of queries, however long it is.
//! - An [`Event`] is sent after the commit, never before.
//!
//! Locks are taken in the order project, cluster, template, operation, so that transactions cannot deadlock.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod cluster;
pub mod cluster_template;
mod codec;
mod connect;
mod counter;
pub mod deployment;
pub mod dry_run;
mod entity;
pub mod error;
pub mod event;
pub mod federation;
#[cfg(any(test, feature = "fixtures"))]
mod fixtures;
pub mod health;
pub mod history;
pub mod id;
pub mod idempotency;
pub mod issued_certificate;
pub mod legacy_node;
mod migration;
pub mod mservice;
pub mod node;
mod node_group;
pub mod notification;
pub mod operation;
pub mod page;
pub mod precondition;
mod quick;
pub mod quota;
mod rows;
mod scale;
mod schema;
pub mod secret;
mod shown;
pub mod silence;
pub mod stats;
mod target;
#[cfg(test)]
mod tests;
mod write;

pub use cluster::{ClusterFacts, ClusterRecord};
pub use connect::{Kind, Store};
pub use deployment::{Deployment, Hold, Instance};
pub use dry_run::{Asked, DryRun};
pub use error::{Result, StoreError};
pub use event::Event;
#[cfg(any(test, feature = "fixtures"))]
pub use fixtures::TestDatabase;
pub use health::HealthChange;
pub use id::{ClusterId, Owner};
pub use idempotency::{IdempotencyKey, KnownKey};
pub use issued_certificate::IssuedCertificate;
pub use notification::Notification;
pub use operation::{Claim, HEALER, Held, NewOperation, Outcome, Renewed};
pub use page::{Marker, Page, Scope};
pub use precondition::{Precondition, Tag, Target};
pub use schema::Schema;
pub use secret::{KeyFit, NewAuthority, Secret, SecretNames};
pub use silence::Silence;
pub use stats::Stats;
