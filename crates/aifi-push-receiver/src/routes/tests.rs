use std::collections::{BTreeMap, BTreeSet};

use aifi_push::{
    CalledUrl, Operation,
    operations::{ALL, CHECKOUT, ENTRY_CODE_VERIFY, TRANSITION_ENTERED, TRANSITION_LEFT},
};
use insta::assert_snapshot;
use proptest::prelude::{Strategy, any, prop, prop_assert, prop_assert_eq, proptest};

use super::{Route, Routes};

fn routes(base_path: &str, given: &[(&str, &str)]) -> Routes {
    let routes = given.iter().fold(Routes::below(base_path), |routes, it| {
        routes.route(it.0, it.1)
    });
    routes.build().unwrap()
}

fn refused(given: &[(&str, &str)]) -> String {
    let routes = given.iter().fold(Routes::below("/webhook"), |routes, it| {
        routes.route(it.0, it.1)
    });
    routes.build().unwrap_err().to_string()
}

fn found(routes: &Routes, path: &str) -> &'static str {
    match routes.find(path) {
        Route::Operation(operation) => operation.id,
        Route::BaseUrl { webhook } => webhook,
        Route::BasePath => "base path",
        Route::NotFound => "nothing",
    }
}

/// The path that the platform calls for an operation whose webhook is configured at a URL.
fn called(url: &str, operation: &Operation) -> String {
    match operation.url {
        CalledUrl::Base => format!("{}/{}", url.trim_end_matches('/'), operation.segment()),
        _ => url.to_owned(),
    }
}

#[test]
fn slashes_and_escapes_change_nothing() {
    let left = "transition_left";
    let below = routes("/webhook", &[]);
    for (path, expected) in [
        ("/webhook/left", left),
        ("//webhook//left/", left),
        ("/webhook/%6Ceft", left),
        ("/webhook/transition/left", left),
        ("/webhook/api/push/transition/left", left),
        ("/webhook/api/push/checkout-zone/left", "checkout_zone_left"),
        ("/webhook/checkout-zone-left", "checkout_zone_left"),
        ("/webhook/checkout-zone//left/", "checkout_zone_left"),
        ("/webhook/checkout/", "checkout"),
        ("/webhook/checkout/checkout", "checkout"),
        ("/webhook/entry-code/verify", "entry_code_verify"),
        ("/webhook", "transitions"),
        ("/webhook/", "transitions"),
        ("/webhook/transition", "transitions"),
        ("/webhook/checkout-zone", "checkout-zone"),
        ("/webhook/entry-code", "nothing"),
        ("/webhook/verify", "nothing"),
        ("/", "nothing"),
        ("/left", "nothing"),
        ("/webhook/left/left", "nothing"),
        ("/webhook/Left", "nothing"),
        ("/webhook%2Fleft", "nothing"),
        ("/webhook/%FF", "nothing"),
    ] {
        assert_eq!(found(&below, path), expected, "{path}");
    }
    for base_path in ["", "/"] {
        let at_root = routes(base_path, &[]);
        assert_eq!(found(&at_root, "/left"), left);
        assert_eq!(found(&at_root, "/api/push/transition/left"), left);
        assert_eq!(found(&at_root, "/checkout"), "checkout");
        assert_eq!(found(&at_root, "/"), "transitions");
    }
}

#[test]
fn a_route_is_from_the_root_and_the_path_of_before_stays() {
    let given = [
        ("transitions", "/webhook"),
        ("checkout-zone", "/zones/"),
        ("checkout", "/webhook"),
        ("checkout", "/old"),
    ];
    let routes = routes("/webhook", &given);
    for (path, expected) in [
        ("/zones/left", "checkout_zone_left"),
        ("/zones/entered", "checkout_zone_entered"),
        ("/zones/checkout-zone/left", "checkout_zone_left"),
        ("/zones/api/push/checkout-zone/left", "checkout_zone_left"),
        ("/zones/checkout-zone-left", "checkout_zone_left"),
        ("/zones", "checkout-zone"),
        ("/zones/transition/left", "nothing"),
        ("/webhook", "checkout"),
        ("/old", "checkout"),
        ("/webhook/left", "transition_left"),
        ("/webhook/checkout", "checkout"),
        ("/webhook/checkout-zone/left", "checkout_zone_left"),
    ] {
        assert_eq!(found(&routes, path), expected, "{path}");
    }
}

