//! Flavors and images of nodes.

use jeroboam_infra::catalog::{Found, Kind};
use jeroboam_infra::flavor::Flavor;
use jeroboam_infra::{Infrastructure, Progress};
use jeroboam_model::WhoMustAct;
use jeroboam_model::kubernetes::RELEASES;

use crate::support::{self, IMAGE, Yard, cluster, ensure, somebody, spec};

/// A flavor so small that every machine here is larger.
const SMALL: &str = "small=1:64";

/// A deployment with one small flavor, and a running machine of it.
async fn small_machine(name: &str) -> (Yard, String) {
    let yard = Yard::with(|config| config.flavors = vec![SMALL.parse().unwrap()]).await;
    let (cluster, mut node) = (cluster(name), spec(&format!("{name}-worker-0"), 0));
    node.flavor = Some("small".into());
    yard.docker.ensure_network(&cluster, Progress::ignored()).await.unwrap();
    let machine = ensure(&yard.docker, &cluster, &node).await.unwrap();
    yard.until_log(&machine.id, "agent: up").await;
    (yard, machine.id)
}

#[tokio::test]
async fn a_flavors_memory_is_all_that_the_machine_gets() {
    let (yard, machine) = small_machine("memory").await;
    let host = yard.engine.inspect_container(&machine, None).await.unwrap().host_config.unwrap();
    assert_eq!((host.memory, host.memory_swap), (Some(64 << 20), Some(64 << 20)));
    // `tail` holds in memory all that it is to print.
    let keep = |mib: u32| format!("head -c {mib}M /dev/zero | tail -c {mib}M >/dev/null; echo ended with $?");
    assert_eq!(yard.exec(&machine, &keep(16)).await.trim(), "ended with 0");
    let out = yard.exec(&machine, &keep(256)).await;
    assert!(out.contains("ended with 137"), "more than the flavor has: {out}");
}

#[tokio::test]
async fn a_flavors_processors_are_all_that_the_machine_gets() {
    let (yard, machine) = small_machine("processors").await;
    if yard.engine.info().await.unwrap().ncpu.unwrap() < 2 {
        return; // With one processor there is nothing to limit.
    }
    let spin = "for n in 1 2 3 4; do timeout 120 sh -c 'while :; do :; done' >/dev/null 2>&1 & done";
    yard.exec(&machine, spin).await;
    support::until("the kernel throttles the machine", async || {
        let stat = "cat /sys/fs/cgroup/cpu/cpu.stat /sys/fs/cgroup/cpu.stat 2>/dev/null";
        let stat = yard.exec(&machine, stat).await;
        stat.lines().any(|line| line.starts_with("nr_throttled ") && line != "nr_throttled 0").then_some(())
    })
    .await;
}

#[tokio::test]
async fn each_machine_has_the_flavor_of_its_own_group() {
    let flavors = ["small=1:64", "large=1:128"].map(|text| text.parse::<Flavor>().unwrap());
    let yard = Yard::with(|config| config.flavors = flavors.into()).await;
    let cluster = cluster("groups");
    yard.docker.ensure_network(&cluster, Progress::ignored()).await.unwrap();
    for (slot, (flavor, memory)) in
        [(Some("small"), 64 << 20), (Some("large"), 128 << 20), (None, 0)].into_iter().enumerate()
    {
        let mut node = spec(&format!("groups-worker-{slot}"), slot.try_into().unwrap());
        node.flavor = flavor.map(str::to_owned);
        let machine = ensure(&yard.docker, &cluster, &node).await.unwrap();
        let host = yard.engine.inspect_container(&machine.id, None).await.unwrap().host_config.unwrap();
        assert_eq!(host.memory.unwrap_or_default(), memory, "{flavor:?}");
    }
    let mut node = spec("groups-worker-3", 3);
    node.flavor = Some("m1.small".into());
    let cause = ensure(&yard.docker, &cluster, &node).await.unwrap_err();
    assert_eq!((cause.code.as_str(), cause.who_must_act), ("flavor_unknown", WhoMustAct::User));
    assert!(cause.action.contains("small, large"), "{}", cause.action);
}

