//! The messages of RFC 4120, and of [MS-KILE] where it adds some, as views into the octets received.
//!
//! Every type implements [`Der`](super::der::Der): `parse` borrows and allocates nothing, `to_der` gives
//! the same octets back. A value to be sent is made of the same types, with
//! [`SequenceOf::of`](super::der::SequenceOf::of) for its lists. `Debug` shows no key and no cipher.
//!
//! Names and realms are octets: Active Directory sends UTF-8 where RFC 4120 allows ASCII only, and whether
//! two names are the same is not for a codec to decide.

mod ap_req;
mod authenticator;
mod authorization_data;
mod encryption;
mod error;
mod fast;
mod names;
mod numbers;
mod padata;
mod reply;
mod request;
mod ticket;
mod time;

pub use ap_req::{ApReq, ap_options};
pub use authenticator::{Authenticator, Checksum};
pub use authorization_data::{
    AuthorizationData, AuthorizationElement, FoundPacs, ad_type, if_relevant_pac, write_if_relevant_pac,
};
pub use encryption::{EncryptedData, EncryptionKeyView, Sealing};
pub use error::{KerbErrorData, KerbExtError, KrbError, error_code};
pub use fast::{
    FastArmor, KrbFastFinished, KrbFastReq, KrbFastResponse, PaFxFastReply, PaFxFastRequest, fast_options,
};
pub use names::{
    HostAddress, HostAddresses, KerberosString, PrincipalName, PrincipalNameBuf, anonymous, name_type,
};
pub use numbers::WireInt;
pub use padata::{
    KerbKeyListRep, KerbKeyListReq, PaData, PaDatas, PaPacOptions, PaSupportedEnctypes, pa_type, pac_options,
    write_padata,
};
pub use reply::{EncKdcRepPart, EncPartTag, KdcRep, KdcRepFrame, LastReq, LastReqEntry, ReplyType};
pub use request::{
    Etypes, KdcReq, KdcReqBody, MAX_PADATA, MAX_PADATA_OCTETS, RequestError, RequestType, kdc_options,
};
pub use ticket::{EncTicketPart, Ticket, TransitedEncoding, ticket_flags, write_ticket};
pub use time::KerberosTime;

/// `pvno`, `tkt-vno` and `authenticator-vno` of Kerberos V5.
pub const VERSION: i32 = 5;

#[cfg(test)]
mod tests;
