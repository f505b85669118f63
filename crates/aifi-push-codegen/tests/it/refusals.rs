//! A document that breaks a rule is refused, with the location and how to fix it.

use aifi_push_codegen::{Error, generate};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::{DOCUMENT, at, generate_with, problem};

const LEFT: &str = "/paths/~1api~1push~1transition~1left/post";
const STORE: &str = "/components/schemas/Store";
const STORE_ID: &str = "/components/schemas/TransitionLeft/properties/storeId";

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
fn invalid_json() {
    let error = generate(&DOCUMENT[..1000]).unwrap_err();
    assert!(matches!(error, Error::Syntax { .. }), "{error:?}");
    let source = std::error::Error::source(&error).unwrap();
    assert_snapshot!(format!("{error}: {source}"), @"invalid document at `#/paths/~1api~1push~1transition~1left`: EOF while parsing an object at line 31 column 3");
}

#[test]
fn not_openapi() {
    let error = generate_with(set("", "paths", json!(["left"]))).unwrap_err();
    assert_snapshot!(error, @"
    no good Rust comes out of the document:
    #/paths: not OpenAPI: invalid type: sequence, expected struct Paths
    ");
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
    assert_snapshot!(problem(set(LEFT, "operationId", json!("+1"))), @"#/paths/~1api~1push~1transition~1left/post/operationId: invalid operationId `1`: expected a name, such as `order_placed`");
    for id in ["", "type", "gen", "self", "2fa"] {
        problem(set(LEFT, "operationId", json!(id)));
    }
    assert_snapshot!(problem(second_path("/api/push/entered", |path, document| {
        path["post"]["requestBody"] = body_of_its_own(document);
    })), @"#/paths/~1api~1push~1transition~1left/post/operationId: duplicate operationId `transition_left`: choose another");
}

#[test]
fn methods_without_a_body() {
    for method in ["get", "head", "delete", "options", "trace"] {
        let problem = problem(|document| {
            let path = at(document, "/paths/~1api~1push~1transition~1left");
            let operation = path.as_object_mut().unwrap().remove("post").unwrap();
            path[method] = operation;
        });
        assert!(
            problem.message.starts_with("unsupported method"),
            "{problem}"
        );
    }
    let put = |document: &mut Value| {
        let path = at(document, "/paths/~1api~1push~1transition~1left");
        let operation = path.as_object_mut().unwrap().remove("post").unwrap();
        path["put"] = operation;
    };
    generate_with(put).unwrap();
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
    })), @"#/paths/~1api~1push~1transition~1left/post/requestBody/content/application~1json/schema: `TransitionLeft` is already the body of another operation: use another schema, as a consumer identifies the operation by the type");
    assert_snapshot!(problem(second_path("/left", |path, document| {
        path["post"]["operationId"] = json!("just_left");
        path["post"]["requestBody"] = body_of_its_own(document);
    })), @"#/paths/~1left/post: the kind of its events would be `left`, as of `/api/push/transition/left`: choose another path");
}

#[test]
fn webhooks() {
    let url = |document: &mut Value, url: &str| {
        at(document, LEFT)["x-url"] = json!(url);
        at(document, LEFT)["x-webhook"] = json!("transitions");
    };
    assert_snapshot!(problem(|document| url(document, "root")), @"#/paths/~1api~1push~1transition~1left/post/x-url: expected `base` or `exact`");
    assert_snapshot!(problem(set(LEFT, "x-answer", json!(true))), @"#/paths/~1api~1push~1transition~1left/post/x-answer: expected `ignored` or `used`");
    assert_snapshot!(problem(set(LEFT, "x-webhook", json!("Push transitions"))), @"#/paths/~1api~1push~1transition~1left/post/x-webhook: invalid name: expected lower case letters, digits and `-`, such as `checkout-zone`");
    assert_snapshot!(problem(|document| {
        url(document, "base");
        second_path("/api/push/zone/gone", |path, document| {
            path["post"]["operationId"] = json!("zone_gone");
            path["post"]["requestBody"] = body_of_its_own(document);
        })(document);
    }), @"#/paths/~1api~1push~1zone~1gone/post/x-webhook: expected the URL of `/api/push/transition/left`, which is of the same webhook: the same path but for the last segment, and `x-url: base`");
}

