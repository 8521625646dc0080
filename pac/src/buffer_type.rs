//! The types of a PAC's buffers.

use std::fmt;

/// What a buffer holds ([MS-PAC] 2.4). Any number can stand here; the known ones have names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BufferType(pub u32);

macro_rules! buffer_types {
    ($($(#[$doc:meta])* $name:ident = $number:literal;)+) => {
        impl BufferType {
            $($(#[$doc])* pub const $name: Self = Self($number);)+

            /// The constant's name, for known types.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some(stringify!($name)),)+
                    _ => None,
                }
            }
        }
    };
}

buffer_types! {
    /// KERB_VALIDATION_INFO: [`LogonInfo`](crate::LogonInfo).
    LOGON_INFO = 1;
    /// Credentials for other protocols, in AS replies to PKINIT.
    CREDENTIAL_INFO = 2;
    /// The signature with the key of the ticket's server, over the whole PAC.
    SERVER_CHECKSUM = 6;
    /// The signature with the KDC's key, over the server's signature.
    KDC_CHECKSUM = 7;
    /// [`ClientInfo`](crate::ClientInfo).
    CLIENT_INFO = 10;
    /// Constrained delegation, in service tickets.
    S4U_DELEGATION_INFO = 11;
    /// [`UpnDnsInfo`](crate::UpnDnsInfo).
    UPN_DNS_INFO = 12;
    /// The user's claims.
    CLIENT_CLAIMS = 13;
    /// The device's groups, in compound service tickets.
    DEVICE_INFO = 14;
    /// The device's claims, in compound service tickets.
    DEVICE_CLAIMS = 15;
    /// The signature over a service ticket.
    TICKET_CHECKSUM = 16;
    /// [`AttributesInfo`](crate::AttributesInfo).
    ATTRIBUTES_INFO = 17;
    /// The packet form of the [`Sid`](crate::Sid) whose TGT it is.
    REQUESTOR = 18;
    /// The signature over a service ticket's whole PAC.
    FULL_CHECKSUM = 19;
}

impl fmt::Display for BufferType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "type {}", self.0),
        }
    }
}

impl fmt::Debug for BufferType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
