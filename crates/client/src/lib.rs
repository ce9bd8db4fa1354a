//! The Rust client of Jeroboam's API, used by the command line and by tests. It also works with a stock Magnum, for the
//! routes that Magnum has.
//!
//! ```no_run
//! # async fn example() -> Result<(), jeroboam_client::Error> {
//! use jeroboam_client::{Client, Config, config::Choice, environment::Process};
//!
//! let client = Client::new(Config::load(&Process, &Choice::default())?)?;
//! for cluster in client.clusters().await? {
//!     println!("{} {}", cluster.uuid, cluster.status);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! One file per noun: [`cluster`], [`operation`], [`workload`] ... each adds its calls to [`Client`].
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod certificate;
pub mod change;
mod clouds;
pub mod cluster;
pub mod cluster_template;
pub mod config;
pub mod container;
pub mod deployment;
pub mod engine_version;
pub mod environment;
pub mod error;
mod identity;
pub mod label;
pub mod mservice;
pub mod node_group;
pub mod operation;
pub mod orphan;
pub mod quota;
mod session;
pub mod stats;
pub mod workload;

pub use change::Change;
pub use config::Config;
pub use error::Error;
pub use session::Client;

/// Result of a call.
pub type Result<T> = std::result::Result<T, Error>;
