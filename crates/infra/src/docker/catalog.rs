//! Look-up of images, flavors and the like for templates, clusters and node groups.

use super::{Docker, image};
use crate::Result;
use crate::catalog::{Found, Kind, Offer};
use crate::flavor;

/// Looks up a name.
///
/// A Docker Engine has no keypairs, since there are no logins to nodes, and no networks to choose from: every cluster
/// gets one of its own, and reaches the outside through its gateway. Clients may give both; they are ignored.
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
