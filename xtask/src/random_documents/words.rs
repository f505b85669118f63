//! Names and texts, ordinary and odd.

use fastrand::Rng;

const ORDINARY: &str = "store session customer checkout zone order line price total reason created \
    payment status kind metadata";

/// Keywords, names of Rust and of the generated code, names that differ little, and names that have
/// no Rust name.
const ODD: &str = "_ __ - 1st 404 3.14 type self Self crate super fn async await dyn gen try union \
    abstract macro_rules true r#type Option Vec String Box Json Number BTreeMap DateTime Utc Result \
    Ok Err Some None Clone Debug Default Send Sized From Into Drop Fn i64 u8 str bool f64 char Client \
    Operation Push Error Response SubjectKind SubjectField types operations client model std core serde \
    bon chrono schemars json_schema PROPERTIES ALL SERVER all server deliver sandbox call body url \
    request extra Extra build builder maybe_store maybe_ Unlisted Other Unknown UnlistedStore \
    StoreBuilder Builder SessionBuilder UnlistedStatus Any Null Object List Text Integer \
    IntegerOrString StringOrInteger StoreKind StoreStatus __object __name __value __m M D T E f s \
    read write fit decode fmt from new as_str value other variant tag deserialize serialize \
    deserializer serializer a-b a_b a.b a:b aB AB ab Ab A a ID Id id iD storeID StoreId store_id \
    store-id Store STORE $ref $schema @type # / ~ % a/b a~1b {} {store} é e\u{301} É naïve 日本 Ünlisted ß \
    ﬁ İ ǅ ª Ⅷ 🛒 \u{200d} a\u{202e}b \0 \\ \" ' // /* */ + -1 +1 < >= null x-sensitive x-senstive x- \
    x-extensible-enum __proto__ r# r#self '_ 'a b'' #! #[a] _0 _1 0 00 1 01 1e5 1_000";

const ODD_WITH_SPACES: [&str; 5] = [
    "",
    " ",
    "a b",
    "\n",
    "a very long name that no one would write, but that a program may well put together from others",
];

const TEXTS: [&str; 18] = [
    "The store.",
    "Returns the store, or null.\n\nA second paragraph.",
    "",
    " \n ",
    "*/ /* // */ /** //! ///",
    "\"quoted\" and 'quoted' with a \\ and \\n",
    "```\nlet x = 1;\n",
    "~~~rust\ncompile_error!();\n~~~",
    "    indented code { } ;",
    "[a link] and [`another`](no where) and [x]: y",
    "<b>bold</i> <script> a < b && c > d",
    "\u{202e}bidi\u{2066} text\u{2069}",
    "\u{feff}a\0b\u{7f}\u{85}\u{2028}c",
    "carriage\rreturn\r\nlines\ttabs",
    "#[deprecated] #![allow] \"##\" r#\"raw\"#",
    "- a\n- list\n  1. in\n\n| a | table |\n|---|",
    "日本 🛒 e\u{301}",
    "{} {0} {name} %s $x",
];

/// Returns a name as a vendor would choose it, such as `store` or `checkoutZone`, or an odd one.
pub(super) fn name(rng: &mut Rng, odds: f64) -> String {
    if rng.f64() < odds {
        return odd(rng).to_owned();
    }
    let name = ordinary(rng).to_owned();
    match rng.bool() {
        true => name,
        false => name + &capitalized(ordinary(rng)),
    }
}

pub(super) fn ordinary(rng: &mut Rng) -> &'static str {
    let names: Vec<_> = ORDINARY.split_whitespace().collect();
    rng.choice(names).unwrap_or_default()
}

pub(super) fn odd(rng: &mut Rng) -> &'static str {
    let names = ODD.split_whitespace().chain(ODD_WITH_SPACES);
    rng.choice(names.collect::<Vec<_>>()).unwrap_or_default()
}

pub(super) fn text(rng: &mut Rng) -> &'static str {
    TEXTS[rng.usize(..TEXTS.len())]
}

pub(super) fn capitalized(name: &str) -> String {
    let mut rest = name.chars();
    let first = rest.next().into_iter().flat_map(char::to_uppercase);
    first.collect::<String>() + rest.as_str()
}
