//! `oneOf`, `anyOf` and several types: a value is one of several.

use indexmap::{IndexMap, IndexSet};

use super::{
    Normalizer,
    about::About,
    place::Place,
    shape::{Resolved, Shape, Tagged, is_named},
};
use crate::{node::Node, pointer::Pointer};

/// Returns what a schema with alternatives describes.
pub(super) fn resolve<'a>(
    normalizer: &mut Normalizer<'a>,
    place: &Place<'a>,
    members: Vec<Place<'a>>,
) -> Option<Resolved<'a>> {
    let mut about = About::of(place);
    let mut alternatives = Vec::new();
    for member in members {
        let mut resolved = normalizer.resolve(&member)?;
        // One of several types is written where all are.
        if resolved.home == place.pointer {
            resolved.home = place.pointer.join("type");
        }
        about.nullable |= resolved.about.nullable;
        about.add_sensitive(&resolved.about.extensions);
        if matches!(resolved.shape, Shape::Null) {
            about.nullable = true;
            continue;
        }
        resolved.about.nullable = false;
        alternatives.push((member, resolved));
    }
    let all = |shape| Resolved {
        shape,
        about: about.clone(),
        home: place.pointer.clone(),
    };
    if let Some(discriminator) = place.get("discriminator") {
        let discriminator = discriminator.clone();
        let tagged = tagged(normalizer, place, &discriminator, &alternatives)?;
        return Some(all(Shape::Tagged(tagged)));
    }
    let (members, alternatives): (Vec<_>, Vec<_>) = alternatives.into_iter().unzip();
    match &alternatives[..] {
        [] => return Some(all(Shape::Null)),
        [only] => return Some(single(place, &members[0], only, about)),
        _ => {}
    }
    let Some(mut kinds) = by_kind(place, &alternatives) else {
        let mut any = all(Shape::Any);
        any.about.notes.push(
            "One of several in the document that can't be told apart, so it is any JSON here."
                .to_owned(),
        );
        return Some(any);
    };
    if kinds.len() == 1 {
        let (only, member) = kinds.pop()?;
        let member = member.map_or(place, |index| &members[index]);
        return Some(single(place, member, &only, about));
    }
    let union = kinds.into_iter().map(|(resolved, _)| resolved).collect();
    Some(all(Shape::Union(union)))
}

/// Returns the only alternative.
fn single<'a>(
    place: &Place<'a>,
    member: &Place<'a>,
    only: &Resolved<'a>,
    about: About,
) -> Resolved<'a> {
    let mut only = only.clone();
    let merged = ["enum", "type"].map(|keyword| place.pointer.join(keyword));
    if only.home == member.pointer || merged.contains(&only.home) {
        only.home = place.pointer.clone();
    }
    only.about = only.about.with(about);
    only
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Text,
    Number,
    Boolean,
    List,
    Object,
}

fn kind(shape: &Shape<'_>) -> Option<Kind> {
    match shape {
        Shape::Text(_) | Shape::DateTime | Shape::Enum(_) => Some(Kind::Text),
        Shape::Integer | Shape::Unsigned | Shape::Number => Some(Kind::Number),
        Shape::Boolean => Some(Kind::Boolean),
        Shape::List(_) => Some(Kind::List),
        Shape::Map(_) | Shape::Struct(_) => Some(Kind::Object),
        Shape::Any | Shape::Null | Shape::Tagged(_) | Shape::Union(_) => None,
    }
}

