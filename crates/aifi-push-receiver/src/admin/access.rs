//! Who makes a request.

use std::net::{IpAddr, SocketAddr};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{Extensions, request::Parts},
};

use super::{error::PageError, settings::AdminSettings};
use crate::tokens::TokenDigest;

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Sees everything, and acts.
    Operator,
    /// Sees what contains no personal data, and can't act.
    Reader,
}

/// A token of the settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) role: Role,
    /// The place of the token in its list, from 1.
    index: usize,
}

impl AdminSettings {
    /// Returns what a token grants, or `None` if it is unknown.
    pub(super) fn grant(&self, token: &TokenDigest) -> Option<Grant> {
        let lists = [
            (Role::Operator, &self.tokens),
            (Role::Reader, &self.read_tokens),
        ];
        // Both are searched in any case, so that the time reveals nothing.
        let grants = lists.map(|(role, tokens)| {
            let index = tokens.as_ref()?.index_of(token)?;
            Some(Grant {
                role,
                index: index + 1,
            })
        });
        grants.into_iter().flatten().next()
    }
}

/// Who makes a request: it is in the extensions of each that passed the guard.
#[derive(Clone, Debug)]
pub(super) struct Visitor {
    /// `None` where nobody signs in.
    pub(super) grant: Option<Grant>,
    pub(super) peer: Peer,
    /// What a form of this visitor carries, or `None` if nothing but the visitor sends its token.
    pub(super) csrf: Option<String>,
    /// Whether there is a session to end.
    pub(super) has_session: bool,
    /// Why the receiver is not ready, which every page says.
    pub(super) not_ready: Option<String>,
}

impl Visitor {
    pub(super) fn role(&self) -> Role {
        self.grant.map_or(Role::Operator, |grant| grant.role)
    }

    pub(super) fn may_act(&self) -> bool {
        self.role() == Role::Operator
    }

    /// Names whose pages are open: of a session, or of a token.
    pub(super) fn whose(&self) -> String {
        match &self.csrf {
            Some(csrf) if self.has_session => csrf.clone(),
            _ => self.actor(),
        }
    }

    /// Names the visitor in the audit.
    pub(super) fn actor(&self) -> String {
        let Some(grant) = self.grant else {
            return match self.peer.uid {
                Some(uid) => format!("unix uid {uid}"),
                None => "unix".to_owned(),
            };
        };
        let list = match grant.role {
            Role::Operator => "admin token",
            Role::Reader => "read token",
        };
        let index = grant.index;
        match self.peer.address {
            Some(peer) => format!("{list} {index} from {peer}"),
            None => format!("{list} {index}"),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, PageError> {
        let visitor = parts.extensions.get().cloned();
        visitor.ok_or(PageError::SignIn { failed: false })
    }
}

/// Where a request comes from, as far as it is known.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Peer {
    pub(super) address: Option<IpAddr>,
    /// The user who connected by a Unix socket.
    pub(super) uid: Option<u32>,
}

pub(super) fn peer(extensions: &Extensions) -> Peer {
    let address = extensions.get::<ConnectInfo<SocketAddr>>();
    #[cfg(feature = "server")]
    let uid = extensions.get::<ConnectInfo<crate::UnixPeer>>();
    #[cfg(feature = "server")]
    let uid = uid.map(|ConnectInfo(peer)| peer.uid);
    #[cfg(not(feature = "server"))]
    let uid = None;
    Peer {
        address: address.map(|ConnectInfo(address)| address.ip().to_canonical()),
        uid,
    }
}
