//! What of LDAP a ping and its answer are written with (RFC 4511 §4.1.1, §4.5): tags, and the attribute asked for.

/// searchRequest, `[APPLICATION 3]`.
pub(super) const SEARCH_REQUEST: u8 = 0x63;
/// searchResEntry, `[APPLICATION 4]`.
pub(super) const SEARCH_RESULT_ENTRY: u8 = 0x64;
/// searchResDone, `[APPLICATION 5]`.
pub(super) const SEARCH_RESULT_DONE: u8 = 0x65;
/// controls of an LDAPMessage, `[0]`.
pub(super) const CONTROLS: u8 = 0xa0;

/// and of a Filter, `[0]`.
pub(super) const AND: u8 = 0xa0;
/// equalityMatch of a Filter, `[3]`.
pub(super) const EQUALITY: u8 = 0xa3;
/// present of a Filter, `[7]`.
pub(super) const PRESENT: u8 = 0x87;

/// The attribute that a ping asks for ([MS-ADTS] 6.3.3.2).
pub(super) const NETLOGON: &str = "Netlogon";
