//! Invalid, expired and revoked tokens.

use std::time::Duration;

use jeroboam_tests::{Reply, Server, eventually};

use crate::fault::{Fault, On, Told, Where, own};
use crate::trial::{PATIENCE, Trial};

const VOID: Told = Told::user("unauthorized").by(Where::Answer(401));

pub(crate) fn faults() -> Vec<Fault> {
    vec![
        own("token-forged", On::Server, "a token with another last letter", VOID, "log in", forged),
        own("token-expired", On::Server, "an expired token is used", VOID, "log in again; clients do", expired),
        own(
            "token-revoked",
            On::Server,
            "a token is used after `DELETE /v3/auth/tokens`",
            VOID,
            "log in again",
            revoked,
        )
        .quick(),
    ]
}

fn list(server: &Server, token: &str) -> Reply {
    server.call("GET", "/v1/clusters", token, None)
}

/// After a new login requests work again.
fn login_anew(trial: &mut Trial<'_>, server: &Server) {
    assert_eq!(list(server, &server.token("jeroboam")).status, 200);
    trial.over();
}

fn forged(trial: &mut Trial<'_>) {
    let server = Server::simulated();
    let mut token = server.token("jeroboam");
    let last = if token.pop() == Some('A') { 'B' } else { 'A' };
    token.push(last);
    trial.told_by_refusal(|| list(&server, &token));
    login_anew(trial, &server);
}

fn expired(trial: &mut Trial<'_>) {
    let server = Server::with(&["--infrastructure", "simulated", "--token-seconds", "2"]);
    let token = server.token("jeroboam");
    assert_eq!(list(&server, &token).status, 200);
    let until = std::time::Instant::now() + Duration::from_secs(2);
    eventually("its time is over", PATIENCE, || (std::time::Instant::now() > until).then_some(()));
    trial.told_by_refusal(|| list(&server, &token));
    login_anew(trial, &server);
}

fn revoked(trial: &mut Trial<'_>) {
    let server = Server::simulated();
    let token = server.token("jeroboam");
    assert_eq!(list(&server, &token).status, 200);
    let reply = server.revoke(&token);
    assert_eq!(reply.status, 204, "{reply:?}");
    trial.told_by_refusal(|| list(&server, &token));
    login_anew(trial, &server);
}
