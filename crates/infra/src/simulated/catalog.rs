//! The catalogue of the simulated cloud: the default flavors, and everything else by whatever name is requested, so
//! that templates for any cloud can be tried out. A name that starts with one of these words has a special meaning:
//!
//! | starts with | is |
//! |---|---|
//! | `missing` | nothing |
//! | `twin` | two of that name |
//! | `forbidden` | existing, but not allowed |
//! | `plain` | an image without a label for its operating system |
//! | `internal` | a network that does not lead outside |
//! | `outdated` | an image of another release |
//! | `single` | an image with Kubernetes v1.36.3 alone |
//! | `empty` | an image without any Kubernetes |
//!
//! `debian-13` is the only image with labels for its content: the versions that this release builds.

use jeroboam_model::kubernetes::{RELEASES, Version};

use crate::catalog::{Carried, Found, Kind, NODE_IMAGE, NodeImage, Offer};
use crate::flavor;

/// A flavor without a root disk, for machines that boot from volumes.
const DISKLESS: &str = "m1.diskless";
/// GiB of the other flavors' root disks.
const ROOT_DISK: u32 = 20;

/// Version of the Docker Engine in the image with labels.
const DOCKER: &str = "26.1.5";

/// Operating systems that names of images start with.
const DISTROS: [&str; 6] = ["debian", "ubuntu", "fedora-atomic", "fedora-coreos", "flatcar", "rockylinux"];

/// Looks up a name.
pub(super) fn look_up(kind: Kind, name: &str) -> Found {
    let begins = |word: &str| name.starts_with(word);
    if kind == Kind::Flavor {
        let mut flavors = flavor::usual();
        flavors.extend("m1.diskless=1:2048".parse());
        return match flavors.iter().find(|flavor| flavor.name == name) {
            Some(_) => {
                Found::One(Offer { root_disk: Some(if name == DISKLESS { 0 } else { ROOT_DISK }), ..Offer::default() })
            }
            None => Found::Nothing { advice: flavor::advice(&flavors) },
        };
    }
    if begins("missing") || (kind == Kind::ExternalNetwork && begins("internal")) {
        return Found::Nothing { advice: "Use any other name.".to_owned() };
    }
    if begins("twin") {
        return Found::Several;
    }
    if begins("forbidden") {
        return Found::Forbidden;
    }
    let distro = DISTROS.into_iter().find(|distro| begins(distro)).unwrap_or("debian");
    let distro = (kind == Kind::Image && !begins("plain")).then(|| distro.to_owned());
    let offer = Offer { distro, of_other_release: kind == Kind::Image && begins("outdated"), ..Offer::default() };
    Found::One(match (kind, name) {
        (Kind::Image, NODE_IMAGE) => carrying(RELEASES.iter().map(|release| release.version), offer),
        (Kind::Image, _) if begins("single") => carrying([Version::new(36, 3)], offer),
        (Kind::Image, _) if begins("empty") => carrying([], offer),
        _ => offer,
    })
}

/// The images with labels for their content.
pub(super) fn node_images() -> Vec<NodeImage> {
    match look_up(Kind::Image, NODE_IMAGE) {
        Found::One(offer) => vec![NodeImage { name: NODE_IMAGE.to_owned(), offer }],
        _ => Vec::new(),
    }
}

fn carrying(kubernetes: impl IntoIterator<Item = Version>, offer: Offer) -> Offer {
    let source = || "simulated".to_owned();
    let kubernetes = kubernetes.into_iter().map(|version| Carried { version, source: source() }).collect();
    let docker = Carried { version: DOCKER.to_owned(), source: source() };
    Offer { kubernetes: Some(kubernetes), docker: Some(docker), ..offer }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_is_there() {
        assert!(matches!(look_up(Kind::Flavor, "m1.small"), Found::One(Offer { root_disk: Some(20), .. })));
        assert!(matches!(look_up(Kind::Flavor, DISKLESS), Found::One(Offer { root_disk: Some(0), .. })));
        assert!(matches!(look_up(Kind::Flavor, "huge"), Found::Nothing { advice } if advice.contains("m1.diskless")));
        let distro = |name: &str| match look_up(Kind::Image, name) {
            Found::One(offer) => offer.distro,
            other => panic!("{other:?}"),
        };
        assert_eq!(distro("ubuntu-22.04").as_deref(), Some("ubuntu"));
        assert_eq!(distro("anything").as_deref(), Some("debian"));
        assert_eq!(distro("plain-1"), None);
        let image = |name: &str| match look_up(Kind::Image, name) {
            Found::One(offer) => offer,
            other => panic!("{other:?}"),
        };
        assert_eq!(image("debian-13").kubernetes_versions().unwrap()[0].to_string(), "v1.37.2");
        assert_eq!(image("single-1").kubernetes_versions().unwrap(), [Version::new(36, 3)]);
        assert_eq!(image("empty").kubernetes_versions().unwrap(), []);
        assert_eq!(image("ubuntu-22.04").kubernetes, None);
        assert!(image("outdated-1").of_other_release && !image("debian-13").of_other_release);
        assert_eq!(node_images()[0].name, "debian-13");
        assert_eq!(look_up(Kind::Network, "twins"), Found::Several);
        assert_eq!(look_up(Kind::Image, "forbidden"), Found::Forbidden);
        assert!(matches!(look_up(Kind::ExternalNetwork, "internal"), Found::Nothing { .. }));
        assert!(matches!(look_up(Kind::Network, "internal"), Found::One(_)));
    }
}
