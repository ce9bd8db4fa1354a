//! The identity service of one process: projects, users and roles in a file of the data folder. Tokens are
//! self-contained; a second file lists tokens that were revoked before they expired.

mod clouds;
mod directory;
mod revoked;

use std::path::Path;
use std::time::Instant;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
pub(crate) use directory::{Directory, Project, User, role_id};
use jiff::{SignedDuration, Timestamp};
use revoked::Revoked;
use secrecy::SecretString;

use crate::password::{Checker, Outcome};
use crate::token::{Claims, Sealer, audit_id, fingerprint};
use crate::{Auth, AuthError, Identity, IdentityError, files};

/// Default lifetime of tokens: a working day, as Keystone operators often set it.
pub const DEFAULT_TOKEN_LIFETIME: SignedDuration = SignedDuration::from_hours(8);

/// The region of the catalogue.
pub const REGION: &str = "RegionOne";

/// Users, projects and the key of the tokens.
const IDENTITY_FILE: &str = "identity.json";
/// Tokens that were revoked before they expired.
const REVOKED_FILE: &str = "identity-revoked.json";
/// Credentials of clients, with passwords.
const CLOUDS_FILE: &str = "clouds.yaml";

/// Settings of the operator.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Lifetime of tokens.
    pub token_lifetime: SignedDuration,
    /// Scheme, host and port at which clients reach the API, for `clouds.yaml`; without a trailing slash.
    pub public_url: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self { token_lifetime: DEFAULT_TOKEN_LIFETIME, public_url: "http://127.0.0.1:9511".to_owned() }
    }
}

/// The embedded identity.
pub struct Embedded {
    directory: Directory,
    settings: Settings,
    sealer: Sealer,
    checker: Checker,
    revoked: Revoked,
}

/// The scope that a client requests for its token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Scope {
    /// No scope given: the user's default project.
    Default,
    /// No project.
    Unscoped,
    /// A project by id.
    ProjectId(String),
    /// A project by name.
    ProjectName(String),
    /// A scope that does not exist here (a domain, the system, a trust).
    Unknown,
}

/// Why a login failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LoginError {
    /// Wrong user, password, token or project; not reported which.
    Refused,
    /// Too many logins at once.
    Busy,
    /// Sealing failed.
    Internal,
}

/// A token that was just issued or validated.
#[derive(Debug, Clone)]
pub(crate) struct Session<'a> {
    pub(crate) claims: Claims,
    pub(crate) user: &'a User,
    pub(crate) project: Option<&'a Project>,
    pub(crate) roles: &'a [String],
}

impl Embedded {
    /// Opens the data folder; creates users with random passwords and `clouds.yaml` when they are missing. When only
    /// `clouds.yaml` is missing, all users get new passwords: this is how lost ones are replaced. Tokens that were
    /// issued before a user's password changed, in this way or by another hash in the file, are invalid.
    ///
    /// # Errors
    /// When a file cannot be read or written, is damaged, or can be read by others.
    pub fn open(folder: &Path, settings: Settings) -> Result<Self, IdentityError> {
        let began = Instant::now();
        let identity = folder.join(IDENTITY_FILE);
        let clouds = folder.join(CLOUDS_FILE);
        let known = match files::read_private(&identity)? {
            Some(text) => Some(Directory::parse(&identity, &text)?),
            None => None,
        };
        let directory = match (known, files::read_private(&clouds)?) {
            (Some(directory), Some(text)) => {
                clouds::update_url(&clouds, &text, &settings.public_url)?;
                directory
            }
            (known, _) => {
                let mut directory = known.map_or_else(Directory::generate, Ok)?;
                let passwords = directory.set_new_passwords()?;
                // First the hashes: if the process dies between the two, the next start creates both again.
                files::write_private(&identity, &directory.to_text()?)?;
                clouds::write(&clouds, &settings.public_url, &passwords)?;
                tracing::info!(file = %clouds.display(), "created new passwords");
                directory
            }
        };
        let damaged =
            |reason: &str| IdentityError::Damaged { path: identity.display().to_string(), reason: reason.to_owned() };
        let key = STANDARD.decode(&directory.token_key).map_err(|_| damaged("the key of the tokens is not base64"))?;
        let embedded = Self {
            sealer: Sealer::new(&key)?,
            checker: Checker::new()?,
            revoked: Revoked::open(folder.join(REVOKED_FILE))?,
            directory,
            settings,
        };
        tracing::debug!(elapsed = ?began.elapsed(), "identity is ready");
        Ok(embedded)
    }

    /// Ids of the project `admin` and of its user `admin`, who own predefined objects. Empty where they were removed
    /// from the file.
    #[must_use]
    pub fn administrator(&self) -> (&str, &str) {
        let project = self.directory.project_named("admin").map_or("", |project| project.id.as_str());
        let user = self.directory.user_named("admin").map_or("", |user| user.id.as_str());
        (project, user)
    }

    pub(crate) fn directory(&self) -> &Directory {
        &self.directory
    }

    pub(crate) fn public_url(&self) -> &str {
        &self.settings.public_url
    }

