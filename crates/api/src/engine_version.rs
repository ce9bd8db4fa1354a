//! `GET /v1/engineversions`: the engine versions that clusters can run. Ours; Magnum has no such route.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use jeroboam_infra::catalog::{Carried, NodeImage};
use jeroboam_model::EngineKind;
use jeroboam_model::kubernetes::{self, RELEASES, Version};
use jeroboam_types::v1::{EngineVersion, EngineVersionImage, EngineVersionList};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::AppState;
use crate::http::{ApiError, Caller, Params, Result};

/// Lists the versions that images carry, and those that this release supports and no image carries.
#[utoipa::path(get, path = "/v1/engineversions", tag = "service", params(("engine" = Option<String>, Query)),
    responses((status = 200, body = EngineVersionList)))]
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    mut params: Params,
) -> Result<Json<EngineVersionList>> {
    let engine = params.take("engine").as_deref().map(read_engine).transpose()?;
    params.finish()?;
    caller.may("engineversion:get_all")?;
    let images = state.catalog.node_images().await?;
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let is_wanted = |kind: EngineKind| engine.is_none_or(|engine| engine == kind);
    let mut engineversions = Vec::new();
    if is_wanted(EngineKind::KUBERNETES) {
        engineversions.extend(of_kubernetes(&images, today));
    }
    if is_wanted(EngineKind::SWARM) {
        engineversions.extend(of_swarm(&images));
    }
    Ok(Json(EngineVersionList { engineversions }))
}

fn read_engine(text: &str) -> Result<EngineKind> {
    text.parse().map_err(|_| ApiError::field("engine", format!("must be {}, this is '{text}'", EngineKind::choices())))
}

/// The images that carry each version.
type Carriers<V> = BTreeMap<V, Vec<EngineVersionImage>>;

fn add<V: Ord + Clone>(carriers: &mut Carriers<V>, image: &NodeImage, carried: &Carried<V>) {
    let image = EngineVersionImage { name: image.name.clone(), source: carried.source.clone() };
    carriers.entry(carried.version.clone()).or_default().push(image);
}

fn of_kubernetes(images: &[NodeImage], today: Date) -> Vec<EngineVersion> {
    let mut carriers = Carriers::<Version>::new();
    for image in images {
        for carried in image.offer.kubernetes.iter().flatten() {
            // This release does not know how to start the components of other versions.
            if kubernetes::unsupported(carried.version.minor).is_none() {
                add(&mut carriers, image, carried);
            }
        }
    }
    let available: Vec<Version> = carriers.keys().copied().collect();
    let all: BTreeSet<Version> =
        available.iter().copied().chain(RELEASES.iter().map(|release| release.version)).collect();
    let shown = all.into_iter().rev().map(|version| {
        let until = kubernetes::supported_until(version);
        EngineVersion {
            engine: EngineKind::KUBERNETES.to_string(),
            version: version.to_string(),
            available: carriers.contains_key(&version),
            default: available.last() == Some(&version),
            images: carriers.get(&version).cloned().unwrap_or_default(),
            supported_until: until.map(|until| until.to_string()),
            supported: until.map(|until| today <= until),
            upgrades: kubernetes::upgrades(version, &available).iter().map(ToString::to_string).collect(),
            upgrades_offered: false,
        }
    });
    shown.collect()
}

/// Swarm's version is that of the image's Docker Engine. Its end of support is not known here.
fn of_swarm(images: &[NodeImage]) -> Vec<EngineVersion> {
    let mut carriers = Carriers::<Numbered>::new();
    for image in images {
        if let Some(Carried { version, source }) = &image.offer.docker {
            add(&mut carriers, image, &Carried { version: Numbered::of(version), source: source.clone() });
        }
    }
    let available: Vec<Numbered> = carriers.keys().cloned().collect();
    let shown = carriers.iter().rev().map(|(version, images)| EngineVersion {
        engine: EngineKind::SWARM.to_string(),
        version: version.text.clone(),
        available: true,
        default: available.last() == Some(version),
        images: images.clone(),
        supported_until: None,
        supported: None,
        upgrades: available.iter().filter(|other| *other > version).map(|other| other.text.clone()).collect(),
        upgrades_offered: false,
    });
    shown.collect()
}

