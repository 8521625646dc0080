//! Second stage: the branch key opens the partial TGT, and the ticket is one that may be used now.

use std::net::IpAddr;
use std::time::Duration;

use super::domain::{Domain, Snapshot};
use super::notes::{Note, Notes};
use super::refusal::{Refusal, Refused};
use super::rejected::RefusedRequest;
use super::request::ClaimedRequest;
use super::who::Who;
use crate::krb::crypto::{EncryptionKey, EncryptionType, Opened};
use crate::krb::der::Der;
use crate::krb::keys::{DomainKeys, Key, KrbtgtAzureAd};
use crate::krb::messages::{EncTicketPart, EncryptionKeyView, HostAddress, KerberosTime, ticket_flags};

/// A ticket that ends within this time is as good as expired: such a ticket is one for changing a password
/// (CVE-2022-2031).
const SHORTEST_REMAINING_LIFE: Duration = Duration::from_secs(2 * 60);

/// A request whose ticket was opened with a key of its branch and may be used now. The views borrow the
/// plaintext that [`verify`](super::verify) keeps.
#[derive(Debug)]
pub struct OpenedTicket<'r, 's, 'p> {
    pub(super) request: ClaimedRequest<'r, 's>,
    pub(super) part: EncTicketPart<'p>,
    pub(super) session_key: EncryptionKey,
    /// The key that opened the ticket, which must have signed the PAC.
    pub(super) key: &'s Key<KrbtgtAzureAd>,
    pub(super) notes: Notes,
    /// Once the authenticator has opened.
    pub(super) clock_skew: Option<Duration>,
}

impl<'r, 's> ClaimedRequest<'r, 's> {
    /// Opens the ticket (RFC 4120 §3.3.2) into `plain` and checks what its encrypted part says of itself.
    ///
    /// # Errors
    /// One error for every way in which key and ticket do not fit.
    pub fn open_ticket<'p>(
        self,
        plain: &'p mut Opened,
        snapshot: &Snapshot<'_>,
    ) -> Result<OpenedTicket<'r, 's, 'p>, RefusedRequest> {
        let etype = EncryptionType::from_i32(self.ticket.etype).ok_or(Refusal::NoKey)?;
        let mut candidates = self.branch.candidates(etype, self.ticket_version).peekable();
        if candidates.peek().is_none() {
            return Err(Refusal::NoKey.into());
        }
        let (key, opened) = candidates
            .find_map(|key| Some((key, key.open_ticket(self.ticket.cipher).ok()?)))
            .ok_or(Refusal::TicketIntegrity)?;
        *plain = opened;
        let part =
            EncTicketPart::parse(plain).map_err(|_| Refusal::TicketIntegrity.because("does not decode"))?;
        let mut notes = Notes::default();
        if key.version() != self.ticket_version {
            notes.add(Note::KvnoMismatch);
        }
        let session_key = check(&part, self.domain, snapshot, &mut notes)
            .map_err(|refused| RefusedRequest::from(refused).about(self.who(key, &part)))?;
        Ok(OpenedTicket { request: self, part, session_key, key, notes, clock_skew: None })
    }

    fn who(&self, key: &Key<KrbtgtAzureAd>, part: &EncTicketPart<'_>) -> Who {
        Who::of_ticket(self.domain, self.branch, self.ticket_version, key, part)
    }
}

impl OpenedTicket<'_, '_, '_> {
    /// Who the ticket says its bearer is.
    pub(super) fn who(&self) -> Who {
        let mut who = self.request.who(self.key, &self.part);
        who.clock_skew = self.clock_skew;
        who
    }
}

/// Whether the ticket is one that may be used here and now, in the order of the checks.
fn check(
    part: &EncTicketPart<'_>,
    domain: &Domain,
    snapshot: &Snapshot<'_>,
    notes: &mut Notes,
) -> Result<EncryptionKey, Refused> {
    let session_key = usable_key(&part.key, &domain.keys, Refusal::SessionKeyType, Refusal::SessionKey)?;
    in_time(part, domain, snapshot.now.seconds, notes)?;
    if !domain.is_realm(part.crealm) {
        return Err(Refusal::ClientRealm.into());
    }
    // RFC 8062 §4.1: anonymous tickets are for services that do not care who asks.
    if part.flags & ticket_flags::ANONYMOUS != 0 {
        return Err(Refusal::Anonymous.into());
    }
    if !matches!(part.transited.tr_type, 0 | 1) {
        return Err(Refusal::TransitedType.into());
    }
    if !part.transited.contents.is_empty() {
        return Err(Refusal::Transited.into());
    }
    if domain.rules.check_addresses && !holds_address(part, snapshot.source) {
        return Err(Refusal::Address.into());
    }
    Ok(session_key)
}

/// RFC 4120 §3.2.3, with the limits of [MS-KILE] 3.3.5.7.
fn in_time(
    part: &EncTicketPart<'_>,
    domain: &Domain,
    now: KerberosTime,
    notes: &mut Notes,
) -> Result<(), Refused> {
    let start = part.starttime.unwrap_or(part.authtime);
    if part.flags & ticket_flags::INVALID != 0 {
        return Err(Refusal::TicketInvalid.into());
    }
    if part.endtime <= start {
        return Err(Refusal::TicketNeverValid.into());
    }
    if start > now.saturating_add(domain.rules.clock_skew) {
        return Err(Refusal::TicketNotYetValid.into());
    }
    if part.endtime <= now.saturating_add(SHORTEST_REMAINING_LIFE) {
        return Err(Refusal::TicketExpired.into());
    }
    if domain.rules.max_partial_lifetime.is_some_and(|longest| part.endtime > start.saturating_add(longest)) {
        return Err(Refusal::LongPartial.into());
    }
    // Forged partial TGTs tend to be long-lived; Windows exchanges them, and so do we, for a shorter one.
    if part.endtime > start.saturating_add(domain.rules.max_lifetime) {
        notes.add(Note::LongPartial);
    }
    Ok(())
}

/// RFC 4120 §3.2.3: the sender's address must be one of the ticket's. NetBIOS names and the like do not count.
fn holds_address(part: &EncTicketPart<'_>, source: IpAddr) -> bool {
    let Some(addresses) = &part.caddr else { return true };
    let mut internet = addresses.iter().filter_map(internet_address).peekable();
    internet.peek().is_none() || internet.any(|address| address == source)
}

/// RFC 4120 §7.5.3: 2 is IPv4, 24 is IPv6.
fn internet_address(address: HostAddress<'_>) -> Option<IpAddr> {
    match address.addr_type {
        2 => <[u8; 4]>::try_from(address.address).ok().map(IpAddr::from),
        24 => <[u8; 16]>::try_from(address.address).ok().map(IpAddr::from),
        _ => None,
    }
}

/// A session key or subkey that the domain uses: of a type that it accepts, of that type's length, and not zero.
pub(super) fn usable_key(
    key: &EncryptionKeyView<'_>,
    domain: &DomainKeys,
    wrong_type: Refusal,
    wrong_value: Refusal,
) -> Result<EncryptionKey, Refused> {
    let etype =
        EncryptionType::from_i32(key.etype).filter(|etype| domain.accepts(*etype)).ok_or(wrong_type)?;
    let key = EncryptionKey::from_bytes(etype, key.value).map_err(|_| wrong_value.because("wrong length"))?;
    if key.is_all_zero() { Err(wrong_value.because("all zero")) } else { Ok(key) }
}
