//! The Docker infrastructure against the Docker Engine that answers on `DOCKER_HOST` or the default socket, with the
//! node image that `make image` makes and a shell script for an agent. Every test has a deployment of its own, and
//! takes away by its mark whatever it leaves, also when it fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod catalog;
mod clusters;
mod deployment;
mod engine;
mod machines;
mod support;
