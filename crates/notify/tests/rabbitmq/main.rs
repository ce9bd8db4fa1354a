//! Notifications on a real RabbitMQ, with a consumer that reads them as oslo.messaging's listeners do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod broker;
mod delivery;
