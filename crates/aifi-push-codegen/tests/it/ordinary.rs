//! What ordinary documents are full of, and ours is not.

use aifi_push_codegen::{Error, PublicApi, generate};
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::{at, generate_with, problem};

const STORE: &str = "/components/schemas/Store";

/// Returns the public items after adding a property `it` to the schema `Store`.
#[track_caller]
fn items_with(schema: Value) -> std::collections::BTreeMap<String, String> {
    let source = generate_with(|document| {
        at(document, &format!("{STORE}/properties"))["it"] = schema;
    });
    PublicApi::parse(&source.unwrap()).unwrap().items()
}

/// Returns the type of one more property of the schema `Store`.
#[track_caller]
fn type_of(schema: Value) -> String {
    let items = items_with(schema);
    let (_, ty) = items["Store.it"].split_once("pub it: ").unwrap();
    ty.replace(' ', "")
}

#[track_caller]
fn assert_types(cases: &[(Value, &str)]) {
    for (schema, ty) in cases {
        assert_eq!(type_of(schema.clone()), *ty, "{schema}");
    }
}

#[test]
fn values() {
    assert_types(&[
        (json!({"type": "string"}), "Option<String>"),
        (
            json!({"type": "string", "format": "byte", "maxLength": 8}),
            "Option<String>",
        ),
        (
            json!({"type": "integer", "format": "int32", "minimum": 0}),
            "Option<i64>",
        ),
        (
            json!({"type": "integer", "format": "uint64"}),
            "Option<u64>",
        ),
        (
            json!({"type": "number", "format": "float", "multipleOf": 0.5}),
            "Option<Number>",
        ),
        (json!({"type": "integer", "enum": [1, 2]}), "Option<i64>"),
        (json!({"enum": [1, "a"]}), "Option<Json>"),
        (json!({"type": "object"}), "Option<BTreeMap<String,Json>>"),
        (
            json!({"type": "object", "additionalProperties": false}),
            "Option<BTreeMap<String,Json>>",
        ),
        (
            json!({"additionalProperties": {"type": "array", "items": {"type": "integer"}}}),
            "Option<BTreeMap<String,Vec<i64>>>",
        ),
        (json!({"type": "array"}), "Option<Vec<Json>>"),
        (
            json!({"type": "array", "items": {"type": "array", "items": {"type": "boolean"}}}),
            "Option<Vec<Vec<bool>>>",
        ),
        (
            json!({"$ref": "#/components/schemas/Customer"}),
            "Option<Customer>",
        ),
        (
            json!({"$ref": "#/components/schemas/Session/properties/createdAt"}),
            "Option<DateTime<Utc>>",
        ),
        (
            json!({"allOf": [{"type": "string"}, {"maxLength": 5}]}),
            "Option<String>",
        ),
    ]);
}

#[test]
fn version_3_1() {
    assert_types(&[
        (json!({"type": ["string", "null"]}), "Option<String>"),
        (
            json!({"type": ["integer", "string", "null"]}),
            "Option<IntegerOrString>",
        ),
        (json!({"type": "null"}), "Option<Json>"),
        (json!(true), "Option<Json>"),
        (json!({"const": 7}), "Option<i64>"),
        (json!({"const": "a"}), "Option<StoreIt>"),
        (
            json!({"anyOf": [{"$ref": "#/components/schemas/Customer"}, {"type": "null"}]}),
            "Option<Customer>",
        ),
        (
            json!({"type": "number", "exclusiveMinimum": 0}),
            "Option<Number>",
        ),
        (
            json!({"type": "string", "examples": ["a"], "contentEncoding": "base64"}),
            "Option<String>",
        ),
        (
            json!({"$ref": "#/components/schemas/Customer", "description": "Who."}),
            "Option<Customer>",
        ),
    ]);
    let source = generate_with(|document| {
        document["openapi"] = json!("3.1.1");
        document["jsonSchemaDialect"] = json!("https://spec.openapis.org/oas/3.1/dialect/base");
        document["info"]["summary"] = json!("Pushes");
        document["info"]["license"] = json!({"name": "MIT", "identifier": "MIT"});
    });
    assert_eq!(source.unwrap(), generate_with(|_| ()).unwrap());
}

