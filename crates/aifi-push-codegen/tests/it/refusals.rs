//! A document that no good Rust comes out of is refused, with the place and the way out.

use aifi_push_codegen::{Error, generate};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::{DOCUMENT, at, generate_with, problem};

const LEFT: &str = "/paths/~1api~1push~1transition~1left/post";
const STORE: &str = "/components/schemas/Store";
const STORE_ID: &str = "/components/schemas/TransitionLeft/properties/storeId";
const LOCATION: &str = "/components/schemas/Session/properties/locationId";

fn set(pointer: &str, key: &str, value: Value) -> impl FnOnce(&mut Value) {
    let (pointer, key) = (pointer.to_owned(), key.to_owned());
    move |document| at(document, &pointer)[key] = value
}

fn remove(pointer: &str, key: &str) -> impl FnOnce(&mut Value) {
    let (pointer, key) = (pointer.to_owned(), key.to_owned());
    move |document| {
        at(document, &pointer)
            .as_object_mut()
            .unwrap()
            .remove(&key)
            .unwrap();
    }
}

#[test]
fn our_document_is_not_refused() {
    generate(DOCUMENT).unwrap();
}

#[test]
fn another_version_of_openapi() {
    assert_snapshot!(problem(set("", "openapi", json!("3.1.0"))), @r#"#/openapi: the version is `3.1.0`: write the document in OpenAPI 3.0.x (of 3.1, `type: [T, "null"]` becomes `nullable: true`)"#);
    assert_snapshot!(problem(remove("", "openapi")), @r#"#/openapi: the version is ``: write the document in OpenAPI 3.0.x (of 3.1, `type: [T, "null"]` becomes `nullable: true`)"#);
}

#[test]
fn no_json() {
    let error = generate(&DOCUMENT[..1000]).unwrap_err();
    assert!(matches!(error, Error::Syntax { .. }), "{error:?}");
    let source = std::error::Error::source(&error).unwrap();
    assert_snapshot!(format!("{error}: {source}"), @"the document can't be read at `#/paths`: EOF while parsing an object at line 31 column 3");
}

#[test]
fn no_openapi() {
    let error = generate_with(set("", "paths", json!(["left"]))).unwrap_err();
    assert_snapshot!(error, @"the document can't be read at `#/paths`");
}

#[test]
fn something_after_the_document() {
    let error = generate(&(DOCUMENT.to_owned() + "}")).unwrap_err();
    assert!(matches!(error, Error::Syntax { .. }), "{error:?}");
}

#[test]
fn servers() {
    assert_snapshot!(problem(set("", "servers", json!([]))), @"#/servers: no server: name at least one, the first is the client's default");
    assert_snapshot!(problem(set("/servers/0", "url", json!("https://{region}.example"))), @"#/servers/0/url: the default server must be a whole URL without variables");
}

#[test]
fn operation_ids() {
    assert_snapshot!(problem(remove(LEFT, "operationId")), @"#/paths/~1api~1push~1transition~1left/post: no operationId: add one, it becomes the name of the client's method");
    assert_snapshot!(problem(set(LEFT, "operationId", json!("transitionLeft"))), @"#/paths/~1api~1push~1transition~1left/post/operationId: `transitionLeft` can't name a method: write it in snake case, such as `transition_left`");
    assert_snapshot!(problem(second_path("/api/push/entered", |path, document| {
        path["post"]["requestBody"] = body_of_its_own(document);
    })), @"#/paths/~1api~1push~1transition~1left/post/operationId: `transition_left` names another operation already");
}

/// Adds a path like ours, changed.
fn second_path(path: &str, change: impl FnOnce(&mut Value, &mut Value)) -> impl FnOnce(&mut Value) {
    move |document| {
        let mut second = at(document, "/paths/~1api~1push~1transition~1left").clone();
        change(&mut second, document);
        at(document, "/paths")[path] = second;
    }
}

/// A body of a schema that no other operation has.
fn body_of_its_own(document: &mut Value) -> Value {
    let schemas = at(document, "/components/schemas");
    schemas["TransitionEntered"] = schemas["TransitionLeft"].clone();
    let mut body = at(document, &format!("{LEFT}/requestBody")).clone();
    *at(&mut body, "/content/application~1json/schema") =
        json!({"$ref": "#/components/schemas/TransitionEntered"});
    body
}

#[test]
fn what_a_receiver_can_t_tell_apart() {
    assert_snapshot!(problem(second_path("/api/push/entered", |path, _| {
        path["post"]["operationId"] = json!("entered");
    })), @"#/paths/~1api~1push~1transition~1left/post/requestBody/content/application~1json/schema: `#/components/schemas/TransitionLeft` is the body of another operation already: give each a schema of its own, as the type tells a consumer which push it holds");
    assert_snapshot!(problem(second_path("/api/push/zone/left", |path, document| {
        path["post"]["operationId"] = json!("zone_left");
        path["post"]["requestBody"] = body_of_its_own(document);
    })), @"#/paths/~1api~1push~1zone~1left: a receiver tells the kinds of push apart by the last segment of the path: give each path one of its own");
}

#[test]
fn paths() {
    assert_snapshot!(problem(|document| {
        at(document, "/paths")["/other"] = json!({"$ref": "#/paths/~1api"});
    }), @"#/paths/~1other: a path can't be a reference: write it out here");
    assert_snapshot!(problem(|document| {
        let paths = at(document, "/paths").as_object_mut().unwrap();
        let path = paths.remove("/api/push/transition/left").unwrap();
        paths.insert("/api/push/{store}/left".to_owned(), path);
    }), @"#/paths/~1api~1push~1{store}~1left: parameters are not supported: a push is all body");
    let query = json!([{"name": "dry", "in": "query", "schema": {"type": "boolean"}}]);
    assert_snapshot!(problem(set(LEFT, "parameters", query)), @"#/paths/~1api~1push~1transition~1left/post/parameters: parameters are not supported: a push is all body");
}

#[test]
fn bodies() {
    assert_snapshot!(problem(remove(LEFT, "requestBody")), @"#/paths/~1api~1push~1transition~1left/post/requestBody: the body must be written here, `required: true`, of the one type `application/json`, with a `$ref` to an object of /components/schemas that is not nullable");
    let body = format!("{LEFT}/requestBody");
    problem(remove(&body, "required"));
    problem(set(&format!("{body}/content"), "text/plain", json!({})));
    let media = format!("{body}/content/application~1json");
    problem(set(
        &media,
        "schema",
        json!({"type": "object", "additionalProperties": {}}),
    ));
    problem(set(
        &media,
        "schema",
        json!({"$ref": "#/components/schemas/Nothing"}),
    ));
    problem(set(
        &media,
        "schema",
        json!({"$ref": "#/components/schemas/Session"}),
    ));
}

#[test]
fn several_success_types() {
    let responses = format!("{LEFT}/responses");
    let empty = json!({"description": "No content"});
    assert_snapshot!(problem(set(&responses, "204", empty)), @"#/paths/~1api~1push~1transition~1left/post/responses/2XX: a second success type for this operation (having no body is a type too): give all of them the same schema");
}

#[test]
fn several_error_types() {
    let responses = format!("{LEFT}/responses");
    let text = json!({"description": "Busy", "content": {"application/json": {"schema": {"type": "string"}}}});
    assert_snapshot!(problem(set(&responses, "503", text)), @"#/paths/~1api~1push~1transition~1left/post/responses/503: a second error type for this operation (having no body is a type too): give all of them the same schema");
    problem(set(
        &responses,
        "503",
        json!({"description": "No body is a type too"}),
    ));
}

#[test]
fn responses() {
    let responses = format!("{LEFT}/responses");
    assert_snapshot!(problem(remove(&responses, "2XX")), @"#/paths/~1api~1push~1transition~1left/post/responses: no `2XX`: add it, as the client takes any 2xx for a success");
    assert_snapshot!(problem(set(&responses, "302", json!({"description": "Moved"}))), @"#/paths/~1api~1push~1transition~1left/post/responses/302: only 2xx, 4xx and 5xx can be told apart: leave the rest to `default`");
    assert_snapshot!(problem(set(&responses, "default", json!({"$ref": "#/components/responses/X"}))), @"#/paths/~1api~1push~1transition~1left/post/responses/default: the reference leads nowhere");
    let html =
        json!({"description": "Page", "content": {"text/html": {"schema": {"type": "string"}}}});
    assert_snapshot!(problem(set(&responses, "2XX", html)), @"#/paths/~1api~1push~1transition~1left/post/responses/2XX/content: an answer has the one type `application/json` with a schema, or no content");
    let schema = format!("{responses}/2XX/content/application~1json");
    assert_snapshot!(problem(set(&schema, "schema", json!({"type": "object", "properties": {"id": {"type": "string"}}}))), @"#/paths/~1api~1push~1transition~1left/post/responses/2XX/content/application~1json/schema: an object with properties needs a name for its Rust type: move it to /components/schemas");
}

#[test]
fn security() {
    assert_snapshot!(problem(set("", "security", json!([]))), @"#/paths/~1api~1push~1transition~1left/post/security: the client knows one kind of security: name one scheme of type `http`, scheme `bearer`, here or for the whole document");
    problem(remove("", "security"));
    problem(set(LEFT, "security", json!([{}])));
    problem(set(LEFT, "security", json!([{"nothing": []}])));
    problem(set(
        "/components/securitySchemes/bearerAuth",
        "scheme",
        json!("basic"),
    ));
}

#[test]
fn names_of_schemas() {
    assert_snapshot!(problem(set("/components/schemas", "store_2", json!({"type": "object", "properties": {"id": {"type": "string", "nullable": true, "x-provenance": "assumed"}}}))), @"#/components/schemas/store_2: `store_2` can't name a type: write it as `Store2`");
    assert_snapshot!(problem(|document| {
        let store = at(document, STORE).clone();
        at(document, "/components/schemas")["Option"] = store;
    }), @"#/components/schemas/Option: `Option` is a type of Rust's: choose another name");
}

#[test]
fn named_schemas() {
    assert_snapshot!(problem(set("/components/schemas", "Id", json!({"type": "string"}))), @"#/components/schemas/Id: a named schema is an object with properties, or a string with `x-extensible-enum`: write this one where it is used");
    assert_snapshot!(problem(set("/components/schemas", "Shop", json!({"$ref": "#/components/schemas/Store"}))), @"#/components/schemas/Shop: a named schema can't be a reference: write it out here");
}

#[test]
fn unknown_fields_refused() {
    assert_snapshot!(problem(set(STORE, "additionalProperties", json!(false))), @"#/components/schemas/Store/additionalProperties: `false` would refuse a whole event for one new field: write `{}`");
}

#[test]
fn a_closed_set() {
    assert_snapshot!(problem(set(LOCATION, "enum", json!(["entrance", "exit"]))), @"#/components/schemas/Session/properties/locationId/enum: a closed set would refuse a whole event for one new value: name the schema and write `x-extensible-enum`");
    let set_status = set(
        "/components/schemas/SessionStatus",
        "enum",
        json!(["active"]),
    );
    assert_snapshot!(problem(set_status), @"#/components/schemas/SessionStatus: an open set is a plain `type: string`: remove `enum`, `format` and limits");
}

#[test]
fn no_provenance() {
    assert_snapshot!(problem(remove(STORE_ID, "x-provenance")), @"#/components/schemas/TransitionLeft/properties/storeId/x-provenance: say where the property is known from: `documented` (the vendor's page states it), `example` (only its example shows it) or `assumed`");
    problem(set(STORE_ID, "x-provenance", json!("guessed")));
    assert_snapshot!(problem(set("/components/schemas/Session/properties", "store", json!({"$ref": "#/components/schemas/Store"}))), @"#/components/schemas/Session/properties/store: OpenAPI 3.0 ignores what stands beside `$ref`, and a property needs `x-provenance`: write `allOf: [{$ref}]`");
}

#[test]
fn required_but_no_property() {
    assert_snapshot!(problem(set(STORE, "required", json!(["city"]))), @"#/components/schemas/Store/required: `city` is required but is no property: add the property");
}

#[test]
fn optional_but_not_nullable() {
    assert_snapshot!(problem(remove(LOCATION, "nullable")), @"#/components/schemas/Session/properties/locationId: an optional property must take null, which is the same as its absence: write `nullable: true`, of a reference in the schema that it leads to");
    assert_snapshot!(problem(remove("/components/schemas/SessionStatus", "nullable")), @"#/components/schemas/Session/properties/status: an optional property must take null, which is the same as its absence: write `nullable: true`, of a reference in the schema that it leads to");
}

#[test]
fn two_properties_of_one_name() {
    let id = json!({"type": "string", "nullable": true, "x-provenance": "assumed"});
    assert_snapshot!(problem(set(&format!("{STORE}/properties"), "oasis_api_store_id", id.clone())), @"#/components/schemas/Store/properties/oasis_api_store_id: the Rust name of `oasis_api_store_id` is also that of oasisApiStoreId");
    assert_snapshot!(problem(set(&format!("{STORE}/properties"), "extra", id)), @"#/components/schemas/Store/properties/extra: the Rust name of `extra` is also that of the unknown fields");
}

#[test]
fn defaults_and_limits() {
    assert_snapshot!(problem(set(LOCATION, "default", json!("entrance"))), @"#/components/schemas/Session/properties/locationId/default: a default would come back from an event that did not hold it: tell it in the description");
    assert_snapshot!(problem(set(LOCATION, "maxLength", json!(10))), @"#/components/schemas/Session/properties/locationId: limits on a value would refuse a whole event for one field: tell them in the description");
    problem(set(LOCATION, "pattern", json!("^[a-z]+$")));
    problem(set(STORE_ID, "minimum", json!(0)));
    problem(set(STORE, "minProperties", json!(1)));
    problem(set(
        "/components/schemas/SessionMetadata/properties/events",
        "maxItems",
        json!(9),
    ));
}

#[test]
fn schemas_that_combine() {
    for key in ["oneOf", "anyOf", "allOf"] {
        let schema = json!({
            key: [{"type": "string"}, {"type": "integer"}], "nullable": true, "x-provenance": "assumed",
        });
        let problem = problem(set(
            "/components/schemas/Session/properties",
            "gate",
            schema,
        ));
        assert!(problem.pointer.contains("/gate"), "{problem}");
    }
    let not = json!({"not": {"type": "string"}, "nullable": true, "x-provenance": "assumed"});
    assert_snapshot!(problem(set("/components/schemas/Session/properties", "gate", not)), @"#/components/schemas/Session/properties/gate: a value must have one `type`: write `{}` for any JSON");
}

#[test]
fn what_needs_a_name() {
    let object = json!({
        "type": "object", "nullable": true, "x-provenance": "assumed",
        "properties": {"id": {"type": "string"}},
    });
    assert_snapshot!(problem(set("/components/schemas/Session/properties", "gate", object)), @"#/components/schemas/Session/properties/gate: an object with properties needs a name for its Rust type: move it to /components/schemas");
    assert_snapshot!(problem(set(LOCATION, "x-extensible-enum", json!(["entrance"]))), @"#/components/schemas/Session/properties/locationId: an open set needs a name for its Rust type: move it to /components/schemas");
}

#[test]
fn lists_and_maps_of_what() {
    let events = "/components/schemas/SessionMetadata/properties/events";
    assert_snapshot!(problem(remove(events, "items")), @"#/components/schemas/SessionMetadata/properties/events/items: say what the list holds: `{}` for any JSON");
    let metadata = "/components/schemas/Customer/properties/metadata";
    assert_snapshot!(problem(remove(metadata, "additionalProperties")), @"#/components/schemas/Customer/properties/metadata/additionalProperties: an object without properties is a map: say what it holds, `{}` for any JSON");
    let items = json!({"$ref": "#/components/schemas/Nothing"});
    assert_snapshot!(problem(set(events, "items", items)), @"#/components/schemas/SessionMetadata/properties/events/items: `#/components/schemas/Nothing` leads to no schema of /components/schemas");
}

#[test]
fn open_sets() {
    let status = "/components/schemas/SessionStatus";
    let known = "x-extensible-enum";
    assert_snapshot!(problem(set(status, known, json!(["active", "unlisted"]))), @"#/components/schemas/SessionStatus/x-extensible-enum/1: `unlisted` would take the name of the catch-all `Unlisted`: leave it out, it is kept as text then");
    assert_snapshot!(problem(set(status, known, json!(["in-use", "in_use"]))), @"#/components/schemas/SessionStatus/x-extensible-enum/1: `in_use` and `in-use` would both be named `InUse`: leave one out");
    assert_snapshot!(problem(set(status, known, json!(["active", "+"]))), @"#/components/schemas/SessionStatus/x-extensible-enum/1: `+` gives no Rust name: leave it out, it is kept as text then");
    assert_snapshot!(problem(set(status, known, json!(["active", 1]))), @"#/components/schemas/SessionStatus/x-extensible-enum: list the known values as strings");
    assert_snapshot!(problem(set(status, "type", json!("integer"))), @"#/components/schemas/SessionStatus: an open set is a plain `type: string`: remove `enum`, `format` and limits");
}

#[test]
fn every_problem_is_told() {
    let error = generate_with(|document| {
        remove(LEFT, "operationId")(document);
        remove(STORE_ID, "x-provenance")(document);
        set(STORE, "additionalProperties", json!(false))(document);
    });
    assert_snapshot!(error.unwrap_err(), @"
    no good Rust comes out of the document:
    #/paths/~1api~1push~1transition~1left/post: no operationId: add one, it becomes the name of the client's method
    #/components/schemas/Store/additionalProperties: `false` would refuse a whole event for one new field: write `{}`
    #/components/schemas/TransitionLeft/properties/storeId/x-provenance: say where the property is known from: `documented` (the vendor's page states it), `example` (only its example shows it) or `assumed`
    ");
}
