//! What nodes can be made of, as templates, clusters and node groups name it.

use super::{Docker, image};
use crate::Result;
use crate::catalog::{Found, Kind, Offer};
use crate::flavor;

/// What there is under a name.
///
/// A Docker Engine has no keypairs: nobody logs in to nodes. Nor has it networks to choose from: every cluster gets one
/// of its own, and reaches the outside through its gateway. Clients of clouds give both all the same.
pub(super) async fn look_up(docker: &Docker, kind: Kind, name: &str) -> Result<Found> {
    match kind {
        Kind::Image => image::find(&*docker.engine().await?, name).await,
        Kind::Flavor => Ok(match docker.config.flavors.iter().any(|flavor| flavor.name == name) {
            // The root file system grows with the engine's disk.
            true => Found::One(Offer::default()),
            false => Found::Nothing { advice: flavor::advice(&docker.config.flavors) },
        }),
        Kind::Keypair | Kind::ExternalNetwork | Kind::Network | Kind::Subnet => Ok(Found::NotUsed),
    }
}
