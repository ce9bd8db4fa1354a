//! Authentication with Keystone v3, and finding the API in its catalogue.

use reqwest::StatusCode;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use crate::Result;
use crate::config::{Config, Credentials, Named, Scope};
use crate::error::{ApiError, Error};
use crate::session::{Client, Login, request_id, unreachable};

/// The service types of the API in the catalogue (contract magnum-v1 section 1.1), best first.
const SERVICE_TYPES: [&str; 3] = ["container-infra", "container-infrastructure-management", "container-infrastructure"];

#[derive(Deserialize)]
struct TokenBody {
    token: Token,
}

#[derive(Deserialize)]
struct Token {
    #[serde(default)]
    catalog: Vec<Service>,
    #[serde(default)]
    project: Option<Project>,
}

/// A project in Keystone's responses.
#[derive(Deserialize)]
pub(crate) struct Project {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) name: String,
}

#[derive(Deserialize)]
struct Projects {
    projects: Vec<Project>,
}

#[derive(Deserialize)]
struct Service {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    endpoints: Vec<Endpoint>,
}

#[derive(Deserialize)]
struct Endpoint {
    interface: String,
    /// Keystone also sends the same value as `region`, for older clients.
    #[serde(default)]
    region_id: Option<String>,
    url: String,
}

/// Gets a token and the API's endpoint.
pub(crate) async fn login(client: &Client) -> Result<Login> {
    let config = client.config();
    let url = identity_url(&config.auth_url, &["auth", "tokens"]);
    let response = client
        .http(&url)?
        .post(url.clone())
        .header("accept", "application/json")
        .timeout(crate::config::LOGIN_TIMEOUT)
        .json(&request(config))
        .send()
        .await
        .map_err(|error| unreachable(&url, &error))?;

    let status = response.status();
    if !status.is_success() {
        let id = request_id(&response);
        let body = response.text().await.unwrap_or_default();
        let message = ApiError::read(status.as_u16(), id, &body).message;
        return Err(Error::Login {
            url: url.to_string(),
            status: status.as_u16(),
            message,
            source_of_credentials: config.origin.clone(),
        });
    }
    let protocol = |message: &str| Error::Protocol { url: url.to_string(), message: message.to_owned() };
    let token = response
        .headers()
        .get("x-subject-token")
        .and_then(|value| value.to_str().ok())
        .map(SecretString::from)
        .ok_or_else(|| protocol("there is no token in it (header X-Subject-Token)"))?;
    let body: TokenBody = response.json().await.map_err(|error| protocol(&error.to_string()))?;
    let endpoint = match &config.endpoint {
        Some(endpoint) => endpoint.clone(),
        None => find_endpoint(config, &body.token.catalog)?,
    };
    Ok(Login { token, endpoint: with_version(endpoint), project: body.token.project })
}

/// Id of a project that is given by name or id, if the identity service reveals it.
pub(crate) async fn project_id(client: &Client, token: &SecretString, ident: &str) -> Result<Option<String>> {
    let auth_url = &client.config().auth_url;
    // By name first: users usually give the name, and an id is never another project's name.
    let mut by_name = identity_url(auth_url, &["projects"]);
    by_name.query_pairs_mut().append_pair("name", ident);
    let found = ask(client, token, &by_name).await?;
    if found.status() == StatusCode::FORBIDDEN {
        // The caller may not list projects. The API determines whether the caller may see this project.
        return Ok(Some(ident.to_owned()));
    }
    if found.status().is_success() {
        let protocol = |error: reqwest::Error| Error::Protocol { url: by_name.to_string(), message: error.to_string() };
        let Projects { projects } = found.json().await.map_err(protocol)?;
        match projects.as_slice() {
            [] => {}
            [one] => return Ok(Some(one.id.clone())),
            several => {
                let ids: Vec<&str> = several.iter().map(|project| project.id.as_str()).collect();
                return Err(Error::Config {
                    message: format!("{} projects are named {ident}", ids.len()),
                    action: format!("Give the id of one: {}", ids.join(", ")),
                });
            }
        }
    }
    let by_id = ask(client, token, &identity_url(auth_url, &["projects", ident])).await?;
    // Anything but 404 is left to the API.
    Ok((by_id.status() != StatusCode::NOT_FOUND).then(|| ident.to_owned()))
}