#[tokio::test]
async fn what_templates_name_is_looked_up() {
    let yard = Yard::new().await;
    for name in [IMAGE, &format!("jeroboam/node:{IMAGE}")] {
        let Found::One(image) = yard.docker.look_up(&somebody(), Kind::Image, name).await.unwrap() else {
            panic!("no {name}")
        };
        assert_eq!(image.distro.as_deref(), Some("debian"));
        assert!(image.kubernetes_versions().unwrap().contains(&RELEASES[0].version), "{image:?}");
        assert!(image.docker.is_some() && !image.of_other_release, "{image:?}");
    }
    for name in ["debian-1", "no/such/image:1", "NOT A NAME", "@", "../containers/x", "x".repeat(255).as_str()] {
        let found = yard.docker.look_up(&somebody(), Kind::Image, name).await.unwrap();
        assert!(matches!(&found, Found::Nothing { advice } if advice.contains(IMAGE)), "{name}: {found:?}");
    }
    let Found::One(flavor) = yard.docker.look_up(&somebody(), Kind::Flavor, "m1.small").await.unwrap() else {
        panic!("no flavor")
    };
    assert_eq!(flavor.root_disk, None);
    let found = yard.docker.look_up(&somebody(), Kind::Flavor, "m1.smal").await.unwrap();
    assert!(matches!(&found, Found::Nothing { advice } if advice.contains("m1.small")), "{found:?}");
    for kind in [Kind::Keypair, Kind::ExternalNetwork, Kind::Network, Kind::Subnet] {
        assert_eq!(yard.docker.look_up(&somebody(), kind, "any").await.unwrap(), Found::NotUsed);
    }
}

#[tokio::test]
async fn the_images_of_nodes_are_listed_with_what_they_carry() {
    let yard = Yard::new().await;
    let images = yard.docker.node_images().await.unwrap();
    let ours = images.iter().find(|image| image.name == IMAGE).unwrap_or_else(|| panic!("no {IMAGE}: {images:?}"));
    let Found::One(looked_up) = yard.docker.look_up(&somebody(), Kind::Image, IMAGE).await.unwrap() else {
        panic!("no {IMAGE}")
    };
    assert_eq!(ours.offer, looked_up);
    assert!(images.iter().all(|image| !image.name.starts_with("jeroboam/nginx")), "{images:?}");
}

#[tokio::test]
async fn an_image_of_another_release_says_so() {
    let yard = Yard::new().await;
    // Like images of an earlier release: a label with versions, and none for the layout.
    for (tag, layout) in [("of-before", None), ("of-later", Some("io.jeroboam.layout=3"))] {
        let old = yard.image(tag, ["io.jeroboam.kubernetes=v1.20.2"].into_iter().chain(layout)).await;
        let Found::One(offer) = yard.docker.look_up(&somebody(), Kind::Image, &old).await.unwrap() else {
            panic!("no {old}")
        };
        assert!(offer.of_other_release && offer.kubernetes.is_none(), "{offer:?}");
        assert!(yard.docker.node_images().await.unwrap().iter().all(|image| image.name != old));
    }
}

#[tokio::test]
async fn an_image_that_is_no_node_image_says_so() {
    let yard = Yard::new().await;
    let found = yard.docker.look_up(&somebody(), Kind::Image, "jeroboam/nginx:1.22").await.unwrap();
    let Found::One(image) = found else { panic!("the nginx image is missing, from `make image`: {found:?}") };
    assert_eq!(image.distro, None);
}

#[tokio::test]
async fn an_image_that_is_missing_is_named_together_with_those_that_are_there() {
    let yard = Yard::new().await;
    let (cluster, mut node) = (cluster("image"), spec("image-master-0", 0));
    node.image = "debian-1".into();
    yard.docker.ensure_network(&cluster, Progress::ignored()).await.unwrap();
    let cause = ensure(&yard.docker, &cluster, &node).await.unwrap_err();
    assert_eq!((cause.code.as_str(), cause.who_must_act), ("image_missing", WhoMustAct::Operator));
    assert!(cause.message.contains("jeroboam/node:debian-1"), "{}", cause.message);
    assert!(cause.action.contains("make image") && cause.action.contains(IMAGE), "{}", cause.action);
    assert_eq!(yard.containers().await.len(), 0);
}
