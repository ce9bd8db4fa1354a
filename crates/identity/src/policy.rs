//! Which role may do what, by the names of Magnum's rules (contract magnum-v1 section 5.2, workloads-2015 section
//! 2.10). Roles imply each other: admin member, member reader.

use thiserror::Error;

use crate::Auth;

/// Whose thing a request is about. For lists and creates that is the caller itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PolicyTarget<'a> {
    /// Project that the thing belongs to.
    pub project_id: &'a str,
    /// User who made the thing.
    pub user_id: &'a str,
}

impl<'a> PolicyTarget<'a> {
    /// The caller's own project and user.
    #[must_use]
    pub fn own(auth: &'a Auth) -> Self {
        Self { project_id: &auth.project_id, user_id: &auth.user_id }
    }
}

/// A rule says no.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("Policy doesn't allow {rule} to be performed. It needs {needs}")]
pub struct Denied {
    /// Name of the rule.
    pub rule: String,
    /// Who may.
    pub needs: &'static str,
}

/// What rules are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    /// Role admin, in whatever project.
    Admin,
    /// Admin, or reader of the target's project.
    AdminOrReader,
    /// Admin, or member of the target's project.
    AdminOrMember,
    /// Admin, or reader of the target's project who made the target.
    AdminOrOwnReader,
    /// Admin, or member of the target's project who made the target.
    AdminOrOwnMember,
    /// Nobody: a rule that is not known.
    Nobody,
}

impl Need {
    fn words(self) -> &'static str {
        match self {
            Self::Admin => "the role admin",
            Self::AdminOrReader => "the role reader in the project, or admin",
            Self::AdminOrMember => "the role member in the project, or admin",
            Self::AdminOrOwnReader => "the role reader and being the user who made it, or the role admin",
            Self::AdminOrOwnMember => "the role member and being the user who made it, or the role admin",
            Self::Nobody => "a rule of that name",
        }
    }

    fn holds(self, auth: &Auth, target: PolicyTarget<'_>) -> bool {
        let here = auth.project_id == target.project_id;
        let member = here && auth.has_role("member");
        let reader = here && (auth.has_role("reader") || auth.has_role("member"));
        let own = auth.user_id == target.user_id;
        auth.is_admin()
            || match self {
                Self::Admin | Self::Nobody => false,
                Self::AdminOrReader => reader,
                Self::AdminOrMember => member,
                Self::AdminOrOwnReader => reader && own,
                Self::AdminOrOwnMember => member && own,
            }
    }
}

fn need(rule: &str) -> Need {
    let Some((resource, action)) = rule.split_once(':') else { return Need::Nobody };
    match (resource, action) {
        ("clustertemplate" | "baymodel", "publish") => Need::Admin,
        (_, action) if action.ends_with("_all_projects") => Need::Admin,
        (
            "clustertemplate" | "baymodel" | "cluster" | "bay" | "nodegroup" | "operation" | "pod" | "service" | "rc"
            | "container",
            "get" | "get_all" | "detail",
        ) => Need::AdminOrReader,
        ("container", "logs") | ("stats", "get_all") | ("quota", "get") => Need::AdminOrReader,
        (
            "clustertemplate" | "baymodel" | "cluster" | "bay" | "nodegroup" | "pod" | "service" | "rc" | "container",
            "create" | "update" | "delete",
        ) => Need::AdminOrMember,
        ("cluster", "update_health_status" | "resize" | "upgrade" | "retry")
        | ("operation", "cancel")
        | ("certificate", "rotate_ca")
        | ("container", "execute") => Need::AdminOrMember,
        ("certificate", "get") => Need::AdminOrOwnReader,
        ("certificate", "create") => Need::AdminOrOwnMember,
        ("magnum-service", "get_all") | ("quota", "get_all" | "create" | "update" | "delete") => Need::Admin,
        _ => Need::Nobody,
    }
}

/// Asks a rule by its name. An unknown rule lets nobody in, not even an admin.
///
/// # Errors
/// When the rule says no.
pub fn enforce(rule: &str, auth: &Auth, target: PolicyTarget<'_>) -> Result<(), Denied> {
    let need = need(rule);
    if need != Need::Nobody && need.holds(auth, target) {
        Ok(())
    } else {
        Err(Denied { rule: rule.to_owned(), needs: need.words() })
    }
}

/// Asks a rule about the caller's own project and user.
///
/// # Errors
/// When the rule says no.
pub fn enforce_own(rule: &str, auth: &Auth) -> Result<(), Denied> {
    enforce(rule, auth, PolicyTarget::own(auth))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn auth(user: &str, project: &str, roles: &[&str]) -> Auth {
        Auth {
            user_id: user.into(),
            user_name: user.into(),
            project_id: project.into(),
            project_name: project.into(),
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            expires_at: Timestamp::MAX,
        }
    }

    fn may(rule: &str, auth: &Auth) -> bool {
        enforce(rule, auth, PolicyTarget { project_id: "p", user_id: "owner" }).is_ok()
    }

    #[test]
    fn roles_open_what_the_contract_says() {
        let callers = [
            auth("other", "p", &["reader"]),
            auth("other", "p", &["member"]),
            auth("owner", "p", &["member"]),
            auth("other", "q", &["admin"]),
            auth("owner", "q", &["member", "reader"]),
            auth("owner", "p", &[]),
        ];
        for (rule, expected) in [
            ("cluster:get", [true, true, true, true, false, false]),
            ("cluster:create", [false, true, true, true, false, false]),
            ("cluster:delete", [false, true, true, true, false, false]),
            ("cluster:delete_all_projects", [false, false, false, true, false, false]),
            ("clustertemplate:publish", [false, false, false, true, false, false]),
            ("certificate:get", [false, false, true, true, false, false]),
            ("certificate:create", [false, false, true, true, false, false]),
            ("magnum-service:get_all", [false, false, false, true, false, false]),
            ("container:execute", [false, true, true, true, false, false]),
            ("cluster:sing", [false; 6]),
            ("nonsense", [false; 6]),
        ] {
            let found: Vec<bool> = callers.iter().map(|caller| may(rule, caller)).collect();
            assert_eq!(found, expected, "{rule}");
        }
    }
}
