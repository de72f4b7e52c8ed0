//! `Fn::Transform: AWS::Include`, which stands beside other keys and adds those of a file to them.

use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use serde_json::{Map, Value};

/// Where a location that the template gives begins: the template's folder.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
const TRANSFORM: &str = "Fn::Transform";

/// Puts the keys of each included file where its include stands.
pub(super) fn resolve(value: Value) -> anyhow::Result<Value> {
    Ok(match value {
        Value::Array(items) => items.into_iter().map(resolve).collect::<Result<_, _>>()?,
        Value::Object(map) => {
            let mut resolved = Map::new();
            for (key, value) in map {
                if key == TRANSFORM {
                    let included = read(&value)?;
                    let twice = included.keys().find(|key| resolved.contains_key(*key));
                    ensure!(twice.is_none(), "{value} repeats {twice:?}");
                    resolved.extend(included);
                } else {
                    resolved.insert(key, resolve(value)?);
                }
            }
            resolved.into()
        }
        scalar => scalar,
    })
}

fn read(include: &Value) -> anyhow::Result<Map<String, Value>> {
    let location = match (&include["Name"], &include["Parameters"]["Location"]) {
        (Value::String(name), Value::String(location)) if name == "AWS::Include" => location,
        _ => bail!("{TRANSFORM}: {include} is not modelled"),
    };
    let path = Path::new(FOLDER).join(location);
    let text = std::fs::read_to_string(&path)
        .with_context(|| format!("{location}: `make documents` makes it"))?;
    serde_json::from_str(&text).with_context(|| location.clone())
}
