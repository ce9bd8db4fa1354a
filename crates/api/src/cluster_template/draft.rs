//! Reading and validating the attributes of a template, for creation and after a patch (contract magnum-v1 sections
//! 2.1 and 6).

use std::net::Ipv4Addr;

use jeroboam_model::assignment;
use jeroboam_model::labels::{self, LabelRules};
use jeroboam_model::validate::{self, MAX_TEXT};
use jeroboam_model::{ClusterTemplate, EngineKind, FieldError, Labels};
use jiff::Timestamp;
use uuid::Uuid;

use crate::AppState;
use crate::http::{ApiError, Fields, Result};
use crate::spelling::Spelling;

/// Smallest volume for the storage driver `devicemapper`, in GB.
const DEVICEMAPPER_MIN: u32 = 3;

/// Lowest port of a cluster's API: those below need privileges.
const MIN_PORT: u32 = 1024;

/// The operating system of nodes' images on the docker infrastructure.
const DISTRO: &str = "debian";

/// A validated template that has no owner yet.
pub(super) struct Draft {
    /// Owner, id and times are not set yet.
    pub(super) template: ClusterTemplate,
}

/// A uuid that a client chose.
pub(super) fn read_uuid(fields: &mut Fields) -> Result<Option<Uuid>> {
    let Some(text) = fields.text("uuid")? else { return Ok(None) };
    text.parse().map(Some).map_err(|_| ApiError::field("uuid", format!("must be a uuid, this is '{text}'")))
}

/// Reads the SSH key that baymodels had until 2016, and drops it (contract workloads-2015 section 1.1): only nodes of
/// CoreOS used it, and nodes here allow no SSH logins. Clients from then always send it, mostly as null.
pub(super) fn drop_ssh_key(fields: &mut Fields) -> Result<()> {
    fields.text_of("ssh_authorized_key", 1, usize::MAX).map(|_| ())
}

/// Checks what baymodels require beyond cluster templates (contract magnum-v1 section 2.11). `old` is the template
/// before a change: what it lacks may stay so, or it could not even be renamed as a baymodel. A change of the keypair
/// must not remove it.
pub(super) fn check_baymodel(new: &ClusterTemplate, old: Option<&ClusterTemplate>, names_keypair: bool) -> Result<()> {
    let needs_keypair = names_keypair || old.is_none_or(|old| old.keypair_id.is_some());
    if needs_keypair && new.keypair_id.is_none() {
        return Err(ApiError::field("keypair_id", "is required"));
    }
    let is_list = |dns: &str| dns.contains(',');
    if let Some(dns) = new.dns_nameserver.as_deref().filter(|dns| is_list(dns))
        && old.is_none_or(|old| old.dns_nameserver.as_deref() != Some(dns))
    {
        return Err(ApiError::field("dns_nameserver", format!("must be one IPv4 address, this is '{dns}'")));
    }
    Ok(())
}

/// The driver of a template's clusters: the infrastructure, of which there is one (contract magnum-v1 section 6.3).
pub(super) fn driver(state: &AppState, asked: Option<String>) -> Result<String> {
    let known = state.infra.name();
    match asked {
        Some(driver) if driver != known => {
            Err(ApiError::field("driver", format!("must be {known}: there is no driver '{driver}' here")))
        }
        _ => Ok(known.to_owned()),
    }
}

impl Draft {
    /// Reads and validates all attributes. `accepted` are labels that the template has already.
    pub(super) fn read(mut fields: Fields, spelling: Spelling, accepted: &Labels, rules: LabelRules) -> Result<Self> {
        let engine = read_engine(&mut fields)?;
        let server_type = read_server_type(&mut fields)?;
        let template = ClusterTemplate {
            uuid: Uuid::nil(),
            project_id: String::new(),
            user_id: String::new(),
            name: fields.text("name")?,
            engine,
            image_id: fields.required_text("image_id")?,
            flavor_id: fields.text("flavor_id")?,
            master_flavor_id: fields.text("master_flavor_id")?,
            keypair_id: fields.text("keypair_id")?,
            external_network_id: fields.text("external_network_id")?,
            fixed_network: fields.text("fixed_network")?,
            fixed_subnet: fields.text("fixed_subnet")?,
            dns_nameserver: read_dns(&mut fields)?,
            network_driver: Some(read_network_driver(&mut fields, engine)?),
            volume_driver: read_volume_driver(&mut fields, engine)?,
            docker_volume_size: fields.volume_size("docker_volume_size")?,
            docker_storage_driver: fields.text("docker_storage_driver")?,
            apiserver_port: read_port(&mut fields)?,
            cluster_distro: Some(fields.text("cluster_distro")?.unwrap_or_else(|| DISTRO.to_owned())),
            http_proxy: checked(&mut fields, "http_proxy", validate::proxy)?,
            https_proxy: checked(&mut fields, "https_proxy", validate::proxy)?,
            no_proxy: checked(&mut fields, "no_proxy", validate::proxy_exceptions)?,
            insecure_registry: checked(&mut fields, "insecure_registry", validate::registries)?,
            labels: fields.labels("labels")?.unwrap_or_default(),
            registry_enabled: fields.boolean("registry_enabled")?.unwrap_or(false),
            tls_disabled: fields.boolean("tls_disabled")?.unwrap_or(false),
            public: fields.boolean("public")?.unwrap_or(false),
            hidden: fields.boolean("hidden")?.unwrap_or(false),
            master_lb_enabled: fields.boolean("master_lb_enabled")?.unwrap_or(false),
            floating_ip_enabled: fields.boolean("floating_ip_enabled")?.unwrap_or(true),
            server_type,
            tags: fields.text_of("tags", 0, MAX_TEXT)?,
            driver: if spelling == Spelling::Bay { None } else { fields.text("driver")? },
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: None,
        };
        fields.finish()?;
        if let Some(other) = template.apiserver_port.and_then(|port| assignment::taken(port, &template)) {
            return Err(ApiError::field(
                "apiserver_port",
                format!("is the port of {other} on masters; use another one"),
            ));
        }
        check_storage(template.docker_storage_driver.as_deref(), template.docker_volume_size)?;
        labels::check(&template.labels, accepted, engine, rules)?;
        Ok(Self { template })
    }
}

