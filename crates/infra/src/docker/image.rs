//! Images that nodes are made of.

use std::collections::HashMap;

use bollard::query_parameters::ListImagesOptions;
use jeroboam_model::{Cause, CauseExt};

use super::engine::{Engine, LOOK};
use crate::Result;

/// Where the node images are that `make image` makes; the tag is what templates name.
const REPOSITORY: &str = "jeroboam/node";

/// The reference of the image that a template names: a tag of ours (`debian-12`), or a reference as it is.
pub(super) fn reference(image: &str) -> String {
    if image.contains(['/', ':', '@']) { image.to_owned() } else { format!("{REPOSITORY}:{image}") }
}

/// Sees to it that the image is there.
pub(super) async fn check(engine: &Engine, image: &str) -> Result<()> {
    let reference = reference(image);
    let doing = format!("Looking for the image {reference}");
    match engine.call(doing, LOOK, engine.docker.inspect_image(&reference)).await {
        Ok(_) => Ok(()),
        Err(failure) if failure.is_gone() => Err(missing(engine, &reference).await),
        Err(failure) => Err(failure.into()),
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
    fn a_bare_name_is_a_tag_of_the_node_image_and_anything_else_a_reference() {
        assert_eq!(reference("debian-12"), "jeroboam/node:debian-12");
        assert_eq!(reference("registry.example.org/nodes:7"), "registry.example.org/nodes:7");
        assert_eq!(reference("node:7"), "node:7");
    }
}
