//! Against a real kube-apiserver with a real etcd.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

// Each test binary uses its own part of it.
#[allow(dead_code)]
mod support;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jeroboam_engine::kubernetes::{Kubernetes, ManifestOf};
use jeroboam_engine::{Engine as _, WorkloadError};
use jeroboam_model::{Cluster, EngineKind, Health, NodeRole, Status};
use jeroboam_types::v1;
use k8s_openapi::api::core::v1::{Event, Namespace, Node, Pod, ResourceQuota, Secret, Service};
use kube::ResourceExt as _;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use serde_json::json;
use support::control_plane::{ControlPlane, SYSTEM_MASTERS, VERSION, access};
use support::{Authority, eventually};
use uuid::Uuid;

fn cluster() -> Cluster {
    Cluster {
        uuid: Uuid::from_u128(1),
        project_id: "p".to_owned(),
        user_id: "u".to_owned(),
        name: "c".to_owned(),
        template: Uuid::from_u128(2),
        engine: EngineKind::KUBERNETES,
        keypair: None,
        docker_volume_size: None,
        labels: BTreeMap::new(),
        master_flavor_id: None,
        flavor_id: None,
        create_timeout: None,
        discovery_url: None,
        fixed_network: None,
        fixed_subnet: None,
        floating_ip_enabled: false,
        master_lb_enabled: false,
        status: Status::CreateInProgress,
        status_reason: None,
        health: None,
        health_reason: BTreeMap::new(),
        paused_at: None,
        infrastructure: None,
        stack_id: None,
        api_address: None,
        coe_version: None,
        engine_version: None,
        container_version: None,
        created_at: jiff::Timestamp::UNIX_EPOCH,
        updated_at: None,
    }
}

fn pod_manifest(name: &str) -> ManifestOf<v1::Pod> {
    ManifestOf::<v1::Pod>::parse(&format!(
        "apiVersion: v1beta3\nkind: Pod\nmetadata:\n  name: {name}\n  labels: {{app: web}}\n\
         spec:\n  containers:\n  - {{name: c, image: 'nginx:1.22'}}\n"
    ))
    .unwrap()
}

#[tokio::test]
async fn configuring_gives_agents_what_they_need_and_no_more() {
    let plane = ControlPlane::start().await;
    let kubernetes = Kubernetes::new();
    kubernetes.configure(&plane.access, &cluster()).await.unwrap();
    let agent = plane.user("jeroboam:node");
    let services: Api<Service> = Api::all(agent.clone());
    eventually(Duration::from_secs(10), async || {
        services.list(&ListParams::default()).await.map(|_| ()).map_err(|error| error.to_string())
    })
    .await;
    Api::<Node>::all(agent.clone()).list(&ListParams::default()).await.unwrap();
    Api::<k8s_openapi::api::core::v1::Endpoints>::all(agent.clone()).list(&ListParams::default()).await.unwrap();
    let forbidden = |error: kube::Error| matches!(error, kube::Error::Api(status) if status.code == 403);
    assert!(forbidden(Api::<Secret>::all(agent.clone()).list(&ListParams::default()).await.unwrap_err()));
    assert!(forbidden(Api::<Pod>::all(agent.clone()).list(&ListParams::default()).await.unwrap_err()));
    let default: Api<Service> = Api::namespaced(agent, "default");
    assert!(forbidden(default.delete("kubernetes", &DeleteParams::default()).await.unwrap_err()));

    let system: Api<Service> = Api::namespaced(plane.client.clone(), "kube-system");
    let dns = system.get("kube-dns").await.unwrap();
    assert_eq!(dns.spec.as_ref().unwrap().cluster_ip.as_deref(), Some("10.254.0.10"));
    // The label that keeps kube-proxy from rejecting traffic to it.
    assert!(dns.labels().contains_key("service.kubernetes.io/service-proxy-name"));

    kubernetes.configure(&plane.access, &cluster()).await.unwrap();
    let again = system.get("kube-dns").await.unwrap();
    assert_eq!((again.uid(), again.resource_version()), (dns.uid(), dns.resource_version()));

    let taken = ManifestOf::<v1::Service>::parse(
        "{\"apiVersion\": \"v1\", \"kind\": \"Service\", \"metadata\": {\"name\": \"mine\"},
          \"spec\": {\"clusterIP\": \"10.254.0.10\", \"ports\": [{\"port\": 53}]}}",
    )
    .unwrap();
    match plane.workloads().await.create::<v1::Service>(&taken).await.unwrap_err() {
        WorkloadError::Invalid { field, message } => {
            assert!(field.starts_with("manifest: spec.clusterIP"), "{field}");
            assert!(message.contains("already allocated"), "{message}");
        }
        other => panic!("{other:?}"),
    }
}

