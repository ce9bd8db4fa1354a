//! Valid and invalid manifests.

use k8s_openapi::api::core::v1::{Pod, ReplicationController, Service};
use proptest::prelude::*;
use serde_json::json;

use super::*;

const POD: &str = "
apiVersion: v1
kind: Pod
metadata:
  name: web
  labels: {app: web}
spec:
  containers:
  - name: nginx
    image: nginx:1.22
    ports:
    - containerPort: 80
";

fn pod(text: &str) -> Result<Manifest<Pod>, String> {
    Manifest::<Pod>::parse(text).map_err(|error| error.to_string())
}

fn why(text: &str) -> String {
    pod(text).unwrap_err()
}

/// The valid pod with one part replaced.
fn with(from: &str, to: &str) -> String {
    assert!(POD.contains(from), "{from}");
    POD.replacen(from, to, 1)
}

#[test]
fn yaml_and_json_are_read() {
    let manifest = pod(POD).unwrap();
    assert_eq!(manifest.name(), "web");
    assert_eq!(manifest.object().spec.as_ref().unwrap().containers[0].image.as_deref(), Some("nginx:1.22"));
    let as_json = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "labels": {"app": "web"}},
        "spec": {"containers": [{"name": "nginx", "image": "nginx:1.22", "ports": [{"containerPort": 80}]}]}});
    assert_eq!(pod(&as_json.to_string()).unwrap(), manifest);
    // A space before the brace makes it YAML, which includes JSON.
    assert_eq!(pod(&format!(" {as_json}")).unwrap(), manifest);
    assert_eq!(pod(&format!("---\n{POD}---\n")).unwrap(), manifest);
    assert_eq!(pod(&format!("\u{feff}{POD}")).unwrap(), manifest);
    assert_eq!(pod(&with("v1", "v1beta3")).unwrap(), manifest);
    assert_eq!(pod(&with("name: web", "name: web\n  namespace: default")).unwrap().name(), "web");
}

#[test]
fn what_is_no_manifest_says_so() {
    assert_eq!(why(""), "manifest: is empty");
    assert_eq!(why("\n# nothing here\n"), "manifest: is empty");
    assert_eq!(why("---\n"), "manifest: is empty");
    assert_eq!(why("null"), "manifest: is empty");
    assert_eq!(why("- a\n- b"), "manifest: must be a mapping of fields, not a list");
    assert_eq!(why("hello"), "manifest: must be a mapping of fields, not text");
    assert!(why("{\"a\": ").starts_with("manifest: is not JSON: "));
    assert!(why("{} {}").starts_with("manifest: is not JSON: "));
    assert!(why("a: [b").starts_with("manifest: is not YAML: "));
    assert!(why("a: b: c").starts_with("manifest: is not YAML: "));
    assert!(why("{\"kind\": \"Pod\", \"kind\": \"Pod\"}").contains("duplicate"));
    assert!(why(&format!("{POD}kind: Pod\n")).contains("duplicate"));
    assert_eq!(why(&format!("{POD}---{POD}")), "manifest: has more than one YAML document; send them one by one");
    assert!(why(&format!("{POD}#{}", "x".repeat(MAX_BYTES))).starts_with("manifest: has 5244"));
    assert_eq!(why("1: a"), "manifest: has a key that is no text: 1 (put it in quotes)");
    assert_eq!(why("a: !secret b"), "manifest: a: has the YAML tag !secret, which means nothing here");
    assert!(why("a: .nan").contains("a: "));
    // Nested aliases must not expand (YAML bomb).
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n\
        d: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n";
    assert!(why(bomb).starts_with("manifest: is not YAML: "));
    assert_eq!(why(&"[".repeat(100_000)), "manifest: has more than 1000 brackets open at once");
    assert!(why(&"[".repeat(500)).starts_with("manifest: is not YAML: recursion limit"));
    assert!(why(&"{\"a\":".repeat(1000)).starts_with("manifest: is not JSON: "));
}

