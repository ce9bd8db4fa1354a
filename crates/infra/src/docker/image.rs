//! Images that nodes are made of.

use std::collections::HashMap;

use bollard::query_parameters::ListImagesOptions;
use jeroboam_model::{Cause, CauseExt};

use super::engine::{Engine, LOOK};
use crate::Result;
use crate::catalog::{Found, Offer};

/// Where the node images are that `make image` makes; the tag is what templates name.
const REPOSITORY: &str = "jeroboam/node";

/// Label of node images: the versions of Kubernetes in it, with commas.
const KUBERNETES: &str = "io.jeroboam.kubernetes";
/// Label of node images that are not made of the usual operating system: its name.
const DISTRO: &str = "io.jeroboam.distro";
/// The operating system of the images that `make image` makes.
const USUAL_DISTRO: &str = "debian";

/// The reference of the image that a template names: a tag of ours (`debian-12`), or a reference as it is.
pub(super) fn reference(image: &str) -> String {
    if image.contains(['/', ':', '@']) { image.to_owned() } else { format!("{REPOSITORY}:{image}") }
}

/// What there is under an image's name, as templates give it.
pub(super) async fn find(engine: &Engine, image: &str) -> Result<Found> {
    let reference = reference(image);
    // It becomes part of a path at the engine, where it must not lead to anything but an image.
    if !is_reference(&reference) {
        return Ok(Found::Nothing { advice: missing(engine, &reference).await.action });
    }
    let doing = format!("Looking for the image {reference}");
    match engine.call(doing, LOOK, engine.docker.inspect_image(&reference)).await {
        Ok(found) => Ok(Found::One(offer(&found.config.and_then(|config| config.labels).unwrap_or_default()))),
        Err(failure) if failure.is_gone() => Ok(Found::Nothing { advice: missing(engine, &reference).await.action }),
        // Not a name that an image could have.
        Err(failure) if failure.is(400) => Ok(Found::Nothing { advice: missing(engine, &reference).await.action }),
        Err(failure) => Err(failure.into()),
    }
}

/// Whether a text can be the reference of an image: parts of a path, each beginning with a letter or digit.
fn is_reference(text: &str) -> bool {
    let is_fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':' | '@');
    text.split('/').all(|part| part.starts_with(|c: char| c.is_ascii_alphanumeric()) && part.chars().all(is_fine))
}

/// What an image's labels say of it. Without the first of them it is no image of nodes.
fn offer(labels: &HashMap<String, String>) -> Offer {
    let Some(kubernetes) = labels.get(KUBERNETES) else { return Offer::default() };
    let versions = kubernetes.split(',').map(str::trim).filter(|version| !version.is_empty());
    Offer {
        distro: Some(labels.get(DISTRO).cloned().unwrap_or_else(|| USUAL_DISTRO.to_owned())),
        kubernetes: versions.map(str::to_owned).collect(),
        ..Offer::default()
    }
}

/// The error for an image that is not there: it names those that are.
pub(super) async fn missing(engine: &Engine, reference: &str) -> Cause {
    let there = known(engine).await;
    let choose = match there.as_slice() {
        [] => String::new(),
        there => format!(" Or choose one that is there: {}.", there.join(", ")),
    };
    let make = if reference.starts_with(&format!("{REPOSITORY}:")) {
        "Make the node image by `make image`.".to_owned()
    } else {
        format!("Get it by `docker pull {reference}`.")
    };
    Cause::operator(
        "image_missing",
        format!("The Docker Engine does not have the image {reference}."),
        format!("{make}{choose}"),
    )
}

/// Our node images that are there, as templates name them; none when that cannot be found out.
async fn known(engine: &Engine) -> Vec<String> {
    let filters = HashMap::from([("reference".to_owned(), vec![REPOSITORY.to_owned()])]);
    let options = ListImagesOptions { filters: Some(filters), ..ListImagesOptions::default() };
    let images = engine.call("Looking for images", LOOK, engine.docker.list_images(Some(options))).await;
    let prefix = format!("{REPOSITORY}:");
    let mut names: Vec<String> = images
        .unwrap_or_default()
        .iter()
        .flat_map(|image| &image.repo_tags)
        .filter_map(|tag| tag.strip_prefix(&prefix).map(str::to_owned))
        .collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_leads_nowhere_but_to_an_image() {
        for good in ["jeroboam/node:debian-12", "registry:5000/a/b_c.d:1", "a@sha256:0123"] {
            assert!(is_reference(good), "{good}");
        }
        for bad in ["../containers/x", "a/../b", "a//b", "/a", "a/", "a?b=c", "a#b", "a b", "a%2fb", "", "é"] {
            assert!(!is_reference(bad), "{bad}");
        }
    }

    #[test]
    fn labels_tell_node_images_from_others() {
        let offer = |pairs: &[(&str, &str)]| {
            offer(&pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect())
        };
        let ours = offer(&[(KUBERNETES, "v1.20.2,v1.21.0")]);
        assert_eq!(ours.distro.as_deref(), Some("debian"));
        assert_eq!(ours.kubernetes, ["v1.20.2", "v1.21.0"]);
        let theirs = offer(&[(KUBERNETES, ""), (DISTRO, "flatcar")]);
        assert_eq!((theirs.distro.as_deref(), theirs.kubernetes.len()), (Some("flatcar"), 0));
        assert_eq!(offer(&[("maintainer", "nginx")]), Offer::default());
    }

    #[test]
    fn a_bare_name_is_a_tag_of_the_node_image_and_anything_else_a_reference() {
        assert_eq!(reference("debian-12"), "jeroboam/node:debian-12");
        assert_eq!(reference("registry.example.org/nodes:7"), "registry.example.org/nodes:7");
        assert_eq!(reference("node:7"), "node:7");
    }
}
