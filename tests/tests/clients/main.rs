//! Unmodified OpenStack clients, current and old ones (`scripts/install-tools clients`).
//!
//! Their transcripts are compared with golden files in `snapshots`, where ids are replaced by numbers and times by
//! zeros. The servers run on the simulated cloud unless a test needs real clusters.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod ansible;
mod bays;
mod gophercloud;
mod magnum;
mod openstack;
mod openstack_other;
mod real;
mod schema;
mod sdk;
