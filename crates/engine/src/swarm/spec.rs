//! From a user's request to the swarm service that runs the container.
//!
//! A service with one replica, not a plain container: the swarm schedules it, and the manager knows it whichever node
//! it is on.

use std::collections::{BTreeMap, HashMap};

use bollard::models::{
    EndpointSpec, EndpointSpecModeEnum, Limit, NetworkAttachmentConfig, ServiceSpec, ServiceSpecMode,
    ServiceSpecModeReplicated, TaskSpec, TaskSpecContainerSpec, TaskSpecResources, TaskSpecRestartPolicy,
    TaskSpecRestartPolicyConditionEnum,
};
use uuid::Uuid;

use super::{image, memory};
use crate::WorkloadError;

/// Label with the container's id.
pub(super) const UUID: &str = "org.jeroboam.container.uuid";
/// Label with the project's id, on networks too.
pub(super) const PROJECT: &str = "org.jeroboam.project";
/// Label with the name that the user gave.
pub(super) const NAME: &str = "org.jeroboam.container.name";
/// Label with the command as the user gave it.
pub(super) const COMMAND: &str = "org.jeroboam.container.command";
/// Label with the memory limit as the user gave it.
pub(super) const MEMORY: &str = "org.jeroboam.container.memory";

/// Longest name in characters (contract workloads-2015 section 2.5).
const MAX_NAME: usize = 255;

/// A container to create.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewContainer {
    /// Its id.
    pub uuid: Uuid,
    /// Name, 1 to 255 characters, unique in the project's swarm.
    pub name: Option<String>,
    /// Name of the image, as Docker writes it.
    pub image: String,
    /// Command, split into words like a shell does; the image's own when absent.
    pub command: Option<String>,
    /// Memory limit, for example `64m`.
    pub memory: Option<String>,
    /// Environment variables.
    pub environment: BTreeMap<String, String>,
}

/// The service for it.
pub(super) fn service(new: &NewContainer, project_id: &str, network: &str) -> Result<ServiceSpec, WorkloadError> {
    image::check(&new.image).map_err(|message| invalid("image", message))?;
    if let Some(name) = &new.name
        && !(1..=MAX_NAME).contains(&name.chars().count())
    {
        return Err(invalid("name", format!("must have 1 to {MAX_NAME} characters")));
    }
    let args = new.command.as_deref().map(|command| words("command", command)).transpose()?;
    let limit = new.memory.as_deref().map(memory::bytes).transpose().map_err(|message| invalid("memory", message))?;
    let mut labels =
        HashMap::from([(UUID.to_owned(), new.uuid.to_string()), (PROJECT.to_owned(), project_id.to_owned())]);
    let container_labels = labels.clone();
    for (label, text) in [(NAME, &new.name), (COMMAND, &new.command), (MEMORY, &new.memory)] {
        if let Some(text) = text {
            labels.insert(label.to_owned(), text.clone());
        }
    }
    Ok(ServiceSpec {
        name: Some(format!("container-{}", new.uuid)),
        labels: Some(labels),
        mode: Some(ServiceSpecMode {
            replicated: Some(ServiceSpecModeReplicated { replicas: Some(1) }),
            ..ServiceSpecMode::default()
        }),
        // The name resolves to the container's own address. A virtual address has no use with one container, and needs
        // IPVS, which not every kernel has.
        endpoint_spec: Some(EndpointSpec { mode: Some(EndpointSpecModeEnum::DNSRR), ports: None }),
        task_template: Some(TaskSpec {
            container_spec: Some(TaskSpecContainerSpec {
                image: Some(new.image.clone()),
                // `args` is Docker's "Cmd": the image's entry point stays.
                args: args.filter(|args| !args.is_empty()),
                env: environment(&new.environment)?,
                // As in 2015 (contract workloads-2015 section 2.6.1).
                hostname: Some(new.uuid.to_string()),
                labels: Some(container_labels),
                ..TaskSpecContainerSpec::default()
            }),
            resources: limit.map(|limit| TaskSpecResources {
                limits: Some(Limit { memory_bytes: Some(limit), ..Limit::default() }),
                ..TaskSpecResources::default()
            }),
            // A container that exits stays so, as in 2015. `rescue` moves containers, which this keeps the swarm from
            // doing.
            restart_policy: Some(TaskSpecRestartPolicy {
                condition: Some(TaskSpecRestartPolicyConditionEnum::NONE),
                ..TaskSpecRestartPolicy::default()
            }),
            networks: Some(vec![NetworkAttachmentConfig {
                target: Some(network.to_owned()),
                aliases: new.name.as_ref().filter(|name| is_host_name(name)).map(|name| vec![name.clone()]),
                ..NetworkAttachmentConfig::default()
            }]),
            ..TaskSpec::default()
        }),
        ..ServiceSpec::default()
    })
}

