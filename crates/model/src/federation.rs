//! Federations: clusters that belong together (contract magnum-v1 section 2.10). They are only records; nothing is
//! configured in the clusters, as there is no maintained federation control plane any more.

use std::collections::BTreeMap;

use jiff::Timestamp;
use uuid::Uuid;

use crate::{FieldError, Status, validate};

/// The property that is required.
pub const DNS_ZONE: &str = "dns-zone";
/// Most properties: they describe a federation, they are not a file store.
pub const MAX_PROPERTIES: usize = 64;

/// A federation.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Federation {
    /// Id.
    pub uuid: Uuid,
    /// Project that it belongs to.
    pub project_id: String,
    /// User who created it.
    pub user_id: String,
    /// Name, not unique.
    pub name: String,
    /// The cluster that hosts the federation. It may be deleted.
    pub host_cluster: Uuid,
    /// The member clusters, in the order in which they joined. Some may be deleted.
    pub members: Vec<Uuid>,
    /// Status.
    pub status: Status,
    /// Reason of the status.
    pub status_reason: Option<String>,
    /// Properties, including [`DNS_ZONE`].
    pub properties: BTreeMap<String, String>,
    /// Time of creation.
    pub created_at: Timestamp,
    /// Time of the last change.
    pub updated_at: Option<Timestamp>,
}

/// Checks the properties of a federation: [`DNS_ZONE`] is present, and number, names and values are within limits.
///
/// # Errors
/// Names the missing property or the exceeded limit.
pub fn check_properties(properties: &BTreeMap<String, String>) -> Result<(), FieldError> {
    let field = "properties";
    if !properties.contains_key(DNS_ZONE) {
        return Err(FieldError::new(field, format!("must have {DNS_ZONE}")));
    }
    if properties.len() > MAX_PROPERTIES {
        let message = format!("must be at most {MAX_PROPERTIES}, these are {}", properties.len());
        return Err(FieldError::new(field, message));
    }
    for (name, value) in properties {
        validate::text(field, name)
            .map_err(|error| FieldError { message: format!("a name {}", error.message), ..error })?;
        let length = value.chars().count();
        if length > validate::MAX_TEXT {
            let message = format!("must have at most {} characters, this has {length}", validate::MAX_TEXT);
            return Err(FieldError::new(format!("{field}.{name}"), message));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(more: &[(&str, &str)]) -> Option<String> {
        let properties = [(DNS_ZONE, "example.org")].iter().chain(more);
        let properties = properties.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        check_properties(&properties).err().map(|error| error.field)
    }

    #[test]
    fn properties_are_few_and_short() {
        let (long, names) = ("x".repeat(validate::MAX_TEXT + 1), (0..MAX_PROPERTIES).map(|n| n.to_string()));
        let names: Vec<String> = names.collect();
        let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "")).collect();
        assert_eq!(check(&[("empty", ""), ("long", &long[1..])]), None);
        assert_eq!(check(&[("ttl", &long)]).as_deref(), Some("properties.ttl"));
        assert_eq!(check(&[(&long, "x")]).as_deref(), Some("properties"));
        assert_eq!(check(&[("", "x")]).as_deref(), Some("properties"));
        assert_eq!(check(&many).as_deref(), Some("properties"));
        assert_eq!(check(&many[1..]), None);
        assert_eq!(check_properties(&BTreeMap::new()).unwrap_err().field, "properties");
    }
}
