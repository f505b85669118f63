//! The generated source.

use aifi_push_codegen::generate;
use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::{DOCUMENT, at, generate_with};

/// Returns the item of the source whose first line contains `start`, up to the end of its block.
#[track_caller]
fn item(source: &str, start: &str) -> String {
    let lines: Vec<&str> = source.lines().collect();
    let first = lines.iter().position(|line| line.contains(start));
    let first = first.unwrap_or_else(|| panic!("no {start} in\n{source}"));
    let indent = lines[first].len() - lines[first].trim_start().len();
    let end = format!("{:indent$}}}", "");
    let last = lines[first..]
        .iter()
        .position(|line| **line == end)
        .unwrap()
        + first;
    lines[first..=last]
        .iter()
        .map(|line| format!("{line}\n"))
        .collect()
}

/// Generates the source after adding one property to the schema `Store`.
fn with_property(name: &str, schema: Value) -> String {
    generate_with(|document| {
        at(document, "/components/schemas/Store/properties")[name] = schema;
    })
    .unwrap()
}

#[test]
fn the_same_document_gives_the_same_bytes() {
    let source = generate(DOCUMENT).unwrap();
    assert_eq!(source, generate(DOCUMENT).unwrap());
    assert!(!source.contains('\r'));
    assert!(source.starts_with("// @generated"));
}

#[test]
fn white_space_in_the_document_does_not_matter() {
    let document = DOCUMENT.replace('\n', "\r\n\t");
    assert_eq!(generate(&document).unwrap(), generate(DOCUMENT).unwrap());
}

#[test]
fn fields_are_in_the_order_of_the_document() {
    let source = generate(DOCUMENT).unwrap();
    let session = item(&source, "pub struct Session {");
    let fields: Vec<&str> = session
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub ")?.split_once(':'))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(
        fields[..4],
        ["created_at", "updated_at", "id", "customer_id"]
    );
    assert_eq!(fields.last(), Some(&"extra"));
}

#[test]
fn nothing_refuses_unknown_fields() {
    let source = generate(DOCUMENT).unwrap();
    assert!(!source.contains("deny_unknown_fields"));
    let structs = source.matches("::bon::Builder").count();
    assert_eq!(source.matches("#[serde(flatten)]").count(), structs);
}

