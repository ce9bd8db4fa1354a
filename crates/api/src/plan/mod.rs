//! Plans: a change with `?dry_run=true` is not carried out; the response lists the steps it would have, and what each
//! disrupts. With the plan's id in the header `X-Jeroboam-Plan` the change is carried out if the facts on which the
//! plan is based are unchanged, and otherwise refused with the changed facts. Ours.
//!
//! Handlers are not aware of it. A dry run takes the same path as the request, down to the store's transaction, which
//! is rolled back at the end; the desired state is compared with the observed one by the conductor's own planning
//! functions ([decision 26](../../../../docs/decisions/0026-a-plan-is-a-dry-run.md)).

mod basis;
mod request;
mod steps;

use axum::Json;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jeroboam_store::{Asked, DryRun};
use jeroboam_types::plan::Plan;
use uuid::Uuid;

use self::basis::{Basis, PlanId};
use self::request::{Sent, Wanted};
use self::steps::Look;
use crate::AppState;
use crate::http::{ApiError, ApiReason, Result, reply};

pub(crate) use self::request::{DRY_RUN, is_dry_run, is_plannable};

/// Middleware: plans dry runs, carries out plans, and passes everything else through.
pub(crate) async fn plans(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let outcome = match Wanted::read(&request) {
        Ok(Wanted::Neither) => return next.run(request).await,
        Ok(Wanted::Change) => match Sent::read(request).await {
            Ok(sent) => return next.run(sent.request()).await,
            Err(error) => Err(error),
        },
        Ok(Wanted::Plan) => plan(&state, request, next).await,
        Ok(Wanted::Apply(id)) => apply(&state, request, next, &id).await,
        Err(error) => Err(error),
    };
    outcome.unwrap_or_else(IntoResponse::into_response)
}

async fn plan(state: &AppState, request: Request, next: Next) -> Result<Response> {
    let sent = Sent::read(request).await?;
    Ok(match rehearse(state, &sent, &next).await? {
        Rehearsal::Done(done) => Json(done.plan()).into_response(),
        Rehearsal::Refused(response) => response,
    })
}

async fn apply(state: &AppState, request: Request, next: Next, id: &PlanId) -> Result<Response> {
    let sent = Sent::read(request).await?;
    let done = match rehearse(state, &sent, &next).await? {
        Rehearsal::Done(done) => done,
        Rehearsal::Refused(response) => return Ok(response),
    };
    if !done.basis.fits(id) {
        return Err(outdated(&done.basis.changes(id)));
    }
    // The infrastructure was observed a moment ago; the database is checked again in the transaction.
    let planned = done.asked.as_ref().map(Basis::written);
    let run = {
        let planned = planned.clone();
        DryRun::unless(move |asked| asked.map(Basis::written) == planned)
    };
    let response = run.clone().around(next.run(sent.request())).await;
    if response.extensions().get::<ApiError>().is_some_and(ApiError::is_dry_run) {
        let now = run.asked().as_ref().map(Basis::written).unwrap_or_default();
        return Err(outdated(&now.changes(&planned.unwrap_or_default().id())));
    }
    Ok(response)
}

/// The outcome of a dry run.
enum Rehearsal {
    Done(Box<Rehearsed>),
    /// The response is the same as without a dry run.
    Refused(Response),
}

/// What a request would do.
struct Rehearsed {
    asked: Option<Asked>,
    look: Option<Look>,
    under_way: Option<Uuid>,
    basis: Basis,
}

impl Rehearsed {
    fn plan(&self) -> Plan {
        steps::plan(self.asked.as_ref(), self.look.as_ref(), self.under_way, self.basis.id().to_string())
    }
}

async fn rehearse(state: &AppState, sent: &Sent, next: &Next) -> Result<Rehearsal> {
    sent.check_name()?;
    let run = DryRun::new();
    let response = run.clone().around(next.clone().run(sent.request())).await;
    let error = response.extensions().get::<ApiError>();
    if error.map_or(!response.status().is_success(), |error| !error.is_dry_run()) {
        return Ok(Rehearsal::Refused(response));
    }
    let under_way = response.headers().get(reply::OPERATION).and_then(|value| value.to_str().ok()?.parse().ok());
    let asked = run.asked();
    let mut basis = sent.basis();
    let look = match &asked {
        Some(asked) => Some(Look::at(&state.observer, asked).await?),
        None => None,
    };
    if let (Some(asked), Some(look)) = (&asked, &look) {
        basis.extend(Basis::written(asked));
        basis.extend(Basis::observed(asked, &look.observed));
    }
    basis.extend(Basis::under_way(under_way));
    Ok(Rehearsal::Done(Box::new(Rehearsed { asked, look, under_way, basis })))
}

fn outdated(changes: &[String]) -> ApiError {
    let changes = changes.join("; ");
    ApiError::new(
        StatusCode::PRECONDITION_FAILED,
        ApiReason::PlanOutdated,
        format!(
            "The plan is no longer valid; nothing was changed. Changed since it was made: {changes}. Plan again with the \
             same request and ?dry_run=true (on the command line --plan), and decide by the new plan."
        ),
    )
}
