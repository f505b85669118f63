//! What differs between two documents, and whether it breaks a service that was written before.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{Facts, Operation, Property, Schema};

/// Whether a change breaks a service that was written before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Breaking,
    Compatible,
}

/// One difference.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) effect: Effect,
    pub(super) what: String,
    pub(super) how: String,
    pub(super) reason: &'static str,
}

/// Everything that differs.
pub(super) fn changes(old: &Facts, new: &Facts) -> Vec<Change> {
    let mut changes = Changes(Vec::new());
    if old.server != new.server {
        let how = format!("{} became {}", old.server, new.server);
        changes.compatible("the default server", how, "`Client::sandbox` goes there");
    }
    for (id, pair) in pairs(&old.operations, &new.operations) {
        changes.operation(id, pair);
    }
    for (name, pair) in pairs(&old.schemas, &new.schemas) {
        changes.schema(name, pair);
    }
    changes.0
}

/// What stands under a key in the old and in the new document.
#[derive(Clone, Copy)]
enum Pair<T> {
    Removed,
    Added(T),
    Both(T, T),
}

fn pairs<'a, T>(
    old: &'a BTreeMap<String, T>,
    new: &'a BTreeMap<String, T>,
) -> impl Iterator<Item = (&'a str, Pair<&'a T>)> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    names.into_iter().map(move |name| {
        let pair = match (old.get(name), new.get(name)) {
            (Some(old), Some(new)) => Pair::Both(old, new),
            (None, Some(new)) => Pair::Added(new),
            (_, None) => Pair::Removed,
        };
        (name.as_str(), pair)
    })
}

struct Changes(Vec<Change>);

impl Changes {
    fn breaking(&mut self, what: &str, how: impl Into<String>, reason: &'static str) {
        self.add(Effect::Breaking, what, how.into(), reason);
    }

    fn compatible(&mut self, what: &str, how: impl Into<String>, reason: &'static str) {
        self.add(Effect::Compatible, what, how.into(), reason);
    }

    fn add(&mut self, effect: Effect, what: &str, how: String, reason: &'static str) {
        self.0.push(Change {
            effect,
            what: what.to_owned(),
            how,
            reason,
        });
    }

    fn operation(&mut self, id: &str, pair: Pair<&Operation>) {
        let (old, new) = match pair {
            Pair::Removed => return self.breaking(id, "removed", "the client loses its method"),
            Pair::Added(_) => return self.compatible(id, "added", "the client gains a method"),
            Pair::Both(old, new) => (old, new),
        };
        if old.address != new.address {
            let how = format!("{} became {}", old.address, new.address);
            self.breaking(
                id,
                how,
                "servers that listen where it was get no more calls",
            );
        }
        if old.body != new.body {
            let how = format!("the body {} became {}", old.body, new.body);
            self.breaking(id, how, "the method takes another type");
        }
        if old.answer != new.answer {
            let how = format!("the answer {} became {}", old.answer, new.answer);
            self.breaking(id, how, "`Response::decode` gives another type");
        }
        if !old.deprecated && new.deprecated {
            self.compatible(id, "deprecated", "the compiler warns of its use");
        }
    }

    fn schema(&mut self, name: &str, pair: Pair<&Schema>) {
        match pair {
            Pair::Removed => self.breaking(name, "removed", "the type is gone"),
            Pair::Added(_) => self.compatible(name, "added", "there is one more type"),
            Pair::Both(Schema::Object(old), Schema::Object(new)) => {
                for (property, pair) in pairs(old, new) {
                    self.property(&format!("{name}.{property}"), pair);
                }
            }
            Pair::Both(Schema::OpenSet(old), Schema::OpenSet(new)) => {
                for value in old.difference(new) {
                    let how = format!("`{value}` removed");
                    self.breaking(name, how, "the variant is gone, the value is `Unlisted`");
                }
                for value in new.difference(old) {
                    let how = format!("`{value}` added");
                    let reason = "it was `Unlisted`, now it has a variant: look at code that \
                                  compares texts";
                    self.compatible(name, how, reason);
                }
            }
            Pair::Both(Schema::Object(_), Schema::OpenSet(_)) => {
                self.breaking(name, "an object became an open set", "it is another type");
            }
            Pair::Both(Schema::OpenSet(_), Schema::Object(_)) => {
                self.breaking(name, "an open set became an object", "it is another type");
            }
        }
    }

    fn property(&mut self, name: &str, pair: Pair<&Property>) {
        let (old, new) = match pair {
            Pair::Removed => {
                let reason = "the field is gone, its value lands in `extra`";
                return self.breaking(name, "removed", reason);
            }
            Pair::Added(new) if new.required => {
                let reason = "builders must give it, and events without it are refused";
                return self.breaking(name, "added as required", reason);
            }
            Pair::Added(_) => {
                let reason = "there is one more field, which was in `extra` if it was sent";
                return self.compatible(name, "added", reason);
            }
            Pair::Both(old, new) => (old, new),
        };
        if !old.required && new.required {
            let reason = "builders must give it, and events without it are refused";
            self.breaking(name, "became required", reason);
        }
        if old.required && !new.required {
            self.breaking(
                name,
                "became optional",
                "the field or its setter has another type",
            );
        }
        if old.kind != new.kind {
            let how = format!("{} became {}", old.kind, new.kind);
            self.breaking(name, how, "the field has another type");
        }
        if !old.deprecated && new.deprecated {
            self.compatible(name, "deprecated", "the compiler warns of its use");
        }
        if old.sensitive != new.sensitive {
            let how = if new.sensitive {
                "became sensitive"
            } else {
                "is sensitive no more"
            };
            self.compatible(name, how, "`Debug` shows another set of fields");
        }
        if old.provenance != new.provenance {
            let how = format!("{} became {}", old.provenance, new.provenance);
            self.compatible(name, how, "only the documentation tells");
        }
    }
}