#[test]
fn alternatives() {
    let customer = json!({"$ref": "#/components/schemas/Customer"});
    let list = json!({"type": "array", "items": {"type": "string"}});
    assert_types(&[
        (
            json!({"oneOf": [{"type": "string"}, {"type": "integer"}]}),
            "Option<IntegerOrString>",
        ),
        (
            json!({"anyOf": [{"type": "integer"}, {"type": "string", "nullable": true}]}),
            "Option<IntegerOrString>",
        ),
        (
            json!({"anyOf": [{"type": "integer"}, {"type": "number"}]}),
            "Option<Number>",
        ),
        (
            json!({"anyOf": [{"type": "string", "format": "uuid"}, {"type": "string"}]}),
            "Option<String>",
        ),
        (json!({"oneOf": [{"type": "string"}]}), "Option<String>"),
        (
            json!({"oneOf": [list, {"type": "string"}]}),
            "Option<StringOrStringList>",
        ),
        (
            json!({"oneOf": [customer, {"type": "boolean"}]}),
            "Option<BooleanOrCustomer>",
        ),
        (
            json!({"oneOf": [customer, {"$ref": "#/components/schemas/Store"}]}),
            "Option<Json>",
        ),
        (json!({"oneOf": [{"type": "string"}, {}]}), "Option<Json>"),
        // The known values, or any.
        (
            json!({"anyOf": [{"type": "string", "enum": ["a"]}, {"type": "string"}]}),
            "Option<StoreIt>",
        ),
        (
            json!({"oneOf": [{"const": "a"}, {"const": "b"}]}),
            "Option<StoreIt>",
        ),
        // Only say which properties are required.
        (
            json!({"properties": {"a": {}}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}),
            "Option<StoreIt>",
        ),
        (
            json!({"type": "string", "anyOf": [{"format": "uri"}, {"format": "email"}]}),
            "Option<String>",
        ),
    ]);
    let items = items_with(json!({"oneOf": [{"const": "a"}, {"const": "b"}]}));
    assert!(items.contains_key("StoreIt::A") && items.contains_key("StoreIt::B"));
}

#[test]
fn a_discriminator() {
    let all = json!({
        "properties": {"kind": {"type": "string"}},
        "oneOf": [{"$ref": "#/components/schemas/Cat"}, {"$ref": "#/components/schemas/Dog"}],
        "discriminator": {"propertyName": "kind"},
    });
    let source = generate_with(|document| {
        let schemas = at(document, "/components/schemas");
        // The schemas inherit from the one that lists them.
        for name in ["Cat", "Dog"] {
            schemas[name] = json!({
                "allOf": [{"$ref": "#/components/schemas/Pet"}, {"properties": {name: {"type": "integer"}}}],
            });
        }
        schemas["Pet"] = all;
        schemas["Owner"] = json!({"properties": {"pet": {"$ref": "#/components/schemas/Pet"}}});
    });
    let items = PublicApi::parse(&source.unwrap()).unwrap().items();
    for (name, item) in [
        ("Pet::Cat", "Cat(Box<Cat>)"),
        ("Pet::Dog", "Dog(Box<Dog>)"),
        ("Pet::Other", "Other(Json)"),
        ("Cat.kind", "pub kind: Option<String>"),
        ("Owner.pet", "pub pet: Option<Pet>"),
    ] {
        assert_eq!(items[name], item);
    }
}

#[test]
fn names_of_places() {
    let object = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    assert_types(&[
        (object.clone(), "Option<StoreIt>"),
        (
            json!({"type": "array", "items": object}),
            "Option<Vec<StoreItItem>>",
        ),
        (
            json!({"additionalProperties": object}),
            "Option<BTreeMap<String,StoreItValue>>",
        ),
        (json!({"type": "string", "enum": ["a"]}), "Option<StoreIt>"),
        (
            json!({"type": "string", "x-extensible-enum": ["a"]}),
            "Option<StoreIt>",
        ),
        (
            json!({"type": "array", "items": {"enum": ["a"]}}),
            "Option<Vec<StoreItItem>>",
        ),
        (
            json!({"oneOf": [object, {"type": "null"}]}),
            "Option<StoreIt>",
        ),
        (
            json!({"oneOf": [object, {"type": "string"}]}),
            "Option<StoreItObjectOrString>",
        ),
        (
            json!({"allOf": [object, {"properties": {"b": {}}}]}),
            "Option<StoreIt>",
        ),
    ]);
    let deep = json!({"properties": {"deep": {"type": "array", "items": object}}});
    assert!(items_with(deep).contains_key("StoreItDeepItem.a"));
}

