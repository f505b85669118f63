//! Documents in YAML.

use aifi_push_codegen::{generate, yaml_to_json};
use serde_json::{Value, json};

use crate::DOCUMENT;

#[track_caller]
fn json(yaml: &str) -> String {
    yaml_to_json(yaml).unwrap()
}

#[track_caller]
fn error(yaml: &str) -> String {
    yaml_to_json(yaml).unwrap_err().to_string()
}

/// Writes YAML in block style, with as few quotes as it needs.
fn yaml(value: &Value, indent: usize) -> String {
    let margin = " ".repeat(indent);
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            let fields = fields.iter().map(|(name, value)| {
                let name = name.replace("$ref", "'$ref'");
                format!("\n{margin}{name}: {}", yaml(value, indent + 2))
            });
            fields.collect()
        }
        Value::Array(items) if !items.is_empty() => {
            let items = items.iter();
            let items = items.map(|item| format!("\n{margin}- {}", yaml(item, indent + 2)));
            items.collect()
        }
        Value::String(text) if text.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            text.clone()
        }
        value => value.to_string(),
    }
}

#[test]
fn the_same_document_in_yaml_generates_the_same_bytes() {
    // Through a `Value`, the order of YAML and JSON is the same.
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    let from_yaml = generate(&json(&yaml(&document, 0))).unwrap();
    assert_eq!(from_yaml, generate(&document.to_string()).unwrap());
    // JSON is YAML.
    let from_json = generate(&json(DOCUMENT)).unwrap();
    assert_eq!(from_json, generate(DOCUMENT).unwrap());
}

#[test]
fn scalars_are_those_of_yaml_1_2() {
    for text in [
        "yes",
        "no",
        "on",
        "Off",
        "2026-11-24",
        "2026-11-24T10:00:00Z",
        "3.0.3",
        "1_000",
        "12:30",
        "0b1",
        "'404'",
        "\"null\"",
        "!!str 404",
        "# no comment'",
        "|\n  null",
        "nan",
    ] {
        let value: Value = serde_json::from_str(&json(&format!("a: {text}"))).unwrap();
        match text {
            "# no comment'" => assert_eq!(value, json!({"a": null})),
            _ => assert!(value["a"].is_string(), "{text}: {value}"),
        }
    }
    let numbers =
        "[12.917521550408111000, 123456789012345678901234567890, -0, 0x1F, 0o17, +5, .5, 7.]";
    assert_eq!(
        json(numbers),
        "[12.917521550408111000,123456789012345678901234567890,-0,31,15,5,0.5,7.0]"
    );
    assert_eq!(json("[true, False, null, ~, ]"), "[true,false,null,null]");
    assert_eq!(json("a:"), r#"{"a":null}"#);
}

#[test]
fn keys_are_strings_as_they_are_spelled() {
    assert_eq!(
        json("{404: a, on: b, 1.10: c, null: d, 2026-11-24: e, '2XX': f}"),
        r#"{"404":"a","on":"b","1.10":"c","null":"d","2026-11-24":"e","2XX":"f"}"#
    );
}

#[test]
fn anchors_and_aliases_are_resolved() {
    assert_eq!(
        json("a: &x {type: string}\nb: [*x, *x]"),
        "{\"a\":{\"type\":\"string\"},\n\"b\":[{\"type\":\"string\"},{\"type\":\"string\"}]}"
    );
}

#[test]
fn a_value_has_the_line_that_it_has_in_yaml() {
    let yaml = "\u{feff}# A comment.\nopenapi: 3.0.3\n\npaths:\n  /a:\n    - b\n";
    let json = json(yaml);
    let lines: Vec<&str> = json.lines().collect();
    assert_eq!(
        lines,
        [
            "",
            r#"{"openapi":"3.0.3","#,
            "",
            r#""paths":"#,
            r#"{"/a":"#,
            r#"["b"]}}"#
        ]
    );
}

#[test]
fn bad_yaml_is_an_error_with_line_and_column() {
    let errors = [
        "a: 1\nb: 2\na: 3",
        "a: 1\n'a': 2",
        "a: [1, 2",
        "a: 1\n b: 2",
        "a: *b",
        "a: &b [*b]",
        "[a]: 1",
        "a: .inf",
        "a: !!int b",
        "a: &b {c: 1}\nd: {<<: *b}",
        "",
        "--- a\n--- b",
    ]
    .map(error);
    insta::assert_snapshot!(errors.join("\n"), @"
    invalid YAML at line 3, column 1: duplicated key in mapping
    invalid YAML at line 2, column 1: `a` occurs twice: remove one
    invalid YAML at line 2, column 1: while parsing a flow sequence, expected ',' or ']'
    invalid YAML at line 2, column 3: mapping values are not allowed in this context
    invalid YAML at line 1, column 4: while parsing node, found unknown anchor
    invalid YAML at line 1, column 8: expected a value, found an alias inside of its anchor
    invalid YAML at line 1, column 1: invalid key: expected a string
    invalid YAML at line 1, column 4: `.inf` has no JSON
    invalid YAML at line 1, column 4: `b` is not of its tag
    invalid YAML at line 2, column 5: unsupported merge key: write its entries out here
    invalid YAML at line 1, column 1: expected one document
    invalid YAML at line 2, column 5: expected one document
    ");
}

#[test]
fn an_alias_can_not_fill_the_memory() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        bomb += &format!("a{level}: &a{level} [{aliases}]\n");
    }
    assert!(error(&bomb).contains("alias expansion"));
}