/// A version of Docker, ordered by its numbers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Numbered {
    numbers: Vec<u64>,
    text: String,
}

impl Numbered {
    fn of(text: &str) -> Self {
        let numbers = text.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect();
        Self { numbers, text: text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use jeroboam_infra::catalog::Offer;
    use jiff::civil::date;

    use super::*;

    fn image(name: &str, kubernetes: &[(&str, &str)], docker: &str) -> NodeImage {
        let kubernetes = kubernetes
            .iter()
            .map(|(version, source)| Carried { version: version.parse().unwrap(), source: (*source).to_owned() });
        let docker = Carried { version: docker.to_owned(), source: "debian".to_owned() };
        let offer = Offer { kubernetes: Some(kubernetes.collect()), docker: Some(docker), ..Offer::default() };
        NodeImage { name: name.to_owned(), offer }
    }

    fn find<'a>(versions: &'a [EngineVersion], version: &str) -> &'a EngineVersion {
        versions.iter().find(|shown| shown.version == version).unwrap_or_else(|| panic!("no {version}: {versions:?}"))
    }

    #[test]
    fn versions_say_who_carries_them_and_where_they_lead() {
        let images = [
            image("debian-13", &[("v1.37.2", "modules"), ("v1.36.3", "release")], "26.1.5"),
            image("ours:7", &[("v1.36.3", "modules"), ("v1.36.1", "modules"), ("v1.33.1", "release")], "29.0.1"),
        ];
        let shown = of_kubernetes(&images, date(2027, 3, 1));
        let names: Vec<&str> = shown.iter().map(|version| version.version.as_str()).collect();
        assert_eq!(
            names,
            ["v1.37.2", "v1.36.3", "v1.36.1", "v1.35.4", "v1.34.4"],
            "newest first, none that is too old"
        );
        let newest = find(&shown, "v1.37.2");
        assert!(newest.default && newest.available && newest.upgrades.is_empty() && !newest.upgrades_offered);
        assert_eq!((newest.supported_until.as_deref(), newest.supported), (Some("2027-10-28"), Some(true)));
        let both = find(&shown, "v1.36.3");
        let carriers: Vec<_> = both.images.iter().map(|image| (image.name.as_str(), image.source.as_str())).collect();
        assert_eq!(carriers, [("debian-13", "release"), ("ours:7", "modules")]);
        assert_eq!(both.upgrades, ["v1.37.2"]);
        assert_eq!(find(&shown, "v1.36.1").upgrades, ["v1.36.3", "v1.37.2"]);
        let missing = find(&shown, "v1.35.4");
        assert!(!missing.available && !missing.default && missing.images.is_empty());
        assert_eq!((missing.supported, missing.upgrades.len()), (Some(false), 2), "its last day is over");

        let docker = of_swarm(&images);
        let names: Vec<_> = docker.iter().map(|version| (version.version.as_str(), version.default)).collect();
        assert_eq!(names, [("29.0.1", true), ("26.1.5", false)]);
        assert_eq!((docker[1].upgrades.as_slice(), docker[1].supported), (["29.0.1".to_owned()].as_slice(), None));
    }

    #[test]
    fn the_last_day_of_support_is_one_of_support() {
        let on = |day| find(&of_kubernetes(&[], day), "v1.34.4").supported;
        assert_eq!((on(date(2026, 10, 27)), on(date(2026, 10, 28))), (Some(true), Some(false)));
    }

    #[test]
    fn without_images_what_could_be_made_is_shown() {
        let shown = of_kubernetes(&[], date(2026, 12, 1));
        assert_eq!(shown.len(), RELEASES.len());
        assert!(shown.iter().all(|version| !version.available && !version.default && version.upgrades.is_empty()));
        assert_eq!(of_swarm(&[]), []);
    }

    #[test]
    fn versions_of_docker_go_by_their_numbers() {
        assert!(Numbered::of("26.1.5") < Numbered::of("26.1.10") && Numbered::of("9.0") < Numbered::of("26"));
        assert!(Numbered::of("26.1.5+dfsg1") > Numbered::of("26.1.5"));
    }
}
