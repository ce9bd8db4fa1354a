//! Rows as the database has them. Conversions to the nouns of the model are beside the queries.
//!
//! Every table has an internal `id` that gives the order of creation and, where the thing has one, the `uuid` that the
//! world knows it by.
#![allow(unreachable_pub, reason = "the derives make public items, and the module is private")]

pub(crate) mod cluster;
pub(crate) mod cluster_template;
pub(crate) mod counter;
pub(crate) mod enrolment_token;
pub(crate) mod federation;
pub(crate) mod idempotency_key;
pub(crate) mod issued_certificate;
pub(crate) mod legacy_node;
pub(crate) mod mservice;
pub(crate) mod node;
pub(crate) mod node_group;
pub(crate) mod notification;
pub(crate) mod operation;
pub(crate) mod project;
pub(crate) mod quota;
pub(crate) mod secret;
pub(crate) mod step;
