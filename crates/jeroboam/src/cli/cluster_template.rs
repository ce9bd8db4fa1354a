//! `jeroboam baymodel ...`, which is also `jeroboam cluster-template ...`.

use clap::{Args, Subcommand};
use jeroboam_types::v1::{ClusterTemplate, ClusterTemplateCreate, PatchOperation};

use super::cluster::{label, switch};
use super::failure::Failure;
use super::output::{Shown, map, or_dash, time};
use super::patch::{PatchArgs, replace};
use super::style::{BOLD, paint};
use super::{Context, Spelling, number};

#[derive(Debug, Subcommand)]
pub(crate) enum TemplateCommand {
    /// List the baymodels that are available to the project.
    #[command(after_help = "Examples:\n  jeroboam baymodel list\n  jeroboam baymodel list -o yaml")]
    List,
    /// Show everything about a baymodel.
    #[command(after_help = "Examples:\n  jeroboam baymodel show kubernetes")]
    Show {
        /// Name or id of the cluster template.
        name: String,
    },
    /// Create a baymodel.
    #[command(after_help = "Examples:
  jeroboam baymodel create vxlan --coe kubernetes --image debian-13 \\
    --labels flannel_backend=vxlan")]
    Create(Box<CreateArgs>),
    /// Change a baymodel. While clusters use it, only its name, tags and visibility can change.
    #[command(after_help = "Examples:
  jeroboam baymodel update vxlan replace name=tunnels
  jeroboam baymodel update vxlan add labels/kube_tag=v1.37.2
  jeroboam baymodel update vxlan remove flavor_id tags
  jeroboam baymodel update vxlan --public")]
    Update(UpdateArgs),
    /// Delete baymodels that no cluster uses.
    #[command(after_help = "Examples:\n  jeroboam baymodel delete vxlan")]
    Delete {
        /// Names or ids of the cluster templates.
        #[arg(required = true)]
        names: Vec<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// Name. By default the server generates one.
    name: Option<String>,

    /// The name as an option, as Magnum's first client had it.
    #[arg(long = "name", value_name = "NAME", hide = true, conflicts_with = "name")]
    name_option: Option<String>,

    /// Engine: kubernetes or swarm.
    #[arg(long, value_name = "ENGINE")]
    coe: String,

    /// Image of the nodes.
    #[arg(long, visible_alias = "image-id", value_name = "IMAGE")]
    image: String,

    /// SSH keypair for the machines.
    #[arg(long, alias = "keypair-id", value_name = "NAME")]
    keypair: Option<String>,

    /// Flavor of the nodes.
    #[arg(long, alias = "flavor-id", value_name = "FLAVOR")]
    flavor: Option<String>,

    /// Flavor of the masters.
    #[arg(long, alias = "master-flavor-id", value_name = "FLAVOR")]
    master_flavor: Option<String>,

    /// External network.
    #[arg(long, alias = "external-network-id", value_name = "NETWORK")]
    external_network: Option<String>,

    /// Network driver for pods or containers: flannel, docker.
    #[arg(long, value_name = "DRIVER")]
    network_driver: Option<String>,

    /// Network of the nodes.
    #[arg(long, value_name = "NETWORK")]
    fixed_network: Option<String>,

    /// Subnet of the nodes.
    #[arg(long, value_name = "SUBNET")]
    fixed_subnet: Option<String>,

    /// DNS servers of the nodes.
    #[arg(long, value_name = "ADDRESS,...")]
    dns_nameserver: Option<String>,

    /// Volume driver: cinder, rexray.
    #[arg(long, value_name = "DRIVER")]
    volume_driver: Option<String>,

    /// Size in GB of each node's volume for images and containers.
    #[arg(long, value_name = "GB", value_parser = number::<u32>, allow_negative_numbers = true)]
    docker_volume_size: Option<u32>,

    /// Storage driver of Docker.
    #[arg(long, value_name = "DRIVER")]
    docker_storage_driver: Option<String>,

    /// Port of the engine's API.
    #[arg(long, value_name = "PORT", value_parser = number::<u16>, allow_negative_numbers = true)]
    apiserver_port: Option<u16>,

    /// HTTP proxy for pulling images on nodes.
    #[arg(long, value_name = "URL")]
    http_proxy: Option<String>,

    /// HTTPS proxy for pulling images on nodes.
    #[arg(long, value_name = "URL")]
    https_proxy: Option<String>,

    /// Hosts to reach without a proxy.
    #[arg(long, value_name = "HOST,...")]
    no_proxy: Option<String>,

    /// Server type: vm or bm.
    #[arg(long, value_name = "TYPE")]
    server_type: Option<String>,

    /// Tags.
    #[arg(long, value_name = "TAG,...")]
    tags: Option<String>,

    /// Driver of the infrastructure.
    #[arg(long, value_name = "DRIVER")]
    driver: Option<String>,

    /// Run a registry in each cluster, which its nodes reach as localhost:5000.
    #[arg(long)]
    registry_enabled: bool,

    /// Disable TLS.
    #[arg(long)]
    tls_disabled: bool,

    /// Put a load balancer in front of the masters.
    #[arg(long)]
    master_lb_enabled: bool,

    /// Put no load balancer in front of the masters.
    #[arg(long, conflicts_with = "master_lb_enabled")]
    master_lb_disabled: bool,

    /// Give nodes floating addresses.
    #[arg(long)]
    floating_ip_enabled: bool,

    /// Give nodes no floating addresses.
    #[arg(long, conflicts_with = "floating_ip_enabled")]
    floating_ip_disabled: bool,

    /// Registry without TLS, for testing.
    #[arg(long, value_name = "HOST:PORT")]
    insecure_registry: Option<String>,

    /// Labels for clusters that are created from the template.
    #[arg(long, value_name = "KEY=VALUE", value_delimiter = ',', value_parser = label)]
    labels: Vec<(String, String)>,

    /// Make it visible to all projects.
    #[arg(long)]
    public: bool,

    /// Hide it: do not offer it for new clusters.
    #[arg(long)]
    hidden: bool,
}

#[derive(Debug, Args)]
pub(crate) struct UpdateArgs {
    /// Name or id of the cluster template.
    name: String,

