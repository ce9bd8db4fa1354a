//! Chooses a cluster's version of Kubernetes from those that its image carries.

use jeroboam_infra::catalog::Offer;
use jeroboam_model::kubernetes::{self, NEWEST_MINOR, OLDEST_MINOR, RELEASES, Request, Version};
use jeroboam_model::labels::KUBE_TAG;
use jeroboam_model::{Cluster, EngineKind, Labels};

use crate::http::{ApiError, Result};

/// The version that a new cluster gets from its labels and image: `None` for engines other than Kubernetes. If nothing
/// is known about the image, this release's own table decides.
pub(super) fn resolve(
    engine: EngineKind,
    labels: &Labels,
    image: Option<&Offer>,
    name: &str,
) -> Result<Option<Version>> {
    if !engine.is_versioned {
        // The image lists what it carries, and Docker Engine is not among it.
        let has_none = engine == EngineKind::SWARM
            && image.is_some_and(|image| image.kubernetes.is_some() && image.docker.is_none());
        let message = || format!("the image '{name}' has no Docker Engine. Use another");
        return if has_none { Err(ApiError::field("image_id", message())) } else { Ok(None) };
    }
    let request = kubernetes::requested(labels)?;
    let carried = image.and_then(Offer::kubernetes_versions);
    match (kubernetes::resolve(request, carried.as_deref()), request, &carried) {
        (Some(version), ..) => Ok(Some(version)),
        (None, Some(request), carried) => Err(lacking(request, carried.as_deref(), name)),
        (None, None, carried) => {
            let message = format!(
                "the image '{name}' has {}, and this release runs Kubernetes 1.{OLDEST_MINOR} to 1.{NEWEST_MINOR}. Use \
                 another image",
                listed(carried.as_deref().unwrap_or_default())
            );
            Err(ApiError::field("image_id", message))
        }
    }
}

/// Checks that an image carries the version of a cluster, as far as that is known.
pub(super) fn check(cluster: &Cluster, image: Option<&Offer>, name: &str) -> Result<()> {
    let (Some(version), Some(carried)) = (&cluster.engine_version, image.and_then(Offer::kubernetes_versions)) else {
        return Ok(());
    };
    if carried.iter().any(|there| there.to_string() == *version) {
        return Ok(());
    }
    let message = format!("the image '{name}' has {}, and the cluster runs {version}. Use another", listed(&carried));
    Err(ApiError::field("image_id", message))
}

/// The error for a version that the image does not have. It is one sentence, as Magnum's clients print the first only.
fn lacking(request: Request, carried: Option<&[Version]>, name: &str) -> ApiError {
    let message = match carried {
        Some(carried) => {
            format!(
                "the image '{name}' has {}, not {request}; ask for one of those, or use another image",
                listed(carried)
            )
        }
        None => {
            let made: Vec<Version> = RELEASES.iter().map(|release| release.version).collect();
            format!("this release makes {}, not {request}; ask for one of those", listed(&made))
        }
    };
    ApiError::field(format!("labels.{KUBE_TAG}"), message)
}

fn listed(versions: &[Version]) -> String {
    match versions {
        [] => "no Kubernetes".to_owned(),
        versions => {
            let words: Vec<String> = versions.iter().map(ToString::to_string).collect();
            format!("Kubernetes {}", words.join(", "))
        }
    }
}
