//! Routes with generic handlers, with the OpenAPI description that `utoipa::path` writes for other routes.

use axum::handler::Handler;
use axum::routing::MethodRouter;
use http::StatusCode;
use utoipa::openapi::path::{OperationBuilder, Parameter, ParameterBuilder, ParameterIn, Paths};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::{Content, HttpMethod, Ref, RefOr, Required, ResponseBuilder, Schema};
use utoipa::{PartialSchema, ToSchema};
use utoipa_axum::PathItemExt as _;
use utoipa_axum::router::UtoipaMethodRouter;

use crate::AppState;

/// A builder of a route that still lacks its handler.
pub(super) struct Route {
    method: HttpMethod,
    at: String,
    operation: OperationBuilder,
    schemas: Vec<(String, RefOr<Schema>)>,
}

impl Route {
    /// Starts a route without body and response.
    pub(super) fn new(method: HttpMethod, at: &str, tag: &str, summary: impl Into<String>) -> Self {
        let operation = OperationBuilder::new().tag(tag).summary(Some(summary));
        Self { method, at: at.to_owned(), operation, schemas: Vec::new() }
    }

    /// Adds a path parameter.
    pub(super) fn path(self, name: &str) -> Self {
        self.parameter(name, ParameterIn::Path)
    }

    /// Adds a required query parameter.
    pub(super) fn query(self, name: &str) -> Self {
        self.parameter(name, ParameterIn::Query)
    }

    fn parameter(mut self, name: &str, place: ParameterIn) -> Self {
        self.operation = self.operation.parameter(text(name, place));
        self
    }

    /// Sets the type of the request body.
    pub(super) fn reads<T: ToSchema>(mut self) -> Self {
        let content = self.json::<T>();
        let body = RequestBodyBuilder::new().content(JSON, content).required(Some(Required::True)).build();
        self.operation = self.operation.request_body(Some(body));
        self
    }

    /// Adds a response with a body.
    pub(super) fn answers<T: ToSchema>(mut self, status: StatusCode) -> Self {
        let content = self.json::<T>();
        let answer = ResponseBuilder::new().content(JSON, content);
        self.operation = self.operation.response(status.as_str(), answer);
        self
    }

    /// Adds the response 204.
    pub(super) fn answers_nothing(mut self) -> Self {
        self.operation = self.operation.response(StatusCode::NO_CONTENT.as_str(), ResponseBuilder::new());
        self
    }

    fn json<T: ToSchema>(&mut self) -> Content {
        self.schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(&mut self.schemas);
        Content::new(Some(Ref::from_schema_name(T::name())))
    }

    /// Completes the route with its handler.
    pub(super) fn to<T: 'static>(self, handler: impl Handler<T, AppState>) -> UtoipaMethodRouter<AppState> {
        let mut paths = Paths::new();
        let router = MethodRouter::new().on(self.method.to_method_filter(), handler);
        paths.add_path_operation(self.at, vec![self.method], self.operation);
        (self.schemas, paths, router)
    }
}

const JSON: &str = "application/json";

fn text(name: &str, place: ParameterIn) -> Parameter {
    let schema = Some(String::schema());
    ParameterBuilder::new().name(name).parameter_in(place).required(Required::True).schema(schema).build()
}
