//! The events that a command acts on: some by id, some by what they have in common, or all.

use aifi_push_receiver::inbox::{EventState, Inbox};
use anyhow::{Context, Result};
use uuid::Uuid;

use super::{
    audit,
    select::{Pages, Selection, by_id},
};
use crate::confirm::confirm;

#[derive(clap::Args)]
pub(super) struct Choice {
    /// Ids of events. Without any, and without an option that selects some, it asks before it takes
    /// all.
    #[arg(value_name = "ID")]
    ids: Vec<Uuid>,
    #[command(flatten)]
    selection: Selection,
    /// Take all without asking.
    #[arg(long, short)]
    yes: bool,
}

impl Choice {
    /// Checks that the ids are there, and asks if the choice is everything. Returns `false` if the
    /// answer is no.
    pub(super) async fn is_meant(&self, inbox: &dyn Inbox, question: &str) -> Result<bool> {
        for id in &self.ids {
            by_id(inbox, *id).await?;
        }
        if self.yes || !self.is_everything() {
            return Ok(true);
        }
        confirm(question).context(
            "nothing is selected, which means all: name ids, or use --kind, --since and others",
        )
    }

    /// Returns `true` if nothing restricts the choice.
    pub(super) fn is_everything(&self) -> bool {
        self.ids.is_empty() && self.selection.is_everything()
    }

    /// Says what is chosen, as the target of an action.
    pub(super) fn describe(&self) -> String {
        if self.ids.is_empty() {
            self.selection.describe()
        } else {
            audit::list(&self.ids)
        }
    }

    /// Returns `true` if events of this state are chosen.
    pub(super) fn includes(&self, state: EventState) -> bool {
        self.selection.includes(state)
    }

    /// Returns `true` if all events of this state are chosen.
    pub(super) fn is_all_in_state(&self, state: EventState) -> bool {
        self.ids.is_empty() && self.selection.is_all_in_state(state)
    }

    pub(super) fn pages<'a>(&self, inbox: &'a dyn Inbox) -> Pages<'a> {
        self.selection.pages(inbox).of_ids(&self.ids)
    }

    /// The same, of one state.
    pub(super) fn pages_in_state<'a>(&self, inbox: &'a dyn Inbox, state: EventState) -> Pages<'a> {
        let pages = self.selection.pages_in_state(inbox, state);
        pages.of_ids(&self.ids)
    }
}
