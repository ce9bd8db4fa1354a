//! Finding a cloud in the `clouds.yaml` files of a machine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_norway::Value;

use crate::Result;
use crate::config::{Choice, Cloud};
use crate::environment::Environment;
use crate::error::Error;

/// The default among several clouds in a file: the one that `jeroboam up` writes.
const OUR_CLOUD: &str = "jeroboam";

#[derive(Deserialize, Default)]
struct File {
    #[serde(default)]
    clouds: BTreeMap<String, Value>,
}

/// Searches the files in order. Also returns where the cloud was found.
pub(crate) fn find(environment: &impl Environment, choice: &Choice, name: Option<&str>) -> Result<(Cloud, String)> {
    let paths = paths(environment, choice);
    let mut known = Vec::new();
    let mut found = Vec::new();
    for path in &paths {
        let Some(mut file) = read(environment, path)? else { continue };
        found.push(path);
        let wanted = match name {
            Some(name) => name.to_owned(),
            None if file.clouds.contains_key(OUR_CLOUD) => OUR_CLOUD.to_owned(),
            None if file.clouds.len() == 1 => file.clouds.keys().next().cloned().unwrap_or_default(),
            None => {
                known.extend(file.clouds.into_keys());
                continue;
            }
        };
        let Some(mut cloud) = file.clouds.remove(&wanted) else {
            known.extend(file.clouds.into_keys());
            continue;
        };
        // Passwords may be in a separate file of the same format beside it.
        if let Some(mut secure) = read(environment, &path.with_file_name("secure.yaml"))?
            && let Some(secret) = secure.clouds.remove(&wanted)
        {
            overlay(&mut cloud, secret);
        }
        let origin = format!("cloud '{wanted}' of {}", path.display());
        let cloud = serde_norway::from_value(cloud).map_err(|error| Error::Config {
            message: format!("{origin} cannot be read: {error}"),
            action: "Correct the file".to_owned(),
        })?;
        return Ok((cloud, origin));
    }
    Err(nothing_found(name, &paths, &found, &known))
}

fn nothing_found(name: Option<&str>, looked: &[PathBuf], found: &[&PathBuf], known: &[String]) -> Error {
    let list = |paths: &mut dyn Iterator<Item = &PathBuf>| {
        paths.map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
    };
    let message = match name {
        // A missing file is reported first: no cloud of it can be chosen.
        _ if found.is_empty() => match looked {
            // A single path is one from the variable.
            [path] => format!("there is no file {}, which OS_CLIENT_CONFIG_FILE names", path.display()),
            _ => format!("there is no clouds.yaml; looked for {}", list(&mut looked.iter())),
        },
        Some(name) => format!("there is no cloud '{name}' in {}", list(&mut found.iter().copied())),
        None if known.is_empty() => format!("there is no cloud in {}", list(&mut found.iter().copied())),
        None => "there are several clouds and none is chosen".to_owned(),
    };
    let action = if known.is_empty() {
        "Start a server on this machine with `jeroboam up`,\nor point OS_CLIENT_CONFIG_FILE to a clouds.yaml,\n\
         or set OS_AUTH_URL, OS_USERNAME, OS_PASSWORD and OS_PROJECT_NAME"
            .to_owned()
    } else {
        format!("Choose one with --os-cloud or OS_CLOUD: {}", known.join(", "))
    };
    Error::Config { message, action }
}

/// Possible paths of `clouds.yaml`; the first existing file is used.
fn paths(environment: &impl Environment, choice: &Choice) -> Vec<PathBuf> {
    if let Some(path) = environment.variable("OS_CLIENT_CONFIG_FILE") {
        return vec![PathBuf::from(path)];
    }
    let data = choice.data_folder.clone().or_else(|| environment.data_folder());
    let user = environment
        .variable("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| environment.home().map(|home| home.join(".config")))
        .map(|folder| folder.join("openstack"));
    [Some(PathBuf::from(".")), data, user, Some(PathBuf::from("/etc/openstack"))]
        .into_iter()
        .flatten()
        .map(|folder| folder.join("clouds.yaml"))
        .collect()
}

fn read(environment: &impl Environment, path: &Path) -> Result<Option<File>> {
    let problem = |message: String| Error::Config {
        message: format!("reading {} failed: {message}", path.display()),
        action: "Correct the file, or point OS_CLIENT_CONFIG_FILE to another".to_owned(),
    };
    let Some(text) = environment.file(path).map_err(|error| problem(error.to_string()))? else { return Ok(None) };
    serde_norway::from_str(&text).map(Some).map_err(|error| problem(error.to_string()))
}

/// Merges the entries of `over` into `base`, recursively.
fn overlay(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Mapping(base), Value::Mapping(over)) => {
            for (key, value) in over {
                match base.get_mut(&key) {
                    Some(slot) => overlay(slot, value),
                    None => {
                        base.insert(key, value);
                    }
                }
            }
        }
        (base, over) => *base = over,
    }
}
