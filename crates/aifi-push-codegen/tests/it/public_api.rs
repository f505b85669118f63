//! The listing of public items.

use aifi_push_codegen::PublicApi;
use insta::assert_snapshot;

const SOURCE: &str = r#"
//! A module.
use private::Thing;
pub use public::Other;

/// Documented.
#[derive(Clone)]
#[serde(from = "String")]
#[non_exhaustive]
pub struct Store {
    /// Documented.
    #[deprecated(note = "Use another.")]
    #[builder(required)]
    #[serde(rename = "cityName", skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    secret: String,
}

impl Store {
    pub fn rename<T>(&mut self, a_name: Option<T>, another_name: T) -> Result<String, Error>
    where
        T: Into<String>,
    {
        self.city = name.into();
    }

    fn hidden(&self) {}
}

impl Clone for Store {
    fn clone(&self) -> Self {}
}

mod private {
    pub enum Kind {
        Known,
        Unlisted(UnlistedKind),
    }
    struct Hidden;
}

trait Private {}
impl Private for Store {}
impl crate::private::Other for Store {}
struct Secret;
impl Clone for Secret {}

#[cfg(test)]
mod tests {
    pub struct Tested;
}

const HIDDEN: u32 = 1;
pub const LEFT: Operation = Operation { path: "/left", kind: "left", url: CalledUrl::Base, answer: Answer::Ignored, decodes: decode::<Left> };
pub const ALL: &[Operation] = &[LEFT];
pub fn list() -> Vec<Store> {
    Vec::new()
}
"#;

#[test]
fn bodies_and_private_items_are_left_out() {
    let api = PublicApi::parse(SOURCE).unwrap();
    assert_snapshot!(api, @r#"
    pub use public::Other;
    #[derive(Clone)]
    #[non_exhaustive]
    pub struct Store {
        #[deprecated]
        #[builder(required)]
        #[serde(rename = "cityName")]
        pub city: Option<String>,
    }
    impl Store {
        pub fn rename<T>(
            &mut self,
            a_name: Option<T>,
            another_name: T,
        ) -> Result<String, Error>
        where
            T: Into<String>,
        {}
    }
    impl Clone for Store {}
    mod private {
        pub enum Kind {
            Known,
            Unlisted(UnlistedKind),
        }
    }
    pub const LEFT: Operation = Operation {
        path: "/left",
        kind: "left",
        answer: Answer::Ignored,
    };
    pub const ALL: &[Operation] = _;
    pub fn list() -> Vec<Store> {}
    "#);
}

#[test]
fn items_by_name() {
    let items = PublicApi::parse(SOURCE).unwrap().items();
    let lines: Vec<String> = items
        .iter()
        .map(|(name, declaration)| format!("{name} => {declaration}"))
        .collect();
    assert_snapshot!(lines.join("\n"), @r#"
    ALL => pub const ALL: &[Operation] = _;
    Kind => pub enum Kind {}
    Kind::Known => Known
    Kind::Unlisted => Unlisted(UnlistedKind)
    LEFT => pub const LEFT: Operation = Operation { path: "/left", kind: "left", answer: Answer::Ignored };
    Store => #[derive(Clone)] #[non_exhaustive] pub struct Store {}
    Store.city => #[deprecated] #[builder(required)] #[serde(rename = "cityName")] pub city: Option<String>
    Store::rename => pub fn rename<T>(&mut self, a_name: Option<T>, another_name: T) -> Result<String, Error> where T: Into<String>
    list => pub fn list() -> Vec<Store> {}
    "#);
}

#[test]
fn not_rust() {
    PublicApi::parse("pub struct").unwrap_err();
}
