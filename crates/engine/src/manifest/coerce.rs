//! Converts spellings that kubectl accepts to those that Kubernetes' API requires.

use serde_json::Value;

/// Mappings whose values are quantities: `cpu: 1` means `cpu: "1"`.
const QUANTITY_MAPS: [&str; 4] = ["limits", "requests", "overhead", "capacity"];
/// Fields that are quantities.
const QUANTITIES: [&str; 2] = ["sizeLimit", "divisor"];
/// File modes, usually written in octal. YAML 1.1 reads `0644` as a number, YAML 1.2 as text.
const MODES: [&str; 2] = ["defaultMode", "mode"];

/// Changes `manifest` in place. Only below `spec`, where these names are unambiguous.
pub(super) fn coerce(manifest: &mut Value) {
    let Some(spec) = manifest.get_mut("spec") else { return };
    // The contract's `replicas`: "coerced to integer".
    if let Some(replicas) = spec.get_mut("replicas")
        && let Some(number) = replicas.as_str().and_then(|text| text.trim().parse::<i32>().ok())
    {
        *replicas = number.into();
    }
    walk(spec);
}

fn walk(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                if QUANTITY_MAPS.contains(&key.as_str()) {
                    field.as_object_mut().into_iter().flatten().for_each(|(_, quantity)| to_text(quantity));
                } else if QUANTITIES.contains(&key.as_str()) {
                    to_text(field);
                } else if MODES.contains(&key.as_str()) {
                    from_octal(field);
                }
                walk(field);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(walk),
        _ => {}
    }
}

fn to_text(value: &mut Value) {
    if let Value::Number(number) = value {
        *value = Value::String(number.to_string());
    }
}

fn from_octal(value: &mut Value) {
    if let Some(number) =
        value.as_str().and_then(|text| text.strip_prefix('0')).and_then(|digits| i32::from_str_radix(digits, 8).ok())
    {
        *value = number.into();
    }
}