/// Returns one alternative for each type of JSON, and which it was; `None` if a value could be of
/// two alternatives.
fn by_kind<'a>(
    place: &Place<'a>,
    alternatives: &[Resolved<'a>],
) -> Option<Vec<(Resolved<'a>, Option<usize>)>> {
    let mut kinds: IndexMap<Kind, Vec<usize>> = IndexMap::new();
    for (index, alternative) in alternatives.iter().enumerate() {
        kinds
            .entry(kind(&alternative.shape)?)
            .or_default()
            .push(index);
    }
    let kinds = kinds.into_iter().map(|(kind, indices)| {
        let shapes: Vec<&Shape<'_>> = indices
            .iter()
            .map(|index| &alternatives[*index].shape)
            .collect();
        let first = indices[0];
        let with = |shape| {
            let mut merged = alternatives[first].clone();
            merged.shape = shape;
            Some((merged, None))
        };
        let is = |shape: fn(&Shape<'_>) -> bool| shapes.iter().all(|each| shape(each));
        match (kind, &indices[..]) {
            (_, [only]) => Some((alternatives[*only].clone(), Some(*only))),
            (Kind::Boolean, _) => with(Shape::Boolean),
            (Kind::Number, _) if is(|shape| matches!(shape, Shape::Integer)) => {
                with(Shape::Integer)
            }
            (Kind::Number, _) => with(Shape::Number),
            (Kind::Text, _) if is(|shape| matches!(shape, Shape::DateTime)) => {
                with(Shape::DateTime)
            }
            (Kind::Text, _) => {
                // A known value or any other text is an extensible enum.
                let mut enums = indices
                    .iter()
                    .filter(|index| matches!(alternatives[**index].shape, Shape::Enum(_)));
                match (enums.next(), enums.next()) {
                    _ if is(|shape| matches!(shape, Shape::Enum(_))) => {
                        let mut merged = with(Shape::Enum(known_values(&shapes)))?;
                        merged.0.home = place.pointer.join("enum");
                        Some(merged)
                    }
                    (Some(index), None) => Some((alternatives[*index].clone(), Some(*index))),
                    _ => with(Shape::Text(None)),
                }
            }
            (Kind::List | Kind::Object, _) => None,
        }
    });
    kinds.collect()
}

/// Returns the values of all enums.
fn known_values(shapes: &[&Shape<'_>]) -> Vec<String> {
    let values = shapes.iter().flat_map(|shape| match shape {
        Shape::Enum(values) => &values[..],
        _ => &[],
    });
    let values: IndexSet<&String> = values.collect();
    values.into_iter().cloned().collect()
}

fn tagged<'a>(
    normalizer: &mut Normalizer<'a>,
    place: &Place<'a>,
    discriminator: &Node,
    alternatives: &[(Place<'a>, Resolved<'a>)],
) -> Option<Tagged<'a>> {
    let pointer = place.pointer.join("discriminator");
    let Some(property) = discriminator.get("propertyName").and_then(Node::as_str) else {
        normalizer.problem(
            &pointer,
            "missing `propertyName`: write the property that tells the kind",
        );
        return None;
    };
    let mut cases = IndexMap::new();
    for (value, target) in discriminator
        .get("mapping")
        .into_iter()
        .flat_map(Node::entries)
    {
        let pointer = pointer.join("mapping").join(value);
        let target = target.as_str().unwrap_or_default();
        let target = match target.contains(['/', '#']) {
            true => Pointer::parse(target),
            false => Some(named(target)),
        };
        let target =
            target.and_then(|target| Some(Place::new(normalizer.root.at(&target)?, target)));
        let Some(target) = target else {
            normalizer.problem(
                &pointer,
                "unresolved reference: expected a schema of /components/schemas",
            );
            return None;
        };
        cases.insert(value.to_owned(), target);
    }
    let mapped: IndexSet<Pointer> = cases
        .values()
        .map(|target| target.pointer.clone())
        .collect();
    for (member, _) in alternatives {
        let reference = member.get("$ref").and_then(Node::as_str);
        let target = reference.and_then(Pointer::parse).filter(is_named);
        let Some(target) = target else {
            normalizer.problem(
                &member.pointer,
                "a schema that a discriminator tells apart needs a name: move it to \
                 /components/schemas, and refer to it",
            );
            return None;
        };
        if !mapped.contains(&target)
            && let Some(node) = normalizer.root.at(&target)
            && let Some(name) = target.segments().last().map(str::to_owned)
        {
            cases.entry(name).or_insert(Place::new(node, target));
        }
    }
    for case in cases.values() {
        let shape = normalizer.resolve_target(case)?.shape;
        if !matches!(shape, Shape::Struct(_) | Shape::Tagged(_)) {
            normalizer.problem(
                &case.pointer,
                "a schema that a discriminator tells apart is an object with properties",
            );
            return None;
        }
    }
    Some(Tagged {
        property: property.to_owned(),
        cases,
    })
}

fn named(name: &str) -> Pointer {
    Pointer::root()
        .join("components")
        .join("schemas")
        .join(name)
}
