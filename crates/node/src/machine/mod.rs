//! The machine under the node: what it is like, and what must be made ready before components start.

pub mod cgroup;
pub mod facts;
pub mod identity;
pub mod init;
pub mod prepare;
pub mod volume;
