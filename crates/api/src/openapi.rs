//! The OpenAPI document: generated from the routes themselves, so that it is complete.

use std::sync::LazyLock;

use axum::Json;
use http::StatusCode;
use jeroboam_types::error::ErrorBody;
use jeroboam_types::plan::Plan;
use utoipa::openapi::link::{Link, LinkBuilder};
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, HeaderBuilder, ObjectBuilder, OpenApi, Ref, RefOr, Required};
use utoipa::openapi::{ResponseBuilder, Type};
use utoipa::{Modify, OpenApi as _};

use crate::http::{Version, etag};
use crate::plan;

/// Name of the security scheme.
const TOKEN: &str = "token";

/// Name of the component for the microversion header.
const VERSION: &str = "version";

/// Pattern of that header's value.
const VERSION_PATTERN: &str = r"^container-infra(structure(-management)?)? ([0-9]+\.[0-9]+|latest)$";

/// The document without routes.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Jeroboam",
        description = "Containers as a service. The resources of OpenStack Magnum's API v1 in its wire format, with \
            operations and topology of our own.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(ErrorBody, Plan)),
    modifiers(&Token),
    security(("token" = []))
)]
struct Base;

struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut OpenApi) {
        let description = "A token of the identity service.";
        let key = ApiKey::Header(ApiKeyValue::with_description("X-Auth-Token", description));
        document.components.get_or_insert_default().add_security_scheme(TOKEN, SecurityScheme::ApiKey(key));
        document.security = Some(vec![SecurityRequirement::new(TOKEN, Vec::<String>::new())]);
    }
}

/// The document to which the routes are added.
pub(crate) fn base() -> OpenApi {
    Base::openapi()
}

/// The document of all routes.
#[must_use]
pub fn document() -> OpenApi {
    let mut document = crate::router::routes().into_openapi();
    name_operations(&mut document);
    describe_answers(&mut document);
    add_version(&mut document);
    add_conditions(&mut document);
    add_idempotency(&mut document);
    add_plans(&mut document);
    add_links(&mut document);
    document
}

/// The methods of a path, with their operations.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    [
        ("get", &mut item.get),
        ("post", &mut item.post),
        ("put", &mut item.put),
        ("patch", &mut item.patch),
        ("delete", &mut item.delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| operation.as_mut().map(|operation| (method, operation)))
}

/// Id of an operation: method and path as one word. Handlers share names; ids must be unique.
fn operation_id(method: &str, path: &str) -> String {
    let path = if path == "/" { "versions" } else { path.strip_prefix("/v1/").unwrap_or(path) };
    let words = path.split(['/', '.', '{', '}']).filter(|word| !word.is_empty());
    words.fold(method.to_owned(), |id, word| format!("{id}_{word}"))
}

fn name_operations(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            operation.operation_id = Some(operation_id(method, path));
        }
    }
}

/// Every route may return an error, always in the same shape; and every response must have a description.
fn describe_answers(document: &mut OpenApi) {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("ErrorBody"))).build();
    let error = ResponseBuilder::new().description("An error").content("application/json", content).build();
    for item in document.paths.paths.values_mut() {
        for (_, operation) in operations(item) {
            for (status, response) in &mut operation.responses.responses {
                if let RefOr::T(response) = response
                    && response.description.is_empty()
                {
                    let status = status.parse::<StatusCode>().ok().and_then(|status| status.canonical_reason());
                    status.unwrap_or("A response").clone_into(&mut response.description);
                }
            }
            operation.responses.responses.insert("default".to_owned(), RefOr::T(error.clone()));
        }
    }
}

/// Every route of v1 takes the microversion header.
fn add_version(document: &mut OpenApi) {
    let description = format!(
        "The microversion, from {} to {}: it decides what an operation reads and returns, and whether it exists. \
         Without this header {}.",
        Version::MIN,
        Version::MAX,
        Version::MIN
    );
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .pattern(Some(VERSION_PATTERN))
        .examples([format!("container-infra {}", Version::MAX), "container-infra latest".to_owned()]);
    let version = define(document, VERSION, "OpenStack-API-Version", &description, schema);
    for (path, item) in &mut document.paths.paths {
        if path.starts_with("/v1") && path != "/v1/openapi.json" {
            item.parameters.get_or_insert_default().push(version.clone());
        }
    }
}

