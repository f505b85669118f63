//! Who may see the page, and who may act.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use aifi_push_receiver::{
    AdminSettings, Receiver, Tokens,
    inbox::{EventFilter, MemoryInbox, NewEvent},
};
use aifi_push_testkit::http::Response;
use axum::{
    body::{Body, Bytes, HttpBody},
    http::Request,
};
use hyper::body::Frame;
use tower_service::Service as _;

use super::{
    Arc, Browser, Inbox, OPERATOR, READER, ROUTES, Served, append, browser::encoded, decodes,
};

async fn with_an_event() -> (Arc<dyn Inbox>, String, Served) {
    let inbox: Arc<dyn Inbox> = Arc::new(MemoryInbox::new());
    let event = NewEvent::quarantined(decodes(4711), "broken".to_owned());
    let id = append(&inbox, vec![event]).await[0].to_string();
    let served = Served::start(inbox.clone()).await;
    (inbox, id, served)
}

async fn count(inbox: &Arc<dyn Inbox>) -> usize {
    let all = inbox.list(&EventFilter::default(), None, 100).await;
    all.unwrap().len()
}

/// What every response says to a browser.
fn assert_secure(response: &Response, route: &str) {
    for header in [
        "content-security-policy: default-src 'none'; style-src 'self'; script-src 'self';",
        "frame-ancestors 'none'",
        "x-content-type-options: nosniff",
        "x-frame-options: deny",
        "referrer-policy: same-origin",
        "cache-control: no-store",
    ] {
        assert!(response.head.contains(header), "{route}: {}", response.head);
    }
    for inline in ["<style", "style=", "javascript:", "onclick"] {
        assert!(!response.body.contains(inline), "{route}: {inline}");
    }
}

