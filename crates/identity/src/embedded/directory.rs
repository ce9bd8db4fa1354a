//! Projects, users and their roles: the content of `identity.json`.

use std::collections::BTreeMap;
use std::path::Path;

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{IdentityError, password, token};

/// A project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Project {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) description: String,
}

/// A user.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) name: String,
    /// Hash of the password, as a PHC string.
    pub(crate) password_hash: String,
    /// Id of the project for logins without a scope.
    pub(crate) default_project: String,
    /// Names of roles by project id.
    pub(crate) roles: BTreeMap<String, Vec<String>>,
}

impl std::fmt::Debug for User {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("User").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

impl User {
    /// Names of the roles in a project.
    pub(crate) fn roles_in(&self, project: &str) -> &[String] {
        self.roles.get(project).map_or(&[], Vec::as_slice)
    }
}

/// The content of `identity.json`.
#[derive(Serialize, Deserialize)]
pub(crate) struct Directory {
    /// Key of the tokens, base64.
    pub(crate) token_key: String,
    pub(crate) projects: Vec<Project>,
    pub(crate) users: Vec<User>,
}

/// A user's new password and the project of its cloud in `clouds.yaml`.
pub(super) struct NewPassword {
    pub(super) user: String,
    pub(super) project: String,
    pub(super) password: SecretString,
}

impl Directory {
    /// The projects and users of a first start: `demo`, for people, and `admin`. They have no usable passwords yet.
    pub(super) fn generate() -> Result<Self, IdentityError> {
        let mut key = [0; token::KEY_LENGTH];
        rand::fill(&mut key).map_err(|_| IdentityError::Crypto("no random numbers for the key of the tokens"))?;
        let project = |name: &str, description: &str| Project {
            id: new_id(),
            name: name.to_owned(),
            description: description.to_owned(),
        };
        let demo = project("demo", "For people");
        let admin = project("admin", "For the operator");
        let user = |name: &str, project: &Project, roles: &[&str]| User {
            id: new_id(),
            name: name.to_owned(),
            password_hash: String::new(),
            default_project: project.id.clone(),
            roles: BTreeMap::from([(project.id.clone(), roles.iter().map(|role| (*role).to_owned()).collect())]),
        };
        let users =
            vec![user("demo", &demo, &["member", "reader"]), user("admin", &admin, &["admin", "member", "reader"])];
        Ok(Self { token_key: STANDARD.encode(key), projects: vec![demo, admin], users })
    }

    pub(super) fn parse(path: &Path, text: &str) -> Result<Self, IdentityError> {
        serde_json::from_str(text).map_err(|error| IdentityError::Damaged {
            path: path.display().to_string(),
            // The position only, not the text: the file holds password hashes.
            reason: format!("line {}, column {} is invalid", error.line(), error.column()),
        })
    }

    pub(super) fn to_text(&self) -> Result<String, IdentityError> {
        serde_json::to_string_pretty(self).map_err(|_| IdentityError::Crypto("writing the users as JSON failed"))
    }

    /// Gives every user a new random password and returns them.
    pub(super) fn set_new_passwords(&mut self) -> Result<Vec<NewPassword>, IdentityError> {
        let mut made = Vec::new();
        for user in &mut self.users {
            let password = password::generate();
            user.password_hash = password::hash(&password)?;
            let project = self.projects.iter().find(|project| project.id == user.default_project);
            made.push(NewPassword {
                user: user.name.clone(),
                project: project.map(|project| project.name.clone()).unwrap_or_default(),
                password,
            });
        }
        Ok(made)
    }

    pub(crate) fn user(&self, id: &str) -> Option<&User> {
        self.users.iter().find(|user| user.id == id)
    }

    pub(crate) fn user_named(&self, name: &str) -> Option<&User> {
        self.users.iter().find(|user| user.name == name)
    }

    pub(crate) fn project(&self, id: &str) -> Option<&Project> {
        self.projects.iter().find(|project| project.id == id)
    }

    pub(crate) fn project_named(&self, name: &str) -> Option<&Project> {
        self.projects.iter().find(|project| project.name == name)
    }
}

/// An id in Keystone's format: 32 hexadecimal digits.
fn new_id() -> String {
    Uuid::new_v4().simple().to_string()
}

/// The id of a role: always the same for the same name.
pub(crate) fn role_id(name: &str) -> String {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).simple().to_string()
}
