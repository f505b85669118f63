//! Types by their usual names: `Option<String>` rather than
//! `::std::option::Option<::std::string::String>`.

use syn::{Path, visit_mut::VisitMut};

/// The names that [`ShortPaths`] uses; no type of the document can have one of them.
pub(crate) const NAMES: [&str; 5] = ["DateTime", "Option", "String", "Utc", "Vec"];

/// Shortens the paths of types that are in scope where the models are.
pub(crate) struct ShortPaths;

impl VisitMut for ShortPaths {
    fn visit_path_mut(&mut self, path: &mut Path) {
        let outside = ["chrono", "std"];
        let is_outside = path
            .segments
            .first()
            .is_some_and(|first| outside.iter().any(|name| first.ident == name));
        let last = path.segments.last().cloned();
        let is_short = last
            .iter()
            .any(|last| NAMES.iter().any(|name| last.ident == name));
        if is_outside && is_short {
            path.leading_colon = None;
            path.segments = last.into_iter().collect();
        }
        syn::visit_mut::visit_path_mut(self, path);
    }
}
