//! The public items of the crate, as a list for review.

use std::{fs, path::Path};

use syn::{
    Attribute, Fields, ImplItem, Item, ItemImpl, Visibility, parse_quote,
    visit_mut::{self, VisitMut},
};

/// Lists what is public in the generated source and in the hand-written files.
pub(crate) fn surface(generated: &str) -> String {
    let mut list = String::new();
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = rust_files(&src);
    files.sort();
    for file in files {
        let source = match file.file_name() {
            Some(name) if name == "generated.rs" => generated.to_owned(),
            _ => fs::read_to_string(&file).unwrap(),
        };
        let name = file.strip_prefix(&src).unwrap().display().to_string();
        let items = public_items(&source);
        if !items.is_empty() {
            list += &format!("// {}\n{items}\n", name.replace('\\', "/"));
        }
    }
    list
}

fn rust_files(directory: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(directory).unwrap();
    entries
        .map(|entry| entry.unwrap().path())
        .flat_map(|path| {
            if path.is_dir() {
                rust_files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

fn public_items(source: &str) -> String {
    let mut file = syn::parse_file(source).unwrap();
    file.attrs.clear();
    PublicItems.visit_file_mut(&mut file);
    prettyplease::unparse(&file)
}

/// Takes away whatever a user of the crate does not see.
struct PublicItems;

impl VisitMut for PublicItems {
    fn visit_file_mut(&mut self, file: &mut syn::File) {
        file.items.retain(is_public);
        visit_mut::visit_file_mut(self, file);
        file.items.retain(|item| match item {
            Item::Impl(item) => item.trait_.is_some() || !item.items.is_empty(),
            _ => true,
        });
    }

    fn visit_item_mod_mut(&mut self, module: &mut syn::ItemMod) {
        if let Some((_, items)) = &mut module.content {
            items.retain(is_public);
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
        item.expr = parse_quote!(_);
        visit_mut::visit_item_const_mut(self, item);
    }

    fn visit_block_mut(&mut self, block: &mut syn::Block) {
        block.stmts.clear();
    }

    fn visit_attributes_mut(&mut self, attributes: &mut Vec<Attribute>) {
        attributes.retain(|attribute| {
            let kept = ["derive", "deprecated", "cfg", "non_exhaustive", "must_use"];
            kept.iter().any(|name| attribute.path().is_ident(name))
        });
        for attribute in attributes {
            if attribute.path().is_ident("deprecated") {
                *attribute = parse_quote!(#[deprecated]);
            }
        }
    }
}

fn is_public(item: &Item) -> bool {
    match item {
        Item::Const(item) => is_pub(&item.vis),
        Item::Enum(item) => is_pub(&item.vis),
        Item::Fn(item) => is_pub(&item.vis),
        Item::Struct(item) => is_pub(&item.vis),
        Item::Use(item) => is_pub(&item.vis),
        // A private module may hold methods of a public type.
        Item::Mod(item) => item.content.is_some(),
        Item::Impl(_) => true,
        _ => false,
    }
}

fn is_pub(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}