#[test]
fn a_webhook_that_another_operation_has_by_its_id() {
    assert_snapshot!(problem(|document| {
        at(document, LEFT)["x-webhook"] = json!("zone");
        second_path("/api/push/zone/gone", |path, document| {
            path["post"]["operationId"] = json!("zone");
            path["post"].as_object_mut().unwrap().remove("x-webhook");
            path["post"]["requestBody"] = body_of_its_own(document);
        })(document);
    }), @"#/paths/~1api~1push~1zone~1gone/post: expected the URL of `/api/push/transition/left`, which is of the same webhook: the same path but for the last segment, and `x-url: base`");
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
fn required_but_no_property() {
    assert_snapshot!(problem(set(STORE, "required", json!(["city"]))), @"#/components/schemas/Store/required: `city` is required but not a property: add the property");
}

#[test]
fn extensible_enums() {
    let status = "/components/schemas/SessionStatus";
    let known = "x-extensible-enum";
    assert_snapshot!(problem(set(status, known, json!(["active", "unlisted"]))), @"#/components/schemas/SessionStatus/x-extensible-enum/1: `unlisted` has the Rust name of the catch-all: leave it out, `Unlisted` keeps it");
    assert_snapshot!(problem(set(status, known, json!(["in-use", "in_use"]))), @"#/components/schemas/SessionStatus/x-extensible-enum/1: `in_use` and `in-use` have the same Rust name `InUse`: leave one out");
    assert_snapshot!(problem(set(status, known, json!(["active", "+"]))), @"#/components/schemas/SessionStatus/x-extensible-enum/1: `+` has no Rust name: leave it out, `Unlisted` keeps it");
    assert_snapshot!(problem(set(status, known, json!(["active", 1]))), @"#/components/schemas/SessionStatus/x-extensible-enum: invalid values: expected a list of strings");
    problem(set(status, "enum", json!(["active"])));
    problem(set(status, "format", json!("uuid")));
    assert_snapshot!(problem(set(status, "type", json!("integer"))), @"#/components/schemas/SessionStatus: an extensible enum is a plain `type: string`: remove `enum` and `format`");
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

/// The methods of the hand-written client, also the private ones, are taken.
#[test]
fn the_names_of_the_client_are_taken() {
    let client = include_str!("../../../aifi-push/src/client.rs");
    let block = client.split_once("\nimpl Client {").unwrap().1;
    let block = block.split_once("\n}\n").unwrap().0;
    let methods: Vec<&str> = block
        .lines()
        .filter(|line| !line.contains("//"))
        .filter_map(|line| line.split_once("fn ")?.1.split(['(', '<']).next())
        .collect();
    assert!(methods.contains(&"delay_after"), "{methods:?}");
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
        "/api//push",
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
fn unknown_keys() {
    let media = format!("{LEFT}/requestBody/content/application~1json");
    for (place, key, meant) in [
        (LEFT, "secrity", Some("security")),
        (LEFT, "deprecatd", Some("deprecated")),
        (LEFT, "X-answer", Some("x-answer")),
        (LEFT, "produces", None),
        (&*media, "exmaple", Some("example")),
        ("/components", "schema", Some("schemas")),
        ("", "tag", Some("tags")),
        ("", "host", None),
    ] {
        let problem = problem(set(place, key, json!([])));
        assert_eq!(problem.pointer, format!("#{place}/{key}"));
        let expected = match meant {
            Some(meant) => format!("unknown key: expected `{meant}`"),
            None => "unknown key: remove it, or write it as an extension `x-…`".to_owned(),
        };
        assert_eq!(problem.message, expected);
    }
    let tagged = json!({
        "oneOf": [{"$ref": "#/components/schemas/Store"}],
        "discriminator": {"propertyName": "kind", "mappings": {}},
    });
    assert_snapshot!(problem(set(STORES, "it", tagged)), @"#/components/schemas/Store/properties/it/discriminator/mappings: unknown key: expected `mapping`");
    assert_snapshot!(problem(set(STORE, "$id", json!("https://shop.example/store"))), @"#/components/schemas/Store/$id: unknown keyword: remove it, or write it as an extension `x-…`");
}

#[test]
fn misplaced_extensions() {
    let path = "/paths/~1api~1push~1transition~1left";
    assert_snapshot!(problem(set(path, "x-answer", json!("used"))), @"#/paths/~1api~1push~1transition~1left/x-answer: misplaced extension: it is one of an operation");
    assert_snapshot!(problem(set(LEFT, "x-sensitive", json!(true))), @"#/paths/~1api~1push~1transition~1left/post/x-sensitive: misplaced extension: it is one of a schema");
    problem(set("/paths", "x-url", json!("exact")));
    problem(set(STORE, "x-webhook", json!("zone")));
    problem(set(LEFT, "x-extensible-enum", json!(5)));
    problem(set(STORE, "x-subject", json!("custommer")));
    let items = json!({"type": "array", "items": {"type": "string", "x-provenance": "bad"}});
    problem(set(STORES, "it", items));
}

#[test]
fn extensions_of_others() {
    for name in [
        "x-uri",
        "x-uid",
        "x-ui",
        "x-acl",
        "x-ssl",
        "x-sql",
        "x-nullable",
    ] {
        generate_with(set(STORE_ID, name, json!({"x-sensitve": 1}))).unwrap();
        generate_with(set("", name, json!([{"x-answr": 1}]))).unwrap();
    }
    let headers = json!({"x-url": {}, "x-sensitve": {}, "x-answers": {}});
    let response = json!({"description": "", "headers": headers});
    generate_with(set(&format!("{LEFT}/responses"), "200", response)).unwrap();
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
    // A name is no extension, and an example may have any key.
    generate_with(set(STORES, "x-sensitive", json!({"type": "string"}))).unwrap();
    generate_with(set(STORE_ID, "default", json!({"x-sensitve": 1}))).unwrap();
    problem(set(STORES, "example", json!({"x-sensitve": true})));
}

#[test]
fn another_version_of_openapi() {
    assert_snapshot!(problem(set("", "openapi", json!("3.2.0"))), @"#/openapi: unsupported version `3.2.0`: expected OpenAPI 3.0.x or 3.1.x");
    assert_snapshot!(problem(remove("", "openapi")), @"#/openapi: unsupported version ``: expected OpenAPI 3.0.x or 3.1.x");
    problem(set("", "openapi", json!("3.10")));
    problem(set("", "openapi", json!(3)));
    let swagger = |document: &mut Value| {
        remove("", "openapi")(document);
        document["swagger"] = json!("2.0");
    };
    assert_snapshot!(problem(swagger), @"#/swagger: unsupported version `2.0`: convert the document to OpenAPI 3.0, such as with swagger2openapi");
}

#[test]
fn webhooks_and_callbacks() {
    let hooks = json!({"left": {"post": {}}});
    assert_snapshot!(problem(set("", "webhooks", hooks.clone())), @"#/webhooks: unsupported webhooks: write each as an operation below `paths`, whose path a receiver can serve");
    assert_snapshot!(problem(set(LEFT, "callbacks", hooks)), @"#/paths/~1api~1push~1transition~1left/post/callbacks: unsupported callbacks: write each as an operation below `paths`");
}

#[test]
fn bodies() {
    assert_snapshot!(problem(remove(LEFT, "requestBody")), @"#/paths/~1api~1push~1transition~1left/post: missing body: an operation sends an event, so it has a `requestBody`");
    let body = format!("{LEFT}/requestBody");
    assert_snapshot!(problem(set(&body, "content", json!({"text/plain": {}}))), @"#/paths/~1api~1push~1transition~1left/post/requestBody: unsupported body: expected one of the type `application/json` with a schema");
    let media = format!("{body}/content/application~1json");
    assert_snapshot!(problem(remove(&media, "schema")), @"#/paths/~1api~1push~1transition~1left/post/requestBody/content/application~1json: missing schema: write that of an object, it names the type of the body");
    let list = json!({"type": "array", "items": {}});
    assert_snapshot!(problem(set(&media, "schema", list)), @"#/paths/~1api~1push~1transition~1left/post/requestBody/content/application~1json/schema: unsupported body: expected an object that is not nullable");
    let nothing = json!({"$ref": "#/components/schemas/Nothing"});
    assert_snapshot!(problem(set(&media, "schema", nothing)), @"#/paths/~1api~1push~1transition~1left/post/requestBody/content/application~1json/schema: unresolved reference `#/components/schemas/Nothing`: expected a schema of /components/schemas");
    let session = json!({"$ref": "#/components/schemas/Session"});
    problem(set(&media, "schema", session));
    let body = json!({"$ref": "#/components/requestBodies/Left"});
    assert_snapshot!(problem(set(LEFT, "requestBody", body)), @"#/paths/~1api~1push~1transition~1left/post/requestBody: unresolved reference");
}

#[test]
fn responses() {
    let responses = format!("{LEFT}/responses");
    assert_snapshot!(problem(set(&responses, "default", json!({"$ref": "#/components/responses/X"}))), @"#/paths/~1api~1push~1transition~1left/post/responses/default: unresolved reference");
    let named = |document: &mut Value| {
        let schema = json!({"type": "strin"});
        at(document, "/components")["responses"]["Busy"] = json!({
            "description": "Busy", "content": {"application/json": {"schema": schema}},
        });
        at(document, &responses)["503"] = json!({"$ref": "#/components/responses/Busy"});
    };
    assert_snapshot!(problem(named), @"#/components/responses/Busy/content/application~1json/schema/type: invalid type: expected one of array, boolean, integer, null, number, object, string");
}

#[test]
fn no_provenance() {
    assert_snapshot!(problem(set(STORE_ID, "x-provenance", json!("guessed"))), @"#/components/schemas/TransitionLeft/properties/storeId/x-provenance: invalid provenance: expected `documented` (the vendor's page states it), `example` (only its example shows it) or `assumed`");
    problem(set(STORE_ID, "x-provenance", json!(true)));
}

#[test]
fn every_problem_is_reported() {
    let error = generate_with(|document| {
        remove(LEFT, "operationId")(document);
        set(STORE_ID, "type", json!("text"))(document);
        set(STORE, "required", json!(["city"]))(document);
    });
    assert_snapshot!(error.unwrap_err(), @"
    no good Rust comes out of the document:
    #/paths/~1api~1push~1transition~1left/post: missing operationId: add one, it names the client's method
    #/components/schemas/TransitionLeft/properties/storeId/type: invalid type: expected one of array, boolean, integer, null, number, object, string
    #/components/schemas/Store/required: `city` is required but not a property: add the property
    ");
}

const STORES: &str = "/components/schemas/Store/properties";

#[test]
fn references() {
    let refer = |to: &str| set(STORES, "it", json!({"$ref": to}));
    assert_snapshot!(problem(refer("#/components/schemas/Nothing")), @"#/components/schemas/Store/properties/it: unresolved reference `#/components/schemas/Nothing`: expected a schema of /components/schemas");
    assert_snapshot!(problem(refer("stores.json#/Store")), @"#/components/schemas/Store/properties/it: unsupported reference `stores.json#/Store`: bundle the documents into one, so that it refers to a schema of /components/schemas");
    assert_snapshot!(problem(refer("https://vendor.example/store.json")), @"#/components/schemas/Store/properties/it: unsupported reference `https://vendor.example/store.json`: bundle the documents into one, so that it refers to a schema of /components/schemas");
    problem(refer("#/components/schemas/%ZZ"));
    problem(set(STORES, "it", json!({"$ref": 7})));
    // Also where only a schema leads that gets its name from its place.
    let deep = json!({"type": "array", "items": {"properties": {"a": {"$ref": "#/nothing"}}}});
    assert_snapshot!(problem(set(STORES, "it", deep)), @"#/components/schemas/Store/properties/it/items/properties/a: unresolved reference `#/nothing`: expected a schema of /components/schemas");
}

#[test]
fn schemas_that_are_only_themselves() {
    let schemas = "/components/schemas";
    let itself = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    assert_snapshot!(problem(set(schemas, "A", itself("A"))), @"#/components/schemas/A: the schema refers to nothing but itself: write what it is");
    problem(set(
        schemas,
        "A",
        json!({"allOf": [itself("A"), {"properties": {"a": {}}}]}),
    ));
    problem(set(
        schemas,
        "A",
        json!({"oneOf": [itself("A"), {"type": "string"}]}),
    ));
    let tagged = json!({
        "oneOf": [itself("Store")],
        "discriminator": {"propertyName": "kind", "mapping": {"a": "A"}},
    });
    assert_snapshot!(problem(set(schemas, "A", tagged)), @"#/components/schemas/A: the schema refers to nothing but itself: write what it is");
}

#[test]
fn invalid_schemas() {
    for (schema, pointer) in [
        (json!(false), ""),
        (json!("string"), ""),
        (json!({"type": "text"}), "/type"),
        (json!({"type": ["string", "text"]}), "/type"),
        (json!({"type": "object", "properties": []}), "/properties"),
        (
            json!({"properties": {"a": {}}, "required": true}),
            "/required",
        ),
        (
            json!({"properties": {"a": {}}, "required": ["b"]}),
            "/required",
        ),
        (json!({"type": "array", "items": 7}), "/items"),
        (json!({"type": "array", "items": []}), "/items"),
        (json!({"type": []}), "/type"),
        (json!({"type": 7}), "/type"),
        (json!({"type": "string", "required": true}), "/required"),
        (json!({"type": "string", "nullable": "true"}), "/nullable"),
        (json!({"type": "string", "deprecated": 1}), "/deprecated"),
        (json!({"type": "string", "description": 7}), "/description"),
        (json!({"type": "string", "format": true}), "/format"),
        (json!({"type": "string", "enum": "x"}), "/enum"),
        (json!({"allOf": {"type": "string"}}), "/allOf"),
        (json!({"oneOf": []}), "/oneOf"),
        (json!({"anyOf": {"type": "string"}}), "/anyOf"),
        (
            json!({"allOf": [{"properties": {"a": {}}}, {"required": true}]}),
            "/allOf/1/required",
        ),
        (
            json!({"allOf": [{"properties": {"a": {}}}, {"properties": []}]}),
            "/allOf/1/properties",
        ),
        (
            json!({"oneOf": [{"type": "string"}], "discriminator": "kind"}),
            "/discriminator",
        ),
        (json!({"nulable": true}), "/nulable"),
        (
            json!({"type": "array", "items": {"$dynamicRef": "#a"}}),
            "/items/$dynamicRef",
        ),
        (json!({"x-sensitve": true}), "/x-sensitve"),
        (
            json!({"oneOf": [{"type": "string"}, {"items": {"x-sensitive": 1}}]}),
            "/oneOf/1/items/x-sensitive",
        ),
        (
            json!({"properties": {"a": {"x-subject": "shop"}}}),
            "/properties/a/x-subject",
        ),
    ] {
        let problem = problem(set(STORES, "it", schema.clone()));
        let place = format!("#{STORES}/it{pointer}");
        assert_eq!(problem.pointer, place, "{schema}: {problem}");
    }
    assert_snapshot!(problem(set(STORES, "it", json!({"type": "string", "requried": []}))), @"#/components/schemas/Store/properties/it/requried: unknown keyword: expected `required`");
}

#[test]
fn merged_schemas_that_differ() {
    let id = json!({"properties": {"id": {"type": "string"}}});
    let other = json!({"properties": {"id": {"type": "integer"}}});
    assert_snapshot!(problem(set(STORES, "it", json!({"allOf": [id, other]}))), @"#/components/schemas/Store/properties/it/allOf/1/properties/id/type: `type` differs from the one at `#/components/schemas/Store/properties/it/allOf/0/properties/id/type`: schemas are merged if they agree, so make them equal or remove one");
    let both = json!({"allOf": [{"type": "string"}, {"type": "object"}]});
    problem(set(STORES, "it", both));
}

#[test]
fn alternatives_that_a_discriminator_can_t_tell_apart() {
    let store = json!({"$ref": "#/components/schemas/Store"});
    let inline = json!({"type": "object", "properties": {"kind": {"type": "string"}}});
    let schema = |members: Value, discriminator: Value| {
        let schema = json!({"oneOf": members, "discriminator": discriminator});
        set(STORES, "it", schema)
    };
    let kind = json!({"propertyName": "kind"});
    assert_snapshot!(problem(schema(json!([store, inline]), kind)), @"#/components/schemas/Store/properties/it/oneOf/1: a schema that a discriminator tells apart needs a name: move it to /components/schemas, and refer to it");
    assert_snapshot!(problem(schema(json!([store]), json!({}))), @"#/components/schemas/Store/properties/it/discriminator: missing `propertyName`: write the property that tells the kind");
    let mapped = json!({"propertyName": "kind", "mapping": {"shop": "Shop"}});
    assert_snapshot!(problem(schema(json!([store]), mapped)), @"#/components/schemas/Store/properties/it/discriminator/mapping/shop: unresolved reference: expected a schema of /components/schemas");
    let status = json!({"$ref": "#/components/schemas/SessionStatus"});
    assert_snapshot!(problem(schema(json!([store, status]), json!({"propertyName": "kind"}))), @"#/components/schemas/SessionStatus: a schema that a discriminator tells apart is an object with properties");
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
        "String", "Json", "From", "S", "Some", "Clone", "BTreeMap", "Option", "option",
    ] {
        problem(named(name));
    }
    assert_snapshot!(problem(named("store")), @"#/components/schemas/store: `store` has the same Rust name as `Store`: choose another");
    let text = json!({"type": "string"});
    assert_snapshot!(problem(set(STORES, "build", text.clone())), @"#/components/schemas/Store/properties/build: `build` has the Rust name of a method of the builder: leave it out, `extra` keeps it");
    assert_snapshot!(problem(set(STORES, "extra", text.clone())), @"#/components/schemas/Store/properties/extra: `extra` has the same Rust name as the unknown fields: leave it out, `extra` keeps it");
    for property in ["maybeExtra", "maybe_oasisApiStoreId", "Build", "EXTRA"] {
        problem(set(STORES, property, text.clone()));
    }
    // Also where a schema gets its name from its place.
    let inline = json!({"type": "object", "properties": {"build": text}});
    assert_snapshot!(problem(set(STORES, "it", inline)), @"#/components/schemas/Store/properties/it/properties/build: `build` has the Rust name of a method of the builder: leave it out, `extra` keeps it");
}
