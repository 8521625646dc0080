//! The exchange: from a TGS-REQ with a partial TGT to a TGS-REP with a full one, or to a reason why not.
//!
//! Pure: bytes, a frozen [`Snapshot`] and random octets come in, a decision comes out. Between
//! [`verify`] and [`issue`] the daemon asks its replay memory and the directory; [`exchange`] does without the
//! first, for tests, benches and fuzzers.
//!
//! Each stage is a type with private fields and one constructor, the check it is named after, and takes the stage
//! before it by value: no step can be skipped, repeated or reordered.

mod admission;
mod answer_armor;
mod armor;
mod authenticator;
mod decision;
mod domain;
mod entropy;
mod error_reply;
mod extensions;
mod identity;
mod issue;
mod key_list;
mod notes;
mod padata;
mod refusal;
mod rejected;
mod reply;
mod request;
mod requested_keys;
mod ticket;
mod user_keys;
mod who;
mod wishes;

use pac::Sid;

pub use admission::{AdmittedClient, PermittedClient};
pub use answer_armor::Armor;
pub use armor::UnarmoredRequest;
pub use authenticator::AuthenticatedRequest;
pub use decision::Grounds;
pub use domain::{AllowedKinds, Domain, Domains, Mode, Snapshot, TicketRules, Timestamp};
pub use entropy::Entropy;
pub use error_reply::{armored_error_reply, error_reply, too_big_reply};
pub use identity::{AuthenticatedClient, IdentifiedClient, Unidentified};
pub use issue::Issued;
pub use key_list::{ReleasedKeys, releasable};
pub use notes::{Note, Notes};
pub use refusal::{Detail, Refusal, Refused};
pub use rejected::{RefusedRequest, Rejected};
pub use request::{ClaimedRequest, TgsRequest};
pub use ticket::OpenedTicket;
pub use user_keys::{Unused, UserKey, UserKeys};
pub use who::{Asked, Who};

use crate::directory::Principal;
use crate::krb::crypto::Opened;

/// From octets to a client whose ticket, authenticator and PAC hold.
///
/// # Errors
/// [`Rejected`] says whether to drop, to relay or to refuse, and why.
pub fn verify<'r, 's>(
    request: &'r [u8],
    snapshot: &Snapshot<'s>,
) -> Result<Box<AuthenticatedClient<'r, 's>>, Rejected> {
    let mut plain = Opened::default();
    let claimed = TgsRequest::parse(request)? // RFC 4120 §5.4.1
        .claim(snapshot)?; // ours at all?
    let mode = claimed.domain.rules.mode;
    let authenticate = || {
        let client = claimed
            .open_ticket(&mut plain, snapshot)? // RFC 4120 §3.3.2
            .authenticate(snapshot)? // RFC 4120 §3.2.3
            .unarmor(snapshot.now)? // RFC 6113 §5.4
            .identify_by_pac()?; // [MS-PAC] 2.8, 2.15: signatures, then who
        Ok(client)
    };
    authenticate().map_err(|rejected: Rejected| rejected.by_domain_in(mode))
}

/// From a client and its account to a sealed full TGT.
///
/// # Errors
/// [`RefusedRequest`] names the rule that forbids it.
pub fn issue(
    client: IdentifiedClient<'_, '_, '_>,
    now: Timestamp,
    entropy: &Entropy<'_>,
) -> Result<Issued, RefusedRequest> {
    client
        .permit()? // [MS-ADTS] 6.1.1.3.2
        .in_good_standing(now)? // [MS-KILE] 3.3.5.7.1
        .seal(now, entropy) // RFC 4120 §3.3.3, [MS-PAC] 2.3
}

/// The whole exchange with the accounts at hand, `find` giving the account of a SID.
///
/// # Errors
/// As [`verify`] and [`issue`]. A client whose name and SID do not agree counts as one whose name exists.
pub fn exchange<'a>(
    request: &[u8],
    snapshot: &Snapshot<'_>,
    find: impl FnOnce(&Sid) -> Option<&'a Principal>,
    entropy: &Entropy<'_>,
) -> Result<Issued, Rejected> {
    let client = verify(request, snapshot)?;
    let account = find(&client.requestor());
    let view = client.domain().directory.as_deref();
    let client = client.identify(account, view).map_err(|unidentified| unidentified.refuse(true))?;
    Ok(issue(client, snapshot.now, entropy)?)
}
