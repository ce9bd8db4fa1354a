//! A new namespace accepts no pods until Kubernetes' controllers have created its default service account.

use std::future::Future;
use std::time::Duration;

use jeroboam_model::CauseExt as _;
use k8s_openapi::api::core::v1::{Container, Pod, PodSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Api, PostParams};
use kube::{Client, Error};
use tokio::time::Instant;

use super::{LIMIT, error};
use crate::Result;
use crate::manifest::rules::NAMESPACE;

/// Between two attempts of a request that waits for the account.
const INTERVAL: Duration = Duration::from_millis(200);
/// Name of the pod in the dry run; it is never created.
const PROBE: &str = "jeroboam-probe";
const DOING: &str = "waiting until it accepts pods";

/// Repeats a request while it fails because the account is missing, for at most `limit`.
pub(super) async fn patiently<T, F>(limit: Duration, request: impl Fn() -> F) -> std::result::Result<T, Error>
where
    F: Future<Output = std::result::Result<T, Error>>,
{
    let deadline = Instant::now() + limit;
    loop {
        match request().await {
            Err(error) if is_missing(&error) && Instant::now() + INTERVAL < deadline => {
                tokio::time::sleep(INTERVAL).await;
            }
            other => return other,
        }
    }
}

/// Waits until the namespace for workloads accepts pods. Refusals for other reasons are ignored.
pub(super) async fn await_default(client: &Client) -> Result<()> {
    let pods: Api<Pod> = Api::namespaced(client.clone(), NAMESPACE);
    let parameters = PostParams { dry_run: true, ..PostParams::default() };
    let probe = probe();
    match patiently(LIMIT, || pods.create(&parameters, &probe)).await {
        Err(problem) if is_missing(&problem) => Err(error::unreachable(DOING).said(problem)),
        Err(problem @ Error::Api(_)) => {
            tracing::debug!(%problem, "the dry run of a pod is refused");
            Ok(())
        }
        Err(problem) => Err(error::cause(DOING, &problem)),
        Ok(_) => Ok(()),
    }
}

/// Admission answers 403 while there is no account.
fn is_missing(error: &Error) -> bool {
    let Error::Api(status) = error else { return false };
    status.code == 403
        && status.message.contains("error looking up service account")
        && status.message.contains("not found")
}

fn probe() -> Pod {
    let container = Container { name: PROBE.to_owned(), image: Some(PROBE.to_owned()), ..Container::default() };
    Pod {
        metadata: ObjectMeta { name: Some(PROBE.to_owned()), ..ObjectMeta::default() },
        spec: Some(PodSpec { containers: vec![container], ..PodSpec::default() }),
        ..Pod::default()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use kube::core::Status;

    use super::*;

    /// Kubernetes' response without the account.
    fn no_account() -> Error {
        let said = "pods \"web\" is forbidden: error looking up service account default/default: serviceaccount \"default\" \
                    not found";
        Error::Api(Box::new(Status::failure(said, "Forbidden").with_code(403)))
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_is_repeated_while_the_account_is_missing() {
        let tries = AtomicU32::new(0);
        let outcome = patiently(LIMIT, async || match tries.fetch_add(1, Ordering::Relaxed) {
            0..=2 => Err(no_account()),
            _ => Ok("made"),
        })
        .await;
        assert_eq!((outcome.unwrap(), tries.into_inner()), ("made", 4));
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_is_not_repeated_for_other_reasons_nor_for_ever() {
        for error in ["quota exceeded", "error looking up service account: etcd is away"] {
            let tries = AtomicU32::new(0);
            let answer = Status::failure(error, "Forbidden").with_code(403);
            let outcome: std::result::Result<(), _> = patiently(LIMIT, async || {
                tries.fetch_add(1, Ordering::Relaxed);
                Err(Error::Api(Box::new(answer.clone())))
            })
            .await;
            assert!(outcome.is_err());
            assert_eq!(tries.into_inner(), 1, "{error}");
        }
        let began = Instant::now();
        let outcome: std::result::Result<(), _> = patiently(LIMIT, async || Err(no_account())).await;
        assert!(is_missing(&outcome.unwrap_err()) && began.elapsed() <= LIMIT);
    }
}
