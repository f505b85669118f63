//! A type for each schema that needs one, and the values that are made of them.

use indexmap::{IndexMap, IndexSet};
use openapiv3::{
    AdditionalProperties, AnySchema, ArrayType, BooleanType, Discriminator, IntegerType,
    NumberType, ObjectType, ReferenceOr, Schema, SchemaData, SchemaKind, StringFormat, StringType,
    Type, VariantOrUnknownOrEmpty,
};
use serde_json::Value;

use super::{
    Normalizer,
    about::About,
    place::Place,
    place_names::place_name,
    shape::{Object, Resolved, Shape, Tagged, is_named},
};
use crate::{
    docs::is_sensitive,
    document::{EXTENSIBLE_ENUM, PROVENANCE, notes, reference_to},
    names::{UNKNOWN_FIELDS, field_name, field_names, type_name},
    pointer::Pointer,
    taken,
    words::{word, words},
};

/// Why a part of a value is any JSON.
const OF_ITSELF: &str =
    "A list or map of nothing but itself in the document, so a part of it is any JSON here.";

impl<'a> Normalizer<'a> {
    /// Adds the named schemas, in the order of the document.
    pub(super) fn named_schemas(&mut self) {
        let pointer = Pointer::root().join("components").join("schemas");
        let Some(schemas) = self.root.at(&pointer) else {
            return;
        };
        let mut values = Vec::new();
        let mut types = Vec::new();
        for (name, node) in schemas.entries() {
            let place = Place::new(node, pointer.join(name));
            let Some(resolved) = self.resolve(&place) else {
                continue;
            };
            if resolved.home != place.pointer {
                // Another name of a schema.
            } else if resolved.is_type() {
                self.name(name, &place.pointer);
                types.push(resolved);
            } else {
                values.push(resolved);
            }
        }
        self.check_names(&types);
        for resolved in types {
            self.define(&resolved);
        }
        // They are used as what they are, but checked also where nothing uses them.
        for resolved in values {
            self.value(&resolved);
        }
    }

    fn name(&mut self, name: &str, pointer: &Pointer) {
        let rust = type_name(name);
        if let Some(other) = self.names.iter().find(|(_, other)| **other == rust) {
            let other = other.0.segments().last().unwrap_or_default().to_owned();
            let message = format!("`{name}` has the same Rust name as `{other}`: choose another");
            self.problem(pointer, message);
        }
        self.names.insert(pointer.clone(), rust);
    }