    #[command(flatten)]
    patch: PatchArgs,

    /// Make it visible to all projects.
    #[arg(long)]
    public: bool,

    /// Make it visible to its own project only.
    #[arg(long, conflicts_with = "public")]
    private: bool,

    /// Hide it: do not offer it for new clusters.
    #[arg(long)]
    hidden: bool,

    /// Stop hiding it.
    #[arg(long, conflicts_with = "hidden")]
    visible: bool,
}

impl Shown for ClusterTemplate {
    const COLUMNS: &'static [&'static str] = &["UUID", "NAME", "COE", "IMAGE", "NETWORK", "PUBLIC"];
    const SPARE: &'static [&'static str] = &["NETWORK", "IMAGE"];

    fn row(&self) -> Vec<String> {
        vec![
            self.uuid.clone(),
            self.name(),
            self.coe.clone(),
            self.image_id.clone(),
            or_dash(self.network_driver.as_deref()),
            if self.public { "yes" } else { "no" }.to_owned(),
        ]
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        let text = |value: &Option<String>| or_dash(value.as_deref());
        let number = |value: Option<u32>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
        vec![
            ("uuid", self.uuid.clone()),
            ("name", text(&self.name)),
            ("coe", self.coe.clone()),
            ("image_id", self.image_id.clone()),
            ("cluster_distro", text(&self.cluster_distro)),
            ("server_type", self.server_type.clone()),
            ("flavor_id", text(&self.flavor_id)),
            ("master_flavor_id", text(&self.master_flavor_id)),
            ("keypair_id", text(&self.keypair_id)),
            ("network_driver", text(&self.network_driver)),
            ("volume_driver", text(&self.volume_driver)),
            ("external_network_id", text(&self.external_network_id)),
            ("fixed_network", text(&self.fixed_network)),
            ("fixed_subnet", text(&self.fixed_subnet)),
            ("dns_nameserver", text(&self.dns_nameserver)),
            ("apiserver_port", number(self.apiserver_port.map(u32::from))),
            ("docker_volume_size", number(self.docker_volume_size)),
            ("docker_storage_driver", text(&self.docker_storage_driver)),
            ("http_proxy", text(&self.http_proxy)),
            ("https_proxy", text(&self.https_proxy)),
            ("no_proxy", text(&self.no_proxy)),
            ("insecure_registry", text(&self.insecure_registry)),
            ("labels", map(&self.labels)),
            ("public", self.public.to_string()),
            ("hidden", self.hidden.to_string()),
            ("registry_enabled", self.registry_enabled.to_string()),
            ("master_lb_enabled", self.master_lb_enabled.to_string()),
            ("floating_ip_enabled", self.floating_ip_enabled.to_string()),
            ("tags", text(&self.tags)),
            ("driver", text(&self.driver)),
            ("tls_disabled", self.tls_disabled.to_string()),
            ("created_at", time(self.created_at.as_deref())),
            ("updated_at", time(self.updated_at.as_deref())),
        ]
    }

    fn name(&self) -> String {
        self.name.clone().unwrap_or_else(|| self.uuid.clone())
    }
}

