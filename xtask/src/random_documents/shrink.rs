//! The smallest document with a fault.

use std::collections::VecDeque;

use anyhow::Result;
use serde_json::Value;

use super::generated::remove;

/// How many documents are tried at a time.
const BATCH: usize = 24;

/// Removes what a fault does not need. `have_fault` says which of some documents still have it.
pub(super) fn shrink(
    mut document: Value,
    mut have_fault: impl FnMut(&[Value]) -> Result<Vec<bool>>,
) -> Result<Value> {
    let (mut at, mut is_smaller) = (0, false);
    loop {
        let pointers: Vec<String> = pointers(&document).drain(..).skip(at).take(BATCH).collect();
        let smaller: Vec<Value> = pointers.iter().map(|it| without(&document, [it])).collect();
        let have_fault_without = have_fault(&smaller)?;
        let needless = pointers.iter().zip(&have_fault_without);
        let needless: Vec<_> = needless.filter_map(|(it, has)| has.then_some(it)).collect();
        // From the back, as a removal moves the items after it.
        let without_all = without(&document, needless.iter().rev().copied());
        if let Some(first) = have_fault_without.iter().position(|has| *has) {
            is_smaller = true;
            if have_fault(std::slice::from_ref(&without_all))? == [true] {
                document = without_all;
                at += pointers.len() - needless.len();
            } else {
                document = smaller[first].clone();
                at += first;
            }
        } else if pointers.len() == BATCH {
            at += BATCH;
        } else if is_smaller {
            (at, is_smaller) = (0, false);
        } else {
            return Ok(document);
        }
    }
}

fn without<'a>(document: &Value, pointers: impl IntoIterator<Item = &'a String>) -> Value {
    let mut smaller = document.clone();
    for pointer in pointers {
        remove(&mut smaller, pointer);
    }
    smaller
}

/// Returns the pointers to all values but the root, those with the most inside first.
fn pointers(document: &Value) -> Vec<String> {
    let mut pointers = Vec::new();
    let mut queue = VecDeque::from([(String::new(), document)]);
    while let Some((pointer, value)) = queue.pop_front() {
        match value {
            Value::Object(fields) => queue.extend(fields.iter().map(|(name, value)| {
                let name = name.replace('~', "~0").replace('/', "~1");
                (format!("{pointer}/{name}"), value)
            })),
            Value::Array(items) => {
                let items = items.iter().enumerate();
                queue.extend(items.map(|(index, item)| (format!("{pointer}/{index}"), item)));
            }
            _ => {}
        }
        if !pointer.is_empty() {
            pointers.push(pointer);
        }
    }
    pointers
}
