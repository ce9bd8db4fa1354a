//! Unmodified clients of OpenStack, of today and of years ago, as users have them (`scripts/install-tools clients`).
//!
//! Their transcripts are compared with golden files in `snapshots`: ids are replaced by numbers there, times by zeros.
//! Where the reality of clusters does not matter the servers run on the simulated cloud.
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
