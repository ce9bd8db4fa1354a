//! The Docker infrastructure with the Docker Engine at `DOCKER_HOST` or the default socket, with the node image that
//! `make image` builds and a shell script as the agent. Every test has a deployment of its own, and removes by its
//! label whatever it leaves, even when it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod catalog;
mod clusters;
mod deployment;
mod engine;
mod machines;
mod support;