#[test]
fn kind_version_namespace_and_name_are_checked() {
    assert_eq!(why(&with("kind: Pod", "kind: Service")), "manifest: kind: must be Pod for /v1/pods, not Service");
    assert_eq!(why(&with("kind: Pod", "kind: 1")), "manifest: kind: must be Pod for /v1/pods, not a number");
    assert_eq!(why(&with("kind: Pod\n", "")), "manifest: kind: is required");
    assert_eq!(why(&with("apiVersion: v1\n", "")), "manifest: apiVersion: is required");
    assert_eq!(why(&with("v1", "apps/v1")), "manifest: apiVersion: must be v1, not apps/v1");
    assert_eq!(why(&with("  name: web\n", "")), "manifest: metadata.name: is required");
    assert_eq!(
        why(&with("name: web", "name: 12")),
        "manifest: metadata.name: must be text, not a number (put it in quotes)"
    );
    assert!(why(&with("name: web", "name: Web")).starts_with("manifest: metadata.name: must be 1 to 253 lower-case"));
    let long = format!("name: {}", "w".repeat(254));
    assert!(why(&with("name: web", &long)).starts_with("manifest: metadata.name: must be 1 to 253 lower-case"));
    assert!(why(&with("name: web", "name: ../../x")).starts_with("manifest: metadata.name: "));
    assert!(
        why(&with("name: web", "name: web\n  namespace: kube-system"))
            .starts_with("manifest: metadata.namespace: must be default or left out")
    );
    assert_eq!(why("apiVersion: v1\nkind: Pod\nmetadata: web"), "manifest: metadata: must be a mapping, not text");
}

#[test]
fn what_must_be_there_is_named() {
    assert_eq!(why(&with("    image: nginx:1.22\n", "")), "manifest: spec.containers[0].image: is required");
    assert_eq!(why(&with("nginx:1.22", "\"\"")), "manifest: spec.containers[0].image: is required");
    assert_eq!(why(&with("nginx:1.22", "[a]")), "manifest: spec.containers[0].image: must be text, not a list");
    assert_eq!(why(&with("spec:\n", "x:\n")), "manifest: spec.containers: is required");
    assert_eq!(
        why("{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\"},\"spec\":{\"containers\":[]}}"),
        "manifest: spec.containers: is required"
    );
    assert_eq!(
        why("{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"a\"},\"spec\":{\"containers\":[1]}}"),
        "manifest: spec.containers[0]: must be a mapping, not a number"
    );
    let rc = |text: &str| Manifest::<ReplicationController>::parse(text).map(|_| ()).map_err(|error| error.to_string());
    let good = "{apiVersion: v1, kind: ReplicationController, metadata: {name: r}, spec: {replicas: \"2\", \
        selector: {a: b}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: i}]}}}}";
    assert_eq!(rc(&format!(" {good}")), Ok(()));
    let bad = |from: &str, to: &str| rc(&format!(" {}", good.replacen(from, to, 1))).unwrap_err();
    assert_eq!(bad("selector: {a: b}, ", ""), "manifest: spec.selector: is required");
    assert_eq!(bad("labels: {a: b}", ""), "manifest: spec.template.metadata.labels: is required");
    assert_eq!(bad("image: i", ""), "manifest: spec.template.spec.containers[0].image: is required");
    assert_eq!(bad("\"2\"", "many"), "manifest: spec.replicas: must be a whole number, not text");
    let service = |text: &str| Manifest::<Service>::parse(text).map(|_| ()).map_err(|error| error.to_string());
    let good = "{apiVersion: v1, kind: Service, metadata: {name: s}, spec: {ports: [{port: 80, targetPort: http}]}}";
    assert_eq!(service(&format!(" {good}")), Ok(()));
    assert_eq!(service(&format!(" {}", good.replace("[{port: 80, targetPort: http}]", "[]"))), Ok(()));
    assert_eq!(
        service(&format!(" {}", good.replace("ports: [{port: 80, targetPort: http}]", ""))).unwrap_err(),
        "manifest: spec.ports: is required"
    );
    assert!(service(&format!(" {}", good.replace("name: s", "name: 1s"))).unwrap_err().contains("1 to 63"));
}

