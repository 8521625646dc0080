//! The table of cases: a row for each check of the protocol and each attack on it, in the order of the checks.
//!
//! A row's name begins with what it shows: `r22` is row 22 of the protocol's table of checks, `s09` a sentence of its
//! section 9, `b20` row B20 of the attack catalogue; a name may begin with several. Each row is two tests:
//! `in_the_core` (`core.rs`), and `over_udp_and_tcp` at a daemon of its own (`wire.rs`). To add a case, add a row in
//! its place of the order: `order.rs` breaks two rows at a time and holds the first one responsible.

mod armor;
mod authenticator;
mod identity;
mod message;
mod ours;
mod pac;
mod policy;
mod reply;
mod standing;
mod ticket;

use kdc::client::inspect::{OpenedPac, OpenedTicket};
use kdc::client::mint::{self, PartialTgt};
use kdc::client::reply::Granted;
use kdc::exchange::Refusal;
use kdc::krb::der::{Der, Writer};
use kdc::krb::messages::{AuthorizationElement, KdcReq, PaData, PaDatas};
use tgtx_tests::scene::Scene;

/// The good request with one thing changed, and what comes of it.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    /// What is changed: rows with the same subject contradict each other.
    pub(crate) subject: &'static str,
    pub(crate) expected: Expected,
    pub(crate) breaks: fn(Scene) -> Scene,
}

/// What comes of a request.
#[derive(Clone, Copy)]
pub(crate) enum Expected {
    /// A full TGT, which this must hold for.
    Granted(fn(&Got)),
    /// A KRB-ERROR.
    Refused(Expectation),
    /// No answer; over TCP the connection is closed.
    Dropped,
}

/// A refusal, as the specification has it.
#[derive(Clone, Copy)]
pub(crate) struct Expectation {
    /// The error-code on the wire.
    pub(crate) code: i32,
    /// The reason in log and metrics.
    pub(crate) label: &'static str,
    /// NTSTATUS in the e-data; `None`: no e-data.
    pub(crate) status: Option<u32>,
    /// It is about what is inside of the armour.
    inside: bool,
    /// Code and label in the core, where the daemon asks the directory once more.
    in_the_core: Option<(i32, &'static str)>,
}

/// A full TGT as its client and a domain controller see it.
pub(crate) struct Got {
    pub(crate) granted: Granted,
    pub(crate) ticket: OpenedTicket,
    /// Remarks for the operator, by their labels.
    pub(crate) notes: Vec<String>,
}

impl Got {
    pub(crate) fn pac(&self) -> &OpenedPac {
        self.ticket.pac.as_ref().unwrap()
    }

    /// For how many seconds the ticket lives.
    pub(crate) fn lifetime(&self) -> i64 {
        let times = self.ticket.times;
        times.endtime.unix_seconds() - times.starttime.unwrap().unix_seconds()
    }
}

/// A full TGT, for which this holds.
pub(crate) const fn granted(holds: fn(&Got)) -> Expected {
    Expected::Granted(holds)
}

const DROPPED: Expected = Expected::Dropped;

/// A KRB-ERROR of this code without e-data, for this reason.
pub(crate) const fn refused(code: i32, label: &'static str) -> Expected {
    Expected::Refused(Expectation { code, label, status: None, inside: false, in_the_core: None })
}

impl Expected {
    /// With this NTSTATUS in its e-data.
    const fn status(self, status: u32) -> Self {
        match self {
            Self::Refused(expectation) => Self::Refused(Expectation { status: Some(status), ..expectation }),
            other => other,
        }
    }

    /// About what is inside of the armour.
    const fn inside(self) -> Self {
        match self {
            Self::Refused(expectation) => Self::Refused(Expectation { inside: true, ..expectation }),
            other => other,
        }
    }

    /// For another reason where the directory cannot be asked once more.
    const fn in_the_core(self, code: i32, label: &'static str) -> Self {
        match self {
            Self::Refused(expectation) => {
                Self::Refused(Expectation { in_the_core: Some((code, label)), ..expectation })
            }
            other => other,
        }
    }
}

impl Expectation {
    /// What the core comes to.
    pub(crate) fn in_the_core(&self) -> Self {
        match self.in_the_core {
            Some((code, label)) => Self { code, label, in_the_core: None, ..*self },
            None => *self,
        }
    }

