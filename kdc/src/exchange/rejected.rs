//! What becomes of a message that does not end in a ticket: dropped, relayed or refused, and to whom that is told.

use std::sync::Arc;

use super::answer_armor::Armor;
use super::domain::Mode;
use super::refusal::{Refusal, Refused};
use super::who::Who;

/// Why a message did not become an authenticated client.
#[derive(Debug)]
pub enum Rejected {
    /// Not a Kerberos request: no answer at all, because an answer could start a loop
    /// (CVE-2002-2443) or help a scanner.
    Dropped,
    /// A real KDC's business: relayed where a relay is configured, else refused.
    NotOurs(RefusedRequest),
    /// Ours, or nobody's, and refused.
    Refused(RefusedRequest),
}

impl Rejected {
    /// Of a request that a domain in this mode has claimed. What is not ours is nobody's decision in any mode.
    pub(super) fn by_domain_in(self, mode: Mode) -> Self {
        match self {
            Self::Refused(refused) => Self::Refused(RefusedRequest { mode, ..refused }),
            other => other,
        }
    }
}

/// A request that is refused.
#[derive(Debug)]
pub struct RefusedRequest {
    /// Why.
    pub why: Refused,
    /// Whom it was about, once the ticket has opened. The sender of an unopened ticket has no name.
    pub who: Option<Box<Who>>,
    /// What the answer is armoured with, once the armour of the request is open.
    pub armor: Option<Arc<Armor>>,
    /// Whether that is the answer; [`Mode::Live`] until a domain has claimed the request.
    pub mode: Mode,
}

impl RefusedRequest {
    /// Names the client.
    #[must_use]
    pub fn about(self, who: Who) -> Self {
        Self { mode: who.mode, who: Some(Box::new(who)), ..self }
    }

    /// Has it answered in this armour.
    pub(super) fn under(self, armor: Option<Arc<Armor>>) -> Self {
        Self { armor, ..self }
    }
}

impl From<Refused> for RefusedRequest {
    fn from(why: Refused) -> Self {
        Self { why, who: None, armor: None, mode: Mode::Live }
    }
}

impl From<Refusal> for RefusedRequest {
    fn from(reason: Refusal) -> Self {
        Refused::from(reason).into()
    }
}

impl From<RefusedRequest> for Rejected {
    fn from(refused: RefusedRequest) -> Self {
        Self::Refused(refused)
    }
}

impl From<Refused> for Rejected {
    fn from(why: Refused) -> Self {
        Self::Refused(why.into())
    }
}

impl From<Refusal> for Rejected {
    fn from(reason: Refusal) -> Self {
        Self::Refused(reason.into())
    }
}
