//! What operators do. The guard let these requests pass: they come from forms of the page, or with a
//! token, and from somebody who may act.

use std::{sync::Arc, time::Duration};

use aifi_push_inbox::{ConsumerName, EventState, Requeued};
use axum::{extract::State, response::Redirect};
use maud::{Markup, html};
use serde::Deserialize;

use super::{
    super::{
        AdminState, access::Visitor, audit::Action, error::PageError, format, layout::form_token,
        within,
    },
    event::{find, parse_id},
    problems::CauseFields,
};
use crate::admin::input::Form;

/// The longest reason, in bytes.
const MAX_REASON: usize = 500;

/// What an action did, in the URL of the page that it leads to.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Notice {
    done: String,
    count: u64,
    /// How many were left as they were.
    left: u64,
}

impl Notice {
    /// Nothing but what is known here is shown.
    pub(super) fn text(&self) -> Option<String> {
        let events = format::counted(self.count, "event", "events");
        Some(match &*self.done {
            "requeued" if self.left > 0 => format!(
                "Requeued {events}. {} still failed to decode, and stayed quarantined.",
                format::counted(self.left, "event", "events")
            ),
            "requeued" => format!("Requeued {events}."),
            "discarded" => format!("Discarded {events}."),
            "given-up" => format!(
                "Gave up {} of the consumer. The events stay for others, until they are pruned.",
                format::counted(self.count, "dead letter", "dead letters")
            ),
            "replayed" => format!("Replaying {events}."),
            "paused" => "The consumer is paused.".to_owned(),
            "resumed" => "The consumer is resumed.".to_owned(),
            "removed" => "The consumer is removed.".to_owned(),
            _ => return None,
        })
    }
}

fn done(page: &str, done: &str, count: u64) -> Redirect {
    let mark = if page.contains('?') { '&' } else { '?' };
    Redirect::to(&format!("{page}{mark}done={done}&count={count}"))
}

/// What is done to a number of events as a whole: to all, or to none as far as is known.
async fn of_events(
    work: impl Future<Output = Result<u64, PageError>>,
) -> (u64, Result<u64, PageError>) {
    let outcome = work.await;
    (*outcome.as_ref().unwrap_or(&0), outcome)
}

#[derive(Deserialize)]
pub(super) struct OneEvent {
    id: String,
    #[serde(default)]
    reason: String,
}

pub(super) async fn requeue(
    State(state): State<Arc<AdminState>>,
    visitor: Visitor,
    Form(OneEvent { id, .. }): Form<OneEvent>,
) -> Result<Redirect, PageError> {
    let stored = find(&state, &id).await?;
    let id = stored.event.id;
    let page = format!("event?id={id}");
    if stored.state == EventState::Quarantined && !stored.event.decodes() {
        return Ok(done(&format!("{page}&left=1"), "requeued", 0));
    }
    let inbox = Arc::clone(state.inbox());
    let work = async move { within(inbox.requeue(vec![id])).await };
    let action = Action::new("requeue", id.to_string());
    let count = action.perform(&state, &visitor, of_events(work)).await?;
    Ok(done(&page, "requeued", count))
}

pub(super) async fn discard(
    State(state): State<Arc<AdminState>>,
    visitor: Visitor,
    Form(OneEvent { id, reason }): Form<OneEvent>,
) -> Result<Redirect, PageError> {
    let (id, reason) = (parse_id(&id)?, parse_reason(&reason)?);
    let inbox = Arc::clone(state.inbox());
    let work = async move { within(inbox.discard(id)).await.map(|()| 1) };
    let action = Action::new("discard", id.to_string()).reason(reason);
    action.perform(&state, &visitor, of_events(work)).await?;
    Ok(done("problems", "discarded", 1))
}

#[derive(Deserialize)]
pub(super) struct OneCause {
    #[serde(flatten)]
    cause: CauseFields,
    #[serde(default)]
    reason: String,
}

pub(super) async fn requeue_cause(
    State(state): State<Arc<AdminState>>,
    visitor: Visitor,
    Form(OneCause { cause, .. }): Form<OneCause>,
) -> Result<Redirect, PageError> {
    let cause = cause.parse()?;
    let action = Action::new("requeue", cause.to_string());
    let inbox = Arc::clone(state.inbox());
    let work = async move {
        let mut requeued = Requeued::default();
        let result = inbox.requeue_cause(&cause, &mut requeued).await;
        (requeued.events, result.map(|()| requeued))
    };
    let requeued = action.perform(&state, &visitor, work).await?;
    let count = requeued.events;
    Ok(match requeued.undecodable {
        0 => done("problems", "requeued", count),
        left => done(&format!("problems?left={left}"), "requeued", count),
    })
}

