//! Node images.

use std::cmp::Reverse;
use std::collections::HashMap;

use bollard::query_parameters::ListImagesOptions;
use jeroboam_model::kubernetes::Version;
use jeroboam_model::{Cause, CauseExt, Code};

use super::engine::{Engine, LOOK};
use crate::Result;
use crate::catalog::{Carried, Found, NodeImage, Offer};

/// Repository of the node images that `make image` builds; templates name the tag.
const REPOSITORY: &str = "jeroboam/node";

/// Label of node images: version of their layout, by which an agent finds the programs that it starts. Images of
/// 2026-11 and before have none.
const LAYOUT: &str = "io.jeroboam.layout";
/// The layout that this release's agent supports.
const OUR_LAYOUT: &str = "2";
/// Label of node images: the versions of Kubernetes in it, separated by commas, each with its source.
const KUBERNETES: &str = "io.jeroboam.kubernetes";
/// Label of node images: the version of the Docker Engine in it.
const DOCKER: &str = "io.jeroboam.docker";
/// Source of a version without one.
const UNKNOWN_SOURCE: &str = "unknown";
/// Label of node images that are not based on the usual operating system: its name.
const DISTRO: &str = "io.jeroboam.distro";
/// The operating system of the images that `make image` builds.
const USUAL_DISTRO: &str = "debian";

/// The reference of the image that a template names: a tag of ours (`debian-13`), or a full reference.
pub(super) fn reference(image: &str) -> String {
    if image.contains(['/', ':', '@']) { image.to_owned() } else { format!("{REPOSITORY}:{image}") }
}

/// Looks up an image by the name that templates give.
pub(super) async fn find(engine: &Engine, image: &str) -> Result<Found> {
    let reference = reference(image);
    // The reference becomes part of a URL path at the engine, and must not lead to anything but an image.
    if !is_reference(&reference) {
        return Ok(Found::Nothing { advice: missing(engine, &reference).await.action });
    }
    let doing = format!("Looking for the image {reference}");
    match engine.call(doing, LOOK, engine.docker.inspect_image(&reference)).await {
        Ok(found) => Ok(Found::One(offer(&found.config.and_then(|config| config.labels).unwrap_or_default()))),
        Err(failure) if failure.is_gone() => Ok(Found::Nothing { advice: missing(engine, &reference).await.action }),
        // Not a valid name of an image.
        Err(failure) if failure.is(400) => Ok(Found::Nothing { advice: missing(engine, &reference).await.action }),
        Err(failure) => Err(failure.into()),
    }
}

/// Whether a text can be the reference of an image: parts of a path, each starting with a letter or digit.
fn is_reference(text: &str) -> bool {
    let is_fine = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':' | '@');
    text.split('/').all(|part| part.starts_with(|c: char| c.is_ascii_alphanumeric()) && part.chars().all(is_fine))
}

/// The properties of an image, from its labels. Without any of ours it is not a node image.
fn offer(labels: &HashMap<String, String>) -> Offer {
    let (layout, kubernetes) = (labels.get(LAYOUT), labels.get(KUBERNETES));
    if layout.is_none() && kubernetes.is_none() {
        return Offer::default();
    }
    let distro = labels.get(DISTRO).cloned().unwrap_or_else(|| USUAL_DISTRO.to_owned());
    let offer = Offer { distro: Some(distro.clone()), ..Offer::default() };
    if layout.map(String::as_str) != Some(OUR_LAYOUT) {
        // The location of its programs, and whether its labels are right, is not known in this release.
        return Offer { of_other_release: true, ..offer };
    }
    let mut versions: Vec<Carried<Version>> =
        kubernetes.map(|list| list.split(',').filter_map(version).collect()).unwrap_or_default();
    versions.sort_by_key(|carried| Reverse(carried.version));
    let docker = labels.get(DOCKER).map(|text| text.trim()).filter(|text| !text.is_empty()).map(|text| {
        let (version, source) = text.split_once('=').unwrap_or((text, &distro));
        Carried { version: version.to_owned(), source: source.to_owned() }
    });
    Offer { kubernetes: Some(versions), docker, ..offer }
}

/// A version with its source, `v1.37.2=modules`. `None` for an invalid one.
fn version(text: &str) -> Option<Carried<Version>> {
    let text = text.trim();
    let (version, source) = text.split_once('=').unwrap_or((text, UNKNOWN_SOURCE));
    Some(Carried { version: version.parse().ok()?, source: source.to_owned() })
}

