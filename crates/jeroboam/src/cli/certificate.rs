//! `jeroboam ca ...`.

use std::io::Read;

use anyhow::Context as _;
use clap::Subcommand;
use jeroboam_client::Change;
use jeroboam_types::v1::IssuedCertificate;

use super::failure::Failure;
use super::output::{Shown, say, time};
use super::plan::PlanArgs;
use super::watch::WatchArgs;
use super::{Context, Spelling, cluster_change};

#[derive(Debug, Subcommand)]
pub(crate) enum CertificateCommand {
    /// Print the certificate of the cluster's CA.
    #[command(after_help = "Examples:\n  jeroboam ca show demo > ca.pem")]
    Show {
        /// Name or id of the cluster.
        cluster: String,
    },
    /// List the certificates that were signed for users, oldest first.
    #[command(after_help = "Examples:\n  jeroboam ca list demo\n  jeroboam ca list demo -o json")]
    List {
        /// Name or id of the cluster.
        cluster: String,
    },
    /// Replace the certificate authorities: certificates that the old ones signed become invalid.
    ///
    /// All nodes get new certificates and restart their components; pods keep running. Afterwards every user needs a
    /// new configuration (`jeroboam bay config`).
    #[command(after_help = "Examples:\n  jeroboam ca rotate demo --watch")]
    Rotate {
        /// Name or id of the cluster.
        cluster: String,

        #[command(flatten)]
        plan: PlanArgs,

        #[command(flatten)]
        watch: WatchArgs,
    },
    /// Get a request signed and print the certificate.
    #[command(after_help = "Examples:\n  jeroboam ca sign demo --csr request.pem > cert.pem")]
    Sign {
        /// Name or id of the cluster.
        cluster: String,

        /// Certificate signing request (PEM): a file, or `-` for standard input.
        #[arg(long, value_name = "FILE|-")]
        csr: String,
    },
}

impl Shown for IssuedCertificate {
    const COLUMNS: &'static [&'static str] = &["SERIAL", "SUBJECT", "SIGNED", "ENDS", "AUTHORITY", "USER"];
    const SPARE: &'static [&'static str] = &["USER", "AUTHORITY", "SIGNED"];
    const TEXT: Option<&'static str> = Some("SUBJECT");

    fn row(&self) -> Vec<String> {
        vec![
            self.serial.clone(),
            self.subject.clone(),
            time(Some(&self.created_at)),
            if self.is_void { "void".to_owned() } else { time(Some(&self.expires_at)) },
            self.ca_cert_type.clone(),
            self.user_id.clone(),
        ]
    }

    fn details(&self) -> Vec<(&'static str, String)> {
        Self::COLUMNS.iter().copied().zip(self.row()).collect()
    }

    fn name(&self) -> String {
        self.serial.clone()
    }
}

impl CertificateCommand {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failure> {
        let certificate = match self {
            Self::Show { cluster } => {
                let cluster = context.client.cluster(&cluster).await?;
                context.client.certificate_authority(&cluster.uuid).await?
            }
            Self::List { cluster } => {
                let issued = context.client.issued_certificates(&cluster).await?;
                return context.out.list(&issued, "No certificate was signed for a user yet.");
            }
            Self::Rotate { cluster, plan, watch } => {
                let change = Change::RotateAuthorities(&cluster);
                let Some(accepted) = plan.ask(context, change).await? else { return Ok(()) };
                return cluster_change::told(context, Spelling::Today, &accepted, watch, "getting new authorities")
                    .await;
            }
            Self::Sign { cluster, csr } => {
                let request = if csr == "-" {
                    let mut text = String::new();
                    std::io::stdin().read_to_string(&mut text).context("reading the request from standard input")?;
                    text
                } else {
                    std::fs::read_to_string(&csr).with_context(|| format!("reading the request {csr}"))?
                };
                let cluster = context.client.cluster(&cluster).await?;
                context.client.sign_certificate(&cluster.uuid, &request).await?
            }
        };
        say(certificate.pem.trim_end())
    }
}