impl TemplateCommand {
    pub(crate) async fn run(self, context: &Context, spelling: Spelling) -> Result<(), Failure> {
        let Context { client, out } = context;
        match self {
            Self::List => {
                let nothing = format!("There is no {} yet.", spelling.template());
                out.list(&client.templates().await?, &nothing)
            }
            Self::Show { name } => out.one(&client.template(&name).await?),
            Self::Create(arguments) => {
                let template = client.create_template(&arguments.body()).await?;
                let name = paint(BOLD, &template.name());
                let sentence = format!("{} {name} is created ({})", spelling.template(), template.uuid);
                out.told(&template, &sentence)
            }
            Self::Update(arguments) => {
                let template = client.update_template(&arguments.name, &arguments.operations()?).await?;
                let name = paint(BOLD, &template.name());
                out.told(&template, &format!("{} {name} is changed", spelling.template()))
            }
            Self::Delete { names } => {
                for name in names {
                    let template = client.template(&name).await?;
                    client.delete_template(&template.uuid).await?;
                    out.told(&template, &format!("{} {} is gone", spelling.template(), template.name()))?;
                }
                Ok(())
            }
        }
    }
}

impl CreateArgs {
    fn body(self) -> ClusterTemplateCreate {
        ClusterTemplateCreate {
            name: self.name.or(self.name_option),
            coe: self.coe,
            image_id: self.image,
            keypair_id: self.keypair,
            flavor_id: self.flavor,
            master_flavor_id: self.master_flavor,
            external_network_id: self.external_network,
            network_driver: self.network_driver,
            insecure_registry: self.insecure_registry,
            labels: (!self.labels.is_empty()).then(|| self.labels.into_iter().collect()),
            public: self.public.then_some(true),
            fixed_network: self.fixed_network,
            fixed_subnet: self.fixed_subnet,
            dns_nameserver: self.dns_nameserver,
            volume_driver: self.volume_driver,
            docker_volume_size: self.docker_volume_size,
            docker_storage_driver: self.docker_storage_driver,
            apiserver_port: self.apiserver_port,
            http_proxy: self.http_proxy,
            https_proxy: self.https_proxy,
            no_proxy: self.no_proxy,
            registry_enabled: self.registry_enabled.then_some(true),
            tls_disabled: self.tls_disabled.then_some(true),
            hidden: self.hidden.then_some(true),
            master_lb_enabled: switch(self.master_lb_enabled, self.master_lb_disabled),
            floating_ip_enabled: switch(self.floating_ip_enabled, self.floating_ip_disabled),
            server_type: self.server_type,
            tags: self.tags,
            driver: self.driver,
        }
    }
}

impl UpdateArgs {
    fn operations(&self) -> Result<Vec<PatchOperation>, Failure> {
        let mut patch = self.patch.operations()?;
        let flag = |name: &str, value: Option<bool>| value.map(|value| replace(name, &value.to_string()));
        patch.extend(flag("public", switch(self.public, self.private)));
        patch.extend(flag("hidden", switch(self.hidden, self.visible)));
        if patch.is_empty() {
            return Err(Failure::Usage("nothing to change. Example: replace name=new".to_owned()));
        }
        Ok(patch)
    }
}
