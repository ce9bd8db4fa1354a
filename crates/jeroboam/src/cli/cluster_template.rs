//! `jeroboam baymodel ...`, which is also `jeroboam cluster-template ...`.

use clap::{Args, Subcommand};
use jeroboam_types::v1::{ClusterTemplate, ClusterTemplateCreate};

use super::cluster::label;
use super::failure::Failure;
use super::output::{Shown, map, or_dash};
use super::style::{BOLD, paint};
use super::{Context, Spelling};

#[derive(Debug, Subcommand)]
pub(crate) enum TemplateCommand {
    /// All that the project may use.
    #[command(after_help = "Examples:\n  jeroboam baymodel list\n  jeroboam cluster-template list -o yaml")]
    List,
    /// Everything about one.
    #[command(after_help = "Examples:\n  jeroboam baymodel show kubernetes")]
    Show {
        /// Name or id.
        name: String,
    },
    /// Make one.
    #[command(after_help = "Examples:
  jeroboam baymodel create vxlan --coe kubernetes --image debian-12 --labels flannel_backend=vxlan")]
    Create(Box<CreateArgs>),
    /// Take them away. Those that clusters are made of stay.
    #[command(after_help = "Examples:\n  jeroboam baymodel delete vxlan")]
    Delete {
        /// Names or ids.
        #[arg(required = true)]
        names: Vec<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// Its name. The server makes one up when it is missing.
    name: Option<String>,

    /// The same, as Magnum's first client had it.
    #[arg(long = "name", value_name = "NAME", hide = true, conflicts_with = "name")]
    name_option: Option<String>,

    /// The engine: kubernetes or swarm.
    #[arg(long, value_name = "ENGINE")]
    coe: String,

    /// Image of the nodes.
    #[arg(long, visible_alias = "image-id", value_name = "IMAGE")]
    image: String,

    /// SSH keypair of the machines.
    #[arg(long, alias = "keypair-id", value_name = "NAME")]
    keypair: Option<String>,

    /// Flavor of the nodes.
    #[arg(long, alias = "flavor-id", value_name = "FLAVOR")]
    flavor: Option<String>,

    /// Flavor of the masters.
    #[arg(long, alias = "master-flavor-id", value_name = "FLAVOR")]
    master_flavor: Option<String>,

    /// Network to the outside.
    #[arg(long, alias = "external-network-id", value_name = "NETWORK")]
    external_network: Option<String>,

    /// Network of pods or containers: flannel, docker.
    #[arg(long, value_name = "DRIVER")]
    network_driver: Option<String>,

    /// Registry without TLS, for tests.
    #[arg(long, value_name = "HOST:PORT")]
    insecure_registry: Option<String>,

    /// Labels of clusters made of it.
    #[arg(long, value_name = "KEY=VALUE", value_delimiter = ',', value_parser = label)]
    labels: Vec<(String, String)>,

    /// Show it to all projects.
    #[arg(long)]
    public: bool,
}

impl Shown for ClusterTemplate {
    const COLUMNS: &'static [&'static str] = &["UUID", "NAME", "COE", "IMAGE", "NETWORK", "PUBLIC"];

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
            ("external_network_id", text(&self.external_network_id)),
            ("insecure_registry", text(&self.insecure_registry)),
            ("labels", map(&self.labels)),
            ("public", self.public.to_string()),
            ("hidden", self.hidden.to_string()),
            ("tls_disabled", self.tls_disabled.to_string()),
            ("created_at", text(&self.created_at)),
            ("updated_at", text(&self.updated_at)),
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
                let sentence = format!("{} {name} is made ({})", spelling.template(), template.uuid);
                out.told(&template, &sentence)
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
        }
    }
}
