//! YAML documents, as the JSON that [`generate`](crate::generate) takes.

use std::collections::HashSet;

use saphyr::{MarkedYaml, Marker, Scalar, ScalarStyle, ScanError, YamlData, YamlLoader};
use saphyr_parser::Parser;
use serde_json::{Number, Value};

/// Why a text is no YAML document that JSON can express.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid YAML at line {line}, column {column}: {reason}")]
#[non_exhaustive]
pub struct YamlError {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong there.
    pub reason: String,
}

/// Converts a YAML document to JSON, in the order of the document and with each value on the line
/// that it has in YAML.
///
/// Values have the types of YAML 1.2: `yes` and `2026-11-24` are strings. A key is a string as it
/// is spelled, such as `404`, and a number keeps its digits. Anchors and aliases are resolved.
///
/// # Errors
///
/// Returns [`YamlError`] if the text is not one YAML document, a mapping has a key twice, or a
/// value has no JSON: `.inf`, a key that is a list, a merge key `<<`.
pub fn yaml_to_json(yaml: &str) -> Result<String, YamlError> {
    let yaml = yaml.strip_prefix('\u{feff}').unwrap_or(yaml);
    let mut loader = YamlLoader::<MarkedYaml<'_>>::default();
    // Keeps the spelling of keys and numbers.
    loader.early_parse(false);
    Parser::new_from_str(yaml).load(&mut loader, true)?;
    if let Some(error) = loader.error() {
        return Err(error.clone().into());
    }
    let documents = loader.into_documents();
    let [document] = documents.as_slice() else {
        let second = documents.get(1).map(|document| document.span.start);
        let at = second.unwrap_or_else(|| Marker::new(0, 1, 0));
        return Err(error(at, "expected one document"));
    };
    let mut json = Json::default();
    json.write(document)?;
    Ok(json.text)
}

impl From<ScanError> for YamlError {
    fn from(scan: ScanError) -> Self {
        error(*scan.marker(), scan.info())
    }
}

fn error(at: Marker, reason: impl Into<String>) -> YamlError {
    YamlError {
        line: at.line(),
        column: at.col() + 1,
        reason: reason.into(),
    }
}

/// JSON that is being written.
#[derive(Default)]
struct Json {
    text: String,
    lines: usize,
}

impl Json {
    fn write(&mut self, node: &MarkedYaml<'_>) -> Result<(), YamlError> {
        let at = node.span.start;
        self.start(at);
        match &node.data {
            YamlData::Sequence(items) => {
                self.text.push('[');
                for (index, item) in items.iter().enumerate() {
                    self.separate(index);
                    self.write(item)?;
                }
                self.text.push(']');
            }
            YamlData::Mapping(entries) => {
                self.text.push('{');
                let mut keys = HashSet::new();
                for (index, (key, value)) in entries.iter().enumerate() {
                    let text = key_text(key)?;
                    if !keys.insert(text) {
                        let reason = format!("`{text}` occurs twice: remove one");
                        return Err(error(key.span.start, reason));
                    }
                    self.separate(index);
                    self.start(key.span.start);
                    self.text += &Value::from(text).to_string();
                    self.text.push(':');
                    self.write(value)?;
                }
                self.text.push('}');
            }
            YamlData::Tagged(_, data) => self.write(&MarkedYaml {
                span: node.span,
                data: data.data.clone(),
            })?,
            YamlData::Representation(text, style, tag) => {
                let value = Scalar::parse_from_cow_and_metadata(text.clone(), *style, tag.as_ref());
                let value =
                    value.ok_or_else(|| error(at, format!("`{text}` is not of its tag")))?;
                self.text += &scalar(text, value)
                    .ok_or_else(|| error(at, format!("`{text}` has no JSON")))?;
            }
            YamlData::Value(_) | YamlData::Alias(_) | YamlData::BadValue => {
                return Err(error(
                    at,
                    "expected a value, found an alias inside of its anchor",
                ));
            }
        }
        Ok(())
    }

    /// Goes to a line.
    fn start(&mut self, at: Marker) {
        while self.lines + 1 < at.line() {
            self.text.push('\n');
            self.lines += 1;
        }
    }

    fn separate(&mut self, index: usize) {
        if index > 0 {
            self.text.push(',');
        }
    }
}

fn key_text<'a>(key: &'a MarkedYaml<'_>) -> Result<&'a str, YamlError> {
    let at = key.span.start;
    match &key.data {
        YamlData::Representation(text, ScalarStyle::Plain, _) if text == "<<" => Err(error(
            at,
            "unsupported merge key: write its entries out here",
        )),
        YamlData::Representation(text, ..) => Ok(text),
        _ => Err(error(at, "invalid key: expected a string")),
    }
}

/// Returns the JSON of a scalar, or `None` if it has none.
fn scalar(text: &str, value: Scalar<'_>) -> Option<String> {
    let number = match value {
        Scalar::Null => return Some("null".to_owned()),
        Scalar::Boolean(value) => return Some(value.to_string()),
        Scalar::String(text) => return Some(Value::from(&*text).to_string()),
        Scalar::Integer(number) => Number::from(number),
        Scalar::FloatingPoint(number) => Number::from_f64(*number)?,
    };
    let is_json = serde_json::from_str::<Number>(text).is_ok();
    Some(match is_json {
        true => text.to_owned(),
        false => number.to_string(),
    })
}