    /// Logs in with a password. `user` is an id or a name.
    pub(crate) async fn login(
        &self,
        user: Option<&User>,
        password: SecretString,
        scope: &Scope,
    ) -> Result<(String, Session<'_>), LoginError> {
        match self.checker.check(password, user.map(|user| user.password_hash.as_str())).await {
            Outcome::Right => {}
            Outcome::Wrong => return Err(LoginError::Refused),
            Outcome::Busy => return Err(LoginError::Busy),
        }
        let user = user.and_then(|user| self.directory.user(&user.id)).ok_or(LoginError::Refused)?;
        let issued = Timestamp::now();
        let expires =
            issued.as_second().saturating_add(self.settings.token_lifetime.as_secs()).min(Timestamp::MAX.as_second());
        self.make(user, scope, issued, expires, vec!["password".to_owned()], None)
    }

    /// Issues a token for another project from a token. It expires when that one does.
    pub(crate) fn rescope(&self, token: &str, scope: &Scope) -> Result<(String, Session<'_>), LoginError> {
        let from = self.session(token).ok_or(LoginError::Refused)?;
        let mut methods = from.claims.methods.clone();
        if !methods.iter().any(|method| method == "token") {
            methods.push("token".to_owned());
        }
        let parent = from.claims.audit.first().cloned();
        self.make(from.user, scope, Timestamp::now(), from.claims.expires, methods, parent)
    }

    fn make<'a>(
        &'a self,
        user: &'a User,
        scope: &Scope,
        issued: Timestamp,
        expires: i64,
        methods: Vec<String>,
        parent: Option<String>,
    ) -> Result<(String, Session<'a>), LoginError> {
        let project = match scope {
            Scope::Unscoped => None,
            Scope::Default => self.directory.project(&user.default_project),
            Scope::ProjectId(id) => Some(self.directory.project(id).ok_or(LoginError::Refused)?),
            Scope::ProjectName(name) => Some(self.directory.project_named(name).ok_or(LoginError::Refused)?),
            Scope::Unknown => return Err(LoginError::Refused),
        };
        let roles = project.map_or(&[][..], |project| user.roles_in(&project.id));
        if project.is_some() && roles.is_empty() {
            return Err(LoginError::Refused);
        }
        let claims = Claims {
            user: user.id.clone(),
            project: project.map(|project| project.id.clone()),
            issued: issued.as_second(),
            expires,
            audit: std::iter::once(audit_id()).chain(parent).collect(),
            methods,
            password: fingerprint(&user.password_hash),
        };
        let token = self.sealer.seal(&claims).map_err(|_| LoginError::Internal)?;
        Ok((token, Session { claims, user, project, roles }))
    }

    /// The session of a token; `None` when it is invalid or no longer valid.
    pub(crate) fn session(&self, token: &str) -> Option<Session<'_>> {
        let claims = self.sealer.open(token)?;
        if claims.expires <= Timestamp::now().as_second() || self.revoked.contains(claims.audit.first()?) {
            return None;
        }
        let user = self.directory.user(&claims.user)?;
        if claims.password != fingerprint(&user.password_hash) {
            return None;
        }
        let project = match &claims.project {
            Some(id) => Some(self.directory.project(id)?),
            None => None,
        };
        let roles = project.map_or(&[][..], |project| user.roles_in(&project.id));
        if project.is_some() && roles.is_empty() {
            return None;
        }
        Some(Session { claims, user, project, roles })
    }

    /// Revokes a token.
    pub(crate) fn revoke(&self, claims: &Claims) -> Result<(), IdentityError> {
        match claims.audit.first() {
            Some(audit) => self.revoked.add(audit, claims.expires, Timestamp::now().as_second()),
            None => Ok(()),
        }
    }
}

#[async_trait]
impl Identity for Embedded {
    async fn validate(&self, token: &str) -> Result<Auth, AuthError> {
        let session = self.session(token).ok_or(AuthError::Invalid)?;
        let project = session.project.ok_or(AuthError::Unscoped)?;
        Ok(Auth {
            user_id: session.user.id.clone(),
            user_name: session.user.name.clone(),
            project_id: project.id.clone(),
            project_name: project.name.clone(),
            roles: with_implied(session.roles),
            expires_at: session.claims.expires_at(),
        })
    }

    async fn has_project(&self, id: &str) -> Result<bool, AuthError> {
        Ok(self.directory.project(id).is_some())
    }

    fn auth_url(&self) -> Option<String> {
        None
    }
}

/// Roles, strongest first; each implies all after it, as Keystone's bootstrap sets them up.
const IMPLYING: [&str; 3] = ["admin", "member", "reader"];

/// Roles with those that they imply.
fn with_implied(roles: &[String]) -> Vec<String> {
    let mut all = roles.to_vec();
    let strongest = IMPLYING.iter().position(|role| roles.iter().any(|have| have == role));
    for implied in strongest.map_or(&[][..], |index| IMPLYING.get(index + 1..).unwrap_or_default()) {
        if !all.iter().any(|have| have == implied) {
            all.push((*implied).to_owned());
        }
    }
    all
}

#[cfg(test)]
mod tests;
