//! The public items of a source: for review, and to compare two versions of it.

use std::{collections::BTreeMap, fmt};

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{
    Attribute, Expr, Fields, Ident, ImplItem, Item, ItemImpl, LitStr, Path, Type, Visibility,
    parse_quote,
    visit_mut::{self, VisitMut},
};

/// The public items of a source, without bodies and documentation.
///
/// Its `Display` is Rust.
#[derive(Debug)]
pub struct PublicApi(syn::File);

impl PublicApi {
    /// Reads a source.
    ///
    /// # Errors
    ///
    /// Returns an error if the text is not Rust.
    pub fn parse(source: &str) -> syn::Result<Self> {
        let mut file = syn::parse_file(source)?;
        file.attrs.clear();
        PublicItems.visit_file_mut(&mut file);
        Ok(Self(file))
    }

    /// Returns the declaration of each item, field, variant and method by its name, such as
    /// `Store`, `Store.city` or `Client::transition_left`.
    ///
    /// Modules are not part of a name. Implementations of traits are left out, as those of a
    /// generated type follow from its kind.
    pub fn items(&self) -> BTreeMap<String, String> {
        let mut items = BTreeMap::new();
        add_items(&self.0.items, &mut items);
        items
    }
}

impl fmt::Display for PublicApi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&prettyplease::unparse(&self.0))
    }
}

