//! Keys, certificate authorities and what they sign. Knows nothing of clusters, storage or HTTP.
//!
//! - [`encryption_key`]: encryption of secrets at rest.
//! - [`authority`]: certificate authorities; [`request`]: what they are asked; [`profile`]: what they give of their
//!   own accord; [`certificate`]: reading certificates.
//! - [`key`]: keys that are made here.
//! - [`agent`]: the authority of nodes' agents, and their tokens.
//! - [`voucher`]: what agents keep for their server and cannot make up.
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
