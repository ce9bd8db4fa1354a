//! Whether what templates, clusters and node groups name is there at the infrastructure: images, flavors, networks,
//! keypairs (contract magnum-v1 sections 6.4 to 6.7).

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use jeroboam_infra::Infrastructure;
use jeroboam_infra::catalog::{Found, Kind, Offer};
use jeroboam_model::labels::{DEFAULT_KUBERNETES_VERSION, KUBE_TAG};
use jeroboam_model::{Cluster, ClusterTemplate, EngineKind, Labels, NodeGroup};
use moka::future::Cache;

use crate::http::error::words;
use crate::http::{ApiError, Result};
use crate::spelling::Spelling;

/// How long the infrastructure may take to answer. A client waits for it.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long what was found is not asked for again: asking costs more than all else in `POST /v1/clusters`, and a
/// script makes many clusters of one template.
const KNOWN_FOR: Duration = Duration::from_secs(10);

/// Names remembered.
const KNOWN: u64 = 1000;

/// Looks names up at the infrastructure. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Catalog {
    infra: Arc<dyn Infrastructure>,
    known: Cache<(Kind, String), Option<Offer>>,
}

impl Catalog {
    /// A catalogue of what the infrastructure has.
    pub(crate) fn new(infra: Arc<dyn Infrastructure>) -> Self {
        Self { infra, known: Cache::builder().max_capacity(KNOWN).time_to_live(KNOWN_FOR).build() }
    }

    /// Checks what a template names. Returns the operating system of its image. The keypair is checked for baymodels
    /// only, as ever (contract workloads-2015 section 1.1, magnum-v1 section 6.7).
    ///
    /// # Errors
    /// Names the attribute: 400 for what is not there or cannot be used, 409 for a name that several have, 403 for
    /// what the caller may not use; 503 when the infrastructure does not answer.
    pub(crate) async fn template(&self, template: &ClusterTemplate, spelling: Spelling) -> Result<Option<String>> {
        let keypair = template.keypair_id.as_deref().filter(|_| spelling == Spelling::Bay);
        let (image, flavor, master_flavor, external, network, subnet, keypair) = futures::join!(
            self.image(&template.image_id),
            self.look_up("flavor_id", Kind::Flavor, template.flavor_id.as_deref()),
            self.look_up("master_flavor_id", Kind::Flavor, template.master_flavor_id.as_deref()),
            self.look_up("external_network_id", Kind::ExternalNetwork, template.external_network_id.as_deref()),
            self.look_up("fixed_network", Kind::Network, template.fixed_network.as_deref()),
            self.look_up("fixed_subnet", Kind::Subnet, template.fixed_subnet.as_deref()),
            self.look_up("keypair_id", Kind::Keypair, keypair),
        );
        let (image, flavor, master_flavor) = (image?, flavor?, master_flavor?);
        for other in [external, network, subnet, keypair] {
            other?;
        }
        root_disk("flavor_id", flavor.as_ref(), &template.labels)?;
        root_disk("master_flavor_id", master_flavor.as_ref(), &template.labels)?;
        if template.labels.contains_key(KUBE_TAG) {
            version(template.engine, &template.labels, image.as_ref(), &template.image_id)?;
        }
        Ok(image.and_then(|image| image.distro))
    }

    /// Checks what a new cluster names, by itself and through its template. An infrastructure that does not answer is
    /// no reason to refuse: the operation waits for it.
    ///
    /// # Errors
    /// As [`Self::template`], and 404 for a keypair that is not there.
    pub(crate) async fn cluster(
        &self,
        cluster: &Cluster,
        template: &ClusterTemplate,
        spelling: Spelling,
    ) -> Result<()> {
        let check = async {
            let (image, flavor, master_flavor, external, network, subnet, keypair) = futures::join!(
                self.image(&template.image_id),
                self.look_up("flavor_id", Kind::Flavor, cluster.flavor_id.as_deref()),
                self.look_up("master_flavor_id", Kind::Flavor, cluster.master_flavor_id.as_deref()),
                self.look_up("external_network_id", Kind::ExternalNetwork, template.external_network_id.as_deref()),
                self.look_up("fixed_network", Kind::Network, cluster.fixed_network.as_deref()),
                self.look_up("fixed_subnet", Kind::Subnet, cluster.fixed_subnet.as_deref()),
                self.look_up("keypair", Kind::Keypair, cluster.keypair.as_deref()),
            );
            let (flavor, master_flavor, image) = (flavor?, master_flavor?, image?);
            if let Some(image) = &image {
                self.distribution(template, image, spelling)?;
            }
            root_disk("flavor_id", flavor.as_ref(), &cluster.labels)?;
            root_disk("master_flavor_id", master_flavor.as_ref(), &cluster.labels)?;
            for other in [external, network, subnet, keypair] {
                other?;
            }
            version(cluster.engine, &cluster.labels, image.as_ref(), &template.image_id)
        };
        forgiving(check.await)
    }

    /// Checks what a new node group names. `cluster` is the one that it goes to.
    ///
    /// # Errors
    /// As [`Self::cluster`].
    pub(crate) async fn node_group(&self, group: &NodeGroup, cluster: &Cluster) -> Result<()> {
        let check = async {
            let flavor = self.look_up("flavor_id", Kind::Flavor, group.flavor_id.as_deref());
            let (image, flavor) = futures::join!(self.image(&group.image_id), flavor);
            // The size of boot volumes is the cluster's (contract magnum-v1 section 2.4).
            root_disk("flavor_id", flavor?.as_ref(), &cluster.labels)?;
            version(cluster.engine, &cluster.labels, image?.as_ref(), &group.image_id)
        };
        forgiving(check.await)
    }

