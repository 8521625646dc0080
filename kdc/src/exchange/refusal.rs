//! Why a request is not answered with a ticket: one table for the wire, the log, the metrics and the
//! documentation.

use std::fmt;

use pac::Sid;

/// Turns the table below into [`Refusal`] and its accessors.
macro_rules! refusals {
    ($($(#[$doc:meta])* $variant:ident = $code:literal $(with $status:literal)?, $label:literal $(, $fault:ident)?;)+) => {
        /// A reason for which a request is refused. `docs/refusals.md` explains each to operators.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Refusal { $($(#[$doc])* $variant,)+ }

        impl Refusal {
            /// Every reason, in the order of the checks.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The error-code of the KRB-ERROR (RFC 4120 §7.5.9).
            #[must_use]
            pub const fn code(self) -> i32 {
                match self { $(Self::$variant => $code,)+ }
            }

            /// The stable name used in metrics, logs, audit events and on the command line.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)+ }
            }

            /// The NTSTATUS that a domain controller puts into the e-data of this refusal, if it puts one there
            /// ([MS-KILE] 2.2.1, 3.3.5.7.1; [MS-ERREF] 2.3).
            #[must_use]
            pub const fn nt_status(self) -> Option<u32> {
                match self { $(Self::$variant => refusals!(@status $($status)?),)+ }
            }

            /// Whether the directory or this daemon is the cause, and neither the client nor what the administrator
            /// wants.
            #[must_use]
            pub const fn is_fault(self) -> bool {
                match self { $(Self::$variant => refusals!(@fault $($fault)?),)+ }
            }
        }
    };
    (@status) => { None };
    (@status $status:literal) => { Some($status) };
    (@fault) => { false };
    (@fault fault) => { true };
}

// Several reasons may share a code: a client must not learn which rule refused it. No two share a
// label: an operator must. `with` is the NTSTATUS, `fault` says that the cause is the directory or the daemon. To refuse
// for a new reason, add a line here and in `docs/refusals.md`.
refusals! {
    // The message as such.
    /// pvno is not 5.
    ProtocolVersion = 3, "protocol_version";
    /// More padata, or longer padata, than any client sends; or a frame over the limit.
    MessageTooLarge = 61, "message_too_large";
    /// An AS-REQ: never ours.
    AsRequest = 29, "as_request";
    /// No padata at all.
    NoPadata = 25, "no_padata";
    /// No PA-TGS-REQ among the padata.
    NoTgsReq = 16, "no_pa_tgs_req";
    /// Two padata of a type that we read: which one counts is not for us to guess.
    DuplicatePadata = 13, "duplicate_padata";
    /// FX_FAST_ARMOR among the padata: it is a number of authorization data.
    FastArmor = 60, "fast_armor";

    // Ours or not.
    /// The realm of the ticket or of the body is none of ours.
    WrongRealm = 68, "wrong_realm";
    /// The ticket is not for krbtgt of its realm.
    TicketNotKrbtgt = 35, "ticket_not_krbtgt";
    /// The ticket is a full TGT already: no kvno, or no branch number in it.
    NotPartial = 29, "not_a_partial_tgt";
    /// No key is loaded for the ticket's branch number.
    UnknownBranch = 7, "unknown_branch";
    /// S4U2Self with a partial TGT.
    S4u = 6, "s4u";
    /// A ticket for later is asked for.
    Postdated = 10, "postdated";
    /// A KDC option that an exchange does not have.
    KdcOption = 13, "kdc_option";
    /// Something other than krbtgt is asked for.
    ServiceTicket = 7, "service_ticket";
    /// enc-authorization-data or additional-tickets.
    UnsupportedField = 13, "unsupported_field";
    /// A padata element that we read does not decode.
    MalformedPadata = 60, "malformed_padata";

    // The ticket.
    /// No key of the ticket's encryption type is loaded for its branch.
    NoKey = 31, "no_key";
    /// The ticket does not decrypt or does not decode.
    TicketIntegrity = 31, "ticket_integrity";
    /// The session key in the ticket is of a type that we do not use.
    SessionKeyType = 14, "session_key_type";
    /// The session key in the ticket has the wrong length or is zero.
    SessionKey = 31, "session_key";
    /// The INVALID flag is set.
    TicketInvalid = 33, "ticket_invalid";
    /// The ticket ends before it starts.
    TicketNeverValid = 11, "ticket_never_valid";
    /// The ticket starts in the future.
    TicketNotYetValid = 33, "ticket_not_yet_valid";
    /// The ticket has ended, or ends within two minutes.
    TicketExpired = 32, "ticket_expired";
    /// The ticket lives longer than `max-partial-lifetime`.
    LongPartial = 20, "long_partial";
    /// The client's realm is not the domain's.
    ClientRealm = 20, "client_realm";
    /// The ANONYMOUS flag is set.
    Anonymous = 13, "anonymous";
    /// The transited encoding is of an unknown type.
    TransitedType = 17, "transited_type";
    /// The ticket has crossed realms.
    Transited = 20, "transited";
    /// The ticket's addresses do not hold the sender's, and `check-addresses` is on.
    Address = 38, "address";

    // The authenticator.
    /// The authenticator does not decrypt or does not decode.
    AuthenticatorIntegrity = 31, "authenticator_integrity";
    /// The authenticator names another client than the ticket.
    ClientMismatch = 36, "client_mismatch";
    /// The authenticator's time is too far from ours.
    ClockSkew = 37, "clock_skew";
    /// The authenticator has no checksum of the body.
    ChecksumMissing = 50, "checksum_missing";
    /// The checksum of the body is of a type that anybody can collide.
    ChecksumWeak = 50, "checksum_weak";
    /// The checksum of the body is of an unknown type.
    ChecksumUnknown = 15, "checksum_unknown";
    /// The checksum is not that of the body.
    ChecksumMismatch = 41, "checksum_mismatch";
    /// The authenticator's subkey is of a type that we do not use.
    SubkeyType = 14, "subkey_type";
    /// The authenticator's subkey has the wrong length or is zero.
    Subkey = 31, "subkey";
    /// The authorization data of the ticket or the authenticator does not decode.
    MalformedAuthorizationData = 60, "malformed_authorization_data";
    /// FAST armour in the authorization data of the ticket or the authenticator.
    ArmorInAuthorizationData = 31, "armor_in_authorization_data";
    /// A sign of FAST in the authenticator of a request without it.
    FastUsed = 41, "fast_used";
    /// Authorization data that must be understood and is not.
    CriticalAuthorizationData = 60, "critical_authorization_data";

    // The armour. From where it is open, what is asked for is checked as that of a request without one.
    /// FAST without a subkey in the authenticator: there is nothing to armour with.
    FastWithoutSubkey = 24, "fast_without_subkey";
    /// A partial TGT as armour for a request with another ticket.
    FastPartialArmor = 20, "fast_partial_armor";
    /// A ticket of its own as armour: a compound identity is asked for.
    FastExplicitArmor = 24, "fast_explicit_armor";
    /// The armoured request does not decrypt.
    FastIntegrity = 31, "fast_integrity";
    /// The armoured request does not decode.
    FastMalformed = 60, "fast_malformed";
    /// The checksum of the AP-REQ is not of the armour key's type.
    FastChecksumType = 50, "fast_checksum_type";
    /// The checksum is not that of the AP-REQ.
    FastChecksumMismatch = 41, "fast_checksum_mismatch";
    /// A FAST option that must be understood and is not.
    FastOption = 93, "fast_option";

    // The PAC.
    /// No PAC, or more than one.
    NoPac = 20, "no_pac";
    /// The PAC or its authorization data does not decode, or a buffer that must be there is not.
    PacStructure = 60, "pac_structure";
    /// Two PAC buffers of one type.
    PacDuplicate = 13, "pac_duplicate_buffer";
    /// A signature of the PAC is not that of the branch's key.
    PacSignature = 41, "pac_signature";
    /// The PAC is signed for another branch.
    PacBranch = 41, "pac_branch";
    /// PAC_CLIENT_INFO names another client or another time than the ticket.
    PacClientInfo = 20, "pac_client_info";
    /// No PAC_REQUESTOR: a name alone does not identify.
    RequestorMissing = 20, "requestor_missing";

    // Load and service.
    /// The authenticator was seen with another message or from another address.
    Replay = 34, "replay";
    /// The directory cannot be asked.
    DirectoryUnavailable = 29, "directory_unavailable", fault;
    /// The policy lists and branch objects are older than `max-stale`, or were never read.
    DirectoryStale = 29, "directory_stale", fault;
    /// The directory's answer is incomplete or contradicts itself.
    DirectoryData = 29, "directory_data", fault;
    /// The directory's krbtgt key is two or more versions ahead of ours.
    KrbtgtOutdated = 29, "krbtgt_outdated", fault;
    /// The version of the directory's krbtgt key cannot be read: ours might be too old for any domain controller.
    KrbtgtUnknown = 29, "krbtgt_unknown", fault;
    /// Audit events cannot be written, and `on-loss` is `"refuse"`.
    AuditUnavailable = 29, "audit_unavailable", fault;
    /// No KDC that the message was relayed to answered in time.
    RelayUnanswered = 29, "relay_unanswered", fault;
    /// More messages are being relayed than may be, and this one had taken longest.
    RelayFull = 29, "relay_full", fault;
    /// A message that we relay has come back from a KDC that we relay to.
    RelayCircle = 29, "relay_circle", fault;
    /// The domain is in shadow mode, and has no KDC that could answer.
    ShadowMode = 29, "shadow_mode", fault;

    // Who.
    /// No account has the client's name.
    ClientUnknown = 6, "client_unknown";
    /// No account has the requestor's SID.
    RequestorUnknown = 20, "requestor_unknown";
    /// The requestor's SID is another account's than the client's name.
    RequestorMismatch = 20, "requestor_mismatch";
    /// The requestor's SID is another domain's.
    RequestorForeign = 20, "requestor_foreign";

    // Policy.
    /// The branch's objects in the directory are not what a branch must have.
    BranchUnusable = 12, "branch_unusable", fault;
    /// A value of the branch's policy lists cannot be read or resolved.
    BranchListUnresolved = 20, "branch_list_unresolved", fault;
    /// The operator's own denials cannot be resolved.
    DenialsUnresolved = 20, "denials_unresolved", fault;
    /// A krbtgt account.
    KrbtgtAccount = 20, "krbtgt_account";
    /// A trust account, or one that is a temporary duplicate.
    TrustAccount = 20, "trust_account";
    /// A domain controller, writable or read-only.
    DomainController = 20, "domain_controller";
    /// A computer, and `allow-computers` is off.
    Computer = 20, "computer";
    /// A managed service account, and `allow-service-accounts` is off.
    ServiceAccount = 20, "service_account";
    /// The built-in Administrator, and `allow-administrator` is off.
    Administrator = 20, "administrator";
    /// A built-in account that never signs in through the cloud: Guest and its like.
    BuiltinAccount = 20, "builtin_account";
    /// On the branch's msDS-NeverRevealGroup.
    NeverReveal = 20, "never_reveal";
    /// In one of the operator's `deny-groups`.
    DeniedByOperator = 20, "denied_by_operator";
    /// Holds replication rights on the domain's head, and `deny-replicators` is on.
    Replicator = 20, "replicator";
    /// Not on the branch's msDS-RevealOnDemandGroup.
    NotOnAllowList = 20, "not_on_allow_list";

    // Account state.
    /// The account is disabled.
    AccountDisabled = 18 with 0xc000_0072, "account_disabled";
    /// The account is locked out.
    AccountLocked = 18 with 0xc000_0234, "account_locked";
    /// The account has expired.
    AccountExpired = 18 with 0xc000_0193, "account_expired";
    /// The account may not log on at this hour.
    LogonHours = 18 with 0xc000_006f, "logon_hours";
    /// The password must be changed first.
    PasswordMustChange = 23 with 0xc000_0224, "password_must_change";
    /// The password has expired.
    PasswordExpired = 23 with 0xc000_0071, "password_expired";

    /// An authentication policy or silo that is assigned to the account cannot be read.
    AuthenticationPolicyUnresolved = 12, "authentication_policy_unresolved", fault;
    /// The account's authentication policy or silo demands a certain device.
    // STATUS_INVALID_WORKSTATION: the device is not one the policy allows.
    AuthenticationPolicy = 12 with 0xc000_0070, "authentication_policy";

    // The ticket asked for.
    /// A Protected User whose session key, subkey or new session key would be RC4.
    ProtectedUserEtype = 14, "protected_user_etype";
    /// No encryption type that the client lists is one we use for session keys.
    NoCommonEtype = 14, "no_common_etype";
    /// The ticket asked for would end before it starts.
    NeverValid = 11, "never_valid";
    /// The user's PAC does not fit a ticket.
    PacTooLarge = 60, "pac_too_large", fault;
    /// A fault of our own; the log has it.
    Internal = 60, "internal", fault;
}

impl Refusal {
    /// The refusal with what the operator should know beside its name.
    #[must_use]
    pub fn because(self, detail: impl Into<Detail>) -> Refused {
        Refused { reason: self, detail: detail.into() }
    }
}

/// A refusal with its detail. The code goes to the wire, the label to the counters, the detail to
/// the log and nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Which rule refused.
    pub reason: Refusal,
    /// What decided, for the operator.
    pub detail: Detail,
}

