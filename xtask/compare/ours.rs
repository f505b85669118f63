//! The models and the client of `aifi-push`.

use crate::Failure;

pub(crate) use aifi_push::types::TransitionLeft as Event;

pub(crate) struct Client(aifi_push::Client);

impl Client {
    pub(crate) fn new(origin: &str, token: &str) -> Result<Self, Failure> {
        let client = aifi_push::Client::builder(origin).bearer_token(token);
        Ok(Self(client.build()?))
    }

    pub(crate) async fn send(&self, event: &Event) -> Result<(), Failure> {
        self.0.transition_left(event).await?;
        Ok(())
    }
}

pub(crate) fn decode(text: &str) -> Result<Event, Failure> {
    Ok(aifi_push::from_slice(text.as_bytes())?)
}