    /// An image that machines can be made of.
    async fn image(&self, name: &str) -> Result<Option<Offer>> {
        let image = self.look_up("image_id", Kind::Image, Some(name)).await?;
        if image.as_ref().is_some_and(|image| image.distro.as_deref().unwrap_or_default().is_empty()) {
            let message = format!(
                "the image '{name}' does not say what operating system it has: it is none for nodes. Use another"
            );
            return Err(ApiError::field("image_id", message));
        }
        Ok(image)
    }

    /// Whether the driver makes machines with the template's operating system (contract magnum-v1 section 2.2, step 3,
    /// and Appendix A26). They have the image's, and a patch may have put any word into the template.
    fn distribution(&self, template: &ClusterTemplate, image: &Offer, spelling: Spelling) -> Result<()> {
        let (Some(wanted), Some(there)) = (&template.cluster_distro, &image.distro) else { return Ok(()) };
        if wanted == there {
            return Ok(());
        }
        let ClusterTemplate { server_type, engine, image_id, .. } = template;
        let message = format!(
            "the driver {} has no {server_type} with {wanted} for {engine}: the {}'s image '{image_id}' is {there}. Set \
             its cluster_distro to {there}, or use another",
            self.infra.name(),
            spelling.template(),
        );
        Err(ApiError::field(spelling.template_id(), message))
    }

    /// What is there under a name; none when none is given, or the infrastructure has no such things.
    async fn look_up(&self, field: &str, kind: Kind, name: Option<&str>) -> Result<Option<Offer>> {
        let Some(name) = name else { return Ok(None) };
        let key = (kind, name.to_owned());
        if let Some(known) = self.known.get(&key).await {
            return Ok(known);
        }
        let asked = tokio::time::timeout(PATIENCE, self.infra.look_up(kind, name)).await;
        let found = match asked {
            Ok(Ok(found)) => found,
            Ok(Err(cause)) => return Err(unavailable(cause.code.clone(), words(&cause))),
            Err(_) => {
                let detail = format!(
                    "Looking for the {kind} '{name}': {} did not answer within {} seconds. Try again in a moment.",
                    self.infra.name(),
                    PATIENCE.as_secs()
                );
                return Err(unavailable("infrastructure_unavailable".to_owned(), detail));
            }
        };
        let offer = match found {
            Found::One(offer) => Some(offer),
            Found::NotUsed => None,
            // Magnum's status for keypairs is another one than for all else.
            Found::Nothing { advice } if kind == Kind::Keypair => {
                return Err(refusal(field, kind, StatusCode::NOT_FOUND, "unknown", name, &advice));
            }
            Found::Nothing { advice } => {
                return Err(refusal(field, kind, StatusCode::BAD_REQUEST, "unknown", name, &advice));
            }
            Found::Several => {
                let advice = "Give the id instead of the name.";
                return Err(refusal(field, kind, StatusCode::CONFLICT, "ambiguous", name, advice));
            }
            Found::Forbidden => {
                let advice = "Use another, or ask its owner to share it.";
                return Err(refusal(field, kind, StatusCode::FORBIDDEN, "forbidden", name, advice));
            }
        };
        self.known.insert(key, offer.clone()).await;
        Ok(offer)
    }
}

fn refusal(field: &str, kind: Kind, status: StatusCode, what: &str, name: &str, advice: &str) -> ApiError {
    let detail = match what {
        "ambiguous" => format!("there are several {kind}s '{name}'. {advice}"),
        "forbidden" => format!("the {kind} '{name}' may not be used. {advice}"),
        _ => format!("there is no {kind} '{name}'. {advice}"),
    };
    let reason = format!("{}_{what}", kind.to_string().replace(' ', "_"));
    ApiError::new(status, reason, detail).about(field)
}

fn unavailable(reason: String, detail: String) -> ApiError {
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, reason, detail)
}

fn forgiving(checked: Result<()>) -> Result<()> {
    match checked {
        Err(error) if error.status == StatusCode::SERVICE_UNAVAILABLE => {
            tracing::warn!(detail = error.detail, "could not check what a request names");
            Ok(())
        }
        other => other,
    }
}

/// A machine needs a disk: the flavor's, or a boot volume (contract magnum-v1 section 6.5).
fn root_disk(field: &str, flavor: Option<&Offer>, labels: &Labels) -> Result<()> {
    let boots_from_volume = labels.get("boot_volume_size").is_some_and(|size| size.parse::<u32>() != Ok(0));
    if flavor.is_some_and(|flavor| flavor.root_disk == Some(0)) && !boots_from_volume {
        return Err(ApiError::field(
            field,
            "the flavor has no root disk. Use another, or give the label boot_volume_size",
        ));
    }
    Ok(())
}

/// The image must carry the version of Kubernetes that is asked for, where it is known what it carries.
fn version(engine: EngineKind, labels: &Labels, image: Option<&Offer>, name: &str) -> Result<()> {
    let there = image.map(|image| image.kubernetes.as_slice()).unwrap_or_default();
    let wanted = labels.get(KUBE_TAG).map_or(DEFAULT_KUBERNETES_VERSION, String::as_str);
    if engine != EngineKind::Kubernetes || there.is_empty() || there.iter().any(|version| version == wanted) {
        return Ok(());
    }
    let message = format!("the image '{name}' has Kubernetes {}, not {wanted}", there.join(", "));
    Err(ApiError::field(format!("labels.{KUBE_TAG}"), message))
}
