//! Endpoint and credentials, from `clouds.yaml` and the `OS_*` variables, as other OpenStack clients read them.
//!
//! 1. `--os-cloud` or `OS_CLOUD` names a cloud of a `clouds.yaml`.
//! 2. Else `OS_AUTH_URL` and related variables, when they are set.
//! 3. Else the first existing `clouds.yaml`: its cloud `jeroboam`, or its only one. `jeroboam up` writes one into its
//!    data folder, so that no further configuration is needed.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;
use url::Url;

use crate::Result;
use crate::clouds;
use crate::environment::Environment;
use crate::error::Error;

/// Timeout of authentication. A slow Keystone takes seconds; more means that something is wrong.
pub(crate) const LOGIN_TIMEOUT: Duration = Duration::from_secs(30);

/// Options from the command line.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// Name of the cloud (`--os-cloud`).
    pub cloud: Option<String>,
    /// Data folder of a server on this machine, if not the default.
    pub data_folder: Option<PathBuf>,
}

/// Endpoint and credentials.
#[derive(Debug, Clone)]
pub struct Config {
    /// URL of Keystone, with or without `/v3`.
    pub auth_url: Url,
    /// Credentials for authentication.
    pub credentials: Credentials,
    /// Scope of the token.
    pub scope: Scope,
    /// Region of the endpoint; any region when absent.
    pub region: Option<String>,
    /// Endpoint interface: `public`, `internal` or `admin`.
    pub interface: String,
    /// URL of the API that overrides the catalogue.
    pub endpoint: Option<Url>,
    /// File with CA certificates to trust instead of the machine's.
    pub ca_file: Option<PathBuf>,
    /// Whether to skip the verification of certificates.
    pub insecure: bool,
    /// Origin of this configuration, for messages.
    pub origin: String,
}

/// Credentials for authentication.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// User and password.
    Password {
        /// The user.
        user: Named,
        /// The password.
        password: SecretString,
    },
    /// A token to exchange for one scoped to the project.
    Token(SecretString),
    /// An application credential.
    ApplicationCredential {
        /// `{"id"}`, or `{"name", "user"}`.
        credential: Value,
        /// Secret of the application credential.
        secret: SecretString,
    },
}

/// Scope of the token.
#[derive(Debug, Clone)]
pub enum Scope {
    /// The scope that the credentials imply.
    None,
    /// A project.
    Project(Named),
}

/// A Keystone object: by id, or by name in a domain.
#[derive(Debug, Clone)]
pub enum Named {
    /// By id.
    Id(String),
    /// By name.
    Name {
        /// The name.
        name: String,
        /// Id of the domain; takes precedence over its name.
        domain_id: Option<String>,
        /// Name of the domain.
        domain_name: String,
    },
}

/// A cloud in `clouds.yaml`.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Cloud {
    pub(crate) auth: Auth,
    pub(crate) auth_type: Option<String>,
    pub(crate) region_name: Option<String>,
    pub(crate) interface: Option<String>,
    pub(crate) endpoint_type: Option<String>,
    pub(crate) cacert: Option<PathBuf>,
    pub(crate) verify: Option<bool>,
    #[serde(alias = "container_infrastructure_management_endpoint_override")]
    pub(crate) container_infra_endpoint_override: Option<String>,
}

/// The `auth` part of a [`Cloud`].
#[derive(Deserialize, Default)]
#[serde(default)]
pub(crate) struct Auth {
    pub(crate) auth_url: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) user_id: Option<String>,
    pub(crate) password: Option<SecretString>,
    pub(crate) user_domain_id: Option<String>,
    pub(crate) user_domain_name: Option<String>,
    pub(crate) domain_id: Option<String>,
    pub(crate) domain_name: Option<String>,
    #[serde(alias = "tenant_id")]
    pub(crate) project_id: Option<String>,
    #[serde(alias = "tenant_name")]
    pub(crate) project_name: Option<String>,
    pub(crate) project_domain_id: Option<String>,
    pub(crate) project_domain_name: Option<String>,
    pub(crate) token: Option<SecretString>,
    pub(crate) application_credential_id: Option<String>,
    pub(crate) application_credential_name: Option<String>,
    pub(crate) application_credential_secret: Option<SecretString>,
}

impl Config {
    /// Loads the configuration.
    ///
    /// # Errors
    /// Names where it looked, or what is missing there.
    pub fn load(environment: &impl Environment, choice: &Choice) -> Result<Self> {
        let named = choice.cloud.clone().or_else(|| environment.variable("OS_CLOUD"));
        if named.is_none() && environment.variable("OS_AUTH_URL").is_some() {
            return from_variables(environment).resolve("the OS_* variables".to_owned(), environment);
        }
        let (cloud, origin) = clouds::find(environment, choice, named.as_deref())?;
        cloud.resolve(origin, environment)
    }
}

