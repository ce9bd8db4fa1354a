//! Processes: supervised ones, and programs that are run once.

pub mod command;
pub mod log_file;
pub mod log_ring;
pub mod probe;
pub mod spec;
pub mod supervisor;

pub use command::{output, output_of_input};
pub use probe::Probe;
pub use spec::Spec;
pub use supervisor::Supervisor;