/// An optional string that must pass a further check.
fn checked(
    fields: &mut Fields,
    name: &str,
    check: impl Fn(&str, &str) -> std::result::Result<(), FieldError>,
) -> Result<Option<String>> {
    let text = fields.text(name)?;
    if let Some(text) = &text {
        check(name, text)?;
    }
    Ok(text)
}

fn read_engine(fields: &mut Fields) -> Result<EngineKind> {
    let text = fields.required_text("coe")?;
    text.parse().map_err(|_| ApiError::field("coe", format!("must be {}, this is '{text}'", EngineKind::choices())))
}

fn read_server_type(fields: &mut Fields) -> Result<String> {
    let is_null = fields.has("server_type");
    match fields.text("server_type")?.as_deref() {
        None if is_null => Err(ApiError::field("server_type", "must not be null")),
        None | Some("vm") => Ok("vm".to_owned()),
        Some("bm") => Err(ApiError::field("server_type", "bm is known but not offered by this version; use vm")),
        Some(other) => {
            Err(ApiError::field("server_type", format!("must be vm: there are no machines of type '{other}' here")))
        }
    }
}

fn read_network_driver(fields: &mut Fields, engine: EngineKind) -> Result<String> {
    // Magnum offers those of the second list too; our node images do not carry them (contract magnum-v1 section 6.2,
    // workloads-2015 section 1.2).
    let (offered, not_offered) = (engine.network_driver.offered, engine.network_driver.known);
    let refusal = match fields.text("network_driver")? {
        None => return Ok(offered.to_owned()),
        Some(driver) if driver == offered => return Ok(driver),
        Some(driver) if driver == not_offered => {
            format!("{driver} is known but not offered by this version; use {offered}")
        }
        Some(driver) => format!("must be {offered} for {engine}, this is '{driver}'"),
    };
    Err(ApiError::field("network_driver", refusal))
}

fn read_volume_driver(fields: &mut Fields, engine: EngineKind) -> Result<Option<String>> {
    let known = engine.volume_driver;
    match fields.text("volume_driver")? {
        Some(driver) if driver != known => {
            Err(ApiError::field("volume_driver", format!("must be {known} for {engine}, this is '{driver}'")))
        }
        driver => Ok(driver),
    }
}

fn read_port(fields: &mut Fields) -> Result<Option<u16>> {
    let Some(port) = fields.integer("apiserver_port")? else { return Ok(None) };
    u16::try_from(port).ok().filter(|port| u32::from(*port) >= MIN_PORT).map(Some).ok_or_else(|| {
        ApiError::field("apiserver_port", format!("must be a number from {MIN_PORT} to {}, this is {port}", u16::MAX))
    })
}

fn read_dns(fields: &mut Fields) -> Result<Option<String>> {
    let Some(text) = fields.text("dns_nameserver")? else { return Ok(None) };
    let bad = |part: &str| ApiError::field("dns_nameserver", format!("'{part}' is not an IPv4 address"));
    for part in text.split(',').map(str::trim) {
        part.parse::<Ipv4Addr>().map_err(|_| bad(part))?;
    }
    Ok(Some(text))
}

/// The storage driver `devicemapper` needs a volume of its own.
pub(crate) fn check_storage(driver: Option<&str>, volume_size: Option<u32>) -> Result<()> {
    if driver == Some("devicemapper") && volume_size.is_none_or(|size| size < DEVICEMAPPER_MIN) {
        return Err(ApiError::field(
            "docker_volume_size",
            format!("must be at least {DEVICEMAPPER_MIN} with the storage driver devicemapper"),
        ));
    }
    Ok(())
}
