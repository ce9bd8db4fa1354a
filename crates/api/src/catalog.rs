//! Checks that what templates, clusters and node groups name exists at the infrastructure: images, flavors, networks,
//! keypairs (contract magnum-v1 sections 6.4 to 6.7).

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use jeroboam_infra::catalog::{Found, Kind, NODE_IMAGE, NodeImage, Offer};
use jeroboam_infra::{Asker, Infrastructure};
use jeroboam_model::kubernetes::Version;
use jeroboam_model::{Cluster, ClusterTemplate, Code, Labels, NodeGroup};
use moka::future::Cache;

use crate::http::convert::words;
use crate::http::reason::Unusable;
use crate::http::{ApiError, ApiReason, Caller, Reason, Result};
use crate::spelling::Spelling;

mod version;

/// Timeout for the infrastructure's response. A client waits for it.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a result is cached: a lookup costs more than all else in `POST /v1/clusters`, and scripts create many
/// clusters from one template.
const KNOWN_FOR: Duration = Duration::from_secs(10);

/// Most names in the cache.
const KNOWN: u64 = 1000;

/// Looks names up at the infrastructure. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Catalog {
    infra: Arc<dyn Infrastructure>,
    known: Cache<(Asker, Kind, String), Option<Offer>>,
}

/// The catalog as one caller sees it.
pub(crate) struct Lookups<'a> {
    catalog: &'a Catalog,
    asker: Asker,
}

impl Catalog {
    /// A catalog of what the infrastructure has.
    pub(crate) fn new(infra: Arc<dyn Infrastructure>) -> Self {
        Self { infra, known: Cache::builder().max_capacity(KNOWN).time_to_live(KNOWN_FOR).build() }
    }

    /// Looks up what this caller sees.
    pub(crate) fn of(&self, caller: &Caller) -> Lookups<'_> {
        let (project_id, user_id) = (caller.auth.project_id.clone(), caller.auth.user_id.clone());
        Lookups { catalog: self, asker: Asker { project_id, user_id } }
    }

    /// The name of the infrastructure.
    pub(crate) fn infrastructure(&self) -> &'static str {
        self.infra.name()
    }

    /// The images from which nodes can be created.
    ///
    /// # Errors
    /// 503 when the infrastructure does not answer.
    pub(crate) async fn node_images(&self) -> Result<Vec<NodeImage>> {
        self.within_patience("Looking for images of nodes", self.infra.node_images()).await
    }

    /// Waits for the infrastructure, at most [`PATIENCE`]. `doing` is the start of the error message.
    async fn within_patience<T>(
        &self,
        doing: &str,
        question: impl Future<Output = jeroboam_infra::Result<T>>,
    ) -> Result<T> {
        match tokio::time::timeout(PATIENCE, question).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(cause)) => Err(unavailable(&cause, words(&cause))),
            Err(_) => {
                let detail = format!(
                    "{doing}: {} did not answer within {} seconds. Try again in a moment.",
                    self.infra.name(),
                    PATIENCE.as_secs()
                );
                Err(unavailable(Reason::Cause(Code::InfrastructureUnavailable.to_string()), detail))
            }
        }
    }
}

