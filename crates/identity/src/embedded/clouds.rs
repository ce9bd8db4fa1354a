//! `clouds.yaml`: credentials for OpenStack clients and our own.

use std::path::Path;

use secrecy::ExposeSecret;
use serde_norway::{Mapping, Value};

use super::REGION;
use super::directory::NewPassword;
use crate::{IdentityError, files, keystone};

/// Name of a user's cloud; `demo` is the user for people.
fn cloud_name(user: &str) -> String {
    if user == "demo" { "jeroboam".to_owned() } else { format!("jeroboam-{user}") }
}

fn auth_url(public_url: &str) -> String {
    format!("{public_url}{}/v3", keystone::PREFIX)
}

pub(super) fn write(path: &Path, public_url: &str, passwords: &[NewPassword]) -> Result<(), IdentityError> {
    let mut clouds = Mapping::new();
    for NewPassword { user, project, password } in passwords {
        let auth = [
            ("auth_url", auth_url(public_url)),
            ("username", user.clone()),
            ("password", password.expose_secret().to_owned()),
            ("project_name", project.clone()),
            ("user_domain_name", "Default".to_owned()),
            ("project_domain_name", "Default".to_owned()),
        ];
        let auth: Mapping = auth.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        let cloud = Mapping::from_iter([
            ("auth".into(), Value::Mapping(auth)),
            ("region_name".into(), REGION.into()),
            ("identity_api_version".into(), 3.into()),
        ]);
        clouds.insert(cloud_name(user).into(), Value::Mapping(cloud));
    }
    write_value(path, &Value::Mapping(Mapping::from_iter([("clouds".into(), Value::Mapping(clouds))])))
}

/// Sets the current address of the API in our clouds, and keeps everything else.
pub(super) fn update_url(path: &Path, text: &str, public_url: &str) -> Result<(), IdentityError> {
    let damaged = |reason: &str| IdentityError::Damaged { path: path.display().to_string(), reason: reason.to_owned() };
    let mut document: Value = serde_norway::from_str(text).map_err(|_| damaged("it is not YAML"))?;
    let clouds =
        document.get_mut("clouds").and_then(Value::as_mapping_mut).ok_or_else(|| damaged("it has no key clouds"))?;
    let wanted = auth_url(public_url);
    let mut changed = false;
    for (name, cloud) in clouds.iter_mut() {
        let ours = name.as_str().is_some_and(|name| name == "jeroboam" || name == "jeroboam-admin");
        if let (true, Some(url)) = (ours, cloud.get_mut("auth").and_then(|auth| auth.get_mut("auth_url")))
            && url.as_str() != Some(wanted.as_str())
        {
            *url = Value::from(wanted.as_str());
            changed = true;
        }
    }
    if changed { write_value(path, &document) } else { Ok(()) }
}

fn write_value(path: &Path, value: &Value) -> Result<(), IdentityError> {
    let text =
        serde_norway::to_string(value).map_err(|_| IdentityError::Crypto("writing the clouds as YAML failed"))?;
    files::write_private(path, &text)
}
