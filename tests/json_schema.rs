//! As much of JSON Schema as the descriptions of GitHub's API, of Imager's lists and of our configuration use.

use serde_json::Value;

/// Follows a reference, as often as needed.
pub fn resolved<'a>(root: &'a Value, node: &'a Value) -> &'a Value {
    match node["$ref"].as_str() {
        Some(to) => resolved(root, root.pointer(to.trim_start_matches('#')).unwrap()),
        None => node,
    }
}

/// # Errors
/// What is wrong first, after its place.
pub fn fits(root: &Value, schema: &Value, value: &Value, place: &str) -> Result<(), String> {
    let schema = resolved(root, schema);
    let list = |name: &str| schema[name].as_array().cloned().unwrap_or_default();
    if value.is_null() && schema["nullable"] == true {
        return Ok(());
    }
    for part in list("allOf") {
        fits(root, &part, value, place)?;
    }
    let any = [list("oneOf"), list("anyOf")].concat();
    let why: Vec<String> =
        any.iter().filter_map(|one| fits(root, one, value, place).err()).collect();
    if !any.is_empty() && why.len() == any.len() {
        return Err(why.join("; or "));
    }
    let types = schema["type"].as_array().cloned().unwrap_or_else(|| vec![schema["type"].clone()]);
    let listed = schema["enum"].as_array().is_none_or(|all| all.contains(value));
    let constant = schema.get("const").is_none_or(|only| only == value);
    if !types.iter().any(|name| has_type(value, name)) || !listed || !constant {
        return Err(format!("{place}: {value} is not {} {}", schema["type"], schema["enum"]));
    }
    if !has_size(schema, value) {
        return Err(format!(
            "{place}: {value} is too small, too large or not in the form of {schema}"
        ));
    }
    for (n, item) in value.as_array().into_iter().flatten().enumerate() {
        fits(root, &schema["items"], item, &format!("{place}[{n}]"))?;
    }
    let Some(members) = value.as_object() else { return Ok(()) };
    for name in list("required") {
        let name = name.as_str().unwrap();
        members.get(name).ok_or_else(|| format!("{place}.{name} is missing"))?;
    }
    for (name, member) in members {
        let known = &schema["properties"][name];
        if !known.is_null() {
            fits(root, known, member, &format!("{place}.{name}"))?;
        } else if schema["additionalProperties"] == false {
            return Err(format!("{place}.{name} is unknown"));
        }
    }
    Ok(())
}

fn has_type(value: &Value, name: &Value) -> bool {
    match name.as_str() {
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("number") => value.is_number(),
        Some("boolean") => value.is_boolean(),
        _ => true,
    }
}

fn has_size(schema: &Value, value: &Value) -> bool {
    let bound = |name: &str| schema[name].as_f64();
    let least = |name, size: f64| bound(name).is_none_or(|least| size >= least);
    let text = value.as_str();
    text.is_none_or(|text| least("minLength", text.chars().count() as f64))
        && value.as_array().is_none_or(|items| least("minItems", items.len() as f64))
        && value.as_f64().is_none_or(|number| {
            least("minimum", number) && bound("maximum").is_none_or(|most| number <= most)
        })
        && text.zip(schema["pattern"].as_str()).is_none_or(|(text, pattern)| matches(pattern, text))
}

/// The patterns of our own schema.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern {
        r"^\s*\d" => text.trim_start().starts_with(|c: char| c.is_ascii_digit()),
        "^[^/ ]+/[^/ ]+$" => {
            text.split('/').count() == 2
                && text.split('/').all(|part| !part.is_empty() && !part.contains(' '))
        }
        r"\.prom$" => text.ends_with(".prom"),
        "^[A-Za-z]+://" => text.split_once("://").is_some_and(|(scheme, _)| {
            !scheme.is_empty() && scheme.bytes().all(|c| c.is_ascii_alphabetic())
        }),
        _ => panic!("add the pattern {pattern} here"),
    }
}