pub(super) async fn discard_cause(
    State(state): State<Arc<AdminState>>,
    visitor: Visitor,
    Form(OneCause { cause, reason }): Form<OneCause>,
) -> Result<Redirect, PageError> {
    let (cause, reason) = (cause.parse()?, parse_reason(&reason)?);
    let what = match cause.consumer {
        Some(_) => "given-up",
        None => "discarded",
    };
    let action = Action::new("discard", cause.to_string()).reason(reason);
    let inbox = Arc::clone(state.inbox());
    let work = async move {
        let mut count = 0;
        let result = inbox.discard_cause(&cause, &mut count).await;
        (count, result.map(|()| count))
    };
    let count = action.perform(&state, &visitor, work).await?;
    Ok(done("problems", what, count))
}

#[derive(Deserialize)]
pub(super) struct OneConsumer {
    consumer: String,
    /// The name once more, by who wants to remove it.
    #[serde(default)]
    confirm: String,
    #[serde(default)]
    since: String,
    #[serde(default)]
    rate: String,
}

impl OneConsumer {
    fn name(&self) -> Result<ConsumerName, PageError> {
        let name = self.consumer.parse();
        name.map_err(|_| PageError::Invalid("consumer: there is none of this name.".to_owned()))
    }
}

pub(super) async fn pause(
    State(state): State<Arc<AdminState>>,
    visitor: Visitor,
    Form(form): Form<OneConsumer>,
) -> Result<Redirect, PageError> {
    let name = form.name()?;
    let action = Action::new("pause", name.as_str());
    let inbox = Arc::clone(state.inbox());
    let work = async move { within(inbox.pause_consumer(&name)).await.map(|()| 0) };
    action.perform(&state, &visitor, of_events(work)).await?;
    Ok(done("consumers", "paused", 0))
}

pub(super) async fn resume(
    State(state): State<Arc<AdminState>>,
    visitor: Visitor,
    Form(form): Form<OneConsumer>,
) -> Result<Redirect, PageError> {
    let name = form.name()?;
    let action = Action::new("resume", name.as_str());
    let inbox = Arc::clone(state.inbox());
    let work = async move { within(inbox.resume_consumer(&name)).await.map(|()| 0) };
    action.perform(&state, &visitor, of_events(work)).await?;
    Ok(done("consumers", "resumed", 0))
}

pub(super) async fn remove(
    State(state): State<Arc<AdminState>>,
    visitor: Visitor,
    Form(form): Form<OneConsumer>,
) -> Result<Redirect, PageError> {
    let name = form.name()?;
    if form.confirm.trim() != name.as_str() {
        let reason = "confirm: type the name of the consumer to remove it. Nothing was changed.";
        return Err(PageError::Invalid(reason.to_owned()));
    }
    let action = Action::new("remove", name.as_str());
    let inbox = Arc::clone(state.inbox());
    let work = async move { within(inbox.remove_consumer(&name)).await.map(|()| 0) };
    action.perform(&state, &visitor, of_events(work)).await?;
    Ok(done("consumers", "removed", 0))
}

pub(super) async fn replay(
    State(state): State<Arc<AdminState>>,
    visitor: Visitor,
    Form(form): Form<OneConsumer>,
) -> Result<Redirect, PageError> {
    let name = form.name()?;
    let since = format::parse_time(form.since.trim()).ok_or_else(|| {
        PageError::Invalid("since: expected a time in UTC such as 2026-11-24T10:00.".to_owned())
    })?;
    let rate = match form.rate.trim() {
        "" => DEFAULT_RATE,
        rate => rate
            .parse()
            .ok()
            .filter(|rate| (1..=100_000).contains(rate))
            .ok_or_else(|| {
                PageError::Invalid("rate: expected 1 to 100000 events a second.".to_owned())
            })?,
    };
    let target = format!("{name} since {}", since.format("%FT%TZ"));
    let action = Action::new("replay", target);
    let inbox = Arc::clone(state.inbox());
    let work = async move {
        let interval = Duration::from_secs(1) / rate;
        Ok(inbox.replay_since(&name, since, interval).await?)
    };
    let count = action.perform(&state, &visitor, of_events(work)).await?;
    Ok(done("consumers", "replayed", count))
}

/// Of what deletes events.
pub(super) const FOR_EVER: &str = "Discard for ever";

/// How many events a second are replayed to a consumer that no rate is given for.
pub(super) const DEFAULT_RATE: u32 = 100;

fn parse_reason(reason: &str) -> Result<String, PageError> {
    let reason = reason.trim();
    if (1..=MAX_REASON).contains(&reason.len()) {
        return Ok(reason.to_owned());
    }
    let text = format!("reason: expected 1 to {MAX_REASON} characters. Nothing was changed.");
    Err(PageError::Invalid(text))
}

/// A form that discards what its hidden fields say, opened by who wants it.
pub(super) fn discard_form(
    visitor: &Visitor,
    action: &str,
    label: &str,
    button: &str,
    hidden: &Markup,
) -> Markup {
    html! {
        details.danger-zone {
            summary { (label) "…" }
            form.inline method="post" action=(action) {
                (form_token(visitor))
                (hidden)
                label { "Reason, for the audit"
                    input name="reason" required maxlength=(MAX_REASON) autocomplete="off";
                }
                button.danger type="submit" { (button) }
            }
        }
    }
}