#[tokio::test]
async fn nothing_is_shown_without_signing_in() {
    let (inbox, id, served) = with_an_event().await;
    let stranger = served.stranger();
    let mut guesser = Browser::new(served.address);
    guesser.cookie = Some(format!("aifi_push_admin={}", "0".repeat(64)));
    let unknown = [("GET", "/nowhere"), ("PUT", "/now"), ("POST", "/sign-out")];
    for (method, route) in ROUTES.into_iter().chain(unknown) {
        for browser in [&stranger, &guesser] {
            let form = encoded(&[("id", &id), ("reason", "none"), ("csrf", "")]);
            let response = browser.send(method, route, &form).await;
            assert_eq!(response.status, 401, "{method} {route}");
            assert!(response.head.contains("www-authenticate: bearer"));
            assert!(response.body.contains(r#"action="sign-in""#), "{route}");
            for data in [&id, "4711", "csrf", "queued"] {
                assert!(!response.body.contains(data), "{route}: {data}");
            }
            assert_secure(&response, route);
        }
    }
    assert_eq!(count(&inbox).await, 1);

    // Style sheet and script contain nothing, and the page that asks for a token needs them.
    let page = stranger.get("/now").await.body;
    let assets: Vec<_> = page
        .split('"')
        .filter(|part| part.starts_with("assets/"))
        .collect();
    assert_eq!(assets.len(), 3);
    for asset in assets {
        let response = stranger.get(&format!("/{asset}")).await;
        assert_eq!(response.status, 200);
        assert!(response.head.contains("immutable"), "{}", response.head);
    }
}

#[tokio::test]
async fn a_token_becomes_a_session() {
    let (_inbox, id, served) = with_an_event().await;
    let mut browser = served.stranger();
    for wrong in ["", "token-of-an-operato", "token-of-an-operator2"] {
        let response = browser.sign_in(wrong).await;
        assert_eq!(response.status, 401);
        assert!(response.body.contains("This token is unknown."));
        assert!(!response.head.contains("set-cookie"));
    }
    let response = browser.sign_in(OPERATOR).await;
    assert!(response.head.contains("location: now"), "{}", response.head);
    let (_, cookie) = response.head.split_once("set-cookie: ").unwrap();
    let cookie = cookie.lines().next().unwrap();
    let (name, attributes) = cookie.split_once(';').unwrap();
    assert_eq!(name.len(), "aifi_push_admin=".len() + 64);
    assert_eq!(attributes, " max-age=43200; httponly; samesite=strict");
    assert!(browser.get("/events").await.body.contains(&id));

    // Where the browser or a proxy says that it is https.
    for header in ["Origin: https://ops.example", "X-Forwarded-Proto: https"] {
        let mut browser = served.stranger();
        browser.headers = vec![
            header.to_owned(),
            "X-Forwarded-Host: ops.example".to_owned(),
        ];
        let response = browser.post("/sign-in", &[("token", OPERATOR)]).await;
        assert!(
            response.head.contains("samesite=strict; secure"),
            "{}",
            response.head
        );
    }

    let response = browser.post("/sign-out", &[]).await;
    assert!(response.head.contains("aifi_push_admin=; max-age=0"));
    assert_eq!(browser.get("/events").await.status, 401);
}

#[tokio::test]
async fn a_program_sends_the_token() {
    let (_inbox, id, served) = with_an_event().await;
    let operator = Browser::with_token(served.address, OPERATOR);
    for (method, route) in ROUTES {
        if method == "GET" && !route.starts_with("/live") && !route.starts_with("/event?") {
            let response = operator.get(route).await;
            assert!(matches!(response.status, 200 | 303), "{route}");
            assert_secure(&response, route);
        }
    }
    let report: serde_json::Value =
        serde_json::from_str(&operator.get("/figures").await.body).unwrap();
    assert_eq!(report["now"]["quarantined"], 1);
    // No browser sends it by itself, so that there is no form to prove.
    let response = operator.post("/requeue", &[("id", &id)]).await;
    assert_eq!(response.status, 303);

    let wrong = Browser::with_token(served.address, "wrong");
    assert_eq!(wrong.get("/figures").await.status, 401);
}

#[tokio::test]
async fn a_token_that_is_accepted_no_more_ends_its_sessions() {
    let (_inbox, _, served) = with_an_event().await;
    let operator = served.operator().await;
    assert_eq!(operator.get("/events").await.status, 200);
    served.tokens.replace(["another"]).unwrap();
    assert_eq!(operator.get("/events").await.status, 401);
    let reader = served.reader().await;
    assert_eq!(reader.get("/now").await.status, 200);
}

#[tokio::test]
async fn forms_of_others_are_refused() {
    let (inbox, id, served) = with_an_event().await;
    let mut operator = served.operator().await;
    let another = served.operator().await;
    let discard = async |operator: &Browser, csrf: Option<&str>| {
        let mut form = vec![("id", id.as_str()), ("reason", "none")];
        form.extend(csrf.map(|csrf| ("csrf", csrf)));
        operator.send("POST", "/discard", &encoded(&form)).await
    };
    for csrf in [None, Some(""), Some("0"), Some(another.csrf.as_str())] {
        let response = discard(&operator, csrf).await;
        assert_eq!(response.status, 403, "{csrf:?}");
        assert_secure(&response, "/discard");
    }
    // Also with a token that somehow leaked.
    let csrf = operator.csrf.clone();
    for header in [
        "Origin: https://evil.example",
        "Origin: null",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
    ] {
        operator.headers = vec![header.to_owned()];
        assert_eq!(
            discard(&operator, Some(&csrf)).await.status,
            403,
            "{header}"
        );
        let mut stranger = served.stranger();
        stranger.headers = operator.headers.clone();
        let signed_in = stranger.post("/sign-in", &[("token", OPERATOR)]).await;
        assert_eq!(signed_in.status, 403, "{header}");
    }
    assert_eq!(count(&inbox).await, 1);
    assert!(inbox.actions(None, 10).await.unwrap().is_empty());

    operator.headers = vec![
        format!("Origin: http://{}", served.address),
        "Sec-Fetch-Site: same-origin".to_owned(),
    ];
    assert_eq!(discard(&operator, Some(&csrf)).await.status, 303);
    assert_eq!(count(&inbox).await, 0);
}

#[tokio::test]
async fn a_reader_changes_nothing_and_sees_no_event() {
    let (inbox, id, served) = with_an_event().await;
    let with_token = Browser::with_token(served.address, READER);
    for reader in [served.reader().await, with_token] {
        for (method, route) in ROUTES {
            if method == "POST" {
                let form = [("id", id.as_str()), ("reason", "none"), ("cause", "broken")];
                let response = reader.post(route, &form).await;
                assert_eq!(response.status, 403, "{route}");
                assert!(!response.body.contains("timeOfOrigin"), "{route}");
            }
        }
        for page in ["/now", "/stores", "/problems", "/consumers", "/figures"] {
            let response = reader.get(page).await;
            assert_eq!(response.status, 200, "{page}");
            assert!(!response.body.contains(&id), "{page}");
            assert!(!response.body.contains("timeOfOrigin"), "{page}");
            for act in ["requeue", "discard", "pause", "show-body"] {
                let form = format!(r#"action="{act}"#);
                assert!(!response.body.contains(&form), "{page}");
            }
        }
        assert!(reader.get("/now").await.body.contains("read-only"));
        for page in [
            &format!("/event?id={id}"),
            &format!("/visit?event={id}"),
            "/visit?session=s-1",
            "/visits",
            "/events",
            "/problems?cause=broken",
            "/audit",
            "/live?page=events",
            "/live?page=visits",
        ] {
            let response = reader.get(page).await;
            assert_eq!(response.status, 403, "{page}");
            assert!(!response.body.contains(&id), "{page}");
        }
    }
    assert_eq!(count(&inbox).await, 1);
    assert!(inbox.actions(None, 10).await.unwrap().is_empty());
}

/// Only Linux has all of 127.0.0.0/8 without being told.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn who_guesses_stops_nobody_else() {
    use tokio::net::TcpSocket;

    let (_inbox, _, served) = with_an_event().await;
    let operator = served.operator().await;
    let mut guesser = served.stranger();
    let mut refused = 0;
    while guesser.sign_in("wrong").await.status == 401 {
        refused += 1;
    }
    assert_eq!(refused, 10);
    let response = guesser.sign_in("wrong").await;
    assert_eq!(response.status, 429);
    assert!(response.head.contains("retry-after: "));
    let with_token = Browser::with_token(served.address, "wrong");
    assert_eq!(with_token.get("/figures").await.status, 429);

    // Who has a token may share the address, as behind a proxy.
    assert_eq!(guesser.sign_in(OPERATOR).await.status, 303);
    let with_token = Browser::with_token(served.address, OPERATOR);
    assert_eq!(with_token.get("/figures").await.status, 200);
    assert_eq!(operator.get("/events").await.status, 200);
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let stream = socket.connect(served.address).await.unwrap();
    let form = encoded(&[("token", "wrong")]);
    let response = guesser.send_by(stream, "POST", "/sign-in", &form).await;
    assert_eq!(response.status, 401);
}

#[cfg(unix)]
#[tokio::test]
async fn on_a_unix_socket_its_file_decides() {
    use aifi_push_receiver::Server;
    use tokio::net::UnixStream;

    use super::browser::csrf;

    let (inbox, id, _served) = with_an_event().await;
    let receiver = Receiver::builder(inbox.clone(), Tokens::new(["hook"]).unwrap());
    let receiver = receiver.build().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("admin.sock");
    let server = Server::bind(&format!("unix:{}", path.display()))
        .await
        .unwrap();
    let page = receiver.admin_router(AdminSettings::without_sign_in());
    tokio::spawn(server.serve(page, std::future::pending()));

    let mut browser = Browser::new(([127, 0, 0, 1], 0).into());
    let send =
        async |browser: &Browser, method: &str, path_and_query: &str, form: &[(&str, &str)]| {
            let stream = UnixStream::connect(&path).await.unwrap();
            browser
                .send_by(stream, method, path_and_query, &encoded(form))
                .await
        };
    let shown = send(&browser, "GET", &format!("/event?id={id}"), &[]).await;
    assert_eq!(shown.status, 200);
    let csrf = csrf(&shown.body).unwrap();
    // A proxy in front may let a browser in by itself.
    assert_eq!(
        send(&browser, "POST", "/requeue", &[("id", &id)])
            .await
            .status,
        403
    );
    let form = [("id", id.as_str()), ("csrf", &csrf)];
    assert_eq!(send(&browser, "POST", "/requeue", &form).await.status, 303);
    // Its file is of the same user.
    let uid = std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(&path).unwrap());
    let entry = inbox.actions(None, 1).await.unwrap().remove(0);
    assert_eq!(entry.actor, format!("unix uid {uid}"));

    // Another site can get a name that leads here, and would then be of the same origin.
    for (host, status) in [
        ("localhost", 200),
        ("LOCALHOST:8081", 200),
        ("127.0.0.1:8081", 200),
        ("[::1]:8081", 200),
        ("evil.example", 403),
        ("evil.example:8081", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.1.evil.example:8081", 403),
        ("localhost@evil.example", 403),
        ("", 403),
    ] {
        host.clone_into(&mut browser.host);
        let response = send(&browser, "GET", "/events", &[]).await;
        assert_eq!(response.status, status, "{host}");
        assert_eq!(response.body.contains(&id), status == 200, "{host}");
        let form = [("id", id.as_str()), ("csrf", &csrf), ("reason", "none")];
        if status == 403 {
            let response = send(&browser, "POST", "/discard", &form).await;
            assert_eq!(response.status, 403, "{host}");
            assert!(response.body.contains("the page is only at localhost"));
        }
    }
    assert_eq!(count(&inbox).await, 1);
}

/// A proxy in front may have a sign-in of its own.
#[tokio::test]
async fn another_scheme_of_authorization_changes_nothing() {
    let (_inbox, id, served) = with_an_event().await;
    let mut operator = served.operator().await;
    operator.headers = vec!["Authorization: Basic b3BlcmF0b3I6eA==".to_owned()];
    for _ in 0..20 {
        assert_eq!(operator.get("/events").await.status, 200);
    }
    // Also then, a form has to be of the page.
    let form = encoded(&[("id", &id), ("reason", "none")]);
    let response = operator.send("POST", "/discard", &form).await;
    assert_eq!(response.status, 403);
    operator.cookie = None;
    for _ in 0..20 {
        assert_eq!(operator.get("/events").await.status, 401);
    }
    let signed_in = operator.post("/sign-in", &[("token", OPERATOR)]).await;
    assert_eq!(signed_in.status, 303);
}

/// A body of which nothing arrives any more.
struct Stuck;

impl HttpBody for Stuck {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Pending
    }
}

#[tokio::test(start_paused = true)]
async fn a_form_has_to_arrive_in_time() {
    let inbox = Arc::new(MemoryInbox::new());
    let receiver = Receiver::builder(inbox, Tokens::new(["hook"]).unwrap());
    let receiver = receiver.build().unwrap();
    let settings = AdminSettings::new(Tokens::new([OPERATOR]).unwrap());
    let mut page = receiver.admin_router(settings);
    for path in ["/sign-in", "/discard", "/sign-out"] {
        let request = Request::post(path)
            .header("content-type", "application/x-www-form-urlencoded")
            .header("authorization", format!("Bearer {OPERATOR}"))
            .body(Body::new(Stuck))
            .unwrap();
        let response = page.call(request).await.unwrap();
        assert_eq!(response.status(), 408, "{path}");
    }
}

#[tokio::test]
async fn a_form_has_to_be_small() {
    let (_inbox, _, served) = with_an_event().await;
    let mut stranger = served.stranger();
    assert_eq!(stranger.sign_in(&"x".repeat(900)).await.status, 401);
    assert_eq!(stranger.sign_in(&"x".repeat(1024)).await.status, 413);
    let with_token = Browser::with_token(served.address, OPERATOR);
    for operator in [served.operator().await, with_token] {
        let long = "x".repeat(64 * 1024);
        let response = operator.post("/discard", &[("reason", &long)]).await;
        assert_eq!(response.status, 413);
    }
}