/// Documents `ETag` and the conditional headers on the routes that have them.
fn add_conditions(document: &mut OpenApi) {
    let tags = |example: &str| ObjectBuilder::new().schema_type(Type::String).examples([example]);
    let description =
        "Proceed only if the resource still has the state of one of these ETags (in any microversion), else 412.";
    let if_match = define(document, "if_match", "If-Match", description, tags("\"8f14e45fceea167a-1.14\""));
    let description = "Return 304 without a body if this ETag is still current.";
    let if_none_match = define(document, "if_none_match", "If-None-Match", description, tags("*"));
    let etag = HeaderBuilder::new()
        .description(Some("Identifies the state of the resource and the microversion in which it is shown."))
        .schema(Some(tags("\"8f14e45fceea167a-1.14\"")))
        .build();
    let known = ResponseBuilder::new().description("The client has the current state already").build();
    for (path, item) in &mut document.paths.paths {
        if !etag::is_tagged(path) {
            continue;
        }
        for (method, operation) in operations(item) {
            let condition = if method == "get" { &if_none_match } else { &if_match };
            operation.parameters.get_or_insert_default().push(condition.clone());
            if method == "get" {
                operation.responses.responses.insert("304".to_owned(), RefOr::T(known.clone()));
            }
            if let Some(RefOr::T(answer)) = operation.responses.responses.get_mut("200")
                && matches!(method, "get" | "patch")
            {
                answer.headers.insert("ETag".to_owned(), RefOr::T(etag.clone()));
            }
        }
    }
}

/// Every POST takes an idempotency key.
fn add_idempotency(document: &mut OpenApi) {
    let description = "For safe retries: a second request with the same key within 24 hours does \
        nothing and gets the response to the first; with different content it gets 422.";
    let schema = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(255));
    let key = define(document, "idempotency_key", "Idempotency-Key", description, schema);
    for (path, item) in &mut document.paths.paths {
        if let Some(operation) = item.post.as_mut().filter(|_| path.starts_with("/v1/")) {
            operation.parameters.get_or_insert_default().push(key.clone());
        }
    }
}

/// Every change of a cluster can be a dry run, or carry out a plan.
fn add_plans(document: &mut OpenApi) {
    let description = "Carry out the plan with this id; 412 if the facts on which it is based have changed.";
    let id = ObjectBuilder::new().schema_type(Type::String).min_length(Some(22));
    let apply = define(document, "plan", "X-Jeroboam-Plan", description, id);
    let dry_run = ParameterBuilder::new()
        .name(plan::DRY_RUN)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some("Change nothing; return 200 with the plan: the steps as they would run."))
        .schema(Some(ObjectBuilder::new().schema_type(Type::Boolean)))
        .build();
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Plan"))).build();
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            let is_plannable = method.to_uppercase().parse().is_ok_and(|method| plan::is_plannable(&method, path));
            if !is_plannable {
                continue;
            }
            operation.parameters.get_or_insert_default().extend([RefOr::T(dry_run.clone()), apply.clone()]);
            let planned = operation.responses.responses.entry("200".to_owned());
            planned.or_insert_with(|| {
                let response = ResponseBuilder::new().description("With `dry_run`: the plan");
                RefOr::T(response.content("application/json", content.clone()).build())
            });
        }
    }
}

/// Defines a header once and returns a reference to it.
fn define(
    document: &mut OpenApi,
    name: &str,
    header: &str,
    description: &str,
    schema: ObjectBuilder,
) -> RefOr<Parameter> {
    let parameter = ParameterBuilder::new()
        .name(header)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(schema))
        .build();
    document.components.get_or_insert_default().parameters.insert(name.to_owned(), RefOr::T(parameter));
    RefOr::Ref(Ref::new(format!("#/components/parameters/{name}")))
}

/// Links the response to a POST to the routes of the resource that it created.
fn add_links(document: &mut OpenApi) {
    let mut links: Vec<(String, String, Link)> = Vec::new();
    for (path, item) in &mut document.paths.paths {
        let Some((collection, parameter)) =
            ["ident", "uuid"].iter().find_map(|name| Some((path.split_once(&format!("/{{{name}}}"))?.0, name)))
        else {
            continue;
        };
        let collection = collection.to_owned();
        for (_, operation) in operations(item) {
            let Some(id) = &operation.operation_id else { continue };
            let link = LinkBuilder::new().operation_id(id).parameter(*parameter, "$response.body#/uuid").build();
            links.push((collection.clone(), id.clone(), link));
        }
    }
    for (collection, name, link) in links {
        let post = document.paths.paths.get_mut(&collection).and_then(|item| item.post.as_mut());
        let Some(operation) = post else { continue };
        for status in ["201", "202"] {
            if let Some(RefOr::T(response)) = operation.responses.responses.get_mut(status) {
                response.links.insert(name.clone(), RefOr::T(link.clone()));
            }
        }
    }
}

/// Returns this document.
#[utoipa::path(get, path = "/v1/openapi.json", tag = "service", security(()),
    responses((status = 200, description = "The OpenAPI document")))]
pub(crate) async fn show() -> Json<&'static OpenApi> {
    static DOCUMENT: LazyLock<OpenApi> = LazyLock::new(document);
    Json(&DOCUMENT)
}