    /// Reports the names of the document that something else has.
    fn check_names(&mut self, types: &[Resolved<'a>]) {
        for resolved in types {
            let Some(name) = self.names.get(&resolved.home).cloned() else {
                continue;
            };
            if taken::is_rust(&name) {
                let message = format!("`{name}` is the name of a Rust type: choose another");
                self.problem(&resolved.home, message);
            }
            for other in types {
                let Some(other_name) = self.names.get(&other.home) else {
                    continue;
                };
                if taken::generated(other_name, matches!(other.shape, Shape::Enum(_))) == name {
                    let message = format!(
                        "`{name}` is the name of a type for `{other_name}`: choose another"
                    );
                    self.problem(&resolved.home, message);
                }
            }
        }
    }

    /// Returns the name of the type of a schema, and defines it if it is not written in
    /// `/components/schemas`.
    pub(super) fn type_of(&mut self, resolved: &Resolved<'a>) -> String {
        if let Some(name) = self.names.get(&resolved.home) {
            return name.clone();
        }
        let name = match &resolved.shape {
            Shape::Union(members) if is_shared(resolved) => {
                let schema = self.union(members);
                let name = words(&schema).join("Or");
                let same = self.types.get(&name).filter(|other| {
                    other.schema_kind == schema.schema_kind
                        && is_sensitive(other) == is_sensitive(&schema)
                });
                if same.is_some() {
                    return name;
                }
                name
            }
            _ => place_name(self.root, &resolved.home),
        };
        let name = self.free(name);
        self.names.insert(resolved.home.clone(), name.clone());
        self.define(resolved);
        name
    }

    /// Returns a name that no other type has.
    fn free(&self, name: String) -> String {
        let numbered = (2..).map(|number| format!("{name}{number}"));
        let mut names = std::iter::once(name.clone()).chain(numbered);
        let is_taken = |name: &str| {
            taken::is_rust(name) || self.names.values().any(|other| taken::collide(name, other))
        };
        names.find(|name| !is_taken(name)).unwrap_or(name)
    }

    fn define(&mut self, resolved: &Resolved<'a>) {
        /// Deeper than any schema that a person wrote.
        const MAX_DEPTH: usize = 64;
        if self.depth == MAX_DEPTH {
            self.problem(
                &resolved.home,
                "schemas are nested too deep: move one to /components/schemas",
            );
            return;
        }
        let Some(name) = self.names.get(&resolved.home).cloned() else {
            return;
        };
        self.depth += 1;
        let inside = std::mem::take(&mut self.inside);
        // The types that it needs come after it.
        self.types.insert(name.clone(), any(SchemaData::default()));
        let mut schema = match &resolved.shape {
            Shape::Struct(object) => self.structure(object, &resolved.home),
            Shape::Map(_) => self.structure(&Object::default(), &resolved.home),
            Shape::Enum(values) => extensible_enum(values),
            Shape::Tagged(tagged) => self.tagged(tagged),
            Shape::Union(members) => self.union(members),
            _ => any(SchemaData::default()),
        };
        self.inside = inside;
        self.depth -= 1;
        let mut about = match is_shared(resolved) {
            true => About {
                description: Some(format!(
                    "{}, or any other JSON.",
                    words(&schema).join(" or ")
                )),
                ..About::default()
            },
            false => resolved.about.clone(),
        };
        if about.description.is_none() && !is_named(&resolved.home) {
            about.description = Some(format!("`{}` of the document.", resolved.home));
        }
        let extensions = std::mem::take(&mut schema.schema_data.extensions);
        about.extensions.extend(extensions);
        let discriminator = schema.schema_data.discriminator.take();
        schema.schema_data = about.into_data();
        schema.schema_data.discriminator = discriminator;
        self.types.insert(name, schema);
    }

    fn structure(&mut self, object: &Object<'a>, home: &Pointer) -> Schema {
        for name in &object.required {
            if !object.properties.contains_key(name) {
                self.missing.push((home.clone(), name.clone()));
            }
        }
        self.check_fields(object);
        let mut properties = IndexMap::new();
        for (name, place) in &object.properties {
            let Some(resolved) = self.resolve(place) else {
                continue;
            };
            let mut property = self.value(&resolved);
            // Null is the same as the absence of an optional property.
            property.schema_data.nullable |= !object.required.contains(name);
            // An ordinary document is documentation.
            let provenance = property.schema_data.extensions.entry(PROVENANCE.to_owned());
            provenance.or_insert_with(|| "documented".into());
            properties.insert(name.clone(), ReferenceOr::Item(Box::new(property)));
        }
        let required = object.required.iter();
        let required = required.filter(|name| properties.contains_key(*name));
        let required = required.cloned().collect();
        schema(Type::Object(ObjectType {
            properties,
            required,
            ..ObjectType::default()
        }))
    }

    fn check_fields(&mut self, object: &Object<'a>) {
        let fields = field_names(object.properties.keys().map(String::as_str));
        let is_field =
            |name: &str| name == UNKNOWN_FIELDS || fields.values().any(|field| field == name);
        for (name, place) in &object.properties {
            let field = field_name(name);
            if field == UNKNOWN_FIELDS {
                let message = format!(
                    "`{name}` has the same Rust name as the unknown fields: leave it out, \
                     `{UNKNOWN_FIELDS}` keeps it"
                );
                self.problem(&place.pointer, message);
            } else if taken::is_builder_method(&fields[name.as_str()].to_string(), is_field) {
                let message = format!(
                    "`{name}` has the Rust name of a method of the builder: leave it out, \
                     `{UNKNOWN_FIELDS}` keeps it"
                );
                self.problem(&place.pointer, message);
            }
        }
    }

    fn tagged(&mut self, tagged: &Tagged<'a>) -> Schema {
        let mut mapping = IndexMap::new();
        for (value, case) in &tagged.cases {
            if let Some(resolved) = self.resolve(case) {
                mapping.insert(value.clone(), reference_to(&self.type_of(&resolved)));
            }
        }
        let types: IndexSet<&String> = mapping.values().collect();
        let one_of = types
            .into_iter()
            .map(|reference| ReferenceOr::Reference {
                reference: reference.clone(),
            })
            .collect();
        Schema {
            schema_kind: SchemaKind::OneOf { one_of },
            schema_data: SchemaData {
                discriminator: Some(Discriminator {
                    property_name: tagged.property.clone(),
                    mapping,
                    extensions: IndexMap::new(),
                }),
                ..SchemaData::default()
            },
        }
    }

    /// Returns the alternatives in an order that does not depend on the document.
    fn union(&mut self, members: &[Resolved<'a>]) -> Schema {
        let mut parts = About::default();
        let mut values: Vec<Schema> = members
            .iter()
            .map(|member| {
                let mut member = member.clone();
                if let Shape::Text(format) = &mut member.shape {
                    *format = None;
                }
                let mut value = self.value(&member);
                let data = std::mem::take(&mut value.schema_data);
                parts.add_sensitive(&data.extensions);
                value
            })
            .collect();
        values.sort_by_key(word);
        let one_of = values.into_iter().map(ReferenceOr::Item).collect();
        Schema {
            schema_kind: SchemaKind::OneOf { one_of },
            schema_data: parts.into_data(),
        }
    }

    /// Returns the schema of a value: of a property, an item, a response.
    pub(super) fn value(&mut self, resolved: &Resolved<'a>) -> Schema {
        let mut about = resolved.about.clone();
        let kind = match &resolved.shape {
            Shape::Any => SchemaKind::Any(AnySchema::default()),
            Shape::Null => {
                about.nullable = true;
                SchemaKind::Any(AnySchema::default())
            }
            Shape::Text(format) => SchemaKind::Type(Type::String(StringType {
                format: match format {
                    Some(format) => VariantOrUnknownOrEmpty::Unknown(format.clone()),
                    None => VariantOrUnknownOrEmpty::Empty,
                },
                ..StringType::default()
            })),
            Shape::DateTime => SchemaKind::Type(Type::String(StringType {
                format: VariantOrUnknownOrEmpty::Item(StringFormat::DateTime),
                ..StringType::default()
            })),
            Shape::Integer => SchemaKind::Type(Type::Integer(IntegerType::default())),
            Shape::Unsigned => SchemaKind::Type(Type::Integer(IntegerType {
                format: VariantOrUnknownOrEmpty::Unknown("uint64".to_owned()),
                ..IntegerType::default()
            })),
            Shape::Number => SchemaKind::Type(Type::Number(NumberType::default())),
            Shape::Boolean => SchemaKind::Type(Type::Boolean(BooleanType::default())),
            Shape::List(items) => {
                let items = self.part(resolved, items.as_ref(), &mut about);
                SchemaKind::Type(Type::Array(ArrayType {
                    items: Some(ReferenceOr::Item(Box::new(items))),
                    min_items: None,
                    max_items: None,
                    unique_items: false,
                }))
            }
            Shape::Map(values) => {
                let values = self.part(resolved, values.as_ref(), &mut about);
                let values = AdditionalProperties::Schema(Box::new(ReferenceOr::Item(values)));
                SchemaKind::Type(Type::Object(ObjectType {
                    additional_properties: Some(values),
                    ..ObjectType::default()
                }))
            }
            Shape::Struct(_) | Shape::Enum(_) | Shape::Tagged(_) | Shape::Union(_) => {
                let reference = reference_to(&self.type_of(resolved));
                SchemaKind::AllOf {
                    all_of: vec![ReferenceOr::Reference { reference }],
                }
            }
        };
        Schema {
            schema_data: about.into_data(),
            schema_kind: kind,
        }
    }

    /// Returns the schema of the items of a list or of the values of a map.
    fn part(
        &mut self,
        whole: &Resolved<'a>,
        part: Option<&Place<'a>>,
        about: &mut About,
    ) -> Schema {
        let Some(part) = part else {
            return any(SchemaData::default());
        };
        if self.inside.contains(&whole.home) {
            about.notes.push(OF_ITSELF.to_owned());
            return any(SchemaData::default());
        }
        self.inside.push(whole.home.clone());
        let value = self.resolve(part).map(|part| self.value(&part));
        self.inside.pop();
        let value = value.unwrap_or_else(|| any(SchemaData::default()));
        about.add_sensitive(&value.schema_data.extensions);
        if notes(&value).any(|note| note == OF_ITSELF) {
            about.notes.push(OF_ITSELF.to_owned());
        }
        value
    }
}

/// Returns `true` for a union that all places with the same alternatives share.
fn is_shared(resolved: &Resolved<'_>) -> bool {
    matches!(resolved.shape, Shape::Union(_)) && !is_named(&resolved.home)
}

fn extensible_enum(values: &[String]) -> Schema {
    let mut schema = schema(Type::String(StringType::default()));
    let values = values.iter().cloned().map(Value::from).collect();
    schema
        .schema_data
        .extensions
        .insert(EXTENSIBLE_ENUM.to_owned(), Value::Array(values));
    schema
}

fn schema(ty: Type) -> Schema {
    Schema {
        schema_data: SchemaData::default(),
        schema_kind: SchemaKind::Type(ty),
    }
}

fn any(schema_data: SchemaData) -> Schema {
    Schema {
        schema_data,
        schema_kind: SchemaKind::Any(AnySchema::default()),
    }
}
