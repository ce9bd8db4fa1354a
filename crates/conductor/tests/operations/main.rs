//! The operation engine on the simulated cloud: every call of every operation fails, is repeated, and is interrupted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod world;

mod deployment;
mod fairness;
mod faults;
mod healing;
mod health;
mod heartbeat;
mod life;
mod node_groups;
mod plans;
mod recovery;
mod sequences;
mod third_engine;
mod time;
mod trail;
