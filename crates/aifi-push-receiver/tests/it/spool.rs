//! The spool in front of an inbox that can't be reached.

use std::{path::Path, sync::Arc};

use aifi_push_receiver::{Inbox, SpooledInbox, SqliteInbox, State};
use tokio::{sync::oneshot, task::JoinHandle};

use crate::{all, bodies, events, new_inbox, switch::Switch};

async fn spooled(inbox: Arc<Switch>, spool: &Path) -> Arc<SpooledInbox> {
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

async fn wait_for(inbox: &dyn Inbox, count: usize) {
    while all(inbox).await.len() < count {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_the_inbox_does_not_take_waits_and_moves_on_in_order() {
    let (inbox, directory) = new_inbox().await;
    let switch = Switch::new(inbox.clone());
    let spooled = spooled(switch.clone(), &directory.path().join("spool.db")).await;
    let (_stop, _running) = run(&spooled);
    spooled.append(events([0])).await.unwrap();
    assert_eq!(bodies(&*inbox).await, [b"0"]);

    switch.set_broken(true);
    spooled.append(events([1, 2])).await.unwrap();
    let broken = events([3]);
    spooled.append(broken.clone()).await.unwrap();
    spooled.quarantine(broken[0].id, "no JSON").await.unwrap();
    spooled.probe().await.unwrap();
    assert_eq!(bodies(&*inbox).await, [b"0"]);

    switch.set_broken(false);
    // Whether it is stored at once or waits, it comes after those that wait.
    spooled.append(events([4])).await.unwrap();
    wait_for(&*inbox, 5).await;
    assert_eq!(bodies(&*inbox).await, [b"0", b"1", b"2", b"3", b"4"]);
    while all(&*inbox).await[3].state != State::Quarantined {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_inbox_that_does_not_answer_is_not_waited_for() {
    let (inbox, directory) = new_inbox().await;
    let switch = Switch::closed(inbox.clone());
    let spooled = spooled(switch, &directory.path().join("spool.db")).await;
    spooled.append(events([1])).await.unwrap();
    assert!(bodies(&*inbox).await.is_empty());
}

#[tokio::test]
async fn what_waits_survives_a_restart() {
    let (inbox, directory) = new_inbox().await;
    let path = directory.path().join("spool.db");
    let switch = Switch::new(inbox.clone());
    {
        let spooled = spooled(switch.clone(), &path).await;
        switch.set_broken(true);
        spooled.append(events([1, 2])).await.unwrap();
    }
    switch.set_broken(false);
    let spooled = spooled(switch, &path).await;
    spooled.append(events([3])).await.unwrap();
    assert!(bodies(&*inbox).await.is_empty(), "the older come first");
    let (stop, running) = run(&spooled);
    wait_for(&*inbox, 3).await;
    assert_eq!(bodies(&*inbox).await, [b"1", b"2", b"3"]);
    drop(stop);
    running.await.unwrap();
}
