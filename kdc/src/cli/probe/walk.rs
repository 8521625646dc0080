//! The way itself: from a partial TGT to a full one that has been looked into.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use pac::Sid;
use tokio::runtime::Builder;

use super::expected::Expected;
use super::judge;
use super::steps::{Log, Step};
use crate::cli::failure::Failure;
use crate::cli::{nonce, now};
use crate::client::Credential;
use crate::client::inspect::OpenedTicket;
use crate::client::reply::{Denied, Granted, Outcome};
use crate::client::request::Exchange;
use crate::client::transport::{Kdc, Protocol};
use crate::krb::crypto::EncryptionType;
use crate::krb::der::Der;
use crate::krb::keys::{Key, Lab};
use crate::krb::messages::{KdcRep, error_code};
use crate::shell::entropy;
use crate::shell::locator::{Wanted, locate};

/// The port of Kerberos.
const PORT: u16 = 88;

/// What to probe, and with what.
pub(super) struct Plan {
    /// What a device looks for; nothing is pinged where absent.
    pub(super) discovery: Option<Wanted>,
    /// Whom to ask; the KDC that is found where absent.
    pub(super) target: Option<SocketAddr>,
    /// The canary's ticket.
    pub(super) partial: Credential,
    /// The canary.
    pub(super) sid: Sid,
    /// The domain's own keys, where they are at hand.
    pub(super) krbtgt: Option<Vec<Key<Lab>>>,
    pub(super) key_list: bool,
    pub(super) expected: Expected,
    pub(super) timeout: Duration,
    pub(super) source: Option<IpAddr>,
}

/// A request and its octets, which are sent again over TCP where UDP has no room for the answer.
struct Asked<'p> {
    request: Exchange<'p>,
    octets: Vec<u8>,
}

/// Goes all the way, or as far as there is one.
///
/// # Errors
/// [`Failure`] where this host has no random octets, or no runtime; whatever a KDC does is told in the log.
pub(super) fn walk(plan: &Plan) -> Result<Log, Failure> {
    let mut log = Log::start();
    let found = discover(plan, &mut log)?;
    let Some(address) = plan.target.or(found) else {
        log.skip_rest("no KDC was found");
        return Ok(log);
    };
    log.kdc = Some(address);
    let kdc = Kdc { source: plan.source, timeout: plan.timeout, ..Kdc::at(address) };

    let first = asked(plan)?;
    let over_udp = log.take(Step::Udp, || send(&Kdc { protocol: Protocol::Udp, ..kdc }, &first));
    // As a client does it: the same octets again where the answer had no room. Otherwise TCP gets a request of its own,
    // which no replay memory knows: it takes a few groups more, and no answer fits a datagram.
    let again = match over_udp.as_deref().is_some_and(is_too_big) {
        true => None,
        false => Some(asked(plan)?),
    };
    let second = again.as_ref().unwrap_or(&first);
    let over_tcp = log.take(Step::Tcp, || send(&Kdc { protocol: Protocol::Tcp, ..kdc }, second));
    let whole = over_udp.filter(|answer| !is_too_big(answer));
    match over_tcp.map(|answer| (second, answer)).or(whole.map(|answer| (&first, answer))) {
        Some((asked, answer)) => look_at(plan, &mut log, &asked.request, &answer),
        None => log.skip_rest("there is no answer"),
    }
    Ok(log)
}

/// The address of the KDC that a device would choose.
fn discover(plan: &Plan, log: &mut Log) -> Result<Option<SocketAddr>, Failure> {
    let Some(wanted) = &plan.discovery else {
        log.skip(Step::Discovery, "--no-discovery");
        return Ok(None);
    };
    let runtime = crate::cli::runtime(Builder::new_current_thread())?;
    Ok(log.take(Step::Discovery, || {
        let search = runtime.block_on(locate(wanted)).map_err(|error| error.to_string())?;
        match search.found {
            Some(found) => {
                let flags = found.response.flags.nltest();
                let told =
                    format!("{} at {}: {flags}", found.response.dns_host_name.escape_debug(), found.address);
                Ok((SocketAddr::new(found.address.ip(), PORT), told))
            }
            None => Err(search.passed_over.join("; ")),
        }
    }))
}

fn asked(plan: &Plan) -> Result<Asked<'_>, Failure> {
    let now = now();
    let mut request = Exchange::new(&plan.partial, now.seconds, nonce()?, entropy::octets()?);
    request.cusec = now.microseconds;
    if plan.key_list {
        request.key_list = Some(vec![EncryptionType::Rc4Hmac.as_i32()]);
    }
    let octets = request.encode()?;
    Ok(Asked { request, octets })
}

/// The answer's octets, and what they are as far as anybody on the way could tell.
fn send(kdc: &Kdc, asked: &Asked<'_>) -> Result<(Vec<u8>, String), String> {
    let answer = kdc.ask(&asked.octets).map_err(|error| error.to_string())?;
    let told = match Denied::parse(&answer) {
        Some(denied) => judge::error_text(denied.code),
        None if KdcRep::parse(&answer).is_ok() => format!("TGS-REP of {} octets", answer.len()),
        None => return Err(format!("the answer, {} octets, is neither TGS-REP nor KRB-ERROR", answer.len())),
    };
    Ok((answer, told))
}

fn is_too_big(answer: &[u8]) -> bool {
    Denied::parse(answer).is_some_and(|denied| denied.code == error_code::RESPONSE_TOO_BIG)
}

/// The steps that need no network.
fn look_at(plan: &Plan, log: &mut Log, request: &Exchange<'_>, answer: &[u8]) {
    let read = || judge::reply(Outcome::read(answer, request), plan.expected);
    let granted = match log.take(Step::Reply, read) {
        Some(Some(granted)) => granted,
        Some(None) => return log.skip_rest("refused, as it should be"),
        None => return log.skip_rest("there is no full TGT"),
    };
    log.take(Step::Ticket, || judge::ticket(&granted, &plan.partial, now().seconds));
    match &plan.krbtgt {
        Some(keys) => look_inside(plan, log, &granted, keys),
        None => {
            [Step::Pac, Step::Signatures].into_iter().for_each(|step| log.skip(step, "needs --krbtgt-keytab"))
        }
    }
    if plan.key_list {
        log.take(Step::KeyList, || judge::key_list(&granted.key_list));
    } else {
        log.skip(Step::KeyList, "not asked for");
    }
}

fn look_inside(plan: &Plan, log: &mut Log, granted: &Granted, keys: &[Key<Lab>]) {
    let full = &granted.credential;
    let opened = log.take(Step::Pac, || {
        let opened = OpenedTicket::open(&full.ticket, keys).map_err(|error| error.to_string())?;
        judge::pac(opened, full, plan.sid)
    });
    match opened {
        Some(pac) => {
            log.take(Step::Signatures, || judge::signatures(&pac));
        }
        None => log.skip(Step::Signatures, "there is no PAC to look at"),
    }
}
