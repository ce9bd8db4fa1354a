//! Services of Kubernetes.

use jeroboam_types::v1;
use k8s_openapi::api::core::v1::{Service, ServicePort};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::ResourceExt as _;

use super::workloads::{Workload, created_at};

/// Name that is shown for an unnamed port (contract workloads-2015 section 2.3).
const UNNAMED_PORT: &str = "k8s-service";

impl Workload for v1::Service {
    type Object = Service;
    const NOUN: &'static str = "service";

    fn view(service: &Service) -> Self {
        let spec = service.spec.clone().unwrap_or_default();
        Self {
            uuid: service.uid().unwrap_or_default(),
            name: service.name_any(),
            labels: service.labels().clone(),
            selector: spec.selector.unwrap_or_default(),
            // A headless service has the literal address "None".
            ip: spec.cluster_ip.filter(|ip| !ip.is_empty() && ip != "None"),
            ports: spec.ports.unwrap_or_default().into_iter().map(port).collect(),
            created_at: created_at(service.metadata.creation_timestamp.as_ref()),
            ..Self::default()
        }
    }
}

fn port(port: ServicePort) -> v1::ServicePort {
    v1::ServicePort {
        name: port.name.unwrap_or_else(|| UNNAMED_PORT.to_owned()),
        protocol: port.protocol.unwrap_or_else(|| "TCP".to_owned()),
        port: port.port,
        target_port: port.target_port.map(|target| match target {
            IntOrString::Int(number) => number.into(),
            IntOrString::String(name) => name.into(),
        }),
        node_port: port.node_port,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_without_labels_selector_and_node_port_is_shown() {
        let service: Service = serde_json::from_value(serde_json::json!({
            "metadata": {"name": "s", "uid": "u"},
            "spec": {"clusterIP": "None", "ports": [{"port": 80, "targetPort": "http"}]},
        }))
        .unwrap();
        let shown = v1::Service::view(&service);
        assert_eq!(shown.ip, None);
        assert_eq!(shown.ports[0].name, "k8s-service");
        assert_eq!(shown.ports[0].target_port, Some("http".into()));
        assert_eq!(shown.ports[0].node_port, None);
    }
}
