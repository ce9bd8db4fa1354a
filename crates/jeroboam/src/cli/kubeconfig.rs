//! kubeconfig files: creating one, and merging into an existing one without losing its content.

use anyhow::{Context, bail};
use serde_norway::{Mapping, Value};

/// The `extensions` name that marks our entries in a kubeconfig, so that they are recognized when they are renewed.
const MARK: &str = "jeroboam";

/// The content of a kubeconfig entry.
pub(crate) struct Entry<'a> {
    /// Name of the cluster.
    pub(crate) name: &'a str,
    /// Id of the cluster.
    pub(crate) uuid: &'a str,
    /// URL of the API server.
    pub(crate) server: &'a str,
    /// CA certificate (PEM).
    pub(crate) ca: &'a str,
    /// Client certificate (PEM).
    pub(crate) certificate: &'a str,
    /// Client key (PEM). Secret.
    pub(crate) key: &'a str,
}

/// A kubeconfig with this entry only.
pub(crate) fn new(entry: &Entry<'_>) -> anyhow::Result<String> {
    merge("", entry).map(|(text, _)| text)
}

/// Adds the entry to a kubeconfig, or renews it there, and makes it the current context. An entry of the same name that
/// is not ours stays; ours then gets a part of the cluster's id in its name. Also returns the context's name.
pub(crate) fn merge(existing: &str, entry: &Entry<'_>) -> anyhow::Result<(String, String)> {
    let mut config = match serde_norway::from_str(existing).context("reading the existing kubeconfig")? {
        Value::Null => Mapping::new(),
        Value::Mapping(mapping) => mapping,
        _ => bail!("the existing kubeconfig is invalid: it must be a mapping"),
    };
    for (key, value) in [("apiVersion", "v1"), ("kind", "Config")] {
        config.entry(key.into()).or_insert_with(|| value.into());
    }
    let short = entry.uuid.get(..8).unwrap_or(entry.uuid);
    let plain = entry.name.to_owned();
    let name = if is_free(&config, &plain, entry.uuid) { plain } else { format!("{}-{short}", entry.name) };
    let user = format!("{name}-admin");

    let cluster = mapping([
        ("server", entry.server.into()),
        ("certificate-authority-data", base64(entry.ca)),
        (
            "extensions",
            Value::Sequence(vec![mapping([
                ("name", MARK.into()),
                ("extension", mapping([("cluster", entry.uuid.into())])),
            ])]),
        ),
    ]);
    let credentials =
        mapping([("client-certificate-data", base64(entry.certificate)), ("client-key-data", base64(entry.key))]);
    let context = mapping([("cluster", name.as_str().into()), ("user", user.as_str().into())]);
    put(&mut config, "clusters", &name, "cluster", cluster)?;
    put(&mut config, "users", &user, "user", credentials)?;
    put(&mut config, "contexts", &name, "context", context)?;
    config.insert("current-context".into(), name.as_str().into());
    let text = serde_norway::to_string(&config).context("writing the kubeconfig")?;
    Ok((text, name))
}

/// Whether a name is available: unused, or used by an older entry of the same cluster.
fn is_free(config: &Mapping, name: &str, uuid: &str) -> bool {
    let named = |list: &str, name: &str| {
        let items = config.get(list)?.as_sequence()?;
        items.iter().find(|item| item.get("name").and_then(Value::as_str) == Some(name))
    };
    match named("clusters", name) {
        Some(item) => mark(item) == Some(uuid),
        None => named("contexts", name).is_none() && named("users", &format!("{name}-admin")).is_none(),
    }
}

/// The cluster id in the mark of an entry.
fn mark(item: &Value) -> Option<&str> {
    let extensions = item.get("cluster")?.get("extensions")?.as_sequence()?;
    let ours = extensions.iter().find(|extension| extension.get("name").and_then(Value::as_str) == Some(MARK))?;
    ours.get("extension")?.get("cluster")?.as_str()
}

