//! Supervised processes.

pub mod back_off;
pub mod log_file;
pub mod log_ring;
pub mod probe;
pub mod spec;
pub mod supervisor;

pub use probe::Probe;
pub use spec::Spec;
pub use supervisor::Supervisor;
