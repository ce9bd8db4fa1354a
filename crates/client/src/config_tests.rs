use std::collections::BTreeMap;
use std::path::Path;

use secrecy::ExposeSecret;

use super::*;

/// Variables and files of an imaginary machine.
#[derive(Default)]
struct Made {
    variables: BTreeMap<&'static str, &'static str>,
    files: BTreeMap<&'static str, &'static str>,
}

impl Environment for Made {
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).map(|&value| value.to_owned())
    }

    fn file(&self, path: &Path) -> std::io::Result<Option<String>> {
        Ok(self.files.get(path.to_str().unwrap()).map(|&text| text.to_owned()))
    }
}

fn made(variables: &[(&'static str, &'static str)], files: &[(&'static str, &'static str)]) -> Made {
    let mut made = Made { variables: variables.iter().copied().collect(), files: files.iter().copied().collect() };
    made.variables.insert("HOME", "/home/me");
    made
}

fn load(made: &Made, cloud: Option<&str>) -> crate::Result<Config> {
    Config::load(made, &Choice { cloud: cloud.map(str::to_owned), data_folder: None })
}

const OURS: &str = "clouds:
  jeroboam:
    auth: {auth_url: 'http://127.0.0.1:9511/identity/v3', username: demo, password: geheim, project_name: demo,
           user_domain_name: Default, project_domain_id: default}
    region_name: RegionOne
  jeroboam-admin:
    auth: {auth_url: 'http://127.0.0.1:9511/identity/v3', username: admin, password: x, project_name: admin}
";
const WORK: &str = "clouds:
  work:
    auth: {auth_url: 'https://keystone.work:5000', username: me, password: p, project_id: abc}
    interface: internalURL
    cacert: ~/work.pem
";
const DATA: &str = "/home/me/.local/share/jeroboam/clouds.yaml";

#[test]
fn after_jeroboam_up_nothing_needs_to_be_given() {
    let config = load(&made(&[], &[(DATA, OURS)]), None).unwrap();
    assert_eq!(config.auth_url.as_str(), "http://127.0.0.1:9511/identity/v3");
    assert_eq!(config.region.as_deref(), Some("RegionOne"));
    assert_eq!(config.interface, "public");
    assert_eq!(config.origin, format!("cloud 'jeroboam' of {DATA}"));
    let Credentials::Password { password, .. } = &config.credentials else { panic!("{:?}", config.credentials) };
    assert_eq!(password.expose_secret(), "geheim");
    assert!(!format!("{config:?}").contains("geheim"), "secrets are never shown");
}

#[test]
fn the_data_folder_can_be_elsewhere() {
    for (variable, value, file) in [
        ("JEROBOAM_DATA", "/srv/j", "/srv/j/clouds.yaml"),
        ("XDG_DATA_HOME", "/data", "/data/jeroboam/clouds.yaml"),
        ("OS_CLIENT_CONFIG_FILE", "/etc/mine.yaml", "/etc/mine.yaml"),
    ] {
        assert!(load(&made(&[(variable, value)], &[(file, OURS)]), None).is_ok(), "{variable}");
    }
}

#[test]
fn a_cloud_can_be_chosen_from_any_file() {
    let both = [(DATA, OURS), ("/home/me/.config/openstack/clouds.yaml", WORK)];
    let config = load(&made(&[], &both), Some("work")).unwrap();
    assert_eq!(config.interface, "internal");
    assert_eq!(config.ca_file.as_deref(), Some(Path::new("/home/me/work.pem")));
    assert!(matches!(&config.scope, Scope::Project(Named::Id(id)) if id == "abc"));
    let config = load(&made(&[("OS_CLOUD", "jeroboam-admin")], &both), None).unwrap();
    assert!(config.origin.contains("jeroboam-admin"));
}

#[test]
fn a_file_with_one_cloud_needs_no_choice_and_one_with_several_does() {
    let path = "/etc/openstack/clouds.yaml";
    assert!(load(&made(&[], &[(path, WORK)]), None).is_ok());
    let two = "clouds: {a: {auth: {}}, b: {auth: {}}}";
    let error = load(&made(&[], &[(path, two)]), None).unwrap_err();
    assert!(error.action().unwrap().contains("--os-cloud or OS_CLOUD: a, b"), "{error}");
}