#[test]
fn an_extensible_enum_has_a_catch_all() {
    let source = generate(DOCUMENT).unwrap();
    assert_snapshot!(item(&source, "pub enum PaymentProvider"), @"
    pub enum PaymentProvider {
        /// `NONE` on the wire.
        None,
        /// `STRIPE` on the wire.
        Stripe,
        /// `PAYTER` on the wire.
        Payter,
        /// `ADYEN` on the wire.
        Adyen,
        /// `FREEDOM_PAY` on the wire.
        FreedomPay,
        /// `GENERIC` on the wire.
        Generic,
        /// A value that is not in the document, kept as received.
        Unlisted(UnlistedPaymentProvider),
    }
    ");
    assert_snapshot!(item(&source, "impl From<String> for PaymentProvider"), @r#"
    impl From<String> for PaymentProvider {
        fn from(value: String) -> Self {
            match value.as_str() {
                "NONE" => Self::None,
                "STRIPE" => Self::Stripe,
                "PAYTER" => Self::Payter,
                "ADYEN" => Self::Adyen,
                "FREEDOM_PAY" => Self::FreedomPay,
                "GENERIC" => Self::Generic,
                _ => Self::Unlisted(UnlistedPaymentProvider(value)),
            }
        }
    }
    "#);
}

#[test]
fn a_deprecated_property_is_deprecated() {
    let source = generate(DOCUMENT).unwrap();
    assert_eq!(source.matches("#[deprecated").count(), 1);
    let source = with_property(
        "city",
        json!({
            "type": "string", "nullable": true, "deprecated": true, "x-provenance": "assumed",
        }),
    );
    assert_snapshot!(item(&source, "pub struct Store {"), @r#"
    pub struct Store {
        /// Identifier of the store, unique in AiFi.
        ///
        /// `aifiUniqueStoreId` on the wire, from the vendor's example. A value that does not fit is in `extra`.
        #[serde(
            rename = "aifiUniqueStoreId",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        #[cfg_attr(feature = "schemars", schemars(transform = crate::schema::example))]
        pub aifi_unique_store_id: Option<String>,
        /// `city` on the wire, assumed: the vendor does not document it. A value that does not fit is in `extra`.
        #[deprecated]
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        #[cfg_attr(feature = "schemars", schemars(transform = crate::schema::example))]
        pub city: Option<String>,
        /// Number of the store in the OASIS API.
        ///
        /// `oasisApiStoreId` on the wire, from the vendor's example. A value that does not fit is in `extra`.
        #[serde(
            rename = "oasisApiStoreId",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        #[cfg_attr(feature = "schemars", schemars(transform = crate::schema::example))]
        pub oasis_api_store_id: Option<i64>,
        /// Fields that are not in the document, and values that do not fit a field which the vendor does not document, as received.
        ///
        /// Encoding writes them too, so remove such a value before you set its field.
        #[builder(default)]
        #[serde(flatten)]
        pub extra: BTreeMap<String, Json>,
    }
    "#);
}

#[test]
fn a_sensitive_property_is_left_out_of_debug() {
    let source = with_property(
        "manager",
        json!({
            "type": "string", "nullable": true, "x-provenance": "assumed", "x-sensitive": true,
        }),
    );
    assert_snapshot!(item(&source, "impl ::std::fmt::Debug for Store"), @r#"
    impl ::std::fmt::Debug for Store {
        #[allow(deprecated)]
        fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
            f.debug_struct("Store")
                .field("aifi_unique_store_id", &self.aifi_unique_store_id)
                .field("oasis_api_store_id", &self.oasis_api_store_id)
                .finish_non_exhaustive()
        }
    }
    "#);
}

/// Returns the type of one property of the schema `Store`.
#[track_caller]
fn type_of(mut schema: Value) -> String {
    schema["x-provenance"] = json!("assumed");
    let source = with_property("it", schema);
    let store = item(&source, "pub struct Store {");
    let field = store.split_once("pub it: ").unwrap().1;
    let ty = field.split_once(",\n").unwrap().0;
    ty.split_whitespace().collect()
}

#[test]
fn types_of_properties() {
    let string = json!({"type": "string", "nullable": true});
    let cases = [
        (json!({}), "Option<Json>"),
        (string.clone(), "Option<String>"),
        (
            json!({"type": "string", "format": "date-time", "nullable": true}),
            "Option<DateTime<Utc>>",
        ),
        // Only an instant has many spellings that mean the same; other formats stay text.
        (
            json!({"type": "string", "format": "uuid", "nullable": true}),
            "Option<String>",
        ),
        (
            json!({"type": "string", "format": "date", "nullable": true}),
            "Option<String>",
        ),
        (json!({"type": "integer", "nullable": true}), "Option<i64>"),
        (
            json!({"type": "integer", "format": "int64", "nullable": true}),
            "Option<i64>",
        ),
        (
            json!({"type": "number", "nullable": true}),
            "Option<Number>",
        ),
        (
            json!({"type": "number", "format": "double", "nullable": true}),
            "Option<Number>",
        ),
        (json!({"type": "boolean", "nullable": true}), "Option<bool>"),
        (
            json!({"type": "array", "nullable": true, "items": string}),
            "Option<Vec<Option<String>>>",
        ),
        (
            json!({"type": "array", "nullable": true, "items": {}}),
            "Option<Vec<Json>>",
        ),
        (
            json!({"type": "array", "nullable": true, "items": {"type": "number"}}),
            "Option<Vec<Number>>",
        ),
        (
            json!({"type": "array", "nullable": true, "items": {"$ref": "#/components/schemas/Customer"}}),
            "Option<Vec<Customer>>",
        ),
        (
            json!({"type": "array", "nullable": true, "items": {"$ref": "#/components/schemas/SessionStatus"}}),
            "Option<Vec<Option<SessionStatus>>>",
        ),
        (
            json!({"type": "object", "nullable": true, "additionalProperties": {}}),
            "Option<BTreeMap<String,Json>>",
        ),
        (
            json!({"type": "object", "nullable": true, "additionalProperties": {"type": "integer"}}),
            "Option<BTreeMap<String,i64>>",
        ),
        (
            json!({"allOf": [{"$ref": "#/components/schemas/CustomerRole"}]}),
            "Option<CustomerRole>",
        ),
    ];
    for (schema, expected) in cases {
        assert_eq!(type_of(schema.clone()), expected, "{schema}");
    }
}

#[test]
fn a_required_property_may_be_null_but_not_absent() {
    let source = generate_with(|document| {
        let store = at(document, "/components/schemas/Store");
        store["required"] = json!(["oasisApiStoreId"]);
    })
    .unwrap();
    assert_snapshot!(item(&source, "pub struct Store {"), @r#"
    pub struct Store {
        /// Identifier of the store, unique in AiFi.
        ///
        /// `aifiUniqueStoreId` on the wire, from the vendor's example. A value that does not fit is in `extra`.
        #[serde(
            rename = "aifiUniqueStoreId",
            skip_serializing_if = "::std::option::Option::is_none"
        )]
        #[cfg_attr(feature = "schemars", schemars(transform = crate::schema::example))]
        pub aifi_unique_store_id: Option<String>,
        /// Number of the store in the OASIS API.
        ///
        /// `oasisApiStoreId` on the wire, from the vendor's example.
        #[builder(required)]
        #[serde(rename = "oasisApiStoreId")]
        pub oasis_api_store_id: Option<i64>,
        /// Fields that are not in the document, and values that do not fit a field which the vendor does not document, as received.
        ///
        /// Encoding writes them too, so remove such a value before you set its field.
        #[builder(default)]
        #[serde(flatten)]
        pub extra: BTreeMap<String, Json>,
    }
    "#);
}

#[test]
fn a_second_operation_gives_a_second_method() {
    let source = generate_with(|document| {
        let mut left = at(document, "/paths/~1api~1push~1transition~1left").clone();
        left["post"]["operationId"] = json!("transition_entered");
        left["post"]["deprecated"] = json!(true);
        let entered = at(document, "/components/schemas/TransitionLeft").clone();
        at(document, "/components/schemas")["TransitionEntered"] = entered;
        let body = "/post/requestBody/content/application~1json/schema";
        *at(&mut left, body) = json!({"$ref": "#/components/schemas/TransitionEntered"});
        at(document, "/paths")["/api/push/transition/entered"] = left;
    })
    .unwrap();
    assert_snapshot!(item(&source, "pub async fn transition_entered"), @r#"
    pub async fn transition_entered(
        &self,
        body: &types::TransitionEntered,
    ) -> Result<Response<String>, Error> {
        let url = format!("{}/api/push/transition/entered", self.baseurl,);
        let request = self
            .client
            .post(url)
            .header(
                ::reqwest::header::ACCEPT,
                ::reqwest::header::HeaderValue::from_static("application/json"),
            )
            .json(&body)
            .build();
        self.call("transition_entered", request).await
    }
    "#);
    let all = source.split_once("pub const ALL").unwrap().1;
    assert!(all.contains("TRANSITION_ENTERED"), "{all}");
    assert_snapshot!(item(&source, "impl Push for types::TransitionEntered"), @"
    impl Push for types::TransitionEntered {
        const OPERATION: Operation = TRANSITION_ENTERED;
    }
    ");
}

#[test]
fn the_client_is_progenitors_up_to_the_request() {
    let source = generate(DOCUMENT).unwrap();
    assert_snapshot!(item(&source, "mod client {"), @r#"
    mod client {
        use ::chrono::{DateTime, Utc};
        use ::std::collections::BTreeMap;
        use crate::{Json, Number};
        use super::types;
        use crate::{Client, Error, Response};
        impl Client {
            /// Push transitions: customer left a store
            ///
            /// Reports that a customer left a store. The call is informative: no action follows from its response, and no retry is promised.
            ///
            /// `POST /api/push/transition/left`
            ///
            /// # Errors
            ///
            /// Returns an [`Error`] if the event did not arrive, or may not have.
            ///
            /// # Cancel safety
            ///
            /// If the future is dropped, the event may or may not have arrived.
            pub async fn transition_left(
                &self,
                body: &types::TransitionLeft,
            ) -> Result<Response<String>, Error> {
                let url = format!("{}/api/push/transition/left", self.baseurl,);
                let request = self
                    .client
                    .post(url)
                    .header(
                        ::reqwest::header::ACCEPT,
                        ::reqwest::header::HeaderValue::from_static("application/json"),
                    )
                    .json(&body)
                    .build();
                self.call("transition_left", request).await
            }
        }
    }
    "#);
}

#[test]
fn a_byte_order_mark_does_not_matter() {
    let document = format!("\u{feff}{DOCUMENT}");
    assert_eq!(generate(&document).unwrap(), generate(DOCUMENT).unwrap());
}

#[test]
fn the_case_of_bearer_does_not_matter() {
    let source = generate_with(|document| {
        let scheme = "/components/securitySchemes/bearerAuth";
        at(document, scheme)["scheme"] = json!("Bearer");
    });
    assert_eq!(source.unwrap(), generate_with(|_| ()).unwrap());
}

#[test]
fn the_first_of_several_examples_is_the_example() {
    let source = generate_with(|document| {
        let media =
            "/paths/~1api~1push~1transition~1left/post/requestBody/content/application~1json";
        let media = at(document, media).as_object_mut().unwrap();
        let example = media.remove("example").unwrap();
        let outside = json!({"externalValue": "https://vendor.example/left.json"});
        media.insert(
            "examples".to_owned(),
            json!({"a": outside, "b": {"value": example}, "c": {"value": 7}}),
        );
    });
    assert_eq!(source.unwrap(), generate_with(|_| ()).unwrap());
}

#[test]
fn a_recursive_schema_has_boxes() {
    let zone = json!({"$ref": "#/components/schemas/Zone"});
    let source = generate_with(|document| {
        at(document, "/components/schemas")["Zone"] = json!({
            "type": "object",
            "properties": {
                "parent": {"allOf": [zone], "nullable": true, "x-provenance": "documented"},
                "next": {"allOf": [zone], "nullable": true, "x-provenance": "example"},
                "inner": {"type": "array", "items": zone, "x-provenance": "documented"},
            },
            "required": ["parent", "inner"],
        });
    })
    .unwrap();
    assert_snapshot!(item(&source, "pub struct Zone {"), @r#"
    pub struct Zone {
        /// `inner` on the wire, documented by the vendor.
        pub inner: Vec<Zone>,
        /// `next` on the wire, from the vendor's example. A value that does not fit is in `extra`.
        #[serde(skip_serializing_if = "::std::option::Option::is_none")]
        #[cfg_attr(feature = "schemars", schemars(transform = crate::schema::example))]
        pub next: Option<Box<Zone>>,
        /// `parent` on the wire, documented by the vendor.
        #[builder(required)]
        pub parent: Option<Box<Zone>>,
        /// Fields that are not in the document, and values that do not fit a field which the vendor does not document, as received.
        ///
        /// Encoding writes them too, so remove such a value before you set its field.
        #[builder(default)]
        #[serde(flatten)]
        pub extra: BTreeMap<String, Json>,
    }
    "#);
    assert_snapshot!(item(&source, "impl crate::model::Model for Zone"), @r#"
    impl crate::model::Model for Zone {
        fn read<'de, M: ::serde::de::MapAccess<'de>>(
            mut __object: crate::model::Object<M>,
        ) -> ::std::result::Result<Self, M::Error> {
            let mut inner = None;
            let mut next = None;
            let mut parent = None;
            while let Some(__name) = __object.next_name()? {
                match &*__name {
                    "inner" => __object.documented("inner", &mut inner),
                    "next" => __object.example("next", &mut next),
                    "parent" => __object.documented("parent", &mut parent),
                    _ => __object.unknown(__name),
                }?;
            }
            Ok(Self {
                inner: crate::model::required("inner", inner)?,
                next,
                parent: crate::model::required("parent", parent)?,
                extra: __object.extra,
            })
        }
    }
    "#);
}