    /// Whether the daemon, which can ask the directory once more, comes to something else than the core.
    pub(crate) fn depends_on_the_directory(&self) -> bool {
        self.in_the_core.is_some()
    }

    /// Whether it is about what is inside of the armour.
    pub(crate) fn is_inside(&self) -> bool {
        self.inside
    }

    /// Whether an armoured request is answered in its armour: whatever is found once that is open.
    pub(crate) fn is_armored(&self) -> bool {
        let position = |refusal| Refusal::ALL.iter().position(|other| *other == refusal);
        self.inside || position(self.refusal()) > position(Refusal::FastOption)
    }

    /// The reason by its label.
    pub(crate) fn refusal(&self) -> Refusal {
        *Refusal::ALL.iter().find(|refusal| refusal.label() == self.label).unwrap()
    }
}

impl Case {
    /// The refusal that the row is about, if it is about one.
    pub(crate) fn refused(&self) -> Option<&Expectation> {
        match &self.expected {
            Expected::Refused(expectation) => Some(expectation),
            Expected::Granted(_) | Expected::Dropped => None,
        }
    }
}

/// Turns rows into a table, and each into its two tests.
macro_rules! cases {
    ($($name:ident, $subject:literal, $expected:expr, $breaks:expr;)+) => {
        pub(super) const CASES: &[Case] = &[$(Case {
            name: stringify!($name),
            subject: $subject,
            expected: $expected,
            breaks: $breaks,
        },)+];

        $(mod $name {
            fn case() -> &'static super::Case {
                super::CASES.iter().find(|case| case.name == stringify!($name)).unwrap()
            }

            #[test]
            fn in_the_core() {
                crate::core::assert_outcome(case().name, &case().expected, case().breaks);
            }

            #[test]
            fn over_udp_and_tcp() {
                crate::wire::assert_outcome(case().name, &case().expected, case().breaks);
            }
        })+
    };
}
use cases;

/// Every row, in the order of the checks.
pub(crate) fn all() -> impl Iterator<Item = &'static Case> {
    let tables = [
        message::CASES,
        ours::CASES,
        ticket::CASES,
        authenticator::CASES,
        armor::CASES,
        pac::CASES,
        identity::CASES,
        policy::CASES,
        standing::CASES,
        reply::CASES,
    ];
    tables.into_iter().flatten()
}

fn padata(scene: Scene, padata: Vec<(i32, Vec<u8>)>) -> Scene {
    scene.request(move |request| request.more_padata.extend(padata.iter().cloned()))
}

/// An encoded request with other octets in its padata of this type; none of what has none, or cannot be read.
pub(crate) fn with_padata(octets: &[u8], kind: i32, change: impl Fn(&mut Vec<u8>)) -> Option<Vec<u8>> {
    let mut request = KdcReq::parse(octets).ok()?;
    let mut value = request.padata?.of_kind(kind).next()?.to_vec();
    change(&mut value);
    let changed = PaData { kind, value: &value };
    let padata: Vec<PaData<'_>> =
        request.padata?.iter().map(|padata| if padata.kind == kind { changed } else { padata }).collect();
    request.padata = Some(PaDatas::of(&padata));
    Some(request.to_der())
}

fn flags(scene: Scene, flags: u32) -> Scene {
    scene.ticket(move |ticket| ticket.flags |= flags)
}

/// The ticket's authorization data, in place of its PAC.
fn data(scene: Scene, make: impl Fn(&PartialTgt<'_>) -> Vec<u8> + 'static) -> Scene {
    scene.ticket(move |ticket| ticket.authorization_data = mint::TicketData::Octets(make(ticket)))
}

/// The encoding of an `AuthorizationData` of these elements.
fn elements(elements: &[(i32, &[u8])]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.sequence(|data| {
        for (ad_type, octets) in elements.iter().rev() {
            AuthorizationElement { ad_type: *ad_type, data: octets }.write(data);
        }
    });
    writer.into_octets()
}
