//! The default rules, which the operator's file can replace: Magnum's names and its defaults with the roles reader,
//! member and admin (contract magnum-v1 section 5.2, workloads-2015 section 2.10), and those of our own routes.

/// A default rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DefaultRule {
    /// Its name.
    pub name: &'static str,
    /// Its expression.
    pub check: &'static str,
    /// The request that it protects; for helper rules their meaning.
    pub about: &'static str,
}

/// The rule that defines administrators. Everything that applies to all projects depends on it.
pub(super) const ADMIN: &str = "context_is_admin";

/// The rule that is used where a rule does not exist. Only if the operator's file defines it.
pub(super) const FALLBACK: &str = "default";

const BY_ADMIN: &str = "rule:context_is_admin";
const BY_READER: &str = "rule:admin_or_project_reader";
const BY_MEMBER: &str = "rule:admin_or_project_member";

/// All rules, helpers first.
pub const DEFAULT_RULES: &[DefaultRule] = &[
    // Magnum's names, for files that refer to them. Those with "cluster_user" in their names distinguished the users of
    // clusters from people; clusters no longer have users.
    rule(ADMIN, "role:admin", "who is an administrator"),
    rule("admin_api", BY_ADMIN, "the same, by its name of 2015"),
    rule("admin_or_owner", "is_admin:True or project_id:%(project_id)s", "an admin, or anybody of the project"),
    rule("admin_or_user", "is_admin:True or user_id:%(user_id)s", "an admin, or the user who made it"),
    rule("is_user", "user_id:%(user_id)s", "the user who made it"),
    rule("project_member", "role:member and project_id:%(project_id)s", "a member of the project"),
    rule("project_reader", "role:reader and project_id:%(project_id)s", "a reader of the project"),
    rule("admin_or_project_reader", "rule:context_is_admin or rule:project_reader", "an admin, or a reader"),
    rule("admin_or_project_member", "rule:context_is_admin or rule:project_member", "an admin, or a member"),
    rule(
        "admin_or_project_member_user",
        "rule:context_is_admin or (rule:project_member and rule:is_user)",
        "an admin, or the member who made it",
    ),
    rule(
        "admin_or_project_reader_user",
        "rule:context_is_admin or (rule:project_reader and rule:is_user)",
        "an admin, or the reader who made it",
    ),
    rule(
        "admin_or_project_member_user_or_cluster_user",
        "rule:admin_or_project_member_user",
        "an admin, or the member who made it",
    ),
    // Magnum had these two up to release 22, so files of that time refer to them. There they distinguished a cluster's
    // own user from people; here clusters have no users, so the first allows everyone and the second no one.
    rule("deny_cluster_user", "@", "anybody: no caller is the user of a cluster"),
    rule("cluster_user", "!", "nobody: no caller is the user of a cluster"),
    rule("project_member_deny_cluster_user", "rule:project_member", "a member of the project"),
    rule("project_reader_deny_cluster_user", "rule:project_reader", "a reader of the project"),
    rule("admin_or_project_member_deny_cluster_user", BY_MEMBER, "an admin, or a member"),
    rule("admin_or_project_reader_deny_cluster_user", BY_READER, "an admin, or a reader"),
    // Cluster templates.
    rule("clustertemplate:get_all", BY_READER, "GET /v1/clustertemplates"),
    rule("clustertemplate:get_all_all_projects", BY_ADMIN, "the same for all projects"),
    rule("clustertemplate:detail", BY_READER, "GET /v1/clustertemplates/detail"),
    rule("clustertemplate:detail_all_projects", BY_ADMIN, "the same for all projects"),
    rule("clustertemplate:get", BY_READER, "GET /v1/clustertemplates/{ident}, unless it is public"),
    rule("clustertemplate:get_one_all_projects", BY_ADMIN, "the same for all projects"),
    rule("clustertemplate:create", BY_MEMBER, "POST /v1/clustertemplates"),
    rule("clustertemplate:update", BY_MEMBER, "PATCH /v1/clustertemplates/{ident}"),
    rule("clustertemplate:update_all_projects", BY_ADMIN, "the same for all projects"),
    rule("clustertemplate:delete", BY_MEMBER, "DELETE /v1/clustertemplates/{ident}"),
    rule("clustertemplate:delete_all_projects", BY_ADMIN, "the same for all projects"),
    rule("clustertemplate:publish", BY_ADMIN, "making a cluster template public or hidden"),
    // Clusters.
    rule("cluster:get_all", BY_READER, "GET /v1/clusters"),
    rule("cluster:get_all_all_projects", BY_ADMIN, "the same for all projects"),
    rule("cluster:detail", BY_READER, "GET /v1/clusters/detail"),
    rule("cluster:detail_all_projects", BY_ADMIN, "the same for all projects"),
    rule("cluster:get", BY_READER, "GET /v1/clusters/{ident}, its topology and what is wrong with it"),
    rule("cluster:get_one_all_projects", BY_ADMIN, "the same for all projects"),
    rule("cluster:create", BY_MEMBER, "POST /v1/clusters"),
    rule("cluster:update", BY_MEMBER, "PATCH /v1/clusters/{ident}"),
    rule("cluster:update_all_projects", BY_ADMIN, "the same for all projects"),
    rule("cluster:update_health_status", "rule:admin_or_project_member_user", "PATCH /v1/clusters/{ident}, always"),
    rule("cluster:delete", BY_MEMBER, "DELETE /v1/clusters/{ident}"),
    rule("cluster:delete_all_projects", BY_ADMIN, "the same for all projects"),
    rule("cluster:resize", BY_MEMBER, "POST /v1/clusters/{ident}/actions/resize"),
    rule("cluster:upgrade", BY_MEMBER, "POST /v1/clusters/{ident}/actions/upgrade"),
    rule("cluster:upgrade_all_projects", BY_ADMIN, "the same for all projects"),
    rule("cluster:retry", BY_MEMBER, "POST /v1/clusters/{ident}/actions/retry"),
    rule("cluster:repair", BY_MEMBER, "POST /v1/clusters/{ident}/actions/repair"),
    rule("cluster:pause", BY_MEMBER, "POST /v1/clusters/{ident}/actions/pause and /resume"),
    // Node groups.
    rule("nodegroup:get_all", BY_READER, "GET /v1/clusters/{cluster}/nodegroups"),
    rule("nodegroup:get_all_all_projects", BY_ADMIN, "the same for all projects"),
    rule("nodegroup:get", BY_READER, "GET /v1/clusters/{cluster}/nodegroups/{ident}"),
    rule("nodegroup:get_one_all_projects", BY_ADMIN, "the same for all projects"),
    rule("nodegroup:create", BY_MEMBER, "POST /v1/clusters/{cluster}/nodegroups"),
    rule("nodegroup:update", BY_MEMBER, "PATCH /v1/clusters/{cluster}/nodegroups/{ident}"),
    rule("nodegroup:delete", BY_MEMBER, "DELETE /v1/clusters/{cluster}/nodegroups/{ident}"),
    // Certificates and credentials.
    rule("certificate:get", "rule:admin_or_project_reader_user", "GET /v1/certificates/{cluster}"),
    rule("certificate:create", "rule:admin_or_project_member_user", "POST /v1/certificates"),
    rule("certificate:rotate_ca", BY_MEMBER, "PATCH /v1/certificates/{cluster}"),
    rule("credential:rotate", "rule:project_member", "PATCH /v1/credentials/{cluster}"),
    // Administration.
    rule("quota:get", BY_READER, "GET /v1/quotas/{project}/{resource}"),
    rule("quota:get_all", BY_ADMIN, "GET /v1/quotas"),
    rule("quota:create", BY_ADMIN, "POST /v1/quotas"),
    rule("quota:update", BY_ADMIN, "PATCH /v1/quotas/{project}/{resource}"),
    rule("quota:delete", BY_ADMIN, "DELETE /v1/quotas/{project}/{resource}"),
    rule("stats:get_all", BY_READER, "GET /v1/stats"),
    rule("engineversion:get_all", BY_READER, "GET /v1/engineversions"),
    rule("deployment:get", BY_ADMIN, "GET /v1/deployment"),
    rule("deployment:accept", BY_ADMIN, "POST /v1/deployment/actions/accept"),
    rule("deployment:new_id", BY_ADMIN, "POST /v1/deployment/actions/new-id"),
    rule("orphan:get_all", BY_ADMIN, "GET /v1/orphans"),
    rule("orphan:adopt", BY_ADMIN, "POST /v1/orphans/{uuid}/actions/adopt"),
    rule("orphan:delete", BY_ADMIN, "DELETE /v1/orphans/{uuid}"),
    rule("magnum-service:get_all", BY_ADMIN, "GET /v1/mservices"),
    // Federations.
    rule("federation:get_all", BY_READER, "GET /v1/federations"),
    rule("federation:detail", BY_READER, "GET /v1/federations/detail"),
    rule("federation:get", BY_READER, "GET /v1/federations/{ident}"),
    rule("federation:create", BY_MEMBER, "POST /v1/federations"),
    rule("federation:update", BY_MEMBER, "PATCH /v1/federations/{ident}"),
    rule("federation:delete", BY_MEMBER, "DELETE /v1/federations/{ident}"),
    // Bays and baymodels are clusters and templates, so they follow their rules.
    rule("bay:get_all", "rule:cluster:get_all", "GET /v1/bays"),
    rule("bay:get_all_all_projects", "rule:cluster:get_all_all_projects", "the same for all projects"),
    rule("bay:detail", "rule:cluster:detail", "GET /v1/bays/detail"),
    rule("bay:detail_all_projects", "rule:cluster:detail_all_projects", "the same for all projects"),
    rule("bay:get", "rule:cluster:get", "GET /v1/bays/{ident}"),
    rule("bay:get_one_all_projects", "rule:cluster:get_one_all_projects", "the same for all projects"),
    rule("bay:create", "rule:cluster:create", "POST /v1/bays"),
    rule("bay:update", "rule:cluster:update", "PATCH /v1/bays/{ident}"),
    rule("bay:update_all_projects", "rule:cluster:update_all_projects", "the same for all projects"),
    rule("bay:delete", "rule:cluster:delete", "DELETE /v1/bays/{ident}"),
    rule("bay:delete_all_projects", "rule:cluster:delete_all_projects", "the same for all projects"),
    rule("baymodel:get_all", "rule:clustertemplate:get_all", "GET /v1/baymodels"),
    rule("baymodel:get_all_all_projects", "rule:clustertemplate:get_all_all_projects", "the same for all projects"),
    rule("baymodel:detail", "rule:clustertemplate:detail", "GET /v1/baymodels/detail"),
    rule("baymodel:detail_all_projects", "rule:clustertemplate:detail_all_projects", "the same for all projects"),
    rule("baymodel:get", "rule:clustertemplate:get", "GET /v1/baymodels/{ident}, unless it is public"),
    rule("baymodel:get_one_all_projects", "rule:clustertemplate:get_one_all_projects", "the same for all projects"),
    rule("baymodel:create", "rule:clustertemplate:create", "POST /v1/baymodels"),
    rule("baymodel:update", "rule:clustertemplate:update", "PATCH /v1/baymodels/{ident}"),
    rule("baymodel:update_all_projects", "rule:clustertemplate:update_all_projects", "the same for all projects"),
    rule("baymodel:delete", "rule:clustertemplate:delete", "DELETE /v1/baymodels/{ident}"),
    rule("baymodel:delete_all_projects", "rule:clustertemplate:delete_all_projects", "the same for all projects"),
    rule("baymodel:publish", "rule:clustertemplate:publish", "making a baymodel public"),
    // Other resources of 2015.
    rule("node:get_all", BY_READER, "GET /v1/nodes"),
    rule("node:detail", BY_READER, "GET /v1/nodes/detail"),
    rule("node:get", BY_READER, "GET /v1/nodes/{uuid}"),
    rule("node:create", BY_MEMBER, "POST /v1/nodes"),
    rule("node:update", BY_MEMBER, "PATCH /v1/nodes/{uuid}"),
    rule("node:delete", BY_MEMBER, "DELETE /v1/nodes/{uuid}"),
    rule("pod:get_all", BY_READER, "GET /v1/pods"),
    rule("pod:detail", BY_READER, "GET /v1/pods/detail"),
    rule("pod:get", BY_READER, "GET /v1/pods/{ident}"),
    rule("pod:create", BY_MEMBER, "POST /v1/pods"),
    rule("pod:update", BY_MEMBER, "PATCH /v1/pods/{ident}"),
    rule("pod:delete", BY_MEMBER, "DELETE /v1/pods/{ident}"),
    rule("service:get_all", BY_READER, "GET /v1/services"),
    rule("service:detail", BY_READER, "GET /v1/services/detail"),
    rule("service:get", BY_READER, "GET /v1/services/{ident}"),
    rule("service:create", BY_MEMBER, "POST /v1/services"),
    rule("service:update", BY_MEMBER, "PATCH /v1/services/{ident}"),
    rule("service:delete", BY_MEMBER, "DELETE /v1/services/{ident}"),
    rule("rc:get_all", BY_READER, "GET /v1/rcs"),
    rule("rc:detail", BY_READER, "GET /v1/rcs/detail"),
    rule("rc:get", BY_READER, "GET /v1/rcs/{ident}"),
    rule("rc:create", BY_MEMBER, "POST /v1/rcs"),
    rule("rc:update", BY_MEMBER, "PATCH /v1/rcs/{ident}"),
    rule("rc:delete", BY_MEMBER, "DELETE /v1/rcs/{ident}"),
    rule("container:get_all", BY_READER, "GET /v1/containers"),
    rule("container:detail", BY_READER, "GET /v1/containers/detail"),
    rule("container:get", BY_READER, "GET /v1/containers/{ident}"),
    rule("container:create", BY_MEMBER, "POST /v1/containers"),
    rule("container:update", BY_MEMBER, "PATCH /v1/containers/{ident}"),
    rule("container:delete", BY_MEMBER, "DELETE /v1/containers/{ident}"),
    rule("container:start", BY_MEMBER, "PUT /v1/containers/{ident}/start"),
    rule("container:stop", BY_MEMBER, "PUT /v1/containers/{ident}/stop"),
    rule("container:reboot", BY_MEMBER, "PUT /v1/containers/{ident}/reboot"),
    rule("container:pause", BY_MEMBER, "PUT /v1/containers/{ident}/pause"),
    rule("container:unpause", BY_MEMBER, "PUT /v1/containers/{ident}/unpause"),
    rule("container:logs", BY_READER, "GET /v1/containers/{ident}/logs"),
    rule("container:execute", BY_MEMBER, "PUT /v1/containers/{ident}/execute"),
    // Ours.
    rule("operation:get_all", BY_READER, "GET /v1/operations"),
    rule("operation:get_all_all_projects", BY_ADMIN, "the same for all projects"),
    rule("operation:get", BY_READER, "GET /v1/operations/{uuid} and its events"),
    rule("operation:get_one_all_projects", BY_ADMIN, "the same for all projects"),
    rule("operation:cancel", BY_MEMBER, "POST /v1/operations/{uuid}/actions/cancel"),
];

const fn rule(name: &'static str, check: &'static str, about: &'static str) -> DefaultRule {
    DefaultRule { name, check, about }
}
