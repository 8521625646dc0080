//! What counts as an upstream's answer. What does not is not passed on: it is a forger's, or a broken server's.

use super::{KPASSWD_HEADER, Kind};
use crate::krb::der::{Der, DerError, Reader, Tag};
use crate::krb::messages::{KrbError, error_code};

/// Application tags of KDC-REPs and KRB-ERROR (RFC 4120 §5.10).
const AS_REP: u8 = 11;
const TGS_REP: u8 = 13;
const KRB_ERROR: u8 = 30;

/// The version of an answer to a password change (RFC 3244 §2).
const KPASSWD_REPLY_VERSION: u16 = 0x0001;

/// An upstream's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// For the client, whatever it says.
    Answer,
    /// For the client too: it is to ask over TCP.
    TooBig,
    /// This upstream cannot answer. For the client if no other one can.
    Unavailable,
}

impl Reply {
    /// What the octets are as the answer to a message of this kind; `None` where they are none.
    #[must_use]
    pub fn judge(kind: Kind, octets: &[u8]) -> Option<Self> {
        if is_whole(octets, KRB_ERROR) {
            return Some(match KrbError::parse(octets).map(|error| error.error_code) {
                Ok(error_code::RESPONSE_TOO_BIG) => Self::TooBig,
                Ok(error_code::SVC_UNAVAILABLE) => Self::Unavailable,
                // An error that we cannot read may be one that the client can.
                Ok(_) | Err(_) => Self::Answer,
            });
        }
        let is_answer = match kind {
            Kind::As => is_whole(octets, AS_REP),
            Kind::Tgs => is_whole(octets, TGS_REP),
            Kind::Kpasswd => is_kpasswd_reply(octets),
        };
        is_answer.then_some(Self::Answer)
    }
}

/// Whether the octets are one element with this tag, no more and no less.
fn is_whole(octets: &[u8], tag: u8) -> bool {
    let mut reader = Reader::new(octets);
    let content: Result<&[u8], DerError> = reader.content(Tag::application(tag));
    content.is_ok() && reader.is_empty()
}

fn is_kpasswd_reply(octets: &[u8]) -> bool {
    let Some([length_high, length_low, version_high, version_low, ..]) =
        octets.first_chunk::<KPASSWD_HEADER>()
    else {
        return false;
    };
    usize::from(u16::from_be_bytes([*length_high, *length_low])) == octets.len()
        && u16::from_be_bytes([*version_high, *version_low]) == KPASSWD_REPLY_VERSION
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::krb::messages::{KerberosString, KerberosTime, PrincipalName};

    fn error(error_code: i32) -> Vec<u8> {
        let krbtgt = [KerberosString(b"krbtgt"), KerberosString(b"X")];
        KrbError {
            ctime: None,
            cusec: None,
            stime: KerberosTime::MIN,
            susec: 0,
            error_code,
            crealm: None,
            cname: None,
            realm: b"X",
            sname: PrincipalName::new(2, &krbtgt),
            e_text: None,
            e_data: None,
        }
        .to_der()
    }

    #[test]
    fn an_answer_is_of_its_requests_kind() {
        let (as_rep, tgs_rep) = (&[0x6b, 1, 0][..], &[0x6d, 1, 0][..]);
        let kpasswd = &[0, 7, 0, 1, 0, 1, 0][..];
        let cases = [
            (Kind::As, as_rep, true),
            (Kind::As, tgs_rep, false),
            (Kind::Tgs, tgs_rep, true),
            (Kind::Tgs, as_rep, false),
            (Kind::Kpasswd, kpasswd, true),
            (Kind::Kpasswd, as_rep, false),
            (Kind::As, kpasswd, false),
        ];
        for (kind, octets, expected) in cases {
            assert_eq!(Reply::judge(kind, octets).is_some(), expected, "{kind:?} {octets:?}");
        }
    }

    #[test]
    fn an_error_answers_everything_and_two_codes_stand_out() {
        let cases = [(52, Reply::TooBig), (29, Reply::Unavailable), (25, Reply::Answer), (6, Reply::Answer)];
        for (code, expected) in cases {
            for kind in Kind::ALL {
                assert_eq!(Reply::judge(kind, &error(code)), Some(expected), "{code} {kind:?}");
            }
        }
    }

    #[test]
    fn what_is_cut_or_has_more_behind_it_is_no_answer() {
        let whole = error(25);
        for length in 0..whole.len() {
            assert_eq!(Reply::judge(Kind::As, &whole[..length]), None, "cut at {length}");
        }
        assert_eq!(Reply::judge(Kind::As, &[&whole[..], &[0]].concat()), None);
        assert_eq!(Reply::judge(Kind::Kpasswd, &[0, 8, 0, 1, 0, 1, 0]), None);
        assert_eq!(Reply::judge(Kind::Kpasswd, &[0, 7, 0, 2, 0, 1, 0]), None);
        assert_eq!(Reply::judge(Kind::As, b"HTTP/1.1 400 Bad Request\r\n"), None);
    }
}