/// The Pod Security Standard label of the namespace for workloads.
async fn pod_security(plane: &ControlPlane) -> Option<String> {
    let namespaces: Api<Namespace> = Api::all(plane.client.clone());
    namespaces.get("default").await.unwrap().labels().get("pod-security.kubernetes.io/enforce").cloned()
}

/// A pod that sees the processes of its node.
fn nosy_pod() -> ManifestOf<v1::Pod> {
    ManifestOf::<v1::Pod>::parse(
        "apiVersion: v1beta3\nkind: Pod\nmetadata: {name: nosy}\nspec:\n  hostPID: true\n  containers: [{name: c, image: i}]\n",
    )
    .unwrap()
}

#[tokio::test]
async fn a_new_cluster_limits_its_pods_and_its_users_decide_from_then_on() {
    let plane = ControlPlane::start().await;
    let (kubernetes, workloads) = (Kubernetes::new(), plane.workloads().await);
    kubernetes.configure(&plane.access, &cluster()).await.unwrap();
    assert_eq!(pod_security(&plane).await.as_deref(), Some("baseline"));
    let system: Api<Namespace> = Api::all(plane.client.clone());
    let system = system.get("kube-system").await.unwrap();
    assert!(!system.labels().contains_key("pod-security.kubernetes.io/enforce"));
    workloads.create::<v1::Pod>(&pod_manifest("web")).await.unwrap();
    let refused = workloads.create::<v1::Pod>(&nosy_pod()).await.unwrap_err().to_string();
    assert!(refused.contains("violates PodSecurity \"baseline:latest\""), "{refused}");

    // Another level, or none, stays as users set it.
    let namespaces: Api<Namespace> = Api::all(plane.client.clone());
    for wanted in [Some("privileged"), None] {
        let patch = json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": wanted}}});
        namespaces.patch("default", &PatchParams::default(), &Patch::Merge(patch)).await.unwrap();
        let changed = Cluster { status: Status::UpdateInProgress, ..cluster() };
        kubernetes.configure(&plane.access, &changed).await.unwrap();
        assert_eq!(pod_security(&plane).await.as_deref(), wanted);
    }
    workloads.create::<v1::Pod>(&nosy_pod()).await.unwrap();
}

#[tokio::test]
async fn a_template_says_how_much_pods_may_do() {
    let plane = ControlPlane::start().await;
    let labels = BTreeMap::from([("pod_security".to_owned(), "restricted".to_owned())]);
    Kubernetes::new().configure(&plane.access, &Cluster { labels, ..cluster() }).await.unwrap();
    assert_eq!(pod_security(&plane).await.as_deref(), Some("restricted"));
    let refused = plane.workloads().await.create::<v1::Pod>(&pod_manifest("web")).await.unwrap_err().to_string();
    assert!(refused.contains("violates PodSecurity \"restricted:latest\""), "{refused}");
}

