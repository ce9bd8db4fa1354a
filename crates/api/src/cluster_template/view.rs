//! Templates in responses, the same in all microversions; baymodels lack later attributes.

use jeroboam_model::ClusterTemplate;
use jeroboam_types::v1;
use serde_json::Value;

use crate::http::{Caller, reply};
use crate::spelling::Spelling;

/// Attributes that baymodels do not have (contract magnum-v1 section 2.11).
const NOT_IN_BAYMODELS: [&str; 3] = ["driver", "project_id", "user_id"];

/// A template in a response.
pub(crate) fn show(template: &ClusterTemplate, caller: &Caller, spelling: Spelling) -> Value {
    let template = template.clone();
    let mut attributes = reply::attributes(v1::ClusterTemplate {
        uuid: template.uuid.to_string(),
        name: template.name,
        coe: template.engine.to_string(),
        image_id: template.image_id,
        flavor_id: template.flavor_id,
        master_flavor_id: template.master_flavor_id,
        keypair_id: template.keypair_id,
        external_network_id: template.external_network_id,
        fixed_network: template.fixed_network,
        fixed_subnet: template.fixed_subnet,
        dns_nameserver: template.dns_nameserver,
        network_driver: template.network_driver,
        volume_driver: template.volume_driver,
        docker_volume_size: template.docker_volume_size,
        docker_storage_driver: template.docker_storage_driver,
        apiserver_port: template.apiserver_port,
        cluster_distro: template.cluster_distro,
        http_proxy: template.http_proxy,
        https_proxy: template.https_proxy,
        no_proxy: template.no_proxy,
        insecure_registry: template.insecure_registry,
        labels: template.labels,
        registry_enabled: template.registry_enabled,
        tls_disabled: template.tls_disabled,
        public: template.public,
        hidden: template.hidden,
        master_lb_enabled: template.master_lb_enabled,
        floating_ip_enabled: template.floating_ip_enabled,
        server_type: template.server_type,
        tags: template.tags,
        driver: template.driver,
        project_id: template.project_id,
        user_id: template.user_id,
        links: reply::links(&caller.base, spelling.templates(), template.uuid),
        created_at: Some(reply::time(template.created_at)),
        updated_at: template.updated_at.map(reply::time),
    });
    if spelling == Spelling::Bay {
        attributes.retain(|name, _| !NOT_IN_BAYMODELS.contains(&name.as_str()));
    }
    Value::Object(attributes)
}
