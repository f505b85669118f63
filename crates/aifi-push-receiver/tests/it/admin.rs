//! The operator's page, as a browser and as curl see it.

mod access;
mod actions;
mod browser;
mod content;
mod live;

use std::sync::Arc;

use aifi_push::operations::TRANSITION_LEFT;
use aifi_push_receiver::{
    AdminSettings, Receiver, Server, Tokens,
    inbox::{
        Event, Inbox, MemoryInbox, NewEvent, Outcome, SqliteInbox, SubscribeOptions, Subscription,
    },
};
use aifi_push_testkit::{TempInbox, events::documented_of_store, http::TOKEN};
use axum::Router;
use browser::Browser;
use serde_json::json;
use uuid::Uuid;

use crate::new_inbox;

const OPERATOR: &str = "token-of-an-operator";
const READER: &str = "token-of-a-reader";

/// Every page and every action, with the method that it has.
const ROUTES: [(&str, &str); 21] = [
    ("GET", "/"),
    ("GET", "/now"),
    ("GET", "/figures"),
    ("GET", "/stores"),
    ("GET", "/visits"),
    ("GET", "/visit?session=s-1"),
    ("GET", "/events"),
    ("GET", "/event?id=0199c2d3-6f0a-7cc0-b6b1-5d4d9d2f3a11"),
    ("GET", "/problems"),
    ("GET", "/consumers"),
    ("GET", "/audit"),
    ("GET", "/live?page=now"),
    ("POST", "/show-body"),
    ("POST", "/requeue"),
    ("POST", "/discard"),
    ("POST", "/requeue-cause"),
    ("POST", "/discard-cause"),
    ("POST", "/pause"),
    ("POST", "/resume"),
    ("POST", "/remove"),
    ("POST", "/replay"),
];

/// A page that is served; it ends with the test.
struct Served {
    address: std::net::SocketAddr,
    receiver: Receiver,
    tokens: Tokens,
}

impl Served {
    async fn start(inbox: Arc<dyn Inbox>) -> Self {
        Self::start_with(inbox, |page| page).await
    }

    /// The same within an application.
    async fn start_with(inbox: Arc<dyn Inbox>, app: impl FnOnce(Router) -> Router) -> Self {
        let receiver = Receiver::builder(inbox, Tokens::new([TOKEN]).unwrap());
        let receiver = receiver.build().unwrap();
        let tokens = Tokens::new(["another", OPERATOR]).unwrap();
        let settings = AdminSettings::new(tokens.clone());
        let settings = settings.read_tokens(Tokens::new([READER]).unwrap());
        let server = Server::bind("127.0.0.1:0").await.unwrap();
        let address = server.address().unwrap();
        let app = app(receiver.admin_router(settings));
        tokio::spawn(server.serve(app, std::future::pending()));
        Self {
            address,
            receiver,
            tokens,
        }
    }

    /// Somebody who is not signed in.
    fn stranger(&self) -> Browser {
        Browser::new(self.address)
    }

    async fn operator(&self) -> Browser {
        let mut browser = self.stranger();
        assert_eq!(browser.sign_in(OPERATOR).await.status, 303);
        browser
    }

    async fn reader(&self) -> Browser {
        let mut browser = self.stranger();
        assert_eq!(browser.sign_in(READER).await.status, 303);
        browser
    }
}

/// The inboxes that a page is tried on.
async fn inboxes() -> (Vec<Arc<dyn Inbox>>, TempInbox) {
    let (sqlite, place): (Arc<SqliteInbox>, _) = new_inbox().await;
    (vec![sqlite, Arc::new(MemoryInbox::new())], place)
}

/// An event of a visit to a store.
fn left(store: i64, session: &str) -> Event {
    let body = json!({"storeId": store, "sessionId": session, "secret": "of a person"});
    Event::new(&TRANSITION_LEFT, body.to_string())
}

/// An event whose body decodes by this version of the document.
fn decodes(store: i64) -> Event {
    Event::new(&TRANSITION_LEFT, documented_of_store(store))
}

async fn append(inbox: &Arc<dyn Inbox>, events: Vec<NewEvent>) -> Vec<Uuid> {
    let ids = events.iter().map(|new| new.event.id).collect();
    inbox.append(events).await.unwrap();
    ids
}

async fn subscribe(inbox: &Arc<dyn Inbox>, name: &str) -> Box<dyn Subscription> {
    let name = name.parse().unwrap();
    let subscribed = inbox.subscribe(&name, SubscribeOptions::default()).await;
    subscribed.unwrap().subscription
}

/// Receives what there is, and gives it up.
async fn give_up(subscription: &dyn Subscription, problem: &str) -> usize {
    let wait = std::time::Duration::ZERO;
    let received = subscription.receive(100, wait).await.unwrap();
    let outcomes = received.into_iter().map(|delivery| {
        let problem = problem.to_owned();
        (delivery.receipt, Outcome::Dead { problem })
    });
    let outcomes: Vec<_> = outcomes.collect();
    let count = outcomes.len();
    subscription.settle(outcomes).await.unwrap();
    count
}
