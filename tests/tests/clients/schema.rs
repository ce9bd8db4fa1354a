//! Schemathesis: sends requests to the API that its OpenAPI document allows, and requests that it does not allow.

use std::path::Path;
use std::process::Command;

use jeroboam_tests::{Server, cache};

/// Time limit per microversion, in seconds.
const BUDGET: &str = "35";

#[test]
fn answers_are_as_the_document_says_and_never_a_failure_inside() {
    let server = Server::simulated();
    server.create("kubernetes", "one", 1);
    let program = cache().join("clients/schemathesis/bin/schemathesis");
    let settings = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/schemathesis.toml");
    // The newest microversion has no bays any more, and the last one with bays lacks many newer routes.
    for version in ["latest", "1.10"] {
        let token = server.token("jeroboam-admin");
        let output = Command::new(&program)
            .args(["--config-file", settings.to_str().unwrap(), "--no-color", "run", "--max-time", BUDGET])
            .arg(format!("{}/v1/openapi.json", server.url()))
            .env("TOKEN", token)
            .env("VERSION", format!("container-infra {version}"))
            .env("NO_PROXY", "*")
            .current_dir(server.scratch(""))
            .output()
            .expect("`scripts/install-tools clients` installs it");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "at {version}: {said}\n{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(server.http_status("/healthcheck"), Some(200));
    }
}