#[test]
fn wrong_types_and_unknown_fields_are_named() {
    assert_eq!(
        why(&with("{app: web}", "{app: 1}")),
        "manifest: metadata.labels.app: invalid type: integer `1`, expected a string (put it in quotes)"
    );
    assert!(
        why(&with("containerPort: 80", "containerPort: http"))
            .starts_with("manifest: spec.containers[0].ports[0].containerPort: ")
    );
    let unknown = "no Pod has such a field; check its spelling and its place";
    assert_eq!(
        why(&with("containerPort: 80", "containerPort: 80\n      hostport: 1")),
        format!("manifest: spec.containers[0].ports[0].hostport: {unknown}")
    );
    assert_eq!(why(&with("spec:", "sepc: 1\nspec:")), format!("manifest: sepc: {unknown}"));
    assert_eq!(why(&with("labels:", "label: {a: b}\n  labels:")), format!("manifest: metadata.label: {unknown}"));
    // Empty values have no effect, and tools write them.
    assert!(pod(&with("spec:", "status: {}\nspec:")).is_ok());
    assert!(pod(&with("name: web", "name: web\n  creationTimestamp: null")).is_ok());
}

#[test]
fn usual_spellings_are_understood() {
    let resources =
        "image: nginx:1.22\n    resources:\n      limits: {cpu: 1, memory: 64Mi}\n      requests: {cpu: 0.5}";
    let manifest = pod(&with("image: nginx:1.22", resources)).unwrap();
    let container = &manifest.object().spec.as_ref().unwrap().containers[0];
    let limits = container.resources.as_ref().unwrap().limits.as_ref().unwrap();
    assert_eq!((limits["cpu"].0.as_str(), limits["memory"].0.as_str()), ("1", "64Mi"));
    let volumes = "spec:\n  volumes:\n  - name: v\n    secret: {secretName: s, defaultMode: 0400}";
    let manifest = pod(&with("spec:", volumes)).unwrap();
    let volume = &manifest.object().spec.as_ref().unwrap().volumes.as_ref().unwrap()[0];
    assert_eq!(volume.secret.as_ref().unwrap().default_mode, Some(0o400));
    let merged = with("labels: {app: web}", "labels: &l {app: web}\n  annotations:\n    <<: *l");
    assert_eq!(pod(&merged).unwrap().object().metadata.annotations.as_ref().unwrap()["app"], "web");
}

proptest! {
    #[test]
    fn no_text_upsets_the_parser(text in "\\PC{0,200}") {
        let _ = pod(&text);
        let _ = Manifest::<Service>::parse(&text);
    }

    #[test]
    fn a_made_up_field_is_always_found(name in "[a-z]{1,8}Zz", place in 0_usize..4) {
        let mut value = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {
            "containers": [{"name": "c", "image": "i", "securityContext": {"privileged": false}}]}});
        let path = ["", "metadata", "spec", "spec.containers[0].securityContext"][place];
        let at = match place {
            0 => &mut value,
            1 => &mut value["metadata"],
            2 => &mut value["spec"],
            _ => &mut value["spec"]["containers"][0]["securityContext"],
        };
        at[&name] = 1.into();
        let error = pod(&value.to_string()).unwrap_err();
        prop_assert!(error.starts_with(&format!("manifest: {}: no Pod has", join(path, &name))), "{}", error);
    }

    #[test]
    fn labels_come_through_unchanged(labels in proptest::collection::btree_map("[a-z./]{1,10}", "[ -~]{0,20}", 0..5)) {
        let value = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "labels": labels},
            "spec": {"containers": [{"name": "c", "image": "i"}]}});
        let manifest = Manifest::<Pod>::parse(&serde_norway::to_string(&value).unwrap()).unwrap();
        prop_assert_eq!(manifest.object().metadata.labels.clone().unwrap_or_default(), labels);
    }
}