#[test]
fn a_path_of_before_gives_way() {
    let given = [("checkout-zone", "/webhook"), ("transitions", "/moves")];
    let swapped = routes("/webhook", &given);
    assert_eq!(found(&swapped, "/webhook/left"), "checkout_zone_left");
    assert_eq!(
        found(&swapped, "/webhook/transition/left"),
        "transition_left"
    );
    assert_eq!(found(&swapped, "/moves/left"), "transition_left");

    let given = [("transitions", "/a"), ("checkout-zone", "/a/transition")];
    let nested = routes("/webhook", &given);
    assert_eq!(found(&nested, "/a/left"), "transition_left");
    assert_eq!(found(&nested, "/a/transition/left"), "checkout_zone_left");
}

#[test]
fn a_webhook_has_several_names() {
    for (name, expected) in [
        ("transition", TRANSITION_LEFT),
        ("left", TRANSITION_LEFT),
        ("transition_entered", TRANSITION_ENTERED),
        ("checkout", CHECKOUT),
        ("entry_code_verify", ENTRY_CODE_VERIFY),
        ("entry-code/verify", ENTRY_CODE_VERIFY),
    ] {
        let routes = routes("/webhook", &[(name, "/here")]);
        assert_eq!(found(&routes, &called("/here", &expected)), expected.id);
    }
}

