//! Changes as Magnum's client accepts them: `replace name=new`, `add labels/key=value`, `remove tags`.

use clap::Args;
use jeroboam_types::v1::PatchOperation;
use serde_json::Value;

use super::failure::Failure;

/// Attributes to change.
#[derive(Debug, Args)]
pub(crate) struct PatchArgs {
    /// Operation on the attributes.
    #[arg(value_parser = ["add", "replace", "remove"], requires = "changes")]
    op: Option<String>,

    /// Attributes; `labels/KEY` for one label. No value is needed to remove one.
    #[arg(value_name = "PATH=VALUE")]
    changes: Vec<String>,
}

impl PatchArgs {
    /// The operations of a JSON patch.
    ///
    /// # Errors
    /// When a value is missing.
    pub(crate) fn operations(&self) -> Result<Vec<PatchOperation>, Failure> {
        let Some(op) = self.op.as_deref() else { return Ok(Vec::new()) };
        self.changes.iter().map(|change| operation(op, change)).collect()
    }
}

/// An operation that sets an attribute.
pub(crate) fn replace(path: &str, value: &str) -> PatchOperation {
    PatchOperation { op: "replace".to_owned(), path: format!("/{path}"), value: Some(Value::String(value.to_owned())) }
}

/// An operation that removes an attribute.
pub(crate) fn remove(path: &str) -> PatchOperation {
    PatchOperation { op: "remove".to_owned(), path: format!("/{path}"), value: None }
}

fn operation(op: &str, change: &str) -> Result<PatchOperation, Failure> {
    let (path, value) = match change.split_once('=') {
        Some((path, value)) => (path, Some(value)),
        None => (change, None),
    };
    let path = path.trim_start_matches('/');
    match (op, value) {
        ("remove", _) => Ok(remove(path)),
        (_, None) => Err(Failure::Usage(format!("'{change}' must be PATH=VALUE"))),
        // The server also accepts numbers and booleans as text, and knows the type of each attribute.
        (op, Some(value)) => Ok(PatchOperation { op: op.to_owned(), ..replace(path, value) }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(op: &str, changes: &[&str]) -> Result<String, Failure> {
        let changes = changes.iter().map(|&change| change.to_owned()).collect();
        let arguments = PatchArgs { op: Some(op.to_owned()), changes };
        Ok(serde_json::to_string(&arguments.operations()?).unwrap())
    }

    #[test]
    fn changes_become_a_patch() {
        assert_eq!(
            read("replace", &["node_count=3", "/labels/a=b=c"]).unwrap(),
            r#"[{"op":"replace","path":"/node_count","value":"3"},{"op":"replace","path":"/labels/a","value":"b=c"}]"#
        );
        assert_eq!(read("remove", &["tags"]).unwrap(), r#"[{"op":"remove","path":"/tags"}]"#);
        assert!(read("add", &["tags"]).is_err());
        assert!(PatchArgs { op: None, changes: Vec::new() }.operations().unwrap().is_empty());
    }
}