/// Puts `{name, KIND: value}` into a list, replacing the entry of the same name.
fn put(config: &mut Mapping, list: &str, name: &str, kind: &str, value: Value) -> anyhow::Result<()> {
    let slot = config.entry(list.into()).or_insert(Value::Null);
    if slot.is_null() {
        *slot = Value::Sequence(Vec::new());
    }
    let Some(items) = slot.as_sequence_mut() else {
        bail!("the existing kubeconfig is invalid: '{list}' must be a list");
    };
    let item = mapping([("name", name.into()), (kind, value)]);
    match items.iter_mut().find(|item| item.get("name").and_then(Value::as_str) == Some(name)) {
        Some(old) => *old = item,
        None => items.push(item),
    }
    Ok(())
}

fn mapping<const N: usize>(pairs: [(&str, Value); N]) -> Value {
    Value::Mapping(pairs.into_iter().map(|(key, value)| (Value::from(key), value)).collect())
}

fn base64(pem: &str) -> Value {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(format!("{}\n", pem.trim_end())).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEMO: Entry<'_> = Entry {
        name: "demo",
        uuid: "11111111-2222-3333-4444-555555555555",
        server: "https://10.89.0.2:6443",
        ca: "CA",
        certificate: "CERTIFICATE",
        key: "KEY",
    };

    fn value(text: &str) -> Value {
        serde_norway::from_str(text).unwrap()
    }

    #[test]
    fn a_new_one_is_complete() {
        insta::assert_snapshot!(new(&DEMO).unwrap());
    }

    #[test]
    fn merging_loses_nothing_and_renewing_adds_nothing() {
        let theirs = "apiVersion: v1\nkind: Config\npreferences: {colors: true}\ncurrent-context: work\nclusters:\n- name: work\n  cluster: {server: https://work, proxy-url: http://p}\ncontexts:\n- name: work\n  context: {cluster: work, user: me, namespace: mine}\nusers:\n- name: me\n  user: {exec: {command: login}}\n";
        let (once, context) = merge(theirs, &DEMO).unwrap();
        assert_eq!(context, "demo");
        let (before, after) = (value(theirs), value(&once));
        assert_eq!(after["preferences"], before["preferences"]);
        for list in ["clusters", "contexts", "users"] {
            assert_eq!(after[list][0], before[list][0], "{list}");
            assert_eq!(after[list].as_sequence().unwrap().len(), 2, "{list}");
        }
        assert_eq!(after["current-context"], "demo");
        let renewed = Entry { certificate: "NEWER", ..DEMO };
        let (twice, _) = merge(&once, &renewed).unwrap();
        assert_eq!(value(&twice)["clusters"].as_sequence().unwrap().len(), 2);
        assert_ne!(value(&twice)["users"][1], after["users"][1]);
    }

    #[test]
    fn an_entry_of_the_same_name_that_is_not_ours_stays() {
        for theirs in [
            "clusters:\n- name: demo\n  cluster: {server: https://other}\n",
            "contexts:\n- name: demo\n  context: {cluster: x, user: y}\n",
            &new(&Entry { uuid: "99999999-2222-3333-4444-555555555555", ..DEMO }).unwrap(),
        ] {
            let (text, context) = merge(theirs, &DEMO).unwrap();
            assert_eq!(context, "demo-11111111");
            let list = if theirs.starts_with("contexts") { "contexts" } else { "clusters" };
            assert_eq!(value(&text)[list][0], value(theirs)[list][0]);
        }
    }

    #[test]
    fn what_is_no_kubeconfig_is_left_alone() {
        for bad in ["- a\n- b\n", "clusters: {a: b}\n", "a: [\n"] {
            assert!(merge(bad, &DEMO).is_err(), "{bad}");
        }
        assert!(merge("clusters: null\n", &DEMO).is_ok());
    }
}
