//! The spool in front of an inbox that can't be reached.

use std::{path::Path, sync::Arc, time::Duration};

use aifi_push::operations::TRANSITION_LEFT;
use aifi_push_inbox::{
    Admin, Append, AuditEntry, Event, EventFilter, EventState, MemoryInbox, NewEvent, SpooledInbox,
    SqliteInbox,
};
use aifi_push_testkit::{
    FaultyInbox,
    events::{bodies, numbered, stored},
};
use tokio::{sync::oneshot, task::JoinHandle};

use crate::{name, new_sqlite, subscribe};

async fn spooled(inbox: Arc<FaultyInbox>, spool: &Path) -> Arc<SpooledInbox> {
    let spool = SqliteInbox::open(spool).await.unwrap();
    Arc::new(SpooledInbox::new(inbox, spool).await.unwrap())
}

/// Moves events until it is told to stop.
fn run(inbox: &Arc<SpooledInbox>) -> (oneshot::Sender<()>, JoinHandle<()>) {
    let (stop, stopped) = oneshot::channel();
    let inbox = Arc::clone(inbox);
    let running = tokio::spawn(async move {
        inbox.run(async { drop(stopped.await) }).await;
    });
    (stop, running)
}

async fn wait_for(inbox: &dyn Admin, count: usize) {
    while stored(inbox).await.len() < count {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_the_inbox_does_not_store_waits_and_is_moved_in_order() {
    let (inbox, place) = new_sqlite().await;
    let faulty = FaultyInbox::new(inbox.clone());
    let spooled = spooled(faulty.clone(), &place.directory().join("spool.db")).await;
    let (_stop, _running) = run(&spooled);
    spooled.append(numbered([0])).await.unwrap();
    assert_eq!(bodies(&*inbox).await, [b"0"]);

    faulty.set_broken(true);
    spooled.append(numbered([1, 2])).await.unwrap();
    let event = Event::new(&TRANSITION_LEFT, "3");
    let quarantined = NewEvent::quarantined(event, "no JSON");
    spooled.append(vec![quarantined]).await.unwrap();
    spooled.probe().await.unwrap();
    assert_eq!(bodies(&*inbox).await, [b"0"]);

    faulty.set_broken(false);
    // Whether it is stored now or waits, it comes after those that wait.
    spooled.append(numbered([4])).await.unwrap();
    wait_for(&*inbox, 5).await;
    assert_eq!(bodies(&*inbox).await, [b"0", b"1", b"2", b"3", b"4"]);
    let third = &stored(&*inbox).await[3];
    assert_eq!(third.state, EventState::Quarantined);
    assert_eq!(third.problem.as_deref(), Some("no JSON"));
}

#[tokio::test]
async fn an_inbox_that_does_not_answer_is_not_waited_for() {
    let (inbox, place) = new_sqlite().await;
    let faulty = FaultyInbox::closed(inbox.clone());
    let spooled = spooled(faulty, &place.directory().join("spool.db")).await;
    spooled.append(numbered([1])).await.unwrap();
    assert!(bodies(&*inbox).await.is_empty());
}

/// An append that times out may have stored its events, which are then in both.
#[tokio::test]
async fn an_event_that_is_in_both_is_one_event() {
    let (inbox, place) = new_sqlite().await;
    let faulty = FaultyInbox::new(inbox.clone());
    let spooled = spooled(faulty.clone(), &place.directory().join("spool.db")).await;
    let events = numbered(0..3);
    inbox.append(events[..2].to_vec()).await.unwrap();
    faulty.set_broken(true);
    spooled.append(events).await.unwrap();
    faulty.set_broken(false);
    let (stop, running) = run(&spooled);
    wait_for(&*inbox, 3).await;
    drop(stop);
    running.await.unwrap();
    assert_eq!(bodies(&*inbox).await, [b"0", b"1", b"2"]);
    drop(spooled);
    let spool = SqliteInbox::open(place.directory().join("spool.db")).await;
    assert!(stored(&spool.unwrap()).await.is_empty());
}

#[tokio::test]
async fn what_waits_survives_a_restart() {
    let inbox = Arc::new(MemoryInbox::new());
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("spool.db");
    let faulty = FaultyInbox::new(inbox.clone());
    {
        let spooled = spooled(faulty.clone(), &path).await;
        faulty.set_broken(true);
        spooled.append(numbered([1, 2])).await.unwrap();
    }
    faulty.set_broken(false);
    let spooled = spooled(faulty, &path).await;
    spooled.append(numbered([3])).await.unwrap();
    assert!(bodies(&*inbox).await.is_empty(), "the older come first");
    let (stop, running) = run(&spooled);
    wait_for(&*inbox, 3).await;
    assert_eq!(bodies(&*inbox).await, [b"1", b"2", b"3"]);
    drop(stop);
    running.await.unwrap();
}

#[tokio::test]
async fn operators_reach_the_inbox_behind_it() {
    let (inbox, place) = new_sqlite().await;
    let faulty = FaultyInbox::new(inbox.clone());
    let spooled = spooled(faulty.clone(), &place.directory().join("spool.db")).await;
    let a = subscribe(&*spooled, "a").await;
    spooled.append(numbered(0..2)).await.unwrap();
    let newest = spooled.list_newest(&EventFilter::default(), None, 1).await;
    assert_eq!(&newest.unwrap()[0].event.body[..], b"1");
    spooled.pause_consumer(&name("a")).await.unwrap();
    assert!(a.receive(9, Duration::ZERO).await.unwrap().is_empty());
    assert!(inbox.stats().await.unwrap().consumers[0].is_paused);
    spooled.resume_consumer(&name("a")).await.unwrap();
    assert_eq!(a.receive(9, Duration::ZERO).await.unwrap().len(), 2);
    let action = AuditEntry::new("cli:root", "pause", "a");
    spooled.record_action(action).await.unwrap();
    let actions = spooled.actions(None, 9).await.unwrap();
    assert_eq!(inbox.actions(None, 9).await.unwrap(), actions);
    assert_eq!(actions.len(), 1);

    // What the inbox can't do is not said to be done.
    faulty.set_broken(true);
    spooled.pause_consumer(&name("a")).await.unwrap_err();
    spooled.resume_consumer(&name("a")).await.unwrap_err();
    spooled.actions(None, 9).await.unwrap_err();
    let action = AuditEntry::new("cli:root", "pause", "a");
    spooled.record_action(action).await.unwrap_err();
}
