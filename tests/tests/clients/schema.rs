//! Schemathesis: calls the API as its OpenAPI document says that it may be called, and as it says that it may not.

use std::path::Path;
use std::process::Command;

use jeroboam_tests::{Server, cache};

/// How long it may go on for each microversion, in seconds.
const BUDGET: &str = "35";

#[test]
fn answers_are_as_the_document_says_and_never_a_failure_inside() {
    let server = Server::simulated();
    server.create("kubernetes", "one", 1);
    let program = cache().join("clients/schemathesis/bin/schemathesis");
    let settings = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/schemathesis.toml");
    // Bays are not there any more in the newest microversion, and much is not there yet in the last that has them.
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
