//! Who may see the page.

use crate::{FiguresHistory, tokens::Tokens};

/// Who may see the operator's page, and who may act there.
///
/// ```no_run
/// # use aifi_push_receiver::{AdminSettings, Receiver, ReceiverError, Tokens};
/// # use axum::Router;
/// # fn app(receiver: &Receiver) -> Result<Router, ReceiverError> {
/// let settings = AdminSettings::new(Tokens::new(["of an operator"])?)
///     .read_tokens(Tokens::new(["of the screen in the hall"])?);
/// Ok(Router::new().nest("/aifi-push", receiver.admin_router(settings)))
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct AdminSettings {
    /// `None` lets everyone act.
    pub(super) tokens: Option<Tokens>,
    pub(super) read_tokens: Option<Tokens>,
    /// `None` records one while the page exists.
    pub(super) history: Option<FiguresHistory>,
}

impl AdminSettings {
    /// Lets those sign in and act who have one of `tokens`. [`Tokens::dangerously_accept_anyone`] lets
    /// nobody sign in.
    pub fn new(tokens: Tokens) -> Self {
        Self {
            tokens: Some(tokens),
            read_tokens: None,
            history: None,
        }
    }

    /// Lets everyone act who reaches the page, without signing in: for a Unix socket, whose file says who
    /// may connect. Requests for other hosts than `localhost`, `127.0.0.1` and `[::1]` are refused, so
    /// that no web site gets a browser of an operator to ask here under its own name.
    pub fn without_sign_in() -> Self {
        Self {
            tokens: None,
            read_tokens: None,
            history: None,
        }
    }

    /// Lets those sign in who have one of `tokens`, to look at what contains no personal data: figures,
    /// stores, consumers, and problems by cause. They see no event and no visit, and can't act. Defaults
    /// to nobody.
    pub fn read_tokens(mut self, tokens: Tokens) -> Self {
        self.read_tokens = Some(tokens);
        self
    }

    /// Sets the history of figures that the page shows, for those who [record](FiguresHistory::record) one
    /// from the start. Defaults to one that is recorded from the first request on.
    pub fn history(mut self, history: FiguresHistory) -> Self {
        self.history = Some(history);
        self
    }
}
