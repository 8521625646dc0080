//! What becomes of a request: each outcome is counted once, logged once and answered once.

use std::mem::take;

use bytes::Bytes;

use super::{Answer, Request, Service, Step};
use crate::exchange::{self, Domains, Issued, Mode, Refusal, RefusedRequest, Rejected};
use crate::shell::entropy;
use crate::shell::observe::audit::Arrival;
use crate::shell::origin::{Origin, Protocol, Transport};
use crate::shell::replays::Token;

impl Service {
    pub(super) fn reject(&self, request: &Request<'_>, rejected: Rejected, domains: &Domains) -> Step {
        match rejected {
            Rejected::Dropped => {
                self.metrics.dropped_malformed();
                Step::Done(Answer::Silence)
            }
            Rejected::NotOurs(refused) => self.take_not_ours(request, refused, domains),
            Rejected::Refused(refused) => {
                if let Some(who) = &refused.who {
                    self.metrics.authentic(who);
                }
                self.refuse(request, refused)
            }
        }
    }

    pub(super) fn conclude(
        &self,
        request: &Request<'_>,
        token: Token,
        outcome: Result<Issued, RefusedRequest>,
    ) -> Step {
        let mut issued = match outcome {
            Ok(issued) => issued,
            Err(refused) => return self.refuse(request, refused),
        };
        let (arrival, mode) = (self.arrival(request), issued.who.mode);
        let mut reply = Bytes::from(take(&mut issued.reply));
        if mode == Mode::Shadow {
            // Nothing that could be sent by mistake.
            reply = Bytes::new();
        }
        let (slot, released) = (issued.slot, issued.released.clone());
        let answer = self.fit(request, reply.clone(), &issued.who.realm);
        if let Err(refused) = self.audit.issued(arrival, issued) {
            return self.refuse(request, refused);
        }
        match mode {
            Mode::Live => {
                self.metrics.issued(arrival.took, slot, released.as_ref());
                self.metrics.exchanged(request.origin.transport, request.octets.len(), reply.len());
            }
            Mode::Shadow => self.metrics.would_issue(arrival.took),
        }
        self.replays.remember(token, reply, request.since);
        self.carry_out(request, mode, answer)
    }

    pub(super) fn refuse(&self, request: &Request<'_>, refused: RefusedRequest) -> Step {
        let mode = refused.mode;
        let answer = self.tell_refused(request, refused);
        self.carry_out(request, mode, answer)
    }

    /// Sends what was decided, if this domain's decisions are sent.
    pub(super) fn carry_out(&self, request: &Request<'_>, mode: Mode, answer: Answer) -> Step {
        match mode {
            Mode::Live => Step::Done(answer),
            Mode::Shadow => self.step_aside(request),
        }
    }

    pub(super) fn tell_refused(&self, request: &Request<'_>, refused: RefusedRequest) -> Answer {
        let arrival = self.arrival(request);
        self.metrics.refused(refused.why.reason, arrival.took);
        let answer = self.error_answer(request, &refused);
        self.audit.refused(arrival, refused);
        answer
    }

    pub(super) fn arrival(&self, request: &Request<'_>) -> Arrival {
        let took = self.clock.elapsed().saturating_sub(request.since);
        Arrival { at: request.now, origin: request.origin, took }
    }

    pub(super) fn error_answer(&self, request: &Request<'_>, refused: &RefusedRequest) -> Answer {
        let domains = request.generation.domains();
        let realm = refused
            .who
            .as_ref()
            .map(|who| &who.realm)
            .or_else(|| domains.iter().next().map(|domain| &domain.realm));
        let reply = error_reply(request, refused, realm.map_or("", |realm| realm));
        // RFC 4120 has no answer for what is too large for a datagram, and no unauthenticated datagram is answered with
        // more octets than it had, or in fragments: a forged source address gains nothing here.
        let longest = self.udp_reply_limit.min(request.octets.len());
        let silent = request.origin.transport == Transport::Udp
            && (refused.why.reason == Refusal::MessageTooLarge || reply.len() > longest);
        if silent {
            return Answer::Silence;
        }
        // What a domain in shadow mode would say is not sent.
        if refused.mode == Mode::Live {
            self.metrics.krb_error(refused.why.reason.code());
        }
        Answer::Reply(reply.into())
    }

    /// The answer to a TCP frame that is longer than it may be, which is not read (RFC 4120 §7.2.2).
    #[must_use]
    pub fn too_long(&self, origin: Origin) -> Answer {
        self.metrics.request(origin, &[]);
        match origin.protocol {
            Protocol::Kerberos => {
                let generation = self.generation();
                let request = self.request(&[], origin, &generation);
                self.tell_refused(&request, Refusal::MessageTooLarge.into())
            }
            Protocol::Kpasswd => Answer::Silence,
        }
    }

    /// The reply, or over UDP, if it is too large for a datagram, the error that sends the client to TCP.
    pub(super) fn fit(&self, request: &Request<'_>, reply: Bytes, realm: &str) -> Answer {
        if request.origin.transport == Transport::Udp && reply.len() > self.udp_reply_limit {
            self.metrics.too_big();
            return Answer::Reply(exchange::too_big_reply(realm, request.now).into());
        }
        Answer::Reply(reply)
    }
}

/// The KRB-ERROR, in the armour of an armoured request. Where the kernel gives no random octets to seal it with, it
/// says the same in the open.
fn error_reply(request: &Request<'_>, refused: &RefusedRequest, realm: &str) -> Vec<u8> {
    let Request { octets, now, .. } = *request;
    let armored = refused.armor.as_deref().and_then(|armor| {
        let confounder = entropy::octets().ok()?;
        Some(exchange::armored_error_reply(octets, refused.why.reason, armor, realm, now, &confounder))
    });
    armored.unwrap_or_else(|| exchange::error_reply(octets, refused.why.reason, realm, now))
}
