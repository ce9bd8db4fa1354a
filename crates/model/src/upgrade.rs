//! Whether a cluster can be moved to another template without changing nodes. A change that affects running nodes
//! (another version, image, port ...) requires replacing nodes one by one, which is not offered yet.

use crate::kubernetes::Version;
use crate::{Cluster, ClusterTemplate, FieldError, NodeGroup};

/// Why the cluster cannot be moved from its template to `to`; `None` when no node is affected. `version` is the version
/// of Kubernetes that a new cluster from `to` would get.
#[must_use]
pub fn obstacle(
    cluster: &Cluster,
    groups: &[NodeGroup],
    from: &ClusterTemplate,
    to: &ClusterTemplate,
    version: Option<Version>,
) -> Option<FieldError> {
    let differs = |what: &str, is: &str, would: &str| {
        let message = format!(
            "the template's {what} is {would}, the cluster's is {is}; replacing nodes one by one is not offered yet. \
             Create a new cluster from that template"
        );
        Some(FieldError::new("cluster_template", message))
    };
    if cluster.engine != to.engine {
        let message = format!("is a template of {} clusters, this one is {}", to.engine, cluster.engine);
        return Some(FieldError::new("cluster_template", message));
    }
    if let (Some(is), Some(would)) = (&cluster.engine_version, version.map(|version| version.to_string()))
        && *is != would
    {
        return differs("Kubernetes version", is, &would);
    }
    if let Some(group) = groups.iter().find(|group| group.is_default && group.image_id != to.image_id) {
        return differs("image", &group.image_id, &to.image_id);
    }
    let port = |template: &ClusterTemplate| crate::assignment::api_port(template).to_string();
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
    let switch = |on: bool| if on { "on" } else { "off" }.to_owned();
    [
        ("API port", port(from), port(to)),
        ("insecure registry", text(&from.insecure_registry), text(&to.insecure_registry)),
        ("cluster registry", switch(from.registry_enabled), switch(to.registry_enabled)),
        ("http proxy", text(&from.http_proxy), text(&to.http_proxy)),
        ("https proxy", text(&from.https_proxy), text(&to.https_proxy)),
        ("list of proxy exceptions", text(&from.no_proxy), text(&to.no_proxy)),
        ("network driver", text(&from.network_driver), text(&to.network_driver)),
        ("TLS", switch(!from.tls_disabled), switch(!to.tls_disabled)),
    ]
    .into_iter()
    .find(|(_, is, would)| is != would)
    .and_then(|(what, is, would)| differs(what, without_password(&is), without_password(&would)))
}

/// A proxy URL without its password.
fn without_password(url: &str) -> &str {
    url.rsplit_once('@').map_or(url, |(_, host)| host)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{EngineKind, NodeRole};

    fn template(engine: EngineKind) -> ClusterTemplate {
        ClusterTemplate::new(engine, "debian-13", "p", "u", Timestamp::UNIX_EPOCH)
    }

    /// The version of the cluster.
    const SAME: Version = Version::new(36, 3);

    fn says(to: &ClusterTemplate, version: Version) -> Option<String> {
        let from = template(EngineKind::KUBERNETES);
        let cluster = Cluster {
            engine_version: Some("v1.36.3".to_owned()),
            ..Cluster::of(&from, "c", "p", "u", Timestamp::UNIX_EPOCH)
        };
        let groups = [NodeGroup::default_of(&cluster, &from, NodeRole::Worker, 1)];
        obstacle(&cluster, &groups, &from, to, Some(version)).map(|error| error.message)
    }

    #[test]
    fn a_template_that_no_node_would_notice_is_no_obstacle() {
        let mut other = template(EngineKind::KUBERNETES);
        other.name = Some("other".into());
        other.flavor_id = Some("m1.large".into());
        assert_eq!(says(&other, SAME), None);
    }

    #[test]
    fn another_version_is_an_obstacle_also_where_the_template_names_none() {
        for other in [Version::new(37, 2), Version::new(36, 4)] {
            let said = says(&template(EngineKind::KUBERNETES), other).unwrap();
            let words = format!("Kubernetes version is {other}, the cluster's is v1.36.3");
            assert!(said.contains(&words), "{said}");
        }
    }

    #[test]
    fn what_nodes_would_notice_is_named() {
        let same = template(EngineKind::KUBERNETES);
        for (to, word) in [
            (template(EngineKind::SWARM), "swarm"),
            (ClusterTemplate { image_id: "debian-14".into(), ..same.clone() }, "debian-14"),
            (ClusterTemplate { apiserver_port: Some(8443), ..same.clone() }, "8443"),
            (ClusterTemplate { insecure_registry: Some("r:5000".into()), ..same.clone() }, "r:5000"),
            (ClusterTemplate { registry_enabled: true, ..same.clone() }, "cluster registry is on"),
            (ClusterTemplate { http_proxy: Some("http://u:secret@p:1".into()), ..same.clone() }, "http proxy is p:1"),
            (ClusterTemplate { https_proxy: Some("http://p:2".into()), ..same.clone() }, "http://p:2"),
            (ClusterTemplate { no_proxy: Some("here".into()), ..same.clone() }, "here"),
            (ClusterTemplate { tls_disabled: true, ..same }, "TLS"),
        ] {
            let said = says(&to, SAME).unwrap_or_default();
            assert!(said.contains(word) && !said.contains("secret"), "{word}: {said}");
        }
    }
}
