//! Agents call a real endpoint over TLS, with a real store in a file.

mod authentication;
mod calls;
mod hearing;
mod known;
mod world;