impl From<Refusal> for Refused {
    fn from(reason: Refusal) -> Self {
        reason.because("")
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason.label())?;
        match &self.detail {
            Detail::Text("") => Ok(()),
            detail => write!(f, " ({detail})"),
        }
    }
}

/// What decided, beside the reason. Nothing in it was chosen by the sender of an unopened ticket, so
/// that it needs no allocation on that path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detail {
    /// A fixed text.
    Text(&'static str),
    /// The group or account that decided.
    Sid(Sid),
    /// A text that only the directory can have put there.
    Directory(Box<str>),
}

impl From<&'static str> for Detail {
    fn from(text: &'static str) -> Self {
        Self::Text(text)
    }
}

impl From<Sid> for Detail {
    fn from(sid: Sid) -> Self {
        Self::Sid(sid)
    }
}

impl From<String> for Detail {
    fn from(text: String) -> Self {
        Self::Directory(text.into_boxed_str())
    }
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Sid(sid) => sid.fmt(f),
            Self::Directory(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::krb::error_names::error_name;

    #[test]
    fn no_two_reasons_share_a_label() {
        let labels: BTreeSet<_> = Refusal::ALL.iter().map(|reason| reason.label()).collect();
        assert_eq!(labels.len(), Refusal::ALL.len());
    }

    #[test]
    fn every_code_has_a_name() {
        let nameless = Refusal::ALL.iter().find(|reason| error_name(reason.code()).is_none());
        assert_eq!(nameless, None);
    }

    #[test]
    fn nt_status_goes_with_account_state_only() {
        for reason in Refusal::ALL {
            let about_the_account =
                matches!(reason.code(), 18 | 23) || *reason == Refusal::AuthenticationPolicy;
            assert_eq!(reason.nt_status().is_some(), about_the_account, "{reason:?}");
        }
    }

    #[test]
    fn the_documentation_lists_the_same_reasons() {
        let documented: BTreeSet<(&str, i32, Option<u32>)> = include_str!("../../../docs/refusals.md")
            .lines()
            .filter_map(|line| {
                let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
                let label = cells.next()?.trim_end_matches('`');
                let code = cells.next()?;
                // `18 KDC_ERR_CLIENT_REVOKED, STATUS_ACCOUNT_DISABLED 0xC0000072`
                let status = code.split_once(" 0x").and_then(|(_, hex)| u32::from_str_radix(hex, 16).ok());
                Some((label, code.split(' ').next()?.parse().ok()?, status))
            })
            .collect();
        let entry = |reason: &Refusal| (reason.label(), reason.code(), reason.nt_status());
        assert_eq!(documented, Refusal::ALL.iter().map(entry).collect());
    }
}
