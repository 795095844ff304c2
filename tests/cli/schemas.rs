//! Whatever the binary says as JSON is as its schema says: each test that reads an output
//! comes by here. Readers may meet keys that their schema does not name, so the published
//! schemas allow them; here a key that is in none is an error, or it would never be
//! described.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::{Deserializer, Value, json};

use crate::support::{Campaign, reinvite};

/// Insists that each JSON object of ours in this text is as its schema says.
#[track_caller]
pub(crate) fn held(text: &str) {
    if !text.starts_with("{\"schema\":") {
        return;
    }
    for value in Deserializer::from_str(text).into_iter::<Value>() {
        let value = value.unwrap_or_else(|error| panic!("{error}\n{text}"));
        let name = match &value["schema"] {
            Value::String(schema) => schema
                .strip_prefix("reinvite-")
                .and_then(|name| name.strip_suffix("/1"))
                .unwrap_or_else(|| panic!("{schema} is no schema of ours"))
                .to_owned(),
            _ => "log".to_owned(),
        };
        insist(&name, &value);
    }
}

/// Insists that a value is as the schema of this name says.
#[track_caller]
pub(crate) fn insist(name: &str, value: &Value) {
    if let Err(why) = checked(name, value) {
        panic!("docs/schema/{name}.json does not describe this:\n{why}\n\n{value:#}");
    }
}

fn checked(name: &str, value: &Value) -> Result<(), String> {
    static KNOWN: LazyLock<Mutex<(Schemas, HashMap<String, SchemaIndex>)>> =
        LazyLock::new(|| Mutex::new((Schemas::new(), HashMap::new())));
    // One that panics in `compile` has told why.
    let mut guard = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let (schemas, known) = &mut *guard;
    let index = *known.entry(name.to_owned()).or_insert_with(|| compile(name, schemas));
    schemas.validate(value, index).map_err(|error| format!("{error:#}"))
}

fn compile(name: &str, schemas: &mut Schemas) -> SchemaIndex {
    let mut document = document(name);
    // The keys of a log line depend on its event.
    if name != "log" {
        close(&mut document);
    }
    let shared = document.get_mut("$defs").and_then(Value::as_object_mut);
    shared.into_iter().flat_map(|shared| shared.values_mut()).for_each(close_within);
    let place = format!("file:///{name}.json");
    let mut compiler = Compiler::new();
    compiler.enable_format_assertions();
    compiler.add_resource(&place, document).expect("it is a schema");
    compiler.compile(&place, schemas).unwrap_or_else(|error| panic!("{name}: {error:#}"))
}

/// The schema as the program prints it.
fn document(name: &str) -> Value {
    let printed = reinvite().args(["schema", name]).output().expect("the binary was built");
    serde_json::from_slice(&printed.stdout).expect("a schema is JSON")
}

/// Allows an object no key that its schema does not name.
fn close(schema: &mut Value) {
    let Some(of) = schema.as_object() else { return };
    let open = of.contains_key("additionalProperties");
    if !open && ["properties", "allOf", "$ref"].iter().any(|key| of.contains_key(*key)) {
        schema["unevaluatedProperties"] = json!(false);
    }
    close_within(schema);
}

/// The same for what stands in an object, whose own keys are for another to close.
fn close_within(schema: &mut Value) {
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(close);
    }
    if let Some(items) = schema.get_mut("items") {
        close(items);
    }
    for (key, each) in [("anyOf", close as fn(&mut Value)), ("allOf", close_within)] {
        if let Some(parts) = schema.get_mut(key).and_then(Value::as_array_mut) {
            parts.iter_mut().for_each(each);
        }
    }
}

#[test]
fn a_key_that_no_schema_names_is_noticed() {
    let init = json!({ "schema": "reinvite-init/1", "written": ["guests.csv"] });
    checked("init", &init).unwrap();
    let mut more = init.clone();
    more["more"] = json!(1);
    assert!(checked("init", &more).is_err());
    let mut other = init;
    other["written"] = json!("guests.csv");
    assert!(checked("init", &other).is_err());
}

#[test]
fn the_schemas_are_listed_and_each_is_one() {
    let campaign = Campaign::new();
    let listed = campaign.run("schema").exits(0);
    insta::assert_snapshot!(listed, @"
    aftercare
    apply
    config
    config-show
    doctor
    draft
    emulate
    explain
    failure
    init
    lint
    log
    plan
    preview
    reconcile
    rehearsal
    report
    result
    revert
    snapshot
    status
    verify
    webhook
    ");
    let mut schemas = Schemas::new();
    for name in listed.stdout.lines() {
        compile(name, &mut schemas);
    }
    insta::assert_snapshot!(campaign.run("schema plans").exits(2), @"
    ------- stderr -------
    error: there is no schema `plans`
      hint: there are aftercare, apply, config, config-show, doctor, draft, emulate, explain, failure, init, lint, log, plan, preview, reconcile, rehearsal, report, result, revert, snapshot, status, verify, webhook
    ------- exit 2 -------
    ");
}

#[test]
fn what_init_writes_is_as_its_schema_says() {
    let campaign = Campaign::new();
    campaign.run("init fresh").exits(0);
    let config = campaign.read("fresh/reinvite.toml");
    assert!(config.starts_with("#:schema reinvite.schema.json\n"));
    let schema: Value = serde_json::from_str(&campaign.read("fresh/reinvite.schema.json")).unwrap();
    assert_eq!(schema, document("config"));
}
