//! The server's log: lines on standard error, without users' secrets.

use jeroboam_types::log::is_harmless;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Starts the log. `RUST_LOG` sets the level; events of libraries pass only if [`is_harmless`] allows them.
pub(super) fn start(json: bool) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    if json {
        let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).json().finish();
        lines.with(filter_fn(is_harmless)).init();
    } else {
        text(filter, std::io::stderr).init();
    }
}

fn text(
    filter: EnvFilter,
    writer: impl for<'w> MakeWriter<'w> + Send + Sync + 'static,
) -> impl tracing::Subscriber + Send + Sync {
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(false).finish();
    lines.with(filter_fn(is_harmless))
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use bollard::models::{ServiceSpec, TaskSpec, TaskSpecContainerSpec};
    use bollard::query_parameters::ListServicesOptions;
    use bollard::{API_DEFAULT_VERSION, Docker};

    use super::*;

    /// Values of environment variables, in a request and in a response.
    const ASKED: &str = "TOKEN=asked-4711";
    const ANSWERED: &str = "TOKEN=answered-4711";

    #[derive(Clone, Default)]
    struct Captured(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Captured {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Captured {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    async fn answer(request: axum::extract::Request) -> String {
        let list = format!(r#"[{{"ID":"s","Spec":{{"TaskTemplate":{{"ContainerSpec":{{"Env":["{ANSWERED}"]}}}}}}}}]"#);
        if request.method() == "GET" { list } else { r#"{"ID":"s"}"#.to_owned() }
    }

    /// Creates a service at an engine and lists it, as is done for containers of swarms.
    async fn make_and_list() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let engine = tokio::spawn(async move { axum::serve(listener, axum::Router::new().fallback(answer)).await });
        let docker = Docker::connect_with_http(&address, 10, API_DEFAULT_VERSION).unwrap();
        let container = TaskSpecContainerSpec { env: Some(vec![ASKED.to_owned()]), ..Default::default() };
        let task_template = TaskSpec { container_spec: Some(container), ..TaskSpec::default() };
        let spec = ServiceSpec { task_template: Some(task_template), ..ServiceSpec::default() };
        docker.create_service(spec, None).await.unwrap();
        assert_eq!(docker.list_services(None::<ListServicesOptions>).await.unwrap().len(), 1);
        tracing::trace!("ours");
        tracing::warn!(target: "kube_client::client", "{ANSWERED}");
        tracing::warn!(target: "hyper", "connection lost");
        engine.abort();
    }

    #[tokio::test]
    async fn environment_variables_are_in_no_log_at_any_level() {
        let all = Captured::default();
        let writer = all.clone();
        let unguarded = tracing_subscriber::fmt().with_env_filter("trace").with_writer(move || writer.clone()).finish();
        {
            let _log = unguarded.set_default();
            make_and_list().await;
        }
        assert!(all.text().contains(ASKED) && all.text().contains(ANSWERED), "the library does write them down");

        for filter in ["trace", "info,bollard=trace,bollard::docker=trace,kube_client=trace,jeroboam=trace"] {
            let ours = Captured::default();
            let writer = ours.clone();
            let log = text(EnvFilter::new(filter), move || writer.clone());
            {
                let _log = log.set_default();
                make_and_list().await;
            }
            let said = ours.text();
            assert!(!said.contains("4711"), "{said}");
            assert!(said.contains("ours") && said.contains("connection lost"), "{said}");
        }
    }
}