#[tokio::test]
async fn workloads_are_made_shown_and_deleted() {
    let plane = ControlPlane::start().await;
    let workloads = plane.workloads().await;

    let made = workloads.create::<v1::Pod>(&pod_manifest("web")).await.unwrap();
    assert_eq!((made.name.as_str(), made.status.as_deref()), ("web", Some("Pending")));
    assert_eq!(made.images, ["nginx:1.22"]);
    assert_eq!(made.labels["app"], "web");
    assert!(made.created_at.as_deref().unwrap().parse::<jiff::Timestamp>().is_ok());
    assert_eq!(workloads.get::<v1::Pod>("web").await.unwrap().uuid, made.uuid);
    assert_eq!(workloads.get::<v1::Pod>(&made.uuid).await.unwrap().name, "web");
    assert_eq!(workloads.list::<v1::Pod>().await.unwrap().len(), 1);
    assert!(matches!(workloads.create::<v1::Pod>(&pod_manifest("web")).await, Err(WorkloadError::Conflict(_))));

    // A status as a kubelet would report it, and a warning as an event.
    let pods: Api<Pod> = Api::namespaced(plane.client.clone(), "default");
    let event = json!({"metadata": {"name": "e"}, "type": "Warning", "reason": "FailedMount",
        "message": "secret \"s\" not found", "lastTimestamp": "2024-01-01T00:00:00Z",
        "involvedObject": {"kind": "Pod", "namespace": "default", "name": "web", "uid": made.uuid}});
    let events: Api<Event> = Api::namespaced(plane.client.clone(), "default");
    events.create(&PostParams::default(), &serde_json::from_value(event).unwrap()).await.unwrap();
    assert_eq!(
        workloads.get::<v1::Pod>("web").await.unwrap().status_reason.as_deref(),
        Some("FailedMount: secret \"s\" not found")
    );
    let status = json!({"status": {"phase": "Pending", "podIP": "10.100.1.2", "containerStatuses": [
        {"name": "c", "image": "", "imageID": "", "ready": false, "restartCount": 2,
         "state": {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}}}]}});
    pods.patch_status("web", &PatchParams::default(), &Patch::Merge(status)).await.unwrap();
    let shown = workloads.get::<v1::Pod>("web").await.unwrap();
    assert_eq!(shown.status.as_deref(), Some("ImagePullBackOff"));
    assert_eq!((shown.restarts, shown.ip.as_deref()), (2, Some("10.100.1.2")));

    let service = ManifestOf::<v1::Service>::parse(
        "{\"apiVersion\": \"v1\", \"kind\": \"Service\", \"metadata\": {\"name\": \"front\"},
          \"spec\": {\"type\": \"NodePort\", \"selector\": {\"app\": \"web\"}, \"ports\": [{\"port\": 80}]}}",
    )
    .unwrap();
    let made = workloads.create::<v1::Service>(&service).await.unwrap();
    assert!(made.ip.as_deref().unwrap().starts_with("10.254."));
    assert_eq!((made.ports[0].port, made.ports[0].target_port.clone()), (80, Some(80.into())));
    assert!(made.ports[0].node_port.is_some());
    assert_eq!(made.selector["app"], "web");
    assert!(workloads.list::<v1::Service>().await.unwrap().iter().any(|service| service.uuid == made.uuid));
    workloads.delete::<v1::Service>(&made.uuid).await.unwrap();
    assert!(matches!(workloads.get::<v1::Service>("front").await, Err(WorkloadError::NotFound(_))));

    let rc = ManifestOf::<v1::ReplicationController>::parse(
        "{\"apiVersion\": \"v1\", \"kind\": \"ReplicationController\", \"metadata\": {\"name\": \"many\"},
          \"spec\": {\"replicas\": \"3\", \"selector\": {\"app\": \"web\"}, \"template\": {\"metadata\":
          {\"labels\": {\"app\": \"web\"}}, \"spec\": {\"containers\": [{\"name\": \"c\", \"image\": \"i\"}]}}}}",
    )
    .unwrap();
    let made = workloads.create::<v1::ReplicationController>(&rc).await.unwrap();
    assert_eq!((made.desired, made.replicas, made.ready), (3, 0, 0));
    assert_eq!((made.images.as_slice(), made.labels["app"].as_str()), (["i".to_owned()].as_slice(), "web"));
    assert_eq!(workloads.list::<v1::ReplicationController>().await.unwrap().len(), 1);
    assert_eq!(workloads.get::<v1::ReplicationController>("many").await.unwrap().uuid, made.uuid);
    workloads.delete::<v1::ReplicationController>("many").await.unwrap();

    workloads.delete::<v1::Pod>("web").await.unwrap();
    assert!(matches!(workloads.delete::<v1::Pod>("web").await, Err(WorkloadError::NotFound(_))));
}

