//! The specification of a node's container.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::path::Path;

use bollard::models::{
    ContainerCreateBody, EndpointIpamConfig, EndpointSettings, HostConfig, HostConfigCgroupnsModeEnum,
    HostConfigLogConfig, Mount, MountType, NetworkingConfig, RestartPolicy, RestartPolicyNameEnum,
};

use super::capabilities::Grant;
use super::engine::Engine;
use super::upload::AGENT_PATH;
use super::{Docker, flavor, image, labels};
use crate::{ClusterRef, MachineSpec, Result};

/// Kernel modules of the engine's machine, for components that load them.
const MODULES: &str = "/lib/modules";

/// Limits of a container's log: two files of this size. The agent keeps the components' own logs.
const LOG_SIZE: &str = "5m";
const LOG_FILES: &str = "2";

/// Network, address and disk of a node's container.
pub(super) struct Place {
    /// Id of the cluster's network.
    pub(super) network: String,
    /// The node's address on it.
    pub(super) address: Ipv4Addr,
    /// Name of the node's volume.
    pub(super) disk: String,
}

/// Describes the container of a node to the engine.
pub(super) fn build(
    docker: &Docker,
    engine: &Engine,
    cluster: &ClusterRef,
    spec: &MachineSpec,
    place: &Place,
    grant: &Grant,
) -> Result<ContainerCreateBody> {
    let labels = labels::of_node(docker, cluster, spec);
    let endpoint = EndpointSettings {
        ipam_config: Some(EndpointIpamConfig {
            ipv4_address: Some(place.address.to_string()),
            ..EndpointIpamConfig::default()
        }),
        ..EndpointSettings::default()
    };
    let mut host = HostConfig {
        network_mode: Some(place.network.clone()),
        mounts: Some(mounts(engine, &place.disk)),
        tmpfs: Some(HashMap::from([
            // Both need `exec`: containerd's shims run programs from /run.
            ("/run".to_owned(), "exec,mode=755".to_owned()),
            ("/tmp".to_owned(), "exec,mode=1777".to_owned()),
        ])),
        restart_policy: Some(RestartPolicy {
            name: Some(RestartPolicyNameEnum::UNLESS_STOPPED),
            maximum_retry_count: None,
        }),
        // Under cgroup version 1 a namespace of its own would hide the hierarchies that must be made writable.
        cgroupns_mode: Some(match engine.facts.cgroup_v2 {
            true => HostConfigCgroupnsModeEnum::PRIVATE,
            false => HostConfigCgroupnsModeEnum::HOST,
        }),
        // Containers in the container set up their own namespaces and mounts, and the kubelet sets kernel parameters:
        // the engine's profiles would forbid both.
        security_opt: Some(vec![
            "seccomp=unconfined".to_owned(),
            "apparmor=unconfined".to_owned(),
            "label=disable".to_owned(),
        ]),
        masked_paths: Some(Vec::new()),
        readonly_paths: Some(Vec::new()),
        device_cgroup_rules: Some(vec!["a *:* rwm".to_owned()]),
        // With user namespace mapping, root in a node would not own what it has to manage.
        userns_mode: Some("host".to_owned()),
        // The agent is process 1 and reaps processes itself.
        init: Some(false),
        // Some log drivers cannot be read; this one can. The engine's default does not matter.
        log_config: Some(HostConfigLogConfig {
            typ: Some("json-file".to_owned()),
            config: Some(HashMap::from([
                ("max-size".to_owned(), LOG_SIZE.to_owned()),
                ("max-file".to_owned(), LOG_FILES.to_owned()),
            ])),
        }),
        ..HostConfig::default()
    };
    grant.apply(&mut host);
    if let Some(name) = &spec.flavor {
        flavor::limit(&mut host, flavor::find(&docker.config.flavors, name)?, &engine.facts);
    }
    Ok(ContainerCreateBody {
        hostname: Some(spec.name.clone()),
        image: Some(image::reference(&spec.image)),
        // Overrides the image's own: any image works that has what the components need.
        entrypoint: Some(vec![AGENT_PATH.to_owned()]),
        cmd: Some(Vec::new()),
        user: Some("0:0".to_owned()),
        working_dir: Some("/".to_owned()),
        // By this programs detect that they run in a container (systemd.io/CONTAINER_INTERFACE).
        env: Some(vec!["container=docker".to_owned()]),
        labels: Some(labels),
        networking_config: Some(NetworkingConfig {
            endpoints_config: Some(HashMap::from([(place.network.clone(), endpoint)])),
        }),
        host_config: Some(host),
        ..ContainerCreateBody::default()
    })
}

/// `/var` is a volume: overlay file systems do not stack, and its data must outlive the container.
fn mounts(engine: &Engine, disk: &str) -> Vec<Mount> {
    let mut mounts = vec![Mount {
        target: Some("/var".to_owned()),
        source: Some(disk.to_owned()),
        typ: Some(MountType::VOLUME),
        ..Mount::default()
    }];
    if engine.facts.local && Path::new(MODULES).is_dir() {
        mounts.push(Mount {
            target: Some(MODULES.to_owned()),
            source: Some(MODULES.to_owned()),
            typ: Some(MountType::BIND),
            read_only: Some(true),
            ..Mount::default()
        });
    }
    mounts
}
