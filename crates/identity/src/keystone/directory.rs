//! Projects, users, domains and roles, read-only. Admins see all, others their own.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, Query, State};
use http::HeaderMap;
use serde_json::{Value, json};

use super::error::Error;
use super::tokens::{DOMAIN_ID, DOMAIN_NAME, caller};
use super::{PREFIX, Shared, base};
use crate::embedded::{Project, Session, User, role_id};

type Answer = Result<Json<Value>, Error>;

fn is_admin(session: &Session<'_>) -> bool {
    session.roles.iter().any(|role| role == "admin")
}

fn project_document(base: &str, project: &Project) -> Value {
    json!({
        "id": project.id,
        "name": project.name,
        "description": project.description,
        "domain_id": DOMAIN_ID,
        "parent_id": DOMAIN_ID,
        "enabled": true,
        "is_domain": false,
        "tags": [],
        "options": {},
        "links": {"self": format!("{base}{PREFIX}/v3/projects/{}", project.id)},
    })
}

fn user_document(base: &str, user: &User) -> Value {
    json!({
        "id": user.id,
        "name": user.name,
        "domain_id": DOMAIN_ID,
        "default_project_id": user.default_project,
        "enabled": true,
        "password_expires_at": null,
        "options": {},
        "links": {"self": format!("{base}{PREFIX}/v3/users/{}", user.id)},
    })
}

fn domain_document(base: &str) -> Value {
    json!({
        "id": DOMAIN_ID,
        "name": DOMAIN_NAME,
        "description": "The only domain",
        "enabled": true,
        "tags": [],
        "options": {},
        "links": {"self": format!("{base}{PREFIX}/v3/domains/{DOMAIN_ID}")},
    })
}

/// A collection in Keystone's form, filtered by the query's `name`.
fn collection(
    key: &str,
    base: &str,
    items: impl Iterator<Item = Value>,
    query: &HashMap<String, String>,
) -> Json<Value> {
    let items: Vec<Value> =
        items.filter(|item| query.get("name").is_none_or(|name| item["name"].as_str() == Some(name))).collect();
    Json(json!({key: items, "links": {"self": format!("{base}{PREFIX}/v3/{key}"), "previous": null, "next": null}}))
}

/// `GET /v3/auth/projects`: those that the caller has a role in.
pub(super) async fn own_projects(
    State(shared): State<Shared>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Answer {
    let session = caller(&shared, &headers)?;
    Ok(projects_of(&shared, session.user, &headers, &query))
}

fn projects_of(shared: &Shared, user: &User, headers: &HeaderMap, query: &HashMap<String, String>) -> Json<Value> {
    let base = base(shared, headers);
    let own = shared.directory().projects.iter().filter(|project| !user.roles_in(&project.id).is_empty());
    collection("projects", &base, own.map(|project| project_document(&base, project)), query)
}

/// `GET /v3/auth/domains`: always empty, since roles are assigned only in projects.
pub(super) async fn own_domains(
    State(shared): State<Shared>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Answer {
    caller(&shared, &headers)?;
    Ok(collection("domains", &base(&shared, &headers), std::iter::empty(), &query))
}

/// `GET /v3/auth/system`: always empty, since there are no system roles.
pub(super) async fn own_system(State(shared): State<Shared>, headers: HeaderMap) -> Answer {
    caller(&shared, &headers)?;
    Ok(Json(json!({"system": [], "links": {}})))
}

/// `GET /v3/projects`: for admins.
pub(super) async fn projects(
    State(shared): State<Shared>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Answer {
    if !is_admin(&caller(&shared, &headers)?) {
        return Err(Error::forbidden("identity:list_projects"));
    }
    let base = base(&shared, &headers);
    let all = shared.directory().projects.iter().map(|project| project_document(&base, project));
    Ok(collection("projects", &base, all, &query))
}

/// `GET /v3/projects/{id}`: for admins, and users with a role in it.
pub(super) async fn project(State(shared): State<Shared>, Path(id): Path<String>, headers: HeaderMap) -> Answer {
    let session = caller(&shared, &headers)?;
    let visible = is_admin(&session) || !session.user.roles_in(&id).is_empty();
    let project =
        shared.directory().project(&id).filter(|_| visible).ok_or_else(|| Error::not_found("project", &id))?;
    Ok(Json(json!({"project": project_document(&base(&shared, &headers), project)})))
}

/// `GET /v3/users`: for admins.
pub(super) async fn users(
    State(shared): State<Shared>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Answer {
    if !is_admin(&caller(&shared, &headers)?) {
        return Err(Error::forbidden("identity:list_users"));
    }
    let base = base(&shared, &headers);
    let all = shared.directory().users.iter().map(|user| user_document(&base, user));
    Ok(collection("users", &base, all, &query))
}

fn visible_user<'a>(shared: &'a Shared, session: &Session<'_>, id: &str) -> Result<&'a User, Error> {
    shared
        .directory()
        .user(id)
        .filter(|user| is_admin(session) || user.id == session.user.id)
        .ok_or_else(|| Error::not_found("user", id))
}

/// `GET /v3/users/{id}`: for admins, and the user.
pub(super) async fn user(State(shared): State<Shared>, Path(id): Path<String>, headers: HeaderMap) -> Answer {
    let user = visible_user(&shared, &caller(&shared, &headers)?, &id)?;
    Ok(Json(json!({"user": user_document(&base(&shared, &headers), user)})))
}

/// `GET /v3/users/{id}/projects`: for admins, and the user.
pub(super) async fn user_projects(
    State(shared): State<Shared>,
    Path(id): Path<String>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Answer {
    let user = visible_user(&shared, &caller(&shared, &headers)?, &id)?;
    Ok(projects_of(&shared, user, &headers, &query))
}

/// `GET /v3/domains`: for admins.
pub(super) async fn domains(
    State(shared): State<Shared>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Answer {
    if !is_admin(&caller(&shared, &headers)?) {
        return Err(Error::forbidden("identity:list_domains"));
    }
    let base = base(&shared, &headers);
    Ok(collection("domains", &base, std::iter::once(domain_document(&base)), &query))
}

/// `GET /v3/domains/{id}`.
pub(super) async fn domain(State(shared): State<Shared>, Path(id): Path<String>, headers: HeaderMap) -> Answer {
    caller(&shared, &headers)?;
    if id != DOMAIN_ID {
        return Err(Error::not_found("domain", &id));
    }
    Ok(Json(json!({"domain": domain_document(&base(&shared, &headers))})))
}

/// `GET /v3/roles`: those that any user has.
pub(super) async fn roles(
    State(shared): State<Shared>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Answer {
    if !is_admin(&caller(&shared, &headers)?) {
        return Err(Error::forbidden("identity:list_roles"));
    }
    let mut names: Vec<&str> =
        shared.directory().users.iter().flat_map(|user| user.roles.values().flatten()).map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let all = names.into_iter().map(|name| json!({"id": role_id(name), "name": name, "domain_id": null, "links": {}}));
    Ok(collection("roles", &base(&shared, &headers), all, &query))
}
