//! The models and the client that openapi-generator makes of the document.

use openapi::apis::{configuration::Configuration, push_transitions_api::transition_left};

use crate::Failure;

pub(crate) use openapi::models::TransitionLeft as Event;

pub(crate) struct Client(Configuration);

impl Client {
    pub(crate) fn new(origin: &str, token: &str) -> Result<Self, Failure> {
        Ok(Self(Configuration {
            base_path: origin.to_owned(),
            bearer_access_token: Some(token.to_owned()),
            ..Configuration::new()
        }))
    }

    pub(crate) async fn send(&self, event: &Event) -> Result<(), Failure> {
        transition_left(&self.0, event.clone()).await?;
        Ok(())
    }
}

pub(crate) fn decode(text: &str) -> Result<Event, Failure> {
    Ok(serde_json::from_str(text)?)
}
