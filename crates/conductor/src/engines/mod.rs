//! The drivers of engines, and access to the engine of a cluster.

mod access;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use access::AccessBook;
use jeroboam_engine::Engine;
use jeroboam_model::{Cause, CauseExt, Code, EngineKind};

/// The available drivers, by engine.
#[derive(Clone, Default)]
pub struct Engines {
    drivers: BTreeMap<EngineKind, Arc<dyn Engine>>,
}

impl Engines {
    /// A set of these drivers.
    #[must_use]
    pub fn new(drivers: impl IntoIterator<Item = (EngineKind, Arc<dyn Engine>)>) -> Self {
        Self { drivers: drivers.into_iter().collect() }
    }

    /// One driver for every engine that is registered.
    #[must_use]
    pub fn all_of(driver: &Arc<dyn Engine>) -> Self {
        Self::new(EngineKind::all().into_iter().map(|engine| (engine, driver.clone())))
    }

    /// The driver of an engine.
    ///
    /// # Errors
    /// `engine_not_offered` where this server has none.
    pub fn of(&self, engine: EngineKind) -> Result<&dyn Engine, Cause> {
        self.drivers.get(&engine).map(AsRef::as_ref).ok_or_else(|| {
            Cause::operator(
                Code::EngineNotOffered,
                format!("this server has no driver for {engine} clusters"),
                "run the cluster's operations on a server that has one, or delete the cluster",
            )
        })
    }
}
