//! Pages that change while somebody looks at them.

use aifi_push_receiver::inbox::{Inbox, MemoryInbox, NewEvent};
use aifi_push_testkit::FaultyInbox;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{Arc, Browser, Served, append, content::until, inboxes, left};

/// A page that is open.
struct Open {
    stream: TcpStream,
    received: String,
}

impl Open {
    async fn new(browser: &Browser, path: &str) -> Self {
        let mut stream = TcpStream::connect(browser.address).await.unwrap();
        let request = browser.request("GET", path, "");
        stream.write_all(request.as_bytes()).await.unwrap();
        let received = String::new();
        let mut open = Self { stream, received };
        open.until("text/event-stream").await;
        open
    }

    /// Reads until a text arrived.
    async fn until(&mut self, text: &str) {
        while !self.received.contains(text) {
            assert!(self.read().await, "ended without {text}: {}", self.received);
        }
    }

    /// Reads what there is; `false` at the end.
    async fn read(&mut self) -> bool {
        let mut bytes = [0; 4096];
        let read = self.stream.read(&mut bytes).await.unwrap();
        self.received += &String::from_utf8_lossy(&bytes[..read]);
        read > 0
    }

    async fn until_its_end(&mut self) {
        while self.read().await {}
    }
}

async fn arrive(inbox: &Arc<dyn Inbox>, store: i64) -> String {
    let event = NewEvent::accepted(left(store, "s-1"));
    append(inbox, vec![event]).await[0].to_string()
}

#[tokio::test]
async fn events_appear_as_they_arrive() {
    let (inboxes, _place) = inboxes().await;
    for inbox in inboxes {
        let served = Served::start(inbox.clone()).await;
        let operator = served.operator().await;
        let page = operator.get("/events").await.body;
        let (_, url) = page.split_once(r#"data-live=""#).unwrap();
        let url = format!("/{}", url.split('"').next().unwrap().replace("&amp;", "&"));
        let mut all = Open::new(&operator, &url).await;
        let mut of_store = Open::new(
            &operator,
            &format!("{url}&x=1").replace("store=", "store=2"),
        )
        .await;
        let (first, second) = (arrive(&inbox, 1).await, arrive(&inbox, 2).await);
        all.until(&first).await;
        all.until(&second).await;
        assert!(all.received.contains("events-rows"), "{}", all.received);
        of_store.until(&second).await;
        assert!(!of_store.received.contains(&first), "{}", of_store.received);

        // Figures and stores follow.
        let mut now = Open::new(&operator, "/live?page=now").await;
        now.until("tile-rate").await;
        // Then numbers change, each by itself.
        now.until(r#""target":"value-events""#).await;
        let mut stores = Open::new(&operator, "/live?page=stores").await;
        stores.until("events?store=2").await;
    }
}

#[tokio::test]
async fn a_page_ends_with_its_session_and_with_the_receiver() {
    let (mut inboxes, _place) = inboxes().await;
    let served = Served::start(inboxes.remove(0)).await;
    let (operator, another) = (served.operator().await, served.operator().await);
    let mut ended = Open::new(&operator, "/live?page=now").await;
    let mut open = Open::new(&another, "/live?page=now").await;
    ended.until("tile-rate").await;
    open.until("tile-rate").await;
    operator.post("/sign-out", &[]).await;
    ended.until_its_end().await;

    served.receiver.drain();
    open.until_its_end().await;
    assert_eq!(another.get("/live?page=now").await.status, 503);
}

/// Who comes back to a page after more arrived than is kept sees the newest all the same.
#[tokio::test]
async fn a_page_that_missed_too_much_is_made_anew() {
    let (inboxes, _place) = inboxes().await;
    for inbox in inboxes {
        let served = Served::start(inbox.clone()).await;
        let operator = served.operator().await;
        arrive(&inbox, 1).await;
        until(&operator, "/stores", "events?store=1").await;
        let first = arrive(&inbox, 7).await;
        let many = (0..300).map(|_| NewEvent::accepted(left(8, "s-2")));
        append(&inbox, many.collect()).await;
        let newest = arrive(&inbox, 9).await;
        until(&operator, "/stores", "events?store=9").await;
        let mut open = Open::new(&operator, "/live?page=events&after=1").await;
        open.until("events-live").await;
        open.until(&newest).await;
        assert!(!open.received.contains(&first));
        // Then it goes on.
        let next = arrive(&inbox, 10).await;
        open.until(&next).await;
    }
}

#[tokio::test]
async fn one_session_opens_few_pages() {
    let (mut inboxes, _place) = inboxes().await;
    let served = Served::start(inboxes.remove(0)).await;
    let (operator, another) = (served.operator().await, served.operator().await);
    let mut open = Vec::new();
    for _ in 0..10 {
        open.push(Open::new(&operator, "/live?page=now").await);
    }
    // The oldest gives way: its page may have been left.
    let mut eleventh = Open::new(&operator, "/live?page=now").await;
    open.remove(0).until_its_end().await;
    eleventh.until("tile-rate").await;
    Open::new(&another, "/live?page=now").await;
}

#[tokio::test]
async fn an_open_page_says_when_the_receiver_is_not_ready() {
    let faulty = FaultyInbox::new(Arc::new(MemoryInbox::new()));
    let served = Served::start(faulty.clone()).await;
    let operator = served.operator().await;
    let mut open = Open::new(&operator, "/live?page=events").await;
    open.until("readiness").await;
    assert!(!open.received.contains("Not ready"), "{}", open.received);
    faulty.stop();
    open.until("Not ready to receive events: faulty").await;
}
