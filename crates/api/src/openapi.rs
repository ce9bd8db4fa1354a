//! The OpenAPI document: made of the routes themselves, so that it cannot forget one.

use std::sync::LazyLock;

use axum::Json;
use jeroboam_types::error::ErrorBody;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder};
use utoipa::{Modify, OpenApi as _};

/// Name of the way to authenticate.
const TOKEN: &str = "token";

/// What the document begins with.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Jeroboam",
        description = "Containers as a service. The resources of OpenStack Magnum's API v1 in its wire format, with \
            operations and topology of our own.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(ErrorBody)),
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

/// What the routes are added to.
pub(crate) fn base() -> OpenApi {
    Base::openapi()
}

/// The document of all routes.
#[must_use]
pub fn document() -> OpenApi {
    let mut document = crate::router::routes().into_openapi();
    add_errors(&mut document);
    document
}

/// Every route may answer an error, always in the same shape.
fn add_errors(document: &mut OpenApi) {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("ErrorBody"))).build();
    let response = ResponseBuilder::new().description("An error").content("application/json", content).build();
    for item in document.paths.paths.values_mut() {
        let operations =
            [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete].into_iter().flatten();
        for operation in operations {
            operation.responses.responses.insert("default".to_owned(), RefOr::T(response.clone()));
        }
    }
}

/// This document.
#[utoipa::path(get, path = "/v1/openapi.json", tag = "service", security(()),
    responses((status = 200, description = "The OpenAPI document")))]
pub(crate) async fn show() -> Json<&'static OpenApi> {
    static DOCUMENT: LazyLock<OpenApi> = LazyLock::new(document);
    Json(&DOCUMENT)
}
