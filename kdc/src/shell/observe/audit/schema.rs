//! The fields of an audit event: one table for both forms and for the documentation.

/// The version of the schema: raised when a field changes its meaning or goes, not when one is added.
pub(super) const VERSION: u64 = 1;

/// What a field's value is in JSON.
#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Text,
    Boolean,
    /// Of numbers.
    Numbers,
    /// Of texts.
    Texts,
}

macro_rules! fields {
    ($($variant:ident = $json:literal, $journal:literal, $kind:ident;)+) => {
        /// A field, named as `docs/audit.md` does.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Field { $($variant,)+ }

        impl Field {
            /// What stands before its value in a JSON object.
            pub(super) const fn json(self) -> &'static str {
                match self { $(Self::$variant => concat!("\"", $json, "\":"),)+ }
            }

            /// What stands before its value in a message to the journal.
            pub(super) const fn journal(self) -> &'static str {
                match self { $(Self::$variant => concat!("TGTX_", $journal, "="),)+ }
            }
        }

        /// Every field: its name in JSON, in the journal, and its kind.
        #[cfg(test)]
        pub(super) const ALL: &[(&str, &str, Kind)] =
            &[$(($json, concat!("TGTX_", $journal), Kind::$kind),)+];
    };
}

fields! {
    Time = "time", "TIME", Text;
    Schema = "schema", "SCHEMA", Number;
    EventId = "event_id", "EVENT_ID", Text;
    RequestId = "request_id", "REQUEST_ID", Text;
    Outcome = "outcome", "OUTCOME", Text;
    Reason = "reason", "REASON", Text;
    KrbError = "krb_error", "KRB_ERROR", Number;
    KrbErrorName = "krb_error_name", "KRB_ERROR_NAME", Text;
    Detail = "detail", "DETAIL", Text;
    Domain = "domain", "DOMAIN", Text;
    ClientName = "client_name", "CLIENT_NAME", Text;
    ClientSid = "client_sid", "CLIENT_SID", Text;
    BranchId = "branch_id", "BRANCH_ID", Number;
    Kvno = "kvno", "KVNO", Number;
    KeyVersion = "key_version", "KEY_VERSION", Number;
    TicketEtype = "etype_ticket", "ETYPE_TICKET", Number;
    SessionEtype = "etype_session", "ETYPE_SESSION", Number;
    SourceIp = "source_ip", "SOURCE_IP", Text;
    SourcePort = "source_port", "SOURCE_PORT", Number;
    Transport = "transport", "TRANSPORT", Text;
    Shadow = "shadow", "SHADOW", Boolean;
    TicketEnd = "ticket_end", "TICKET_END", Text;
    PolicyRule = "policy_rule", "POLICY_RULE", Text;
    PolicyGroup = "policy_group", "POLICY_GROUP", Text;
    KeyListRequested = "keylist_requested", "KEYLIST_REQUESTED", Boolean;
    Notes = "notes", "NOTES", Texts;
    ReleasedEtypes = "released_etypes", "RELEASED_ETYPES", Numbers;
    ReleasedKvno = "released_kvno", "RELEASED_KVNO", Number;
    Duration = "duration_us", "DURATION_US", Number;
    Lost = "lost", "LOST", Number;
    WindowsEventId = "windows_event_id", "WINDOWS_EVENT_ID", Number;
    WindowsStatus = "Status", "WINDOWS_STATUS", Text;
    WindowsTicketOptions = "TicketOptions", "WINDOWS_TICKET_OPTIONS", Text;
    WindowsTicketEtype = "TicketEncryptionType", "WINDOWS_TICKET_ENCRYPTION_TYPE", Text;
    WindowsPreAuthType = "PreAuthType", "WINDOWS_PRE_AUTH_TYPE", Text;
    WindowsIpAddress = "IpAddress", "WINDOWS_IP_ADDRESS", Text;
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_documentation_lists_the_same_fields() {
        let documented: Vec<(&str, &str, &str)> = include_str!("../../../../../docs/audit.md")
            .lines()
            .filter_map(|line| {
                let mut cells =
                    line.strip_prefix("| `")?.split('|').map(|cell| cell.trim().trim_matches('`'));
                Some((cells.next()?, cells.next()?, cells.next()?))
            })
            .filter(|(_, journal, _)| journal.starts_with("TGTX_"))
            .collect();
        let kind = |kind: Kind| match kind {
            Kind::Number => "number",
            Kind::Text => "text",
            Kind::Boolean => "boolean",
            Kind::Numbers => "list of numbers",
            Kind::Texts => "list of texts",
        };
        let known: Vec<_> = ALL.iter().map(|(json, journal, of)| (*json, *journal, kind(*of))).collect();
        assert_eq!(documented, known);
        assert!(include_str!("../../../../../docs/audit.md").contains(&format!("schema version {VERSION}")));
    }

    #[test]
    fn the_journal_takes_every_name() {
        // journald drops fields whose name is longer than 64, or not of capitals, digits and underscores.
        let is_name = |name: &str| {
            name.len() <= 64
                && name.bytes().all(|octet| octet.is_ascii_uppercase() || b"_0123456789".contains(&octet))
        };
        assert!(ALL.iter().all(|(_, journal, _)| is_name(journal)));
        assert_eq!(ALL.iter().map(|(_, journal, _)| journal).collect::<BTreeSet<_>>().len(), ALL.len());
    }
}
