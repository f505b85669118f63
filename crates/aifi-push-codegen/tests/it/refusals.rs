//! A document that breaks a rule is refused, with the location and how to fix it.

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
    assert_snapshot!(problem(set("", "openapi", json!("3.1.0"))), @r#"#/openapi: unsupported version `3.1.0`: expected OpenAPI 3.0.x (`type: [T, "null"]` of 3.1 is `nullable: true`)"#);
    assert_snapshot!(problem(remove("", "openapi")), @r#"#/openapi: unsupported version ``: expected OpenAPI 3.0.x (`type: [T, "null"]` of 3.1 is `nullable: true`)"#);
}

#[test]
fn invalid_json() {
    let error = generate(&DOCUMENT[..1000]).unwrap_err();
    assert!(matches!(error, Error::Syntax { .. }), "{error:?}");
    let source = std::error::Error::source(&error).unwrap();
    assert_snapshot!(format!("{error}: {source}"), @"invalid document at `#/paths`: EOF while parsing an object at line 31 column 3");
}

#[test]
fn not_openapi() {
    let error = generate_with(set("", "paths", json!(["left"]))).unwrap_err();
    assert_snapshot!(error, @"invalid document at `#/paths`");
}

#[test]
fn something_after_the_document() {
    let error = generate(&(DOCUMENT.to_owned() + "}")).unwrap_err();
    assert!(matches!(error, Error::Syntax { .. }), "{error:?}");
}

#[test]
fn servers() {
    assert_snapshot!(problem(set("", "servers", json!([]))), @"#/servers: missing server: add one, the first is the client's default");
    assert_snapshot!(problem(set("/servers/0", "url", json!("https://{region}.example"))), @"#/servers/0/url: invalid default server: expected a complete URL without variables");
}

#[test]
fn operation_ids() {
    assert_snapshot!(problem(remove(LEFT, "operationId")), @"#/paths/~1api~1push~1transition~1left/post: missing operationId: add one, it names the client's method");
    assert_snapshot!(problem(set(LEFT, "operationId", json!("transitionLeft"))), @"#/paths/~1api~1push~1transition~1left/post/operationId: invalid operationId `transitionLeft`: expected snake case, such as `transition_left`");
    assert_snapshot!(problem(second_path("/api/push/entered", |path, document| {
        path["post"]["requestBody"] = body_of_its_own(document);
    })), @"#/paths/~1api~1push~1transition~1left/post/operationId: duplicate operationId `transition_left`: choose another");
}

/// Adds a changed copy of our path.
fn second_path(path: &str, change: impl FnOnce(&mut Value, &mut Value)) -> impl FnOnce(&mut Value) {
    move |document| {
        let mut second = at(document, "/paths/~1api~1push~1transition~1left").clone();
        change(&mut second, document);
        at(document, "/paths")[path] = second;
    }
}

/// Returns a body with a schema that no other operation has.
fn body_of_its_own(document: &mut Value) -> Value {
    let schemas = at(document, "/components/schemas");
    schemas["TransitionEntered"] = schemas["TransitionLeft"].clone();
    let mut body = at(document, &format!("{LEFT}/requestBody")).clone();
    *at(&mut body, "/content/application~1json/schema") =
        json!({"$ref": "#/components/schemas/TransitionEntered"});
    body
}

#[test]
fn operations_that_a_receiver_can_t_identify() {
    assert_snapshot!(problem(second_path("/api/push/entered", |path, _| {
        path["post"]["operationId"] = json!("entered");
    })), @"#/paths/~1api~1push~1transition~1left/post/requestBody/content/application~1json/schema: `#/components/schemas/TransitionLeft` is already the body of another operation: use another schema, as a consumer identifies the operation by the type");
    assert_snapshot!(problem(second_path("/api/push/zone/left", |path, document| {
        path["post"]["operationId"] = json!("zone_left");
        path["post"]["requestBody"] = body_of_its_own(document);
    })), @"#/paths/~1api~1push~1zone~1left: the last segment of a path must be unique: a receiver identifies the operation by it");
}

#[test]
fn paths() {
    assert_snapshot!(problem(|document| {
        at(document, "/paths")["/other"] = json!({"$ref": "#/paths/~1api"});
    }), @"#/paths/~1other: unsupported reference: write the path out here");
    assert_snapshot!(problem(|document| {
        let paths = at(document, "/paths").as_object_mut().unwrap();
        let path = paths.remove("/api/push/transition/left").unwrap();
        paths.insert("/api/push/{store}/left".to_owned(), path);
    }), @"#/paths/~1api~1push~1{store}~1left: parameters are not supported: send everything in the body");
    let query = json!([{"name": "dry", "in": "query", "schema": {"type": "boolean"}}]);
    assert_snapshot!(problem(set(LEFT, "parameters", query)), @"#/paths/~1api~1push~1transition~1left/post/parameters: parameters are not supported: send everything in the body");
}

#[test]
fn bodies() {
    assert_snapshot!(problem(remove(LEFT, "requestBody")), @"#/paths/~1api~1push~1transition~1left/post/requestBody: unsupported body: expected one written here, `required: true`, of the only type `application/json`, with a `$ref` to an object of /components/schemas that is not nullable");
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
    assert_snapshot!(problem(set(&responses, "204", empty)), @"#/paths/~1api~1push~1transition~1left/post/responses/2XX: a second type of success response (no body counts as a type): use the same schema for all");
}

#[test]
fn several_error_types() {
    let responses = format!("{LEFT}/responses");
    let text = json!({"description": "Busy", "content": {"application/json": {"schema": {"type": "string"}}}});
    assert_snapshot!(problem(set(&responses, "503", text)), @"#/paths/~1api~1push~1transition~1left/post/responses/503: a second type of error response (no body counts as a type): use the same schema for all");
    problem(set(
        &responses,
        "503",
        json!({"description": "No body is a type too"}),
    ));
}

#[test]
fn responses() {
    let responses = format!("{LEFT}/responses");
    assert_snapshot!(problem(remove(&responses, "2XX")), @"#/paths/~1api~1push~1transition~1left/post/responses: missing `2XX`: add it, as the client treats any 2xx as success");
    assert_snapshot!(problem(set(&responses, "302", json!({"description": "Moved"}))), @"#/paths/~1api~1push~1transition~1left/post/responses/302: unsupported status: expected 2xx, 4xx, 5xx or `default`");
    assert_snapshot!(problem(set(&responses, "default", json!({"$ref": "#/components/responses/X"}))), @"#/paths/~1api~1push~1transition~1left/post/responses/default: unresolved reference");
    let html =
        json!({"description": "Page", "content": {"text/html": {"schema": {"type": "string"}}}});
    assert_snapshot!(problem(set(&responses, "2XX", html)), @"#/paths/~1api~1push~1transition~1left/post/responses/2XX/content: unsupported content: expected `application/json` with a schema, or none");
    let schema = format!("{responses}/2XX/content/application~1json");
    assert_snapshot!(problem(set(&schema, "schema", json!({"type": "object", "properties": {"id": {"type": "string"}}}))), @"#/paths/~1api~1push~1transition~1left/post/responses/2XX/content/application~1json/schema: an object with properties needs a name for its Rust type: move it to /components/schemas");
}

#[test]
fn security() {
    assert_snapshot!(problem(set("", "security", json!([]))), @"#/paths/~1api~1push~1transition~1left/post/security: unsupported security: expected one scheme of type `http`, scheme `bearer`, here or for the whole document");
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
    assert_snapshot!(problem(set("/components/schemas", "store_2", json!({"type": "object", "properties": {"id": {"type": "string", "nullable": true, "x-provenance": "assumed"}}}))), @"#/components/schemas/store_2: invalid name `store_2`: expected upper camel case, such as `Store2`");
    assert_snapshot!(problem(|document| {
        let store = at(document, STORE).clone();
        at(document, "/components/schemas")["Option"] = store;
    }), @"#/components/schemas/Option: `Option` is the name of a Rust type: choose another");
}

#[test]
fn named_schemas() {
    assert_snapshot!(problem(set("/components/schemas", "Id", json!({"type": "string"}))), @"#/components/schemas/Id: unsupported named schema: expected an object with properties, or a string with `x-extensible-enum`; write any other schema where it is used");
    assert_snapshot!(problem(set("/components/schemas", "Shop", json!({"$ref": "#/components/schemas/Store"}))), @"#/components/schemas/Shop: unsupported reference: write the schema out here");
}

#[test]
fn unknown_fields_refused() {
    assert_snapshot!(problem(set(STORE, "additionalProperties", json!(false))), @"#/components/schemas/Store/additionalProperties: `false` would refuse whole events because of one new field: write `{}`");
}

#[test]
fn a_closed_enum() {
    assert_snapshot!(problem(set(LOCATION, "enum", json!(["entrance", "exit"]))), @"#/components/schemas/Session/properties/locationId/enum: a closed enum would refuse whole events because of one new value: name the schema and write `x-extensible-enum`");
    let set_status = set(
        "/components/schemas/SessionStatus",
        "enum",
        json!(["active"]),
    );
    assert_snapshot!(problem(set_status), @"#/components/schemas/SessionStatus: an extensible enum is a plain `type: string`: remove `enum`, `format` and limits");
}

#[test]
fn no_provenance() {
    assert_snapshot!(problem(remove(STORE_ID, "x-provenance")), @"#/components/schemas/TransitionLeft/properties/storeId/x-provenance: missing or invalid provenance: expected `documented` (the vendor's page states it), `example` (only its example shows it) or `assumed`");
    problem(set(STORE_ID, "x-provenance", json!("guessed")));
    assert_snapshot!(problem(set("/components/schemas/Session/properties", "store", json!({"$ref": "#/components/schemas/Store"}))), @"#/components/schemas/Session/properties/store: OpenAPI 3.0 ignores the siblings of `$ref`, and a property needs `x-provenance`: write `allOf: [{$ref}]`");
}

#[test]
fn required_but_no_property() {
    assert_snapshot!(problem(set(STORE, "required", json!(["city"]))), @"#/components/schemas/Store/required: `city` is required but not a property: add the property");
}

#[test]
fn optional_but_not_nullable() {
    assert_snapshot!(problem(remove(LOCATION, "nullable")), @"#/components/schemas/Session/properties/locationId: an optional property must accept null, which is the same as its absence: write `nullable: true`, for a reference in the schema that it refers to");
    assert_snapshot!(problem(remove("/components/schemas/SessionStatus", "nullable")), @"#/components/schemas/Session/properties/status: an optional property must accept null, which is the same as its absence: write `nullable: true`, for a reference in the schema that it refers to");
}

#[test]
fn two_properties_with_the_same_rust_name() {
    let id = json!({"type": "string", "nullable": true, "x-provenance": "assumed"});
    assert_snapshot!(problem(set(&format!("{STORE}/properties"), "oasis_api_store_id", id.clone())), @"#/components/schemas/Store/properties/oasis_api_store_id: `oasis_api_store_id` has the same Rust name as `oasisApiStoreId`: rename one");
    assert_snapshot!(problem(set(&format!("{STORE}/properties"), "extra", id)), @"#/components/schemas/Store/properties/extra: `extra` has the same Rust name as the unknown fields: rename one");
}

#[test]
fn defaults_and_limits() {
    assert_snapshot!(problem(set(LOCATION, "default", json!("entrance"))), @"#/components/schemas/Session/properties/locationId/default: unsupported default: decoding would add it to events without the property, so describe it instead");
    assert_snapshot!(problem(set(LOCATION, "maxLength", json!(10))), @"#/components/schemas/Session/properties/locationId: limits would refuse whole events because of one value: describe them instead");
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
fn combined_schemas() {
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
    assert_snapshot!(problem(set("/components/schemas/Session/properties", "gate", not)), @"#/components/schemas/Session/properties/gate: unsupported schema: expected one `type`, or `{}` for any JSON");
}

#[test]
fn unnamed_types() {
    let object = json!({
        "type": "object", "nullable": true, "x-provenance": "assumed",
        "properties": {"id": {"type": "string"}},
    });
    assert_snapshot!(problem(set("/components/schemas/Session/properties", "gate", object)), @"#/components/schemas/Session/properties/gate: an object with properties needs a name for its Rust type: move it to /components/schemas");
    assert_snapshot!(problem(set(LOCATION, "x-extensible-enum", json!(["entrance"]))), @"#/components/schemas/Session/properties/locationId: an extensible enum needs a name for its Rust type: move it to /components/schemas");
}

#[test]
fn lists_and_maps_without_schemas() {
    let events = "/components/schemas/SessionMetadata/properties/events";
    assert_snapshot!(problem(remove(events, "items")), @"#/components/schemas/SessionMetadata/properties/events/items: missing items: write their schema, `{}` for any JSON");
    let metadata = "/components/schemas/Customer/properties/metadata";
    assert_snapshot!(problem(remove(metadata, "additionalProperties")), @"#/components/schemas/Customer/properties/metadata/additionalProperties: an object without properties is a map: write the schema of its values, `{}` for any JSON");
    let items = json!({"$ref": "#/components/schemas/Nothing"});
    assert_snapshot!(problem(set(events, "items", items)), @"#/components/schemas/SessionMetadata/properties/events/items: unresolved reference `#/components/schemas/Nothing`: expected a schema of /components/schemas");
}

#[test]
fn extensible_enums() {
    let status = "/components/schemas/SessionStatus";
    let known = "x-extensible-enum";
    assert_snapshot!(problem(set(status, known, json!(["active", "unlisted"]))), @"#/components/schemas/SessionStatus/x-extensible-enum/1: `unlisted` has the Rust name of the catch-all: leave it out, `Unlisted` keeps it");
    assert_snapshot!(problem(set(status, known, json!(["in-use", "in_use"]))), @"#/components/schemas/SessionStatus/x-extensible-enum/1: `in_use` and `in-use` have the same Rust name `InUse`: leave one out");
    assert_snapshot!(problem(set(status, known, json!(["active", "+"]))), @"#/components/schemas/SessionStatus/x-extensible-enum/1: `+` has no Rust name: leave it out, `Unlisted` keeps it");
    assert_snapshot!(problem(set(status, known, json!(["active", 1]))), @"#/components/schemas/SessionStatus/x-extensible-enum: invalid values: expected a list of strings");
    assert_snapshot!(problem(set(status, "type", json!("integer"))), @"#/components/schemas/SessionStatus: an extensible enum is a plain `type: string`: remove `enum`, `format` and limits");
}

#[test]
fn every_problem_is_reported() {
    let error = generate_with(|document| {
        remove(LEFT, "operationId")(document);
        remove(STORE_ID, "x-provenance")(document);
        set(STORE, "additionalProperties", json!(false))(document);
    });
    assert_snapshot!(error.unwrap_err(), @"
    no good Rust comes out of the document:
    #/paths/~1api~1push~1transition~1left/post: missing operationId: add one, it names the client's method
    #/components/schemas/Store/additionalProperties: `false` would refuse whole events because of one new field: write `{}`
    #/components/schemas/TransitionLeft/properties/storeId/x-provenance: missing or invalid provenance: expected `documented` (the vendor's page states it), `example` (only its example shows it) or `assumed`
    ");
}

#[test]
fn an_unknown_subject() {
    assert_snapshot!(problem(set(STORE_ID, "x-subject", json!("shop"))), @"#/components/schemas/TransitionLeft/properties/storeId/x-subject: expected `customer`, `session`, `shopper` or `store`");
    assert_snapshot!(problem(set(STORE_ID, "x-subject", json!(true))), @"#/components/schemas/TransitionLeft/properties/storeId/x-subject: expected `customer`, `session`, `shopper` or `store`");
}

/// Adds a copy of our operation with another id at another path.
fn second_operation(path: &str, id: &str) -> impl FnOnce(&mut Value) {
    let id = id.to_owned();
    second_path(path, move |path, document| {
        path["post"]["operationId"] = json!(id);
        path["post"]["requestBody"] = body_of_its_own(document);
    })
}

#[test]
fn ids_that_something_else_has() {
    assert_snapshot!(problem(second_operation("/api/push/other", "deliver")), @"#/paths/~1api~1push~1other/post/operationId: `deliver` is the name of something else in the source: choose another");
    for id in ["builder", "sandbox", "call", "server", "all", "clone"] {
        problem(second_operation("/api/push/other", id));
    }
}

/// What is public in the hand-written client, and the constants beside the operations, are taken.
#[test]
fn the_names_of_the_client_are_taken() {
    let client = include_str!("../../../aifi-push/src/client.rs");
    let block = client.split_once("\nimpl Client {").unwrap().1;
    let block = block.split_once("\n}\n").unwrap().0;
    let methods: Vec<&str> = block
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub"))
        .filter_map(|line| line.split_once("fn ")?.1.split(['(', '<']).next())
        .collect();
    assert!(methods.contains(&"deliver"), "{methods:?}");
    for method in methods {
        problem(second_operation("/api/push/other", method));
    }
}

#[test]
fn segments_that_mean_something_else() {
    assert_snapshot!(problem(second_operation("/api/push/:entered", "entered")), @"#/paths/~1api~1push~1:entered: invalid path: expected segments of letters, digits, `-`, `_`, `.` and `~`");
    for path in [
        "/api/push/*",
        "/api/:push/entered",
        "/api/push/a%20b",
        "/api/push/..",
        "/a b",
        "/\u{e4}",
    ] {
        problem(second_operation(path, "entered"));
    }
    generate_with(second_operation("/api/push/v1.0_a-b~c", "entered")).unwrap();
}

#[test]
fn what_the_parser_would_drop() {
    assert_snapshot!(problem(second_operation("api/push/entered", "entered")), @"#/paths/api~1push~1entered: invalid path: expected a leading `/`");
    let capital = |document: &mut Value| {
        second_operation("/api/push/entered", "entered")(document);
        let item = at(document, "/paths/~1api~1push~1entered");
        item["Post"] = item.as_object_mut().unwrap().remove("post").unwrap();
    };
    let Err(Error::Document(problems)) = generate_with(capital) else {
        panic!("accepted");
    };
    assert_snapshot!(problems[0], @"#/paths/~1api~1push~1entered/Post: unknown method: expected one in lower case, such as `post`");
    let responses = format!("{LEFT}/responses");
    let typo = json!({"description": "Typo"});
    assert_snapshot!(problem(set(&responses, "20X", typo.clone())), @"#/paths/~1api~1push~1transition~1left/post/responses/20X: invalid status: expected one such as `204`, `2XX` or `default`");
    for status in ["2xx", "600", "99", "2000", "X00", "Default"] {
        problem(set(&responses, status, typo.clone()));
    }
}

#[test]
fn a_key_that_occurs_twice() {
    let twice = DOCUMENT.replacen("\"storeId\": {", "\"storeId\": {}, \"storeId\": {", 1);
    let Err(error) = generate(&twice) else {
        panic!("accepted");
    };
    assert_snapshot!(error, @"
    no good Rust comes out of the document:
    #/components/schemas/TransitionLeft/properties: `storeId` occurs twice: remove one
    ");
    let paths = DOCUMENT.replacen("\"paths\": {", "\"paths\": {}, \"paths\": {", 1);
    assert!(matches!(generate(&paths), Err(Error::Document(_))));
}

#[test]
fn extensions() {
    assert_snapshot!(problem(set(STORE_ID, "x-sensitive", json!("true"))), @"#/components/schemas/TransitionLeft/properties/storeId/x-sensitive: invalid value: expected `true` or `false`");
    assert_snapshot!(problem(set(STORE_ID, "x-sensitve", json!(true))), @"#/components/schemas/TransitionLeft/properties/storeId/x-sensitve: unknown extension: expected `x-sensitive`");
    problem(set(STORE_ID, "x-Sensitive", json!(true)));
    problem(set(
        "/components/schemas/SessionStatus",
        "x-extensible-enums",
        json!([]),
    ));
    generate_with(set(STORE_ID, "x-go-name", json!("StoreID"))).unwrap();
}

#[test]
fn names_of_rust_and_of_what_is_generated() {
    let named = |name: &str| {
        let name = name.to_owned();
        move |document: &mut Value| {
            let store = at(document, STORE).clone();
            at(document, "/components/schemas")[name] = store;
        }
    };
    assert_snapshot!(problem(named("Result")), @"#/components/schemas/Result: `Result` is the name of a Rust type: choose another");
    assert_snapshot!(problem(named("StoreBuilder")), @"#/components/schemas/StoreBuilder: `StoreBuilder` is the name of a type for `Store`: choose another");
    assert_snapshot!(problem(named("UnlistedCustomerRole")), @"#/components/schemas/UnlistedCustomerRole: `UnlistedCustomerRole` is the name of a type for `CustomerRole`: choose another");
    for name in [
        "String", "Json", "From", "Self", "Some", "Clone", "BTreeMap",
    ] {
        problem(named(name));
    }
    let build = json!({"type": "string", "nullable": true, "x-provenance": "assumed"});
    assert_snapshot!(problem(set(&format!("{STORE}/properties"), "build", build.clone())), @"#/components/schemas/Store/properties/build: `build` has the Rust name of a method of the builder: leave it out, `extra` keeps it");
    problem(set(
        &format!("{STORE}/properties"),
        "maybeExtra",
        build.clone(),
    ));
    problem(set(
        &format!("{STORE}/properties"),
        "maybe_oasisApiStoreId",
        build,
    ));
}
