//! Third stage: the sender holds the ticket's session key, now, and meant this very request.

use super::domain::{Snapshot, Timestamp};
use super::refusal::{Refusal, Refused};
use super::rejected::RefusedRequest;
use super::ticket::{OpenedTicket, usable_key};
use crate::directory::same_name;
use crate::krb::crypto::{CipherKey, EncryptionKey, KeyUsage, MacKey, md5_matches};
use crate::krb::der::Der;
use crate::krb::messages::{Authenticator, AuthorizationData, ad_type};

/// Checksum types without a key (RFC 3961 §8).
mod unkeyed {
    pub(super) const CRC32: i32 = 1;
    pub(super) const RSA_MD4: i32 = 2;
    pub(super) const RSA_MD5: i32 = 7;
}

/// A request whose sender has proven to hold the session key of its ticket.
#[derive(Debug)]
pub struct AuthenticatedRequest<'r, 's, 'p> {
    pub(super) ticket: OpenedTicket<'r, 's, 'p>,
    /// The key the reply is sealed with instead of the session key (RFC 4120 §5.4.2).
    pub(super) subkey: Option<EncryptionKey>,
}

impl<'r, 's, 'p> OpenedTicket<'r, 's, 'p> {
    /// Opens the authenticator and holds it against ticket, clock and body (RFC 4120 §3.2.3, §3.3.3.1).
    ///
    /// # Errors
    /// [`RefusedRequest`] names the first check that fails.
    pub fn authenticate(
        mut self,
        snapshot: &Snapshot<'_>,
    ) -> Result<AuthenticatedRequest<'r, 's, 'p>, RefusedRequest> {
        match self.check_authenticator(snapshot) {
            Ok(subkey) => Ok(AuthenticatedRequest { subkey, ticket: self }),
            Err(refused) => Err(RefusedRequest::from(refused).about(self.who())),
        }
    }

    fn check_authenticator(&mut self, snapshot: &Snapshot<'_>) -> Result<Option<EncryptionKey>, Refused> {
        let sealed = &self.request.authenticator;
        if sealed.etype != self.session_key.etype().as_i32() {
            return Err(Refusal::AuthenticatorIntegrity.because("not of the session key's type"));
        }
        let plain = CipherKey::new(&self.session_key, KeyUsage::TgsReqAuthenticator)
            .open(sealed.cipher)
            .map_err(|_| Refusal::AuthenticatorIntegrity)?;
        let authenticator = Authenticator::parse(&plain)
            .map_err(|_| Refusal::AuthenticatorIntegrity.because("does not decode"))?;

        self.check_client(&authenticator)?;
        let sent = Timestamp { seconds: authenticator.ctime, microseconds: authenticator.cusec };
        self.clock_skew = Some(sent.abs_diff(snapshot.now));
        if sent.seconds.abs_diff(snapshot.now.seconds) > self.request.domain.rules.clock_skew {
            return Err(Refusal::ClockSkew.into());
        }
        self.check_body(&authenticator)?;
        let subkey = authenticator
            .subkey
            .as_ref()
            .map(|subkey| usable_key(subkey, &self.request.domain.keys, Refusal::SubkeyType, Refusal::Subkey))
            .transpose()?;
        check_authorization_data(self.part.authorization_data.as_ref(), Place::Ticket)?;
        let place = Place::Authenticator { armored: self.request.asked.is_armored() };
        check_authorization_data(authenticator.authorization_data.as_ref(), place)?;
        Ok(subkey)
    }

    /// [MS-KILE] 3.3.5.7: names compare without regard to letter case, as those of accounts do.
    fn check_client(&self, authenticator: &Authenticator<'_>) -> Result<(), Refused> {
        let same_realm = authenticator.crealm.eq_ignore_ascii_case(self.part.crealm);
        let same_name = authenticator.cname.component_count() == self.part.cname.component_count()
            && authenticator
                .cname
                .components()
                .zip(self.part.cname.components())
                .all(|(one, other)| same_name(one, other));
        if same_realm && same_name { Ok(()) } else { Err(Refusal::ClientMismatch.into()) }
    }

    /// The checksum covers the body's octets as received. Windows sends the unkeyed rsa-md5
    /// (`tests/vectors/windows-server-2022`): the authenticator's own encryption protects it, so it is
    /// accepted here and nowhere else. Otherwise it must be the session key's own type (RFC 3961).
    fn check_body(&self, authenticator: &Authenticator<'_>) -> Result<(), Refused> {
        let Some(checksum) = &authenticator.cksum else {
            let required = self.request.domain.rules.require_body_checksum;
            return if required { Err(Refusal::ChecksumMissing.into()) } else { Ok(()) };
        };
        let body = self.request.body_der;
        let matches = match checksum.kind {
            unkeyed::RSA_MD5 => md5_matches(body, checksum.value),
            kind if kind == self.session_key.etype().checksum_type() => {
                MacKey::new(&self.session_key, KeyUsage::TgsReqAuthenticatorChecksum)
                    .verify(body, checksum.value)
            }
            unkeyed::CRC32 | unkeyed::RSA_MD4 => return Err(Refusal::ChecksumWeak.into()),
            _ => return Err(Refusal::ChecksumUnknown.into()),
        };
        if matches { Ok(()) } else { Err(Refusal::ChecksumMismatch.into()) }
    }
}

/// Where authorization data stands.
#[derive(Clone, Copy)]
enum Place {
    Ticket,
    Authenticator { armored: bool },
}

/// What authorization data may hold at its top, where it must be understood (RFC 4120 §5.2.6); the PAC is looked for
/// by itself. What stands in AD-IF-RELEVANT may be unknown, except for the signs of FAST.
fn check_authorization_data(data: Option<&AuthorizationData<'_>>, place: Place) -> Result<(), Refused> {
    let Some(data) = data else { return Ok(()) };
    let mut refused = None;
    data.each(|inside, element| {
        let reason = match element.ad_type {
            // RFC 6113 §5.4.1.1: an armour ticket or authenticator is not one for a TGS request.
            ad_type::FX_FAST_ARMOR => Refusal::ArmorInAuthorizationData,
            // RFC 6113 §5.4.1.2: a client that says it used FAST, and whose armour somebody took off.
            ad_type::FX_FAST_USED => match place {
                Place::Authenticator { armored: true } => return,
                Place::Authenticator { armored: false } => Refusal::FastUsed,
                Place::Ticket if inside => return,
                Place::Ticket => Refusal::CriticalAuthorizationData,
            },
            ad_type::IF_RELEVANT | ad_type::WIN2K_PAC => return,
            _ if inside => return,
            _ => Refusal::CriticalAuthorizationData,
        };
        refused.get_or_insert(reason);
    })
    .map_err(|_| Refusal::MalformedAuthorizationData)?;
    refused.map_or(Ok(()), |reason| Err(reason.into()))
}
