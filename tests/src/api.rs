//! The API without the command line, for requests that the command line would not send.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::Server;

/// A response of the API.
#[derive(Debug)]
pub struct Reply {
    /// The request, for messages.
    pub request: String,
    /// Status code.
    pub status: u16,
    /// The body; null if it is not JSON.
    pub body: Value,
    subject_token: String,
}

impl Reply {
    /// The field that an error names, with the message.
    #[must_use]
    pub fn fault(&self) -> (&str, &str) {
        let error = &self.body["errors"][0];
        (error["field"].as_str().unwrap_or_default(), error["detail"].as_str().unwrap_or_default())
    }
}

impl Server {
    /// Logs in as a cloud of clouds.yaml; returns the token.
    #[must_use]
    pub fn token(&self, cloud: &str) -> String {
        let reply = self.login(cloud, None);
        assert_eq!(reply.status, 201, "{}: {}", reply.request, reply.body);
        reply.subject_token
    }

    /// The entry of a cloud in clouds.yaml.
    #[must_use]
    pub fn cloud(&self, name: &str) -> Value {
        let text = std::fs::read_to_string(self.data().join("clouds.yaml")).unwrap();
        let mut clouds: Value = serde_norway::from_str(&text).unwrap();
        clouds["clouds"][name].take()
    }

    /// Requests a token for a cloud of clouds.yaml, with another password if one is given.
    #[must_use]
    pub fn login(&self, cloud: &str, password: Option<&str>) -> Reply {
        let cloud = self.cloud(cloud);
        let auth = &cloud["auth"];
        let domain = json!({"name": auth["user_domain_name"]});
        let password = password.map_or_else(|| auth["password"].clone(), Into::into);
        let body = json!({"auth": {
            "identity": {"methods": ["password"], "password": {"user": {
                "name": auth["username"], "domain": domain, "password": password,
            }}},
            "scope": {"project": {"name": auth["project_name"], "domain": domain}},
        }});
        self.call("POST", "/identity/v3/auth/tokens", "", Some(&body))
    }

    /// Revokes a token.
    #[must_use]
    pub fn revoke(&self, token: &str) -> Reply {
        let subject = format!("header = {}\n", quoted(&format!("X-Subject-Token: {token}")));
        self.send("DELETE", "/identity/v3/auth/tokens", token, None, &subject)
    }

    /// Sends a request to the API, in the newest microversion that has the path; without a token if it is empty.
    #[must_use]
    pub fn call(&self, method: &str, path: &str, token: &str, body: Option<&Value>) -> Reply {
        self.send(method, path, token, body, "")
    }

    fn send(&self, method: &str, path: &str, token: &str, body: Option<&Value>, more: &str) -> Reply {
        // Through standard input, because command lines are visible to all users.
        let mut config = format!("url = {}\nrequest = {}\n{more}", quoted(&(self.url() + path)), quoted(method));
        // Bays exist in the first microversion, which is the default.
        if !path.starts_with("/v1/bay") {
            config += &format!("header = {}\n", quoted("OpenStack-API-Version: container-infra latest"));
        }
        if !token.is_empty() {
            config += &format!("header = {}\n", quoted(&format!("X-Auth-Token: {token}")));
        }
        if let Some(body) = body {
            config += &format!("header = {}\n", quoted("Content-Type: application/json"));
            config += &format!("data-binary = {}\n", quoted(&body.to_string()));
        }
        let mut curl = Command::new("curl")
            .args(["-s", "--noproxy", "*", "--max-time", "60", "-K", "-"])
            .args(["-w", "\n%{http_code} %header{x-subject-token}"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`make test` installs curl");
        curl.stdin.take().unwrap().write_all(config.as_bytes()).unwrap();
        let output = curl.wait_with_output().unwrap();
        assert!(output.status.success(), "{method} {path}: nobody answers: {}\n{}", output.status, self.log_tail());
        let text = String::from_utf8_lossy(&output.stdout);
        let (body, last) = text.rsplit_once('\n').unwrap();
        let (status, token) = last.split_once(' ').unwrap();
        Reply {
            request: format!("{method} {path}"),
            status: status.parse().unwrap(),
            body: serde_json::from_str(body).unwrap_or_default(),
            subject_token: token.trim().to_owned(),
        }
    }
}

/// A value in curl's configuration syntax.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
