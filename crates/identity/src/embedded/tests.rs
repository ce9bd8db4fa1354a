use secrecy::SecretString;
use serde_norway::Value;

use super::*;

fn password(folder: &Path, cloud: &str) -> SecretString {
    let text = std::fs::read_to_string(folder.join(CLOUDS_FILE)).unwrap();
    let clouds: Value = serde_norway::from_str(&text).unwrap();
    SecretString::from(clouds["clouds"][cloud]["auth"]["password"].as_str().unwrap().to_owned())
}

#[tokio::test]
async fn a_first_start_makes_users_who_can_log_in_and_the_second_keeps_them() {
    let folder = tempfile::tempdir().unwrap();
    let first = Embedded::open(folder.path(), Settings::default()).unwrap();
    let demo = first.directory().user_named("demo").unwrap().clone();
    let secret = password(folder.path(), "jeroboam");
    let (token, session) = first.login(Some(&demo), secret.clone(), &Scope::Default).await.unwrap();
    assert_eq!(session.project.unwrap().name, "demo");
    assert_eq!(session.roles, ["member", "reader"]);

    let settings = Settings { public_url: "http://127.0.0.1:1234".into(), ..Settings::default() };
    let second = Embedded::open(folder.path(), settings).unwrap();
    let auth = second.validate(&token).await.unwrap();
    assert_eq!(
        (auth.user_name.as_str(), auth.project_name.as_str(), auth.roles.contains(&"admin".to_owned())),
        ("demo", "demo", false)
    );
    assert!(second.login(Some(&demo), secret, &Scope::Default).await.is_ok());
    let text = std::fs::read_to_string(folder.path().join(CLOUDS_FILE)).unwrap();
    assert!(text.contains("http://127.0.0.1:1234/identity/v3") && !text.contains(":9511"), "the address is brought up");
}

#[tokio::test]
async fn without_clouds_yaml_passwords_are_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let first = Embedded::open(folder.path(), Settings::default()).unwrap();
    let id = first.directory().user_named("admin").unwrap().id.clone();
    let old = password(folder.path(), "jeroboam-admin");
    std::fs::remove_file(folder.path().join(CLOUDS_FILE)).unwrap();
    let second = Embedded::open(folder.path(), Settings::default()).unwrap();
    let admin = second.directory().user(&id).unwrap().clone();
    let new = password(folder.path(), "jeroboam-admin");
    assert_eq!(second.login(Some(&admin), old, &Scope::Default).await.unwrap_err(), LoginError::Refused);
    assert!(second.login(Some(&admin), new, &Scope::Default).await.is_ok());
}

#[tokio::test]
async fn tokens_end_with_the_password_that_they_were_issued_for() {
    let folder = tempfile::tempdir().unwrap();
    let first = Embedded::open(folder.path(), Settings::default()).unwrap();
    let login = async |embedded: &Embedded, name: &str, cloud: &str| {
        let user = embedded.directory().user_named(name).unwrap().clone();
        embedded.login(Some(&user), password(folder.path(), cloud), &Scope::Default).await.unwrap().0
    };
    let (demo, admin) = (login(&first, "demo", "jeroboam").await, login(&first, "admin", "jeroboam-admin").await);
    let (from_demo, _) = first.rescope(&demo, &Scope::Unscoped).unwrap();

    // One user's hash is replaced in the file; the other user keeps the password.
    let path = folder.path().join(IDENTITY_FILE);
    let text = std::fs::read_to_string(&path).unwrap();
    let mut directory = Directory::parse(&path, &text).unwrap();
    let user = directory.users.iter_mut().find(|user| user.name == "demo").unwrap();
    user.password_hash = crate::password::hash(&SecretString::from("another")).unwrap();
    files::write_private(&path, &directory.to_text().unwrap()).unwrap();
    let second = Embedded::open(folder.path(), Settings::default()).unwrap();
    assert_eq!(second.validate(&demo).await, Err(AuthError::Invalid));
    assert_eq!(second.validate(&from_demo).await, Err(AuthError::Invalid));
    assert_eq!(second.rescope(&demo, &Scope::Default).unwrap_err(), LoginError::Refused);
    assert!(second.validate(&admin).await.is_ok(), "another user's token stays good");

    // All users get new passwords.
    std::fs::remove_file(folder.path().join(CLOUDS_FILE)).unwrap();
    let third = Embedded::open(folder.path(), Settings::default()).unwrap();
    assert_eq!(third.validate(&admin).await, Err(AuthError::Invalid));
    let new = login(&third, "admin", "jeroboam-admin").await;
    assert!(third.validate(&new).await.is_ok());
}

#[tokio::test]
async fn tokens_end_are_revoked_and_keep_their_scope() {
    let folder = tempfile::tempdir().unwrap();
    let brief = Settings { token_lifetime: SignedDuration::ZERO, ..Settings::default() };
    let expired = {
        let embedded = Embedded::open(folder.path(), brief).unwrap();
        let demo = embedded.directory().user_named("demo").unwrap().clone();
        embedded.login(Some(&demo), password(folder.path(), "jeroboam"), &Scope::Default).await.unwrap().0
    };
    let embedded = Embedded::open(folder.path(), Settings::default()).unwrap();
    assert_eq!(embedded.validate(&expired).await, Err(AuthError::Invalid));
    assert_eq!(embedded.validate("nonsense").await, Err(AuthError::Invalid));

    let demo = embedded.directory().user_named("demo").unwrap().clone();
    let secret = password(folder.path(), "jeroboam");
    for scope in [Scope::ProjectName("admin".into()), Scope::ProjectId("none".into()), Scope::Unknown] {
        let refused = embedded.login(Some(&demo), secret.clone(), &scope).await.unwrap_err();
        assert_eq!(refused, LoginError::Refused, "{scope:?}");
    }
    let (unscoped, session) = embedded.login(Some(&demo), secret, &Scope::Unscoped).await.unwrap();
    let end = session.claims.expires;
    assert_eq!(embedded.validate(&unscoped).await, Err(AuthError::Unscoped));
    let (scoped, session) = embedded.rescope(&unscoped, &Scope::ProjectName("demo".into())).unwrap();
    assert_eq!(session.claims.expires, end, "a token made from a token ends with it");
    assert!(embedded.validate(&scoped).await.is_ok());
    embedded.revoke(&session.claims).unwrap();
    assert_eq!(embedded.validate(&scoped).await, Err(AuthError::Invalid));
    assert_eq!(embedded.validate(&unscoped).await, Err(AuthError::Unscoped), "only the one was revoked");
}

#[test]
fn a_damaged_file_says_which() {
    let folder = tempfile::tempdir().unwrap();
    files::write_private(&folder.path().join(IDENTITY_FILE), "{").unwrap();
    let error = Embedded::open(folder.path(), Settings::default()).err().unwrap().to_string();
    assert!(error.contains("identity.json is damaged"), "{error}");
}