/// The error for a missing image: it lists the existing ones.
pub(super) async fn missing(engine: &Engine, reference: &str) -> Cause {
    let there = known(engine).await;
    let choose = match there.as_slice() {
        [] => String::new(),
        there => format!(" Or choose an existing one: {}.", there.join(", ")),
    };
    let make = if reference.starts_with(&format!("{REPOSITORY}:")) {
        "Build the node image with `make image`.".to_owned()
    } else {
        format!("Get it by `docker pull {reference}`.")
    };
    Cause::operator(
        Code::ImageMissing,
        format!("The Docker Engine does not have the image {reference}."),
        format!("{make}{choose}"),
    )
}

/// Our existing node images, as templates name them; empty when they cannot be listed.
async fn known(engine: &Engine) -> Vec<String> {
    of_nodes(engine).await.unwrap_or_default().into_iter().map(|image| image.name).collect()
}

/// The images for nodes of this release, by name: those of `make image`, and an operator's own.
pub(super) async fn of_nodes(engine: &Engine) -> Result<Vec<NodeImage>> {
    let filters = HashMap::from([("label".to_owned(), vec![format!("{LAYOUT}={OUR_LAYOUT}")])]);
    let options = ListImagesOptions { filters: Some(filters), ..ListImagesOptions::default() };
    let images = engine.call("Looking for images of nodes", LOOK, engine.docker.list_images(Some(options))).await?;
    let mut found: Vec<NodeImage> = images
        .iter()
        .flat_map(|image| image.repo_tags.iter().map(|tag| (tag, &image.labels)))
        // Without images whose name was taken over by a newer one.
        .filter(|(tag, _)| !tag.starts_with("<none>"))
        .map(|(tag, labels)| NodeImage { name: name(tag).to_owned(), offer: offer(labels) })
        .collect();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(found)
}

/// How templates name the image of a reference.
fn name(reference: &str) -> &str {
    reference.strip_prefix(REPOSITORY).and_then(|rest| rest.strip_prefix(':')).unwrap_or(reference)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_leads_nowhere_but_to_an_image() {
        for good in ["jeroboam/node:debian-13", "registry:5000/a/b_c.d:1", "a@sha256:0123"] {
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
        let ours = offer(&[
            (LAYOUT, "2"),
            (KUBERNETES, "v1.36.3=release, v1.37.2=modules,v1.35.4,latest=x,,v1.34"),
            (DOCKER, "26.1.5"),
        ]);
        assert_eq!((ours.distro.as_deref(), ours.of_other_release), (Some("debian"), false));
        let carried: Vec<String> =
            ours.kubernetes.unwrap().iter().map(|carried| format!("{}={}", carried.version, carried.source)).collect();
        assert_eq!(carried, ["v1.37.2=modules", "v1.36.3=release", "v1.35.4=unknown"]);
        let docker = ours.docker.unwrap();
        assert_eq!((docker.version.as_str(), docker.source.as_str()), ("26.1.5", "debian"));

        let theirs = offer(&[(LAYOUT, "2"), (DISTRO, "flatcar"), (DOCKER, "29.0.1=release")]);
        assert_eq!((theirs.distro.as_deref(), theirs.kubernetes), (Some("flatcar"), Some(Vec::new())));
        assert_eq!(theirs.docker.unwrap().source, "release");
        assert_eq!(offer(&[("maintainer", "nginx")]), Offer::default());
    }

    #[test]
    fn images_of_other_releases_are_told_from_ours() {
        for labels in [vec![(KUBERNETES, "v1.20.2")], vec![(LAYOUT, "1"), (KUBERNETES, "")], vec![(LAYOUT, "3")]] {
            let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
            let other = offer(&labels);
            assert!(other.of_other_release && other.kubernetes.is_none() && other.distro.is_some(), "{labels:?}");
        }
    }

    #[test]
    fn a_bare_name_is_a_tag_of_the_node_image_and_anything_else_a_reference() {
        assert_eq!(reference("debian-13"), "jeroboam/node:debian-13");
        assert_eq!(reference("registry.example.org/nodes:7"), "registry.example.org/nodes:7");
        assert_eq!(reference("node:7"), "node:7");
        for image in ["debian-13", "registry.example.org/nodes:7", "jeroboam/nodes:7"] {
            assert_eq!(name(&reference(image)), image, "and back");
        }
    }
}
