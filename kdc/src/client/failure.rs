//! Why there is no request, or no answer to it.

use super::KeyUnusable;
use crate::krb::crypto::IntegrityError;
use crate::krb::der::DerError;

/// Why there is no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// The session key cannot encrypt the authenticator.
    #[error(transparent)]
    SessionKey(#[from] KeyUnusable),
    /// The credential or an additional ticket holds no ticket.
    #[error("ticket: {0}")]
    Ticket(DerError),
    /// The octets given for a body are not one.
    #[error("request body: {0}")]
    Body(DerError),
    /// The octets given for authorization data are not such.
    #[error("authorization data: {0}")]
    AuthorizationData(DerError),
}

/// Why octets are no answer to the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyError {
    /// They are neither a TGS-REP nor a KRB-ERROR, or what was opened is not what it should be.
    #[error("the reply does not decode: {0}")]
    Malformed(#[from] DerError),
    /// They are an AS-REP.
    #[error("the reply is an AS-REP")]
    MessageType,
    /// The encrypted part is under a key of another type than the request's.
    #[error("the reply is encrypted with type {0}, which the request's key is not of")]
    KeyType(i32),
    /// The request's key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyUnusable),
    /// The encrypted part does not open.
    #[error("the reply does not open under the request's key")]
    Integrity(#[from] IntegrityError),
    /// The reply answers another request.
    #[error("the reply has another nonce than the request")]
    Nonce,
    /// The request is armoured and the reply is not, or not with what it should be.
    #[error("the reply is not armoured as the request is")]
    Unarmored,
    /// The armour's checksum is not that of the ticket in the reply.
    #[error("the ticket in the reply is not the one that its armour is about")]
    TicketChecksum,
    /// The ticket names another server than the encrypted part.
    #[error("the reply's ticket is for another server than its encrypted part says")]
    Server,
}