fn from_variables(environment: &impl Environment) -> Cloud {
    let text = |name: &str| environment.variable(name);
    let secret = |name: &str| environment.variable(name).map(SecretString::from);
    Cloud {
        auth: Auth {
            auth_url: text("OS_AUTH_URL"),
            username: text("OS_USERNAME"),
            user_id: text("OS_USER_ID"),
            password: secret("OS_PASSWORD"),
            user_domain_id: text("OS_USER_DOMAIN_ID"),
            user_domain_name: text("OS_USER_DOMAIN_NAME"),
            domain_id: text("OS_DEFAULT_DOMAIN_ID"),
            domain_name: text("OS_DEFAULT_DOMAIN_NAME"),
            project_id: text("OS_PROJECT_ID").or_else(|| text("OS_TENANT_ID")),
            project_name: text("OS_PROJECT_NAME").or_else(|| text("OS_TENANT_NAME")),
            project_domain_id: text("OS_PROJECT_DOMAIN_ID"),
            project_domain_name: text("OS_PROJECT_DOMAIN_NAME"),
            token: secret("OS_TOKEN"),
            application_credential_id: text("OS_APPLICATION_CREDENTIAL_ID"),
            application_credential_name: text("OS_APPLICATION_CREDENTIAL_NAME"),
            application_credential_secret: secret("OS_APPLICATION_CREDENTIAL_SECRET"),
        },
        auth_type: text("OS_AUTH_TYPE"),
        region_name: text("OS_REGION_NAME"),
        interface: text("OS_INTERFACE"),
        endpoint_type: text("OS_ENDPOINT_TYPE"),
        cacert: text("OS_CACERT").map(PathBuf::from),
        verify: text("OS_INSECURE").map(|value| !matches!(value.to_lowercase().as_str(), "1" | "true" | "yes")),
        container_infra_endpoint_override: text("OS_CONTAINER_INFRA_ENDPOINT_OVERRIDE"),
    }
}

impl Cloud {
    /// Checks that everything is there that a login needs.
    fn resolve(self, origin: String, environment: &impl Environment) -> Result<Config> {
        let missing = |what: &str| Error::Config {
            message: format!("{what} is missing in {origin}"),
            action: format!("Add {what}, or choose another cloud with --os-cloud"),
        };
        let parse = |what: &str, text: &str| {
            Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host()).ok_or_else(
                || Error::Config {
                    message: format!("{what} '{text}' in {origin} is not an http or https URL"),
                    action: "Give one like http://127.0.0.1:9511/identity/v3".to_owned(),
                },
            )
        };
        let auth_url = parse("auth_url", self.auth.auth_url.as_deref().ok_or_else(|| missing("auth_url"))?)?;
        let endpoint = match &self.container_infra_endpoint_override {
            Some(text) => Some(parse("container_infra_endpoint_override", text)?),
            None => None,
        };
        let interface = self.interface.or(self.endpoint_type).unwrap_or_else(|| "public".to_owned());
        let (credentials, scope) = self.auth.credentials(self.auth_type.as_deref(), &missing)?;
        let home = environment.home();
        Ok(Config {
            auth_url,
            credentials,
            scope,
            region: self.region_name,
            // `publicURL` is what version 2 called it.
            interface: interface.trim_end_matches("URL").to_owned(),
            endpoint,
            ca_file: self.cacert.map(|path| match (path.strip_prefix("~"), home) {
                (Ok(rest), Some(home)) => home.join(rest),
                _ => path,
            }),
            insecure: self.verify == Some(false),
            origin,
        })
    }
}

impl Auth {
    fn credentials(self, kind: Option<&str>, missing: &dyn Fn(&str) -> Error) -> Result<(Credentials, Scope)> {
        let application = self.application_credential_id.is_some() || self.application_credential_name.is_some();
        if kind.map_or(application, |kind| kind.ends_with("applicationcredential")) {
            let secret =
                self.application_credential_secret.clone().ok_or_else(|| missing("application_credential_secret"))?;
            let credential = match (&self.application_credential_id, &self.application_credential_name) {
                (Some(id), _) => serde_json::json!({"id": id}),
                (None, Some(name)) => {
                    let user = match self.user(missing)? {
                        Named::Id(id) => serde_json::json!({"id": id}),
                        Named::Name { name, domain_id: Some(id), .. } => {
                            serde_json::json!({"name": name, "domain": {"id": id}})
                        }
                        Named::Name { name, domain_name, .. } => {
                            serde_json::json!({"name": name, "domain": {"name": domain_name}})
                        }
                    };
                    serde_json::json!({"name": name, "user": user})
                }
                (None, None) => return Err(missing("application_credential_id")),
            };
            return Ok((Credentials::ApplicationCredential { credential, secret }, Scope::None));
        }
        let scope = Scope::Project(self.project().ok_or_else(|| missing("project_name"))?);
        if kind.map_or(self.token.is_some() && self.password.is_none(), |kind| kind.ends_with("token")) {
            let token = self.token.ok_or_else(|| missing("token"))?;
            return Ok((Credentials::Token(token), scope));
        }
        let password = self.password.clone().ok_or_else(|| missing("password"))?;
        Ok((Credentials::Password { user: self.user(missing)?, password }, scope))
    }

    fn user(&self, missing: &dyn Fn(&str) -> Error) -> Result<Named> {
        if let Some(id) = &self.user_id {
            return Ok(Named::Id(id.clone()));
        }
        let name = self.username.clone().ok_or_else(|| missing("username"))?;
        Ok(self.in_domain(name, self.user_domain_id.as_ref(), self.user_domain_name.as_ref()))
    }

    fn project(&self) -> Option<Named> {
        if let Some(id) = &self.project_id {
            return Some(Named::Id(id.clone()));
        }
        let name = self.project_name.clone()?;
        Some(self.in_domain(name, self.project_domain_id.as_ref(), self.project_domain_name.as_ref()))
    }

    fn in_domain(&self, name: String, id: Option<&String>, domain: Option<&String>) -> Named {
        let domain_id = if domain.is_some() { id } else { id.or(self.domain_id.as_ref()) };
        let domain_name = domain.or(self.domain_name.as_ref()).map_or("Default", String::as_str);
        Named::Name { name, domain_id: domain_id.cloned(), domain_name: domain_name.to_owned() }
    }
}

#[cfg(test)]
#[path = "config_tests.rs"]
mod tests;
