//! The public items of the crate, for review.

use std::{
    fs,
    path::{Path, PathBuf},
};

use aifi_push_codegen::PublicApi;

/// Lists what is public in the generated source and in the hand-written files.
pub(crate) fn public_api(generated: &str) -> String {
    let mut list = String::new();
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = rust_files(&src);
    files.sort();
    for file in files {
        let source = match file.file_name() {
            Some(name) if name == "generated.rs" => generated.to_owned(),
            _ => fs::read_to_string(&file).unwrap(),
        };
        let items = PublicApi::parse(&source).unwrap().to_string();
        if !items.is_empty() {
            let name = file.strip_prefix(&src).unwrap().display().to_string();
            list += &format!("// {}\n{items}\n", name.replace('\\', "/"));
        }
    }
    list
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
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