fn add_items(from: &[Item], to: &mut BTreeMap<String, String>) {
    for item in from {
        match item.clone() {
            Item::Mod(module) => {
                if let Some((_, items)) = &module.content {
                    add_items(items, to);
                }
            }
            Item::Struct(mut item) => {
                if let Fields::Named(fields) = &mut item.fields {
                    for field in std::mem::take(&mut fields.named) {
                        let name = format!("{}.{}", item.ident, field.ident.to_token_stream());
                        to.insert(name, member(quote!(struct It { #field })));
                    }
                }
                to.insert(item.ident.to_string(), line(item));
            }
            Item::Enum(mut item) => {
                for variant in std::mem::take(&mut item.variants) {
                    let name = format!("{}::{}", item.ident, variant.ident);
                    to.insert(name, member(quote!(enum It { #variant })));
                }
                to.insert(item.ident.to_string(), line(item));
            }
            Item::Impl(item) if item.trait_.is_none() => {
                for method in &item.items {
                    if let ImplItem::Fn(function) = method {
                        let ty = item.self_ty.to_token_stream();
                        let name = format!("{ty}::{}", function.sig.ident);
                        to.insert(name, member(quote!(impl It { #method })));
                    }
                }
            }
            Item::Const(item) => {
                to.insert(item.ident.to_string(), line(item));
            }
            Item::Fn(item) => {
                to.insert(item.sig.ident.to_string(), line(item));
            }
            _ => {}
        }
    }
}

/// Returns an item in one line.
fn line(item: impl ToTokens) -> String {
    let source = prettyplease::unparse(&parse_quote!(#item));
    let words: Vec<&str> = source.split_whitespace().collect();
    words
        .join(" ")
        .replace("( ", "(")
        .replace(", )", ")")
        .replace(", }", " }")
}

/// Returns the only member of an item in one line.
fn member(item: TokenStream) -> String {
    let line = line(item);
    let member = line.split_once('{').map_or("", |(_, member)| member);
    let member = member.strip_suffix('}').unwrap_or(member).trim();
    let member = member.strip_suffix("{}").unwrap_or(member);
    member.trim_end_matches([',', ' ']).to_owned()
}

/// Removes what a user of the crate does not see.
struct PublicItems;

impl VisitMut for PublicItems {
    fn visit_file_mut(&mut self, file: &mut syn::File) {
        let private: Vec<Ident> = file.items.iter().filter_map(private_name).collect();
        file.items
            .retain(|item| is_public(item) && !is_impl_with(item, &private));
        visit_mut::visit_file_mut(self, file);
        file.items.retain(|item| match item {
            Item::Impl(item) => item.trait_.is_some() || !item.items.is_empty(),
            _ => true,
        });
    }

    fn visit_item_mod_mut(&mut self, module: &mut syn::ItemMod) {
        if let Some((_, items)) = &mut module.content {
            retain_public(items);
        }
        visit_mut::visit_item_mod_mut(self, module);
    }

    fn visit_item_impl_mut(&mut self, item: &mut ItemImpl) {
        if item.trait_.is_some() {
            item.items.clear();
        }
        item.items.retain(|item| match item {
            ImplItem::Fn(item) => is_pub(&item.vis),
            _ => false,
        });
        visit_mut::visit_item_impl_mut(self, item);
    }

    fn visit_item_struct_mut(&mut self, item: &mut syn::ItemStruct) {
        if let Fields::Named(fields) = &mut item.fields {
            let all = std::mem::take(&mut fields.named);
            fields.named = all.into_iter().filter(|field| is_pub(&field.vis)).collect();
        }
        visit_mut::visit_item_struct_mut(self, item);
    }

    fn visit_item_const_mut(&mut self, item: &mut syn::ItemConst) {
        if let Expr::Struct(value) = &mut *item.expr {
            // Of an operation: where it is called, and what a receiver does with it.
            let shown = ["id", "method", "path", "kind", "answer"];
            let all = std::mem::take(&mut value.fields);
            let of_user = all.into_iter().filter(|field| {
                let name = field.member.to_token_stream().to_string();
                shown.contains(&name.as_str())
            });
            value.fields = of_user.collect();
        } else {
            item.expr = parse_quote!(_);
        }
        visit_mut::visit_item_const_mut(self, item);
    }

    fn visit_block_mut(&mut self, block: &mut syn::Block) {
        block.stmts.clear();
    }

    fn visit_attributes_mut(&mut self, attributes: &mut Vec<Attribute>) {
        *attributes = attributes.iter().filter_map(public_attribute).collect();
    }
}

fn public_attribute(attribute: &Attribute) -> Option<Attribute> {
    let kept = ["builder", "cfg", "derive", "must_use", "non_exhaustive"];
    let path = attribute.path();
    if path.is_ident("deprecated") {
        Some(parse_quote!(#[deprecated]))
    } else if path.is_ident("serde") {
        let name = wire_name(attribute)?;
        Some(parse_quote!(#[serde(rename = #name)]))
    } else {
        let is_kept = kept.iter().any(|name| path.is_ident(name));
        is_kept.then(|| attribute.clone())
    }
}

fn wire_name(attribute: &Attribute) -> Option<LitStr> {
    let mut name = None;
    // Ends with an error at the first option of another form: a rename comes first.
    let _ = attribute.parse_nested_meta(|meta| {
        if meta.path.is_ident("rename") {
            name = Some(meta.value()?.parse()?);
        }
        Ok(())
    });
    name
}

fn retain_public(items: &mut Vec<Item>) {
    let private: Vec<Ident> = items.iter().filter_map(private_name).collect();
    items.retain(|item| is_public(item) && !is_impl_with(item, &private));
}

fn is_public(item: &Item) -> bool {
    match item {
        Item::Const(item) => is_pub(&item.vis),
        Item::Enum(item) => is_pub(&item.vis),
        Item::Fn(item) => is_pub(&item.vis),
        Item::Struct(item) => is_pub(&item.vis),
        Item::Use(item) => is_pub(&item.vis),
        // A private module may contain methods of a public type.
        Item::Mod(item) => {
            item.content.is_some() && !item.attrs.contains(&parse_quote!(#[cfg(test)]))
        }
        Item::Impl(_) => true,
        _ => false,
    }
}

/// Returns the name of a type or a trait that is not public.
fn private_name(item: &Item) -> Option<Ident> {
    let (visibility, name) = match item {
        Item::Enum(item) => (&item.vis, &item.ident),
        Item::Struct(item) => (&item.vis, &item.ident),
        Item::Trait(item) => (&item.vis, &item.ident),
        _ => return None,
    };
    (!is_pub(visibility)).then(|| name.clone())
}

/// Returns `true` for an implementation for one of the types, or of one of the traits.
fn is_impl_with(item: &Item, names: &[Ident]) -> bool {
    let Item::Impl(item) = item else {
        return false;
    };
    let is_named = |path: &Path| {
        path.segments
            .last()
            .is_some_and(|s| names.contains(&s.ident))
    };
    let of_type = matches!(&*item.self_ty, Type::Path(ty) if is_named(&ty.path));
    of_type
        || item
            .trait_
            .iter()
            .any(|(path, ..)| is_named(path) || is_crates(path))
}

/// Returns `true` for a path such as `crate::model::Model`, as public traits are imported.
fn is_crates(path: &Path) -> bool {
    path.segments.first().is_some_and(|s| s.ident == "crate")
}

fn is_pub(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}
