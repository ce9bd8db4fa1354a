//! Keys, certificate authorities and certificates. Independent of clusters, storage and HTTP.
//!
//! - [`encryption_key`]: encryption of secrets at rest.
//! - [`authority`]: certificate authorities; [`request`]: signing requests of clients; [`profile`]: certificates that
//!   we issue for ourselves; [`certificate`]: reads certificates.
//! - [`key`]: P-256 keys.
//! - [`agent`]: the CA of nodes' agents, and their tokens.
//! - [`voucher`]: sealed numbers that agents store for their server and cannot forge.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod agent;
pub mod authority;
pub mod certificate;
pub mod encryption_key;
pub mod error;
pub mod key;
pub mod profile;
pub mod request;
pub mod voucher;

pub use authority::{Authority, KeyPairPem};
pub use certificate::Facts;
pub use encryption_key::EncryptionKey;
pub use error::PkiError;
pub use key::{key_and_request, signing_key};
pub use profile::Profile;
pub use request::{CsrError, SigningRequest};
