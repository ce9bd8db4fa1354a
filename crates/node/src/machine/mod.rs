//! The machine of the node: its properties, and its preparation before components start.

pub mod cgroup;
pub mod facts;
pub mod identity;
pub mod init;
pub mod prepare;
pub mod volume;
