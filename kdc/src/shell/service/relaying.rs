//! What is not ours: relayed where its domain has a relay, else refused.
//!
//! Relayed messages are counted by the relay, not as exchanges, and are in no audit event; but those of a domain in shadow
//! mode, which have been decided about before.

use bytes::Bytes;
use tracing::debug;

use super::{Answer, Request, Service, Step};
use crate::exchange::{Domains, Refusal, RefusedRequest};
use crate::relay::Kind;
use crate::shell::origin::{Origin, Transport};
use crate::shell::relay::{Passage, Taken};

impl Service {
    /// `refused` says why it is not ours, and is the answer where there is no relay.
    pub(super) fn take_not_ours(
        &self,
        request: &Request<'_>,
        refused: RefusedRequest,
        domains: &Domains,
    ) -> Step {
        match request.generation.relays().take(request.octets, request.origin, domains) {
            Taken::NotRelayed => self.refuse(request, refused),
            Taken::Malformed | Taken::Dropped => Step::Done(Answer::Silence),
            Taken::Refused(reason) => Step::Done(self.unrelayed(request, reason)),
            Taken::Relayed(passage) => Step::Relay(passage),
        }
    }

    /// In shadow mode: lets a real KDC answer what was decided about here, or says that there is no service.
    pub(super) fn step_aside(&self, request: &Request<'_>) -> Step {
        let generation = request.generation;
        match generation.relays().take(request.octets, request.origin, &generation.domains()) {
            Taken::Relayed(passage) => Step::Relay(passage),
            Taken::Dropped => Step::Done(Answer::Silence),
            Taken::Refused(reason) => Step::Done(self.unrelayed(request, reason)),
            Taken::NotRelayed | Taken::Malformed => Step::Done(self.unrelayed(request, Refusal::ShadowMode)),
        }
    }

    /// A password change. Where it cannot be relayed there is silence: clients then ask another server, as they do not
    /// after an error.
    pub(super) fn take_kpasswd(&self, request: &Request<'_>) -> Step {
        let generation = request.generation;
        match generation.relays().take(request.octets, request.origin, &generation.domains()) {
            Taken::Relayed(passage) => Step::Relay(passage),
            Taken::NotRelayed | Taken::Malformed => {
                self.metrics.dropped_malformed();
                Step::Done(Answer::Silence)
            }
            Taken::Dropped => Step::Done(Answer::Silence),
            Taken::Refused(reason) => {
                self.metrics.unrelayed(reason);
                Step::Done(Answer::Silence)
            }
        }
    }

    /// Relays what [`Self::answer_warm`] gave a passage for, and waits for the answer.
    pub async fn relay(&self, octets: Bytes, origin: Origin, passage: Passage) -> Answer {
        let kind = passage.kind();
        let generation = self.generation.load_full();
        let reason = match generation.relays().carry(octets.clone(), passage).await {
            Ok(reply) => return Answer::Reply(reply),
            Err(reason) => reason,
        };
        let request = self.request(&octets, origin, &generation);
        match kind {
            Kind::As | Kind::Tgs => self.unrelayed(&request, reason),
            Kind::Kpasswd => {
                self.metrics.unrelayed(reason);
                Answer::Silence
            }
        }
    }

    /// As [`Self::refuse`], without an audit event: nothing was decided about anybody, or it has been told.
    fn unrelayed(&self, request: &Request<'_>, reason: Refusal) -> Answer {
        self.metrics.unrelayed(reason);
        let (source, transport) = (request.origin.peer, request.origin.transport);
        debug!(%source, transport = Transport::label(transport), reason = reason.label(), "not relayed");
        self.error_answer(request, &reason.into())
    }
}
