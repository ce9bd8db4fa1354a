//! The two cluster templates that come out of the box.

use jeroboam_infra::flavor::Flavor;
use jeroboam_model::{ClusterTemplate, EngineKind};
use jeroboam_store::{Scope, Store, StoreError};
use jiff::Timestamp;

/// Image that machines of the docker infrastructure are made of.
const IMAGE: &str = "debian-12";
/// Flavor of nodes where there is one of that name: enough for a master of Kubernetes. Else the operator's first.
const FLAVOR: &str = "m1.medium";

/// Makes the templates `kubernetes` and `swarm`, public and owned by `project`, when the database is empty. What an
/// admin deletes later stays deleted.
pub(crate) async fn templates(store: &Store, project: &str, user: &str, flavors: &[Flavor]) -> Result<(), StoreError> {
    let is_first_start =
        store.templates(&Scope::All, &jeroboam_store::Page { limit: 1, ..Default::default() }).await?.is_empty()
            && store.clusters(&Scope::All, &jeroboam_store::Page { limit: 1, ..Default::default() }).await?.is_empty();
    if !is_first_start {
        return Ok(());
    }
    let flavor = match flavors.first() {
        Some(first) if flavors.iter().all(|flavor| flavor.name != FLAVOR) => &first.name,
        _ => FLAVOR,
    };
    for (name, engine, network_driver) in
        [("kubernetes", EngineKind::Kubernetes, "flannel"), ("swarm", EngineKind::Swarm, "docker")]
    {
        store.create_template(&template(name, engine, network_driver, flavor, project, user)).await?;
    }
    Ok(())
}

fn template(
    name: &str,
    engine: EngineKind,
    network_driver: &str,
    flavor: &str,
    project: &str,
    user: &str,
) -> ClusterTemplate {
    ClusterTemplate {
        name: Some(name.to_owned()),
        flavor_id: Some(flavor.to_owned()),
        master_flavor_id: Some(flavor.to_owned()),
        network_driver: Some(network_driver.to_owned()),
        cluster_distro: Some("debian".to_owned()),
        public: true,
        ..ClusterTemplate::new(engine, IMAGE, project, user, Timestamp::now())
    }
}
