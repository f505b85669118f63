//! The way of an event that one receiver forwards to another.

/// The name of the header in which a forwarded event carries the ids that it had in each receiver it
/// came through, the newest last, separated by commas. A receiver keeps its value in
/// [`Event::headers`](crate::Event::headers), and recognizes an event that comes back by an id of its
/// own.
pub const VIA_HEADER: &str = "aifi-push-via";

/// The name of the header in which a delivery carries the number of its attempt, by Standard Webhooks.
/// The platform sends none, so an event that has it was forwarded, and whoever forwards it does not
/// read the response as an answer.
pub const ATTEMPT_HEADER: &str = "webhook-attempt";

/// How many ids a [`VIA_HEADER`] has at most. An event that came through more receivers goes no
/// further: they forward in a circle.
pub const MAX_HOPS: usize = 32;
