//! What must come of a probe.

use std::fmt;
use std::str::FromStr;

use crate::client::reply::Denied;
use crate::exchange::Refusal;
use crate::krb::error_names::error_name;

/// The right answer to a canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// A full TGT.
    Granted,
    /// A KRB-ERROR: of this daemon's reason. Several reasons have one code, and a client sees the code alone.
    Refused(Refusal),
    /// A KRB-ERROR of this code, whoever's reasons it has.
    Code(i32),
}

impl Expected {
    /// Whether this is the refusal, as far as a client can tell.
    pub(super) fn is(self, denied: &Denied) -> bool {
        match self {
            Self::Granted => false,
            Self::Code(code) => code == denied.code,
            // Where both name an NTSTATUS it tells reasons of one code apart; not every KDC names one.
            Self::Refused(reason) => {
                let status = reason.nt_status().zip(denied.nt_status);
                reason.code() == denied.code && status.is_none_or(|(ours, theirs)| ours == theirs)
            }
        }
    }
}

impl FromStr for Expected {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "granted" {
            return Ok(Self::Granted);
        }
        let reason = text.strip_prefix("refused:").ok_or("write granted or refused:REASON")?;
        if let Some(known) = Refusal::ALL.iter().find(|known| known.label() == reason) {
            return Ok(Self::Refused(*known));
        }
        let code = reason.parse().ok().filter(|&code| error_name(code).is_some());
        code.map(Self::Code)
            .ok_or("no such reason: docs/refusals.md lists them; or write a KRB-ERROR's number")
    }
}

/// As it is written.
impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Granted => f.write_str("granted"),
            Self::Refused(reason) => write!(f, "refused:{}", reason.label()),
            Self::Code(code) => write!(f, "refused:{code}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Principal;
    use crate::krb::messages::KerberosTime;

    fn denied(code: i32, nt_status: Option<u32>) -> Denied {
        Denied {
            code,
            nt_status,
            stime: KerberosTime::EPOCH,
            server: Principal::krbtgt("LAB.EXAMPLE"),
            text: None,
            data: None,
            client: None,
            armored: None,
        }
    }

    #[test]
    fn is_written_as_it_is_read() {
        for text in ["granted", "refused:never_reveal", "refused:20"] {
            assert_eq!(text.parse::<Expected>().map(|expected| expected.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "Granted", "refused", "refused:", "refused:no_such_reason", "refused:9999"] {
            assert!(text.parse::<Expected>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_refusal_is_told_by_its_code_and_by_its_nt_status_where_both_have_one() {
        let disabled = Refusal::ALL.iter().find(|reason| reason.nt_status().is_some()).copied().unwrap();
        let status = disabled.nt_status();
        let expected = Expected::Refused(disabled);
        assert!(expected.is(&denied(disabled.code(), status)));
        assert!(expected.is(&denied(disabled.code(), None)), "Samba names none");
        assert!(!expected.is(&denied(disabled.code(), Some(1))));
        assert!(!expected.is(&denied(99, status)));
        assert!(Expected::Code(20).is(&denied(20, Some(1))));
        assert!(!Expected::Granted.is(&denied(20, None)));
    }
}