async fn ask(client: &Client, token: &SecretString, url: &Url) -> Result<reqwest::Response> {
    client
        .http(url)?
        .get(url.clone())
        .header("accept", "application/json")
        .header("x-auth-token", token.expose_secret())
        .timeout(crate::config::LOGIN_TIMEOUT)
        .send()
        .await
        .map_err(|error| unreachable(url, &error))
}

/// A URL of the identity service. `auth_url` may be given with or without `/v3`.
fn identity_url(auth_url: &Url, segments: &[&str]) -> Url {
    let mut url = auth_url.clone();
    let has_version = url.path().trim_end_matches('/').ends_with("/v3");
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty();
        if !has_version {
            path.push("v3");
        }
        path.extend(segments);
    }
    url
}

/// Adds `/v1` to the catalogue's URL if it is missing.
fn with_version(mut endpoint: Url) -> Url {
    if !endpoint.path().trim_end_matches('/').ends_with("/v1")
        && let Ok(mut path) = endpoint.path_segments_mut()
    {
        path.pop_if_empty().push("v1");
    }
    endpoint
}

fn find_endpoint(config: &Config, catalog: &[Service]) -> Result<Url> {
    let fits = |endpoint: &&Endpoint| {
        endpoint.interface == config.interface
            && config.region.as_ref().is_none_or(|region| endpoint.region_id.as_ref() == Some(region))
    };
    let found = SERVICE_TYPES.iter().find_map(|kind| {
        catalog.iter().filter(|service| service.kind == *kind).flat_map(|service| &service.endpoints).find(fits)
    });
    let Some(endpoint) = found else {
        let region = config.region.as_deref().map(|region| format!(" in region {region}")).unwrap_or_default();
        return Err(Error::Config {
            message: format!("the catalogue has no {} endpoint of type container-infra{region}", config.interface),
            action: format!(
                "Check region and interface in {}, or ask the operator to register the service",
                config.origin
            ),
        });
    };
    Url::parse(&endpoint.url).map_err(|error| Error::Protocol {
        url: config.auth_url.to_string(),
        message: format!("the catalogue's URL '{}' is none: {error}", endpoint.url),
    })
}

/// The request body of `POST /v3/auth/tokens`.
fn request(config: &Config) -> Value {
    let identity = match &config.credentials {
        Credentials::Password { user, password } => {
            let mut user = named(user);
            user["password"] = Value::from(password.expose_secret());
            json!({"methods": ["password"], "password": {"user": user}})
        }
        Credentials::Token(token) => json!({"methods": ["token"], "token": {"id": token.expose_secret()}}),
        Credentials::ApplicationCredential { credential, secret } => {
            let mut credential = credential.clone();
            credential["secret"] = Value::from(secret.expose_secret());
            json!({"methods": ["application_credential"], "application_credential": credential})
        }
    };
    let mut auth = json!({"identity": identity});
    match &config.scope {
        // An application credential implies its project.
        Scope::None => {}
        Scope::Project(project) => auth["scope"] = json!({"project": named(project)}),
    }
    json!({"auth": auth})
}

fn named(named: &Named) -> Value {
    match named {
        Named::Id(id) => json!({"id": id}),
        Named::Name { name, domain_id: Some(id), .. } => json!({"name": name, "domain": {"id": id}}),
        Named::Name { name, domain_name, .. } => json!({"name": name, "domain": {"name": domain_name}}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn version_suffixes_are_optional_in_both_urls() {
        for given in
            ["http://h:1/identity", "http://h:1/identity/", "http://h:1/identity/v3", "http://h:1/identity/v3/"]
        {
            let tokens = identity_url(&url(given), &["auth", "tokens"]);
            assert_eq!(tokens.as_str(), "http://h:1/identity/v3/auth/tokens", "{given}");
        }
        assert_eq!(identity_url(&url("http://h:1"), &["projects"]).as_str(), "http://h:1/v3/projects");
        assert_eq!(with_version(url("http://h:1")).as_str(), "http://h:1/v1");
        assert_eq!(with_version(url("http://h:1/x/v1")).as_str(), "http://h:1/x/v1");
    }
}