impl Lookups<'_> {
    /// Checks what a template names. Returns the operating system of its image. The keypair is checked for baymodels
    /// only, as in Magnum (contract workloads-2015 section 1.1, magnum-v1 section 6.7).
    ///
    /// # Errors
    /// Names the attribute: 400 for what does not exist or cannot be used, 409 for an ambiguous name, 403 for what the
    /// caller may not use; 503 when the infrastructure does not answer.
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
        version::resolve(template.engine, &template.labels, image.as_ref(), &template.image_id)?;
        Ok(image.and_then(|image| image.distro))
    }

    /// Checks what a new cluster names, directly and through its template, and that its nodes can reach its networks.
    /// Returns the version of a Kubernetes cluster. An infrastructure that does not respond is no reason to refuse: the
    /// operation waits for it.
    ///
    /// # Errors
    /// As [`Self::template`], and 404 for a keypair that does not exist.
    pub(crate) async fn cluster(
        &self,
        cluster: &Cluster,
        template: &ClusterTemplate,
        spelling: Spelling,
    ) -> Result<Option<Version>> {
        (cluster.engine.check_networks)(&cluster.labels, &self.catalog.infra.node_networks())?;
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
            version::resolve(cluster.engine, &cluster.labels, image.as_ref(), &template.image_id)
        };
        forgiving(check.await, || version::resolve(cluster.engine, &cluster.labels, None, &template.image_id))
    }

    /// The version of Kubernetes that a cluster created from a template would get now, if any.
    ///
    /// # Errors
    /// Names the label that requests an unavailable version, or the image.
    pub(crate) async fn version(&self, template: &ClusterTemplate) -> Result<Option<Version>> {
        let ClusterTemplate { engine, labels, image_id, .. } = template;
        if !engine.is_versioned {
            return Ok(None);
        }
        let resolved = async { version::resolve(*engine, labels, self.image(image_id).await?.as_ref(), image_id) };
        forgiving(resolved.await, || version::resolve(*engine, labels, None, image_id))
    }

    /// Checks what a new node group of `cluster` names.
    ///
    /// # Errors
    /// As [`Self::cluster`].
    pub(crate) async fn node_group(&self, group: &NodeGroup, cluster: &Cluster) -> Result<()> {
        let check = async {
            let flavor = self.look_up("flavor_id", Kind::Flavor, group.flavor_id.as_deref());
            let (image, flavor) = futures::join!(self.image(&group.image_id), flavor);
            // The size of boot volumes is the cluster's (contract magnum-v1 section 2.4).
            root_disk("flavor_id", flavor?.as_ref(), &cluster.labels)?;
            version::check(cluster, image?.as_ref(), &group.image_id)
        };
        forgiving(check.await, || Ok(()))
    }

    /// An image from which machines can be created.
    async fn image(&self, name: &str) -> Result<Option<Offer>> {
        let image = self.look_up("image_id", Kind::Image, Some(name)).await?;
        if image.as_ref().is_some_and(|image| image.distro.as_deref().unwrap_or_default().is_empty()) {
            let message =
                format!("the image '{name}' does not name its operating system, so nodes cannot use it. Use another");
            return Err(ApiError::field("image_id", message));
        }
        if image.as_ref().is_some_and(|image| image.of_other_release) {
            return Err(ApiError {
                reason: ApiReason::ImageOutdated.into(),
                ..ApiError::field("image_id", outdated(name))
            });
        }
        Ok(image)
    }

    /// Checks that the image has the template's operating system (contract magnum-v1 section 2.2, step 3, and Appendix
    /// A26). Machines have the image's, and a patch may have put any value into the template.
    fn distribution(&self, template: &ClusterTemplate, image: &Offer, spelling: Spelling) -> Result<()> {
        let (Some(wanted), Some(there)) = (&template.cluster_distro, &image.distro) else { return Ok(()) };
        if wanted == there {
            return Ok(());
        }
        let ClusterTemplate { server_type, engine, image_id, .. } = template;
        let message = format!(
            "the driver {} has no {server_type} with {wanted} for {engine}: the {}'s image '{image_id}' is {there}. Set \
             its cluster_distro to {there}, or use another",
            self.catalog.infra.name(),
            spelling.template(),
        );
        Err(ApiError::field(spelling.template_id(), message))
    }

    /// What exists under a name; `None` when no name is given, or the infrastructure has no such resources.
    async fn look_up(&self, field: &str, kind: Kind, name: Option<&str>) -> Result<Option<Offer>> {
        let Some(name) = name else { return Ok(None) };
        let key = (self.asker.clone(), kind, name.to_owned());
        if let Some(known) = self.catalog.known.get(&key).await {
            return Ok(known);
        }
        let doing = format!("Looking for the {kind} '{name}'");
        let offer =
            match self.catalog.within_patience(&doing, self.catalog.infra.look_up(&self.asker, kind, name)).await? {
                Found::One(offer) => Some(offer),
                Found::NotUsed => None,
                // Magnum returns 404 for keypairs only.
                Found::Nothing { advice } if kind == Kind::Keypair => {
                    return Err(refusal(field, kind, StatusCode::NOT_FOUND, Unusable::Unknown, name, &advice));
                }
                Found::Nothing { advice } => {
                    return Err(refusal(field, kind, StatusCode::BAD_REQUEST, Unusable::Unknown, name, &advice));
                }
                Found::Several => {
                    let advice = "Give the id instead of the name.";
                    return Err(refusal(field, kind, StatusCode::CONFLICT, Unusable::Ambiguous, name, advice));
                }
                Found::Forbidden => {
                    let advice = "Use another, or ask its owner to share it.";
                    return Err(refusal(field, kind, StatusCode::FORBIDDEN, Unusable::Forbidden, name, advice));
                }
            };
        self.catalog.known.insert(key, offer.clone()).await;
        Ok(offer)
    }
}

fn refusal(field: &str, kind: Kind, status: StatusCode, unusable: Unusable, name: &str, advice: &str) -> ApiError {
    let detail = match unusable {
        Unusable::Ambiguous => format!("there are several {kind}s '{name}'. {advice}"),
        Unusable::Forbidden => format!("the {kind} '{name}' may not be used. {advice}"),
        Unusable::Unknown => format!("there is no {kind} '{name}'. {advice}"),
    };
    ApiError::new(status, Reason::Named(kind, unusable), detail).about(field)
}

fn unavailable(reason: impl Into<Reason>, detail: String) -> ApiError {
    ApiError::new(StatusCode::SERVICE_UNAVAILABLE, reason, detail)
}

/// The result of a check, or `otherwise` while the infrastructure does not respond.
fn forgiving<T>(checked: Result<T>, otherwise: impl FnOnce() -> Result<T>) -> Result<T> {
    match checked {
        Err(error) if error.status == StatusCode::SERVICE_UNAVAILABLE => {
            tracing::warn!(detail = error.detail, "could not check what a request names");
            otherwise()
        }
        other => other,
    }
}

/// The error for an image of another release.
fn outdated(name: &str) -> String {
    format!(
        "the image '{name}' was made for another release of Jeroboam, and this one finds nothing in it. Have the operator \
         make a new one (make image), and use that: {NODE_IMAGE}"
    )
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