#[tokio::test]
async fn what_kubernetes_refuses_comes_back_in_its_words() {
    let plane = ControlPlane::start().await;
    let workloads = plane.workloads().await;
    let twice = ManifestOf::<v1::Pod>::parse(
        "{\"apiVersion\": \"v1\", \"kind\": \"Pod\", \"metadata\": {\"name\": \"a\"}, \"spec\": {\"containers\":
          [{\"name\": \"c\", \"image\": \"i\"}, {\"name\": \"c\", \"image\": \"i\"}]}}",
    )
    .unwrap();
    match workloads.create::<v1::Pod>(&twice).await.unwrap_err() {
        WorkloadError::Invalid { field, message } => {
            assert_eq!(field, "manifest: spec.containers[1].name");
            assert!(message.contains("Duplicate value"), "{message}");
        }
        other => panic!("{other:?}"),
    }
    // A name that would change the URL path is not found.
    for ident in ["../../nodes", "web/log", "web?x=y", "", "..", "%2e%2e", "Web"] {
        assert!(matches!(workloads.get::<v1::Pod>(ident).await, Err(WorkloadError::NotFound(_))), "{ident}");
        assert!(matches!(workloads.delete::<v1::Pod>(ident).await, Err(WorkloadError::NotFound(_))), "{ident}");
    }
    assert!(matches!(workloads.get::<v1::Pod>(&Uuid::from_u128(9).to_string()).await, Err(WorkloadError::NotFound(_))));

    let quotas: Api<ResourceQuota> = Api::namespaced(plane.client.clone(), "default");
    let quota = json!({"metadata": {"name": "q"}, "spec": {"hard": {"pods": "0"}}});
    quotas.create(&PostParams::default(), &serde_json::from_value(quota).unwrap()).await.unwrap();
    let status = json!({"status": {"hard": {"pods": "0"}, "used": {"pods": "0"}}});
    quotas.patch_status("q", &PatchParams::default(), &Patch::Merge(status)).await.unwrap();
    eventually(Duration::from_secs(10), async || match workloads.create::<v1::Pod>(&pod_manifest("over")).await {
        Err(WorkloadError::Refused(said)) if said.contains("exceeded quota") => Ok(()),
        other => {
            let _ = workloads.delete::<v1::Pod>("over").await;
            Err(format!("{other:?}"))
        }
    })
    .await;

    // A user without rights, and a user whom the cluster does not know.
    let stranger = plane.authority.issue("stranger", None, &[]);
    let strangers = access(plane.port, &plane.authority.certificate, &stranger);
    let kubernetes = Kubernetes::new();
    let refused = kubernetes.workloads(&strangers).await.unwrap().list::<v1::Pod>().await.unwrap_err();
    assert!(matches!(refused, WorkloadError::Refused(said) if said.contains("stranger")));
    let cause = kubernetes.nodes(&strangers).await.unwrap_err();
    assert_eq!((cause.code.as_str(), cause.retryable), ("engine_refused", false));
    let other = Authority::new().issue("jeroboam", SYSTEM_MASTERS, &[]);
    let unknown = access(plane.port, &plane.authority.certificate, &other);
    assert!(kubernetes.workloads(&unknown).await.unwrap().list::<v1::Pod>().await.is_err());
    // A server whose certificate is not trusted gets no request.
    let mut impostor = plane.access.clone();
    impostor.ca = Authority::new().certificate;
    let report = kubernetes.health(&impostor).await;
    assert_eq!(report.health, Health::Unhealthy);
}

#[tokio::test]
async fn nodes_are_seen_drained_and_forgotten() {
    let mut plane = ControlPlane::start().await;
    let kubernetes = Kubernetes::new();
    plane.add_node("m", true, json!({"node-role.kubernetes.io/control-plane": ""})).await;
    plane.add_node("w", true, json!({})).await;
    let nodes = kubernetes.nodes(&plane.access).await.unwrap();
    assert_eq!(
        nodes.iter().map(|n| (n.name.as_str(), n.role, n.ready)).collect::<Vec<_>>(),
        [("m", NodeRole::Master, true), ("w", NodeRole::Worker, true)]
    );
    assert_eq!(nodes[0].version.as_deref(), Some(VERSION));
    let report = kubernetes.health(&plane.access).await;
    assert_eq!(report.health, Health::Healthy);
    assert_eq!(report.version.as_deref(), Some(VERSION));
    assert_eq!(report.runtime.as_deref(), Some("containerd://2.4.2"));
    assert_eq!(report.reason["w.Ready"], "True");

    // Its kubelet answers: pods are evicted, and are gone when the kubelet confirms that.
    plane.add_pod("evicted", "w", |_| {}).await;
    plane.add_pod("elsewhere", "m", |_| {}).await;
    let daemon = json!([{"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "d", "uid": "u", "controller": true}]);
    plane.add_pod("daemon", "w", |pod| pod["metadata"]["ownerReferences"] = daemon).await;
    let pods: Api<Pod> = Api::namespaced(plane.client.clone(), "default");
    let kubelet = async {
        eventually(Duration::from_secs(20), async || {
            let pod = pods.get("evicted").await.map_err(|error| error.to_string())?;
            pod.metadata.deletion_grace_period_seconds.ok_or("not evicted yet".to_owned())
        })
        .await;
        let grace = pods.get("evicted").await.unwrap().metadata.deletion_grace_period_seconds;
        pods.delete("evicted", &DeleteParams::default().grace_period(0)).await.unwrap();
        grace
    };
    let (drained, grace) = tokio::join!(kubernetes.drain(&plane.access, "w"), kubelet);
    drained.unwrap();
    // Short enough to leave the kubelet time before the drain gives up.
    assert_eq!(grace, Some(20));
    assert_eq!(plane.pod_names().await, ["daemon", "elsewhere"]);
    let w = Api::<Node>::all(plane.client.clone()).get("w").await.unwrap();
    assert_eq!(w.spec.unwrap().unschedulable, Some(true));
    // A cordoned node still counts as ready, and draining it again changes nothing.
    assert!(kubernetes.nodes(&plane.access).await.unwrap().iter().all(|node| node.ready));
    kubernetes.drain(&plane.access, "w").await.unwrap();

    // Its kubelet is gone: nothing would ever confirm that a pod has stopped.
    plane.add_node("dead", false, json!({})).await;
    plane.add_pod("stuck", "dead", |_| {}).await;
    let start = Instant::now();
    kubernetes.drain(&plane.access, "dead").await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(10));
    assert!(!plane.pod_names().await.contains(&"stuck".to_owned()));
    let report = kubernetes.health(&plane.access).await;
    assert_eq!((report.health, report.reason["dead.Ready"].as_str()), (Health::Unhealthy, "False"));

    kubernetes.forget(&plane.access, "dead").await.unwrap();
    kubernetes.forget(&plane.access, "dead").await.unwrap();
    kubernetes.drain(&plane.access, "dead").await.unwrap();
    for odd in ["", "../namespaces/default", "A"] {
        kubernetes.forget(&plane.access, odd).await.unwrap();
        kubernetes.drain(&plane.access, odd).await.unwrap();
    }
    assert_eq!(kubernetes.nodes(&plane.access).await.unwrap().len(), 2);

    // Another master is used when the first does not answer.
    let mut moved = plane.access.clone();
    moved.api_address = format!("https://127.0.0.9:{}", plane.port);
    moved.masters = vec!["127.0.0.8".parse().unwrap(), "127.0.0.1".parse().unwrap()];
    assert_eq!(kubernetes.nodes(&moved).await.unwrap().len(), 2);

    let workloads = plane.workloads().await;
    plane.apiserver.kill();
    let report = kubernetes.health(&plane.access).await;
    assert_eq!(report.health, Health::Unhealthy);
    assert_ne!(report.reason["api"], "ok");
    let cause = kubernetes.nodes(&plane.access).await.unwrap_err();
    assert_eq!((cause.code.as_str(), cause.retryable), ("engine_unavailable", true));
    assert!(matches!(workloads.list::<v1::Pod>().await, Err(WorkloadError::Unreachable(_))));
}
