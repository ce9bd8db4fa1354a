//! What the simulated cloud has: the usual flavors, and of everything else whatever is asked for, so that templates made
//! for any cloud can be tried out. A name that begins with one of these words is what the word says:
//!
//! | begins with | is |
//! |---|---|
//! | `missing` | nothing |
//! | `twin` | two of that name |
//! | `forbidden` | there, and not for everybody |
//! | `plain` | an image that says nothing of its operating system |
//! | `internal` | a network that does not lead outside |

use crate::catalog::{Found, Kind, Offer};
use crate::flavor;

/// A flavor without a root disk, for machines that boot from volumes.
const DISKLESS: &str = "m1.diskless";
/// GiB of the other flavors' root disks.
const ROOT_DISK: u32 = 20;

/// Operating systems that names of images begin with.
const DISTROS: [&str; 6] = ["debian", "ubuntu", "fedora-atomic", "fedora-coreos", "flatcar", "rockylinux"];

/// What there is under a name.
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
        return Found::Nothing { advice: "Name any other.".to_owned() };
    }
    if begins("twin") {
        return Found::Several;
    }
    if begins("forbidden") {
        return Found::Forbidden;
    }
    let distro = DISTROS.into_iter().find(|distro| begins(distro)).unwrap_or("debian");
    let distro = (kind == Kind::Image && !begins("plain")).then(|| distro.to_owned());
    Found::One(Offer { distro, ..Offer::default() })
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
        assert_eq!(look_up(Kind::Network, "twins"), Found::Several);
        assert_eq!(look_up(Kind::Image, "forbidden"), Found::Forbidden);
        assert!(matches!(look_up(Kind::ExternalNetwork, "internal"), Found::Nothing { .. }));
        assert!(matches!(look_up(Kind::Network, "internal"), Found::One(_)));
    }
}
