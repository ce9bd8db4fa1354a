//! Reading and validating the attributes of a new cluster (contract magnum-v1 sections 2.2 and 6).

use jeroboam_model::labels::{self, LabelRules};
use jeroboam_model::validate::{self, Limits};
use jeroboam_model::{ClusterTemplate, Labels};

use crate::cluster_template::draft::check_storage;
use crate::http::{ApiError, Fields, Result, Version};
use crate::spelling::Spelling;

/// Default timeout of a creation in minutes.
const DEFAULT_CREATE_TIMEOUT: u32 = 60;

/// Longest discovery URL, in characters. Magnum does not check it (contract magnum-v1 section 2.2); this is the length
/// that everybody should support at least (RFC 9110 section 4.1). The smallest column for it in any of the databases
/// takes 65,535 bytes, up to four per character.
const MAX_DISCOVERY_URL: usize = 8000;

/// Attributes that clients may not set.
const READ_ONLY: [&str; 12] = [
    "links",
    "stack_id",
    "cluster_id",
    "api_address",
    "coe_version",
    "container_version",
    "project_id",
    "user_id",
    "node_addresses",
    "master_addresses",
    "created_at",
    "updated_at",
];

/// Attributes that are accepted without effect.
const IGNORED: [&str; 9] = [
    "uuid",
    "status",
    "status_reason",
    "faults",
    "labels_added",
    "labels_overridden",
    "labels_skipped",
    "health_status",
    "health_status_reason",
];

/// The same for bays.
const IGNORED_IN_BAYS: [&str; 4] = ["uuid", "status", "status_reason", "bay_faults"];

/// The requested cluster, as far as it can be validated without the template.
#[derive(Clone)]
pub(super) struct Draft {
    pub(super) template: String,
    pub(super) name: Option<String>,
    pub(super) keypair: Option<String>,
    pub(super) node_count: u32,
    pub(super) master_count: u32,
    pub(super) docker_volume_size: Option<u32>,
    labels: Option<Labels>,
    merge_labels: bool,
    pub(super) master_flavor_id: Option<String>,
    pub(super) flavor_id: Option<String>,
    pub(super) create_timeout: Option<u32>,
    pub(super) discovery_url: Option<String>,
    pub(super) fixed_network: Option<String>,
    pub(super) fixed_subnet: Option<String>,
    pub(super) floating_ip_enabled: Option<bool>,
    pub(super) master_lb_enabled: Option<bool>,
}

impl Draft {
    /// Reads and validates all attributes.
    pub(super) fn read(mut fields: Fields, version: Version, limits: Limits, spelling: Spelling) -> Result<Self> {
        let is_bay = spelling == Spelling::Bay;
        fields.refuse(&READ_ONLY)?;
        fields.ignore(if is_bay { &IGNORED_IN_BAYS } else { &IGNORED });
        let timeout = spelling.create_timeout();
        let is_timeout_given = fields.has(timeout);
        let draft = Self {
            template: fields.required_text(spelling.template_id())?,
            name: fields.text_of("name", 0, usize::MAX)?,
            keypair: if is_bay { None } else { fields.text("keypair")? },
            node_count: read_node_count(&mut fields, version, limits, spelling)?,
            master_count: read_master_count(&mut fields, limits)?,
            docker_volume_size: fields.volume_size("docker_volume_size")?,
            labels: fields.labels("labels")?,
            merge_labels: if is_bay { false } else { fields.boolean("merge_labels")?.unwrap_or(false) },
            master_flavor_id: fields.text("master_flavor_id")?,
            flavor_id: fields.text("flavor_id")?,
            create_timeout: match fields.at_least(timeout, 0)? {
                // An explicit null means no limit.
                None if is_timeout_given => None,
                None => Some(DEFAULT_CREATE_TIMEOUT),
                given => given,
            },
            discovery_url: fields.text_of("discovery_url", 0, MAX_DISCOVERY_URL)?,
            fixed_network: fields.text("fixed_network")?,
            fixed_subnet: fields.text("fixed_subnet")?,
            floating_ip_enabled: fields.boolean("floating_ip_enabled")?,
            master_lb_enabled: fields.boolean("master_lb_enabled")?,
        };
        fields.finish()?;
        if let Some(name) = &draft.name {
            validate::cluster_name("name", name)?;
        }
        Ok(draft)
    }

    /// The cluster's labels: the template's, replaced or overlaid by the client's.
    pub(super) fn labels(&self, template: &ClusterTemplate) -> Labels {
        labels::merge(&template.labels, self.labels.clone(), self.merge_labels)
    }

    /// Checks what depends on the template.
    pub(super) fn check_with(&self, template: &ClusterTemplate, labels: &Labels, rules: LabelRules) -> Result<()> {
        let volume_size = self.docker_volume_size.or(template.docker_volume_size);
        check_storage(template.docker_storage_driver.as_deref(), volume_size)?;
        labels::check(labels, &template.labels, template.engine, rules)?;
        if template.tls_disabled {
            let engine = template.engine.api;
            return Err(ApiError::field(
                "tls_disabled",
                format!("is set in the template, but {engine} is served over TLS only. Use a template without it"),
            ));
        }
        Ok(())
    }
}

/// Validates a requested number of nodes, masters not counted.
pub(super) fn check_node_count(value: i64, version: Version, limits: Limits, spelling: Spelling) -> Result<u32> {
    // Clusters without workers exist since 1.10; bays never had them.
    let min = if version >= Version::ZERO_SIZE && spelling == Spelling::Cluster { 0 } else { 1 };
    Ok(validate::count("node_count", value, min, limits.nodes)?)
}

fn read_node_count(fields: &mut Fields, version: Version, limits: Limits, spelling: Spelling) -> Result<u32> {
    fields.integer("node_count")?.map_or(Ok(1), |value| check_node_count(value, version, limits, spelling))
}

fn read_master_count(fields: &mut Fields, limits: Limits) -> Result<u32> {
    let Some(value) = fields.integer("master_count")? else { return Ok(1) };
    let count = validate::master_count("master_count", value, limits)?;
    if count > 1 {
        return Err(ApiError::field(
            "master_count",
            format!("must be 1: clusters with several masters are not offered yet, this is {count}"),
        ));
    }
    Ok(count)
}