/// Splits a command into words, like a shell does.
pub(super) fn words(field: &str, command: &str) -> Result<Vec<String>, WorkloadError> {
    if command.contains('\0') {
        return Err(invalid(field, "must not contain a zero byte"));
    }
    shell_words::split(command).map_err(|_| invalid(field, "has a quote that is not closed"))
}

fn environment(variables: &BTreeMap<String, String>) -> Result<Option<Vec<String>>, WorkloadError> {
    let mut list = Vec::with_capacity(variables.len());
    for (key, value) in variables {
        if key.is_empty() || key.contains(['=', '\0']) || value.contains('\0') {
            return Err(invalid(
                "environment",
                format!("'{key}' cannot be the name of a variable, or its value has a zero byte"),
            ));
        }
        list.push(format!("{key}={value}"));
    }
    Ok(Some(list).filter(|list| !list.is_empty()))
}

/// Whether other containers can look the name up.
fn is_host_name(name: &str) -> bool {
    name.len() <= 63
        && !name.starts_with('-')
        && !name.ends_with('-')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

pub(super) fn invalid(field: &str, message: impl Into<String>) -> WorkloadError {
    WorkloadError::Invalid { field: field.to_owned(), message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new() -> NewContainer {
        NewContainer { uuid: Uuid::from_u128(7), image: "busybox".to_owned(), ..NewContainer::default() }
    }

    fn refused(new: &NewContainer) -> String {
        let WorkloadError::Invalid { field, .. } = service(new, "p", "n").unwrap_err() else { panic!() };
        field
    }

    #[test]
    fn everything_that_was_asked_for_is_in_the_service() {
        let full = NewContainer {
            name: Some("web".to_owned()),
            image: "registry:5000/foo:1".to_owned(),
            command: Some("sh -c 'echo \"a b\"; sleep 1'".to_owned()),
            memory: Some("64m".to_owned()),
            environment: BTreeMap::from([("A".to_owned(), "b=c".to_owned())]),
            ..new()
        };
        let mut settings = insta::Settings::clone_current();
        settings.set_sort_maps(true);
        settings.bind(|| {
            insta::assert_json_snapshot!(service(&full, "project", "network").unwrap(), @r#"
{
  "Name": "container-00000000-0000-0000-0000-000000000007",
  "Labels": {
    "org.jeroboam.container.command": "sh -c 'echo \"a b\"; sleep 1'",
    "org.jeroboam.container.memory": "64m",
    "org.jeroboam.container.name": "web",
    "org.jeroboam.container.uuid": "00000000-0000-0000-0000-000000000007",
    "org.jeroboam.project": "project"
  },
  "TaskTemplate": {
    "ContainerSpec": {
      "Image": "registry:5000/foo:1",
      "Labels": {
        "org.jeroboam.container.uuid": "00000000-0000-0000-0000-000000000007",
        "org.jeroboam.project": "project"
      },
      "Args": [
        "sh",
        "-c",
        "echo \"a b\"; sleep 1"
      ],
      "Hostname": "00000000-0000-0000-0000-000000000007",
      "Env": [
        "A=b=c"
      ]
    },
    "Resources": {
      "Limits": {
        "MemoryBytes": 67108864
      }
    },
    "RestartPolicy": {
      "Condition": "none"
    },
    "Networks": [
      {
        "Target": "network",
        "Aliases": [
          "web"
        ]
      }
    ]
  },
  "Mode": {
    "Replicated": {
      "Replicas": 1
    }
  },
  "EndpointSpec": {
    "Mode": "dnsrr"
  }
}
"#)
        });
    }

    #[test]
    fn a_name_that_is_no_host_name_is_no_alias() {
        let odd = NewContainer { name: Some("My web!".to_owned()), ..new() };
        let networks = service(&odd, "p", "n").unwrap().task_template.unwrap().networks.unwrap();
        assert_eq!(networks[0].aliases, None);
    }

    #[test]
    fn wrong_input_names_its_field() {
        assert_eq!(refused(&NewContainer { image: "No Image".to_owned(), ..new() }), "image");
        assert_eq!(refused(&NewContainer { image: String::new(), ..new() }), "image");
        assert_eq!(refused(&NewContainer { name: Some(String::new()), ..new() }), "name");
        assert_eq!(refused(&NewContainer { name: Some("n".repeat(256)), ..new() }), "name");
        assert_eq!(refused(&NewContainer { command: Some("echo 'a".to_owned()), ..new() }), "command");
        assert_eq!(refused(&NewContainer { memory: Some("lots".to_owned()), ..new() }), "memory");
        let environment = BTreeMap::from([("A=B".to_owned(), String::new())]);
        assert_eq!(refused(&NewContainer { environment, ..new() }), "environment");
    }
}