#[test]
fn a_name_of_the_document_stays() {
    let source = generate_with(|document| {
        let object = json!({"type": "object", "properties": {"a": {"type": "string"}}});
        let store = format!("{STORE}/properties");
        at(document, &store)["it"] = object.clone();
        at(document, "/components/schemas")["StoreIt"] = object.clone();
        // That of its builder would be that of a schema.
        at(document, &store)["its"] = object.clone();
        at(document, "/components/schemas")["StoreItsBuilder"] = object;
    });
    let items = PublicApi::parse(&source.unwrap()).unwrap().items();
    assert_snapshot!(items["Store.it"], @"pub it: Option<StoreIt2>");
    assert_snapshot!(items["Store.its"], @"pub its: Option<StoreIts2>");
}

#[test]
fn names_of_schemas_and_properties() {
    let source = generate_with(|document| {
        let store = at(document, STORE).clone();
        let schemas = at(document, "/components/schemas");
        for name in [
            "order_line",
            "api.Fault",
            "Foo-Bar",
            "2fa",
            "A b C",
            "Größe",
        ] {
            schemas[name] = store.clone();
        }
        let properties = at(document, &format!("{STORE}/properties"));
        for name in [
            "type", "@type", "2fa", "", "größe", "gen", "storeId", "store_id", "STORE-ID",
        ] {
            properties[name] = json!({"type": "string"});
        }
    });
    let items = PublicApi::parse(&source.unwrap()).unwrap().items();
    for name in [
        "OrderLine",
        "ApiFault",
        "FooBar",
        "Schema2fa",
        "Abc",
        "Grosse",
    ] {
        assert!(items.contains_key(name), "{name}");
    }
    let fields: Vec<&str> = items
        .keys()
        .filter_map(|name| name.strip_prefix("Store."))
        .collect();
    assert_snapshot!(fields.join(" "), @"aifi_unique_store_id extra field field_2fa gen_ grosse oasis_api_store_id store_id store_id_2 store_id_3 type_ type_2");
    assert_snapshot!(items["Store.store_id_2"], @r#"#[serde(rename = "STORE-ID")] pub store_id_2: Option<String>"#);
    // A name that is in snake case already keeps it.
    assert_snapshot!(items["Store.store_id"], @"pub store_id: Option<String>");
}

/// A schema that is no object, enum or union is used as what it is.
#[test]
fn schemas_that_are_no_types() {
    let source = generate_with(|document| {
        let schemas = at(document, "/components/schemas");
        schemas["DateTime"] = json!({"type": "string", "format": "date-time"});
        schemas["date_time"] = json!({"$ref": "#/components/schemas/DateTime"});
        schemas["String"] = json!({"type": "string", "description": "A text.", "maxLength": 9});
        schemas["Stores"] =
            json!({"type": "array", "items": {"$ref": "#/components/schemas/Store"}});
        schemas["Shop"] = json!({"allOf": [{"$ref": "#/components/schemas/Store"}]});
        let properties = at(document, &format!("{STORE}/properties"));
        for (name, schema) in [
            ("a", "date_time"),
            ("b", "String"),
            ("c", "Stores"),
            ("d", "Shop"),
        ] {
            properties[name] = json!({"$ref": format!("#/components/schemas/{schema}")});
        }
    })
    .unwrap();
    let items = PublicApi::parse(&source).unwrap().items();
    assert_snapshot!(items["Store.a"], @"pub a: Option<DateTime<Utc>>");
    assert_snapshot!(items["Store.b"], @"pub b: Option<String>");
    assert_snapshot!(items["Store.c"], @"pub c: Option<Vec<Store>>");
    assert_snapshot!(items["Store.d"], @"pub d: Option<Box<Store>>");
    assert!(source.contains("/// A text.\n        ///\n        /// Limits in the document"));
    assert!(!items.contains_key("Shop") && !items.contains_key("Stores"));
}

#[test]
fn what_decoding_ignores_is_told() {
    let source = generate_with(|document| {
        at(document, &format!("{STORE}/properties"))["it"] = json!({
            "description": "It.", "type": "integer", "enum": [1, 2], "maximum": 2, "default": 1,
            "not": {"const": 0}, "x-provenance": "assumed",
        });
    })
    .unwrap();
    let docs = source
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != "/// It.");
    let docs: Vec<&str> = docs.take_while(|line| line.starts_with("///")).collect();
    assert_snapshot!(docs.join("\n"), @"
    /// It.
    ///
    /// Limits in the document, which decoding ignores: `maximum: 2`, `not`.
    ///
    /// Default in the document, which decoding ignores: `1`.
    ///
    /// Values in the document: `1`, `2`.
    ///
    /// `it` on the wire, assumed: the vendor does not document it. A value that does not fit is in `extra`.
    ");
}

/// Rustdoc would run it as a test, and rustc refuses some characters.
#[test]
fn descriptions_are_not_code() {
    let description = "One\r\n    two\rthree\u{202e}\n```\nlet four = 4;\n```\n~~~rust\nfive";
    let source = generate_with(|document| {
        at(document, STORE)["description"] = json!(description);
    })
    .unwrap();
    let docs = source
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != "/// One");
    let docs: Vec<&str> = docs.take_while(|line| line.starts_with("///")).collect();
    assert_snapshot!(docs.join("\n"), @"
    /// One
    ///    two
    /// three
    /// ```text
    /// let four = 4;
    /// ```
    /// ~~~text
    /// five
    /// ~~~
    ");
}

#[test]
fn merged_schemas() {
    let items = items_with(json!({
        "allOf": [
            {"$ref": "#/components/schemas/SessionMetadataEvent"},
            {"properties": {"eventId": {"enum": ["a", "b"]}, "more": {"type": "integer"}}},
        ],
        "required": ["more"],
    }));
    assert_snapshot!(items["StoreIt.event_id"], @r#"#[serde(rename = "eventId")] pub event_id: Option<StoreItEventId>"#);
    assert_snapshot!(items["StoreIt.more"], @"pub more: i64");
    assert_snapshot!(items["StoreIt.metadata"], @"pub metadata: Option<BTreeMap<String, Json>>");
}

#[test]
fn a_merged_schema_that_contains_itself() {
    let items = items_with(json!({
        "allOf": [
            {"$ref": "#/components/schemas/Store"},
            {"properties": {"it": {"properties": {"more": {"type": "integer"}}}}},
        ],
    }));
    assert_snapshot!(items["Store.it"], @"pub it: Option<StoreIt>");
    assert_snapshot!(items["StoreIt.it"], @"pub it: Option<StoreItIt>");
    assert_snapshot!(items["StoreItIt.it"], @"pub it: Option<Box<StoreItIt>>");
    assert_snapshot!(items["StoreItIt.more"], @"pub more: Option<i64>");
}

#[test]
fn sensitive_parts_make_a_field_sensitive() {
    let source = generate_with(|document| {
        let schemas = at(document, "/components/schemas");
        schemas["Pin"] = json!({"type": "string", "x-sensitive": true});
        schemas["Card"] =
            json!({"x-sensitive": true, "properties": {"number": {"type": "string"}}});
        let properties = at(document, &format!("{STORE}/properties"));
        let pin = json!({"$ref": "#/components/schemas/Pin"});
        properties["either"] = json!({"oneOf": [pin, {"type": "integer"}]});
        properties["shown"] = json!({"oneOf": [{"type": "string"}, {"type": "integer"}]});
        properties["list"] =
            json!({"oneOf": [{"type": "array", "items": pin}, {"type": "integer"}]});
        properties["pin"] = pin.clone();
        properties["pins"] = json!({"type": "array", "items": {"additionalProperties": pin}});
        properties["cards"] =
            json!({"type": "array", "items": {"$ref": "#/components/schemas/Card"}});
    })
    .unwrap();
    for field in ["pin", "pins", "cards", "number", "either"] {
        assert!(!source.contains(&format!(".field(\"{field}\"")), "{field}");
    }
    // What a union shows does not depend on another one with the same alternatives.
    assert!(source.contains("pub shown: Option<IntegerOrString2>"));
    assert_eq!(
        source
            .matches("debug_tuple(\"Integer\").finish_non_exhaustive()")
            .count(),
        2
    );
    assert_eq!(
        source
            .matches("debug_tuple(\"Integer\").field(value).finish()")
            .count(),
        1
    );
}

const OPERATION: &str = "/paths/~1api~1push~1transition~1left/post";

#[test]
fn operations() {
    let source = generate_with(|document| {
        let operation = at(document, OPERATION);
        operation["operationId"] = json!("transitionLeft");
        let body = operation["requestBody"].take();
        let mut content = body["content"].clone();
        let json = content
            .as_object_mut()
            .unwrap()
            .remove("application/json")
            .unwrap();
        content["Application/JSON; charset=utf-8"] = json;
        content["application/xml"] = json!({});
        operation["requestBody"] = json!({"$ref": "#/components/requestBodies/Left"});
        at(document, "/components")["requestBodies"]["Left"] = json!({"content": content});
    });
    assert_eq!(source.unwrap(), generate_with(|_| ()).unwrap());
}

#[test]
fn bodies_and_responses_without_a_name() {
    let object = |name: &str| json!({"type": "object", "properties": {name: {"type": "string"}}});
    let json = |schema: Value| json!({"description": "", "content": {"application/json": {"schema": schema}}});
    let source = generate_with(|document| {
        let body = object("inline");
        at(document, OPERATION)["requestBody"] = json(body);
        at(document, OPERATION)["operationId"] = json!("it");
        at(document, OPERATION)["responses"] = json!({
            "100": {"description": ""}, "200": json(object("ok")), "204": {"description": ""},
            "304": {"description": ""}, "400": json(object("bad")), "5XX": json(object("worse")),
        });
    })
    .unwrap();
    let items = PublicApi::parse(&source).unwrap().items();
    for name in [
        "It.inline",
        "ItResponse.ok",
        "ItError.bad",
        "ItError2.worse",
    ] {
        assert!(items.contains_key(name), "{name}");
    }
    assert_snapshot!(items["Client::it"], @"pub async fn it(&self, body: &types::It) -> Result<Response<types::ItResponse>, Error>");
}

#[test]
fn types_of_responses() {
    let json = |schema: Value| json!({"application/json": {"schema": schema}});
    let text = json(json!({"type": "string"}));
    for (responses, ty) in [
        (json!({"200": {"content": text}}), "String"),
        (
            json!({"200": {"content": text}, "202": {"content": text}}),
            "String",
        ),
        (json!({"200": {"content": text}, "204": {}}), "String"),
        (
            json!({"200": {"content": text}, "202": {"content": json(json!({"type": "integer"}))}}),
            "Json",
        ),
        (json!({"204": {}, "400": {"content": text}}), "()"),
        (json!({"default": {"content": text}}), "String"),
        (json!({"201": {}, "default": {"content": text}}), "()"),
        (json!({"200": {"content": {"text/plain": {}}}}), "()"),
        (
            json!({"200": {"content": {"application/json": {}}}}),
            "Json",
        ),
        (
            json!({"200": {"content": json(json!({"type": "array", "items": {"type": "number"}}))}}),
            "Vec<Number>",
        ),
        (
            json!({"200": {"content": json(json!({"oneOf": [{"type": "string"}, {"type": "boolean"}]}))}}),
            "types::BooleanOrString",
        ),
    ] {
        let source = generate_with(|document| {
            at(document, OPERATION)["responses"] = responses.clone();
        })
        .unwrap();
        let method = &PublicApi::parse(&source).unwrap().items()["Client::transition_left"];
        let expected = format!("Result<Response<{ty}>, Error>");
        assert!(method.contains(&expected), "{responses}: {method}");
    }
}

#[test]
fn what_documents_say_beside_it_is_harmless() {
    let source = generate_with(|document| {
        document["externalDocs"] = json!({"url": "https://vendor.example"});
        document["x-vendor"] = json!({"any": ["thing"]});
        document["info"]["contact"] = json!({"name": "us"});
        at(document, STORE)["title"] = json!("A title");
        at(document, STORE)["xml"] = json!({"name": "store"});
        at(document, STORE)["additionalProperties"] = json!(false);
        at(document, STORE)["x-go-type"] = json!("Shop");
        let id = at(document, &format!("{STORE}/properties/oasisApiStoreId"));
        id["readOnly"] = json!(true);
        id["externalDocs"] = json!({"url": "https://vendor.example/id"});
        at(document, OPERATION)["externalDocs"] = json!({"url": "https://vendor.example"});
        at(document, OPERATION)["x-codeSamples"] = json!([]);
    });
    assert_eq!(source.unwrap(), generate_with(|_| ()).unwrap());
}

#[test]
fn a_document_of_another_vendor() {
    let source = generate(include_str!("../documents/orders.json")).unwrap();
    assert!(
        PublicApi::parse(&source)
            .unwrap()
            .items()
            .contains_key("OrderLinesItem.sku")
    );
}

#[test]
fn the_first_of_two_definitions_is_not_dropped_in_silence() {
    let differ =
        json!({"allOf": [{"type": "string", "enum": ["a"]}, {"type": "string", "enum": ["b"]}]});
    let problem = problem(|document| {
        at(document, &format!("{STORE}/properties"))["it"] = differ;
    });
    assert!(problem.pointer.ends_with("/it/allOf/1/enum"), "{problem}");
    assert!(matches!(generate("{}"), Err(Error::Document(_))));
}

#[test]
fn merged_schemas_of_any_name_and_number() {
    let items = items_with(json!({
        "allOf": [
            {"properties": {"discount%": {"type": "string"}}},
            {"properties": {"b": {"type": "string"}}},
        ],
    }));
    assert!(items.contains_key("StoreIt.discount"), "{items:?}");

    // Each of 40 levels has the next one twice.
    generate_with(|document| {
        let schemas = at(document, "/components/schemas");
        for level in 0..40 {
            let next = json!({"$ref": format!("#/components/schemas/L{}", level + 1)});
            let own = json!({"properties": {format!("p{level}"): {"type": "string"}}});
            schemas[format!("L{level}")] = json!({"allOf": [next, next, own]});
        }
        schemas["L40"] = json!({"properties": {"end": {"type": "string"}}});
    })
    .unwrap();
}

#[test]
fn schemas_that_all_refer_to_each_other() {
    let schema = |name: usize| json!({"$ref": format!("#/components/schemas/C{name}")});
    let source = generate_with(|document| {
        at(document, &format!("{STORE}/properties"))["c"] = schema(0);
        let schemas = at(document, "/components/schemas");
        for name in 0..20 {
            let properties = (0..20).map(|other| (format!("p{other}"), schema(other)));
            let properties = Value::Object(properties.collect());
            schemas[format!("C{name}")] = json!({"properties": properties});
        }
    });
    let source = source.unwrap();
    assert!(!source.contains(r#""store", "c""#), "{source}");
}

#[test]
fn a_reference_with_annotations_is_one_type() {
    let status = json!({"$ref": "#/components/schemas/SessionStatus"});
    for annotation in [
        json!({"nullable": true}),
        json!({"description": "The status."}),
    ] {
        assert_types(&[(
            json!({"allOf": [status, annotation]}),
            "Option<SessionStatus>",
        )]);
    }
    assert_types(&[(json!({"allOf": [{"description": "Any."}]}), "Option<Json>")]);
}

#[test]
fn bodies_that_are_another_schema_by_name() {
    let source = generate_with(|document| {
        let mut second = at(document, OPERATION).clone();
        let body = "/requestBody/content/application~1json/schema";
        for (name, operation) in [("A", at(document, OPERATION)), ("B", &mut second)] {
            *at(operation, body) = json!({"$ref": format!("#/components/schemas/{name}")});
        }
        second["operationId"] = json!("entered");
        at(document, "/paths")["/api/push/transition/entered"] = json!({"post": second});
        let base = json!({"allOf": [{"$ref": "#/components/schemas/TransitionLeft"}]});
        at(document, "/components/schemas")["A"] = base.clone();
        at(document, "/components/schemas")["B"] = base;
    });
    let items = PublicApi::parse(&source.unwrap()).unwrap().items();
    for name in ["A", "B", "TransitionLeft"] {
        assert!(items.contains_key(name), "{name}");
    }
}

#[test]
fn a_question_whose_answer_is_not_shown() {
    let source = generate_with(|document| {
        at(document, OPERATION)["x-answer"] = json!("used");
        at(document, OPERATION)["responses"] = json!({"204": {"description": "OK"}});
    });
    assert!(source.unwrap().contains("type Answer = Json;"));
}

#[test]
fn a_property_that_only_merged_schemas_have() {
    let base = json!({"properties": {"name": {"type": "string"}}, "required": ["name", "id"]});
    let source = generate_with(|document| {
        at(document, "/components/schemas")["Base"] = base.clone();
        at(document, &format!("{STORE}/properties"))["it"] = json!({"allOf": [
            {"$ref": "#/components/schemas/Base"},
            {"properties": {"id": {"type": "integer"}}},
        ]});
    });
    let items = PublicApi::parse(&source.unwrap()).unwrap().items();
    assert_snapshot!(items["StoreIt.id"], @"pub id: i64");
    let alone = problem(|document| at(document, "/components/schemas")["Base"] = base);
    assert_eq!(alone.pointer, "#/components/schemas/Base/required");
    let source = generate_with(|document| {
        at(document, &format!("{STORE}/properties"))["it"] =
            json!({"type": "object", "required": ["x"]});
    });
    let told = "Required in the document, which decoding does not check: `x`.";
    assert!(source.unwrap().contains(told));
}

#[test]
fn a_map_of_itself() {
    let source = generate_with(|document| {
        let tree = json!({"$ref": "#/components/schemas/Tree"});
        at(document, "/components/schemas")["Tree"] =
            json!({"type": "object", "additionalProperties": tree});
        at(document, &format!("{STORE}/properties"))["it"] = tree;
    });
    let source = source.unwrap();
    assert!(source.contains("of nothing but itself"));
    let items = PublicApi::parse(&source).unwrap().items();
    assert_snapshot!(items["Store.it"], @"pub it: Option<BTreeMap<String, BTreeMap<String, Json>>>");
}

#[test]
fn versions_that_yaml_reads_as_numbers() {
    for version in [json!("3.0"), json!("3.1"), json!(3.1)] {
        generate_with(|document| {
            document["openapi"] = version;
            document["info"]["version"] = json!(1.5);
        })
        .unwrap();
    }
}

#[test]
fn values_without_a_type() {
    assert_types(&[
        (json!({"const": 7}), "Option<i64>"),
        (json!({"enum": [1, 2, null]}), "Option<i64>"),
        (json!({"enum": [1, 2.5]}), "Option<Number>"),
        (json!({"enum": [true]}), "Option<bool>"),
        (
            json!({"oneOf": [{"const": 1}, {"const": 2}]}),
            "Option<i64>",
        ),
    ]);
}

#[test]
fn bodies_of_a_type_of_json() {
    let source = generate_with(|document| {
        let content = at(document, &format!("{OPERATION}/requestBody/content"));
        let json = content.as_object_mut().unwrap().remove("application/json");
        content["application/vnd.shop+json"] = json.unwrap();
    });
    source.unwrap();
}

#[test]
fn a_route_is_below_whole_segments() {
    let source = generate_with(|document| {
        let paths = at(document, "/paths").as_object_mut().unwrap();
        let first = paths.remove("/api/push/transition/left").unwrap();
        let mut second = first.clone();
        second["post"]["operationId"] = json!("entered");
        second["post"]["requestBody"]["content"]["application/json"]["schema"] =
            json!({"$ref": "#/components/schemas/Store"});
        paths.insert("/api/left".to_owned(), first);
        paths.insert("/apiary/entered".to_owned(), second);
    });
    assert!(source.unwrap().contains(r#"route: "apiary/entered""#));
}