#[test]
fn what_can_t_work_is_refused() {
    assert_snapshot!(refused(&[("zone", "/zones")]), @r#"route: no webhook "zone": there are transitions, checkout-zone, checkout, cart-mutator, order-price, customer-created, entry-code-verify, entry-code-notify, identity-matching, planogram-error, suspected-fraud"#);
    assert_snapshot!(refused(&[("checkout", "zones")]), @r#"route: invalid path "zones": expected letters, digits, `-`, `.`, `_` and `~`, and no segment `.` or `..`, such as /webhook"#);
    assert_snapshot!(refused(&[("checkout", "/a/{id}")]), @r#"route: invalid path "/a/{id}": expected letters, digits, `-`, `.`, `_` and `~`, and no segment `.` or `..`, such as /webhook"#);
    assert_snapshot!(refused(&[("checkout", "")]), @"route: no path for checkout: expected one such as /webhook");
    assert_snapshot!(refused(&[("checkout", "/readyz")]), @"route: /readyz is for health and metrics: choose another path for checkout");
    assert_snapshot!(refused(&[("checkout-zone", "/webhook")]), @"route: events of checkout-zone and transitions would both arrive at /webhook/left, where nothing tells them apart: choose another path for one of them, such as transitions=/transitions");
    assert_snapshot!(refused(&[("transitions", "/a"), ("checkout-zone", "/a/")]), @"route: events of transitions and checkout-zone would both arrive at /a/entered, where nothing tells them apart: choose another path for one of them, such as checkout-zone=/checkout-zone");
    assert_snapshot!(refused(&[("checkout", "/a"), ("cart-mutator", "/a")]), @"route: events of checkout and cart-mutator would both arrive at /a, where nothing tells them apart: choose another path for one of them, such as cart-mutator=/cart-mutator");
    assert_snapshot!(refused(&[("checkout", "/webhook/left")]), @"route: events of checkout and transitions would both arrive at /webhook/left, where nothing tells them apart: choose another path for one of them, such as transitions=/transitions");
    assert_snapshot!(refused(&[("checkout", "/"), ("cart-mutator", "/")]), @"route: events of checkout and cart-mutator would both arrive at /, where nothing tells them apart: choose another path for one of them, such as cart-mutator=/cart-mutator");
}

#[test]
fn a_path_is_none_that_a_sender_would_resolve() {
    for path in ["/.", "/..", "/a/./b", "/a/../b", "/webhook/.."] {
        let error = refused(&[("checkout", path)]);
        assert!(error.starts_with("route: invalid path "), "{error}");
        let error = Routes::below(path).build().unwrap_err().to_string();
        assert!(error.starts_with("base_path: invalid path "), "{error}");
    }
    let routes = routes("/.well-known", &[("checkout", "/a/...")]);
    assert_eq!(found(&routes, "/.well-known/left"), "transition_left");
    assert_eq!(found(&routes, "/a/..."), "checkout");
}

#[test]
fn the_paths_of_health_and_metrics_are_taken_on_one_address() {
    for path in ["/livez", "/readyz", "/metrics"] {
        let text =
            format!("route: {path} is for health and metrics: choose another path for checkout");
        assert_eq!(refused(&[("checkout", path)]), text);
        let elsewhere = Routes::below("/webhook").route("checkout", path);
        let routes = elsewhere.status_elsewhere().build().unwrap();
        assert_eq!(found(&routes, path), "checkout");
    }
}

#[test]
fn a_path_of_before_the_change_gives_way() {
    let given = [
        ("checkout", "/webhook/left"),
        ("transitions", "/webhook/webhook"),
    ];
    let routes = routes("/webhook", &given);
    assert_eq!(found(&routes, "/webhook/left"), "checkout");
    assert_eq!(found(&routes, "/webhook/webhook/left"), "transition_left");
    assert_eq!(found(&routes, "/webhook/entered"), "transition_entered");
}

/// Routes that meet often: few paths, each below another.
fn any_routes() -> impl Strategy<Value = Vec<(&'static Operation, String)>> {
    let segments = prop::sample::select(vec!["webhook", "left", "checkout", "transition", "a"]);
    let path = prop::collection::vec(segments, 1..4).prop_map(|it| format!("/{}", it.join("/")));
    let operation = prop::sample::select(ALL.iter().collect::<Vec<_>>());
    prop::collection::vec((operation, path), 0..6)
}

/// The same path as somebody else may write it.
fn rewritten(path: &str, odd: bool) -> String {
    let path = path.replace('/', if odd { "//" } else { "/" });
    let escaped = path.replace('e', if odd { "%65" } else { "e" });
    escaped + if odd { "/" } else { "" }
}

proptest! {
    /// Routes are valid exactly if no path is called for two operations; then each operation is where
    /// it is called.
    #[test]
    fn an_event_is_found_where_the_vendor_sends_it(given in any_routes(), odd in any::<bool>()) {
        let mut expected: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for operation in ALL {
            let urls = given.iter().filter(|(of, _)| of.webhook == operation.webhook);
            let urls: Vec<_> = urls.map(|(_, path)| called(path, operation)).collect();
            let default = || match operation.webhook {
                "transitions" => ["/webhook", "/webhook/transition"]
                    .map(|url| called(url, operation))
                    .to_vec(),
                _ => vec![format!("/webhook/{}", operation.route)],
            };
            let paths = if urls.is_empty() { default() } else { urls };
            for path in paths {
                expected.entry(path).or_default().insert(operation.id);
            }
        }
        let is_ambiguous = expected.values().any(|operations| operations.len() > 1);
        let routes = given.iter().fold(Routes::below("/webhook"), |routes, (of, path)| {
            routes.route(of.webhook, path)
        });
        let built = routes.build();
        prop_assert_eq!(built.is_err(), is_ambiguous, "{:?}", built);
        let Ok(routes) = built else { return Ok(()) };
        for (path, operations) in expected {
            let path = rewritten(&path, odd);
            prop_assert!(operations.contains(found(&routes, &path)), "{}", path);
        }
        for url in routes.webhooks() {
            let mut all = ALL.iter().filter(|operation| operation.webhook == url.name);
            let is_found = |it: &Operation| found(&routes, &called(&url.path, it)) == it.id;
            prop_assert!(all.all(is_found), "{:?}", url);
        }
    }
}