#[test]
fn variables_do_without_a_file() {
    let variables = [
        ("OS_AUTH_URL", "http://k:5000/v3"),
        ("OS_USERNAME", "u"),
        ("OS_PASSWORD", "p"),
        ("OS_PROJECT_NAME", "proj"),
        ("OS_USER_DOMAIN_NAME", "Users"),
        ("OS_INSECURE", "true"),
    ];
    let config = load(&made(&variables, &[(DATA, OURS)]), None).unwrap();
    assert!(config.insecure);
    let Credentials::Password { user: Named::Name { name, domain_name, .. }, .. } = config.credentials else {
        panic!()
    };
    assert_eq!((name.as_str(), domain_name.as_str()), ("u", "Users"));
    let Scope::Project(Named::Name { domain_name, .. }) = config.scope else { panic!() };
    assert_eq!(domain_name, "Default");
    // A cloud that is given by name takes precedence over variables.
    assert!(load(&made(&variables, &[(DATA, OURS)]), Some("jeroboam")).unwrap().origin.contains("clouds.yaml"));
}

#[test]
fn passwords_may_lie_in_a_file_of_their_own() {
    let open = "clouds: {a: {auth: {auth_url: 'http://k', username: u, project_name: p}}}";
    let secure = "clouds: {a: {auth: {password: hidden}}}";
    let files = [("/etc/openstack/clouds.yaml", open), ("/etc/openstack/secure.yaml", secure)];
    let config = load(&made(&[], &files), None).unwrap();
    assert!(
        matches!(&config.credentials, Credentials::Password { password, .. } if password.expose_secret() == "hidden")
    );
}

#[test]
fn application_credentials_and_tokens_work_too() {
    let file = "clouds:
  app: {auth_type: v3applicationcredential, auth: {auth_url: 'http://k', application_credential_id: i, application_credential_secret: s}}
  token: {auth_type: v3token, auth: {auth_url: 'http://k', token: t, project_name: p}}
";
    let made = made(&[], &[("./clouds.yaml", file)]);
    let app = load(&made, Some("app")).unwrap();
    assert!(matches!(app.credentials, Credentials::ApplicationCredential { .. }) && matches!(app.scope, Scope::None));
    assert!(matches!(load(&made, Some("token")).unwrap().credentials, Credentials::Token(_)));
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    for (file, message) in [
        ("clouds: {a: {auth: {username: u}}}", "auth_url is missing in cloud 'a' of ./clouds.yaml"),
        ("clouds: {a: {auth: {auth_url: 'ftp://k'}}}", "'ftp://k'"),
        ("clouds: {a: {auth: {auth_url: 'http://k', username: u, password: p}}}", "project_name is missing"),
        ("clouds: {a: {auth: {auth_url: 'http://k', username: u, project_name: p}}}", "password is missing"),
        ("clouds: [", "reading ./clouds.yaml failed"),
        ("clouds: {a: {auth: 7}}", "cannot be read"),
    ] {
        let error = load(&made(&[], &[("./clouds.yaml", file)]), None).unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
        assert!(error.action().is_some());
    }
    let error = load(&made(&[], &[]), None).unwrap_err();
    assert!(error.action().unwrap().contains("jeroboam up"), "{error}");
    let error = load(&made(&[], &[(DATA, OURS)]), Some("nope")).unwrap_err();
    assert!(error.action().unwrap().contains("jeroboam-admin"), "{error}");
}

#[test]
fn a_file_that_is_missing_is_said_to_be_missing_whatever_cloud_was_wanted() {
    let named = made(&[("OS_CLIENT_CONFIG_FILE", "/none.yaml"), ("OS_CLOUD", "work")], &[]);
    let error = load(&named, None).unwrap_err();
    assert_eq!(error.to_string(), "there is no file /none.yaml, which OS_CLIENT_CONFIG_FILE names");
    assert!(error.action().unwrap().contains("OS_CLIENT_CONFIG_FILE"), "{error:?}");
    let error = load(&made(&[], &[]), Some("work")).unwrap_err();
    assert!(error.to_string().starts_with("there is no clouds.yaml; looked for ./clouds.yaml"), "{error}");
    // The error names the existing files that do not contain it.
    let error = load(&made(&[], &[(DATA, OURS)]), Some("work")).unwrap_err();
    assert_eq!(error.to_string(), format!("there is no cloud 'work' in {DATA}"));
    let error = load(&made(&[], &[(DATA, "clouds: {}")]), None).unwrap_err();
    assert_eq!(error.to_string(), format!("there is no cloud in {DATA}"));
}
