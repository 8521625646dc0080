//! Fifth stage: the PAC was signed by the branch, and SID and name in it are one account's.

use std::borrow::Cow;
use std::sync::Arc;

use pac::{BufferType, ClientInfo, FileTime, Pac, PacError, Sid, Signature, SignatureType};

use super::answer_armor::Armor;
use super::armor::UnarmoredRequest;
use super::decision::current;
use super::domain::Domain;
use super::notes::{Note, Notes};
use super::refusal::{Refusal, Refused};
use super::rejected::RefusedRequest;
use super::ticket::OpenedTicket;
use super::who::Who;
use super::wishes::Wishes;
use crate::directory::{ClientName, DirectoryView, Principal};
use crate::krb::crypto::EncryptionKey;
use crate::krb::keys::{Key, Krbtgt};
use crate::krb::messages::{KerberosTime, name_type};

/// A client whose ticket, authenticator and PAC hold. Nothing of the ticket is kept but this.
#[derive(Debug)]
pub struct AuthenticatedClient<'r, 's> {
    pub(super) who: Who,
    pub(super) requestor: Sid,
    pub(super) domain: &'s Domain,
    pub(super) wishes: Wishes,
    pub(super) ticket: TicketFacts<'s>,
    /// Whether the name is one that an account can have: one component, UTF-8, no NUL and no slash.
    is_possible_name: bool,
    pub(super) session_key: EncryptionKey,
    pub(super) subkey: Option<EncryptionKey>,
    pub(super) notes: Notes,
    /// What the answer is armoured with.
    pub(super) armor: Option<Arc<Armor>>,
    authenticator: &'r [u8],
}

/// What the full TGT takes over from the partial one.
#[derive(Debug)]
pub(super) struct TicketFacts<'s> {
    /// Of the cname, whose components [`Who`] has. It is copied octet for octet: the TGS does not canonicalise (RFC 6806
    /// §6).
    pub(super) name_type: i32,
    /// Likewise, in the letter case it came in: the client compares it with what it sent. As a rule that is the
    /// domain's own.
    pub(super) crealm: Cow<'s, [u8]>,
    pub(super) flags: u32,
    pub(super) authtime: KerberosTime,
    pub(super) endtime: KerberosTime,
    pub(super) renew_till: Option<KerberosTime>,
}

impl<'r, 's> UnarmoredRequest<'r, 's, '_> {
    /// Verifies the PAC of the ticket ([MS-PAC] 2.8) and takes from it who the client is. Everything else in
    /// it is left unread: the new PAC comes from the directory.
    ///
    /// # Errors
    /// [`RefusedRequest`] names the first check that fails.
    pub fn identify_by_pac(self) -> Result<Box<AuthenticatedClient<'r, 's>>, RefusedRequest> {
        let mut who = self.ticket.who();
        who.asked = Some(self.wishes.asked());
        let mut notes = self.ticket.notes;
        let requestor = match self.ticket.verify_pac(&mut notes) {
            Ok(requestor) => requestor,
            Err(refused) => return Err(RefusedRequest::from(refused).about(who).under(self.armor)),
        };
        who.sid = Some(requestor);
        let OpenedTicket { request, part, session_key, .. } = self.ticket;
        let realm = request.domain.realm.as_bytes();
        // Boxed, because it is large and goes from stage to stage.
        Ok(Box::new(AuthenticatedClient {
            who,
            requestor,
            domain: request.domain,
            wishes: self.wishes,
            is_possible_name: part.cname.only_component().is_some_and(is_possible_name),
            ticket: TicketFacts {
                name_type: part.cname.name_type,
                crealm: if part.crealm == realm { realm.into() } else { part.crealm.to_vec().into() },
                flags: part.flags,
                authtime: part.authtime,
                endtime: part.endtime,
                renew_till: part.renew_till,
            },
            session_key,
            subkey: self.subkey,
            notes,
            armor: self.armor,
            authenticator: request.authenticator.cipher,
        }))
    }
}

impl OpenedTicket<'_, '_, '_> {
    fn verify_pac(&self, notes: &mut Notes) -> Result<Sid, Refused> {
        let pac = Pac::parse(self.pac()?).map_err(|error| match error {
            PacError::Duplicate(_) => Refusal::PacDuplicate.into(),
            _ => Refusal::PacStructure.because("layout"),
        })?;
        for required in [BufferType::LOGON_INFO, BufferType::CLIENT_INFO] {
            if pac.buffer(required).is_none() {
                return Err(Refusal::PacStructure.because("a buffer that must be there is missing"));
            }
        }
        self.verify_signatures(&pac, notes)?;
        self.check_client_info(&pac)?;
        let requestor = pac.buffer(BufferType::REQUESTOR).ok_or(Refusal::RequestorMissing)?;
        Sid::from_bytes(requestor).map_err(|_| Refusal::PacStructure.because("PAC_REQUESTOR is no SID"))
    }

    /// Exactly one AD-WIN2K-PAC, inside AD-IF-RELEVANT ([MS-PAC] 1.4).
    fn pac(&self) -> Result<&[u8], Refused> {
        let data = self.part.authorization_data.as_ref().ok_or(Refusal::NoPac)?;
        let pacs = data.pacs().map_err(|_| Refusal::MalformedAuthorizationData)?;
        pacs.only().ok_or(Refusal::NoPac.because(if pacs.count > 1 { "more than one" } else { "" }))
    }

    /// The server signature over the whole PAC decides, and the KDC signature over it must hold too. A real RODC signs
    /// the two with different types (`tests/vectors/windows-rodc-2021`): HMAC-MD5, and no other type, may be of a key
    /// that is not loaded.
    fn verify_signatures(&self, pac: &Pac<'_>, notes: &mut Notes) -> Result<(), Refused> {
        let unusable = |error| match error {
            PacError::SignatureType(_) => Refusal::PacSignature.because("signature type"),
            _ => Refusal::PacStructure.because("a signature is missing or cut"),
        };
        let server = pac.server_signature().map_err(unusable)?;
        let kdc = pac.kdc_signature().map_err(unusable)?;
        let branch = self.request.branch;

        let made_by_key = server.kind == self.key.pac_signature_type()
            && self.key.pac_verifier().verify(&pac.unsigned(), server.mac);
        if !made_by_key {
            return Err(Refusal::PacSignature.because("server signature"));
        }
        let mut kdc_keys = branch.kdc_signature_keys(kdc.kind).peekable();
        if kdc_keys.peek().is_none() && kdc.kind == SignatureType::HmacMd5 {
            notes.add(Note::KdcSignatureUnverified);
        } else if !kdc_keys.any(|key| key.verify(server.mac, kdc.mac)) {
            return Err(Refusal::PacSignature.because("KDC signature"));
        }
        // [MS-PAC] 2.8: an RODC's signature ends with its number. Tools leave it out and Windows does not mind.
        for Signature { rodc_identifier, .. } in [server, kdc] {
            if rodc_identifier.is_some_and(|number| number != branch.number()) {
                return Err(Refusal::PacBranch.into());
            }
        }
        Ok(())
    }

    /// [MS-PAC] 2.7: PAC_CLIENT_INFO ties the PAC to this ticket.
    fn check_client_info(&self, pac: &Pac<'_>) -> Result<(), Refused> {
        let info = pac.buffer(BufferType::CLIENT_INFO).ok_or(Refusal::PacClientInfo)?;
        let authtime = FileTime::from_unix_seconds(self.part.authtime.unix_seconds());
        let name = self.part.cname.only_component().and_then(|only| str::from_utf8(only).ok());
        let ties = name.is_some_and(|name| ClientInfo::says(info, authtime, name));
        if ties { Ok(()) } else { Err(Refusal::PacClientInfo.into()) }
    }
}

impl<'r, 's> AuthenticatedClient<'r, 's> {
    /// Whom the request is about.
    #[must_use]
    pub fn who(&self) -> &Who {
        &self.who
    }

    /// PAC_REQUESTOR: the account to read from the directory.
    #[must_use]
    pub fn requestor(&self) -> Sid {
        self.requestor
    }

    /// The domain that serves the request.
    #[must_use]
    pub fn domain(&self) -> &'s Domain {
        self.domain
    }

    /// The sealed authenticator: what the replay memory remembers.
    #[must_use]
    pub fn authenticator(&self) -> &'r [u8] {
        self.authenticator
    }

    /// Refuses the client for a reason of the service.
    #[must_use]
    pub fn refuse(&self, why: impl Into<Refused>) -> RefusedRequest {
        RefusedRequest::from(why.into()).about(self.who.clone()).under(self.armor.clone())
    }

    /// The same for the last time.
    pub(super) fn end(self, why: impl Into<Refused>) -> RefusedRequest {
        RefusedRequest::from(why.into()).about(self.who).under(self.armor)
    }

    /// Whether an account is the one that SID and name of the ticket name together.
    #[must_use]
    pub fn is(&self, account: &Principal) -> bool {
        account.sid() == self.requestor && self.name().is_some_and(|name| account.is_named(&name))
    }

    /// The name, if it is one that an account can have.
    pub(super) fn name(&self) -> Option<ClientName<'_>> {
        if !self.is_possible_name {
            return None;
        }
        let name = str::from_utf8(self.who.name_octets()).ok()?;
        Some(ClientName { name, enterprise: self.ticket.name_type == name_type::ENTERPRISE })
    }

    /// Ties the client to the account with the requestor's SID, which must have the client's name as well
    /// (CVE-2021-42287: neither alone identifies). `account` is `None` where the domain has no such SID; `view` is
    /// what the directory said last, `None` where that is too long ago.
    ///
    /// # Errors
    /// [`Unidentified`], which may need to know whether the name exists at all.
    pub fn identify<'a>(
        self: Box<Self>,
        account: Option<&'a Principal>,
        view: Option<&'a DirectoryView>,
    ) -> Result<IdentifiedClient<'r, 's, 'a>, Unidentified> {
        let Some(view) = view else {
            return Err(self.end(Refusal::DirectoryStale).into());
        };
        if let Err(refused) = current(&self.domain.keys, view) {
            return Err(self.end(refused).into());
        }
        let Some(name) = self.name() else {
            let refused = Refusal::ClientUnknown.because("not a name that an account can have");
            return Err(self.end(refused).into());
        };
        let reason = match account {
            Some(account) if account.sid() == self.requestor && account.is_named(&name) => {
                return Ok(IdentifiedClient { client: self, account, view });
            }
            _ if !self.requestor.is_in_domain(&view.domain_sid) => Refusal::RequestorForeign,
            Some(_) => Refusal::RequestorMismatch,
            None => Refusal::RequestorUnknown,
        };
        let (refused, enterprise) = (reason.because(self.requestor), name.enterprise);
        Err(Unidentified::Name { enterprise, refused: self.end(refused) })
    }
}

fn is_possible_name(name: &[u8]) -> bool {
    str::from_utf8(name).is_ok() && !name.iter().any(|octet| matches!(octet, b'\0' | b'/'))
}

/// Why SID and name did not lead to one account.
#[derive(Debug)]
pub enum Unidentified {
    /// Refused whatever the directory says of the name.
    Refused(RefusedRequest),
    /// Refused thus if an account has this name; [`Refusal::ClientUnknown`] if none has.
    Name {
        /// Whether the name is a user principal name.
        enterprise: bool,
        /// The refusal, which has the name.
        refused: RefusedRequest,
    },
}

impl From<RefusedRequest> for Unidentified {
    fn from(refused: RefusedRequest) -> Self {
        Self::Refused(refused)
    }
}

impl Unidentified {
    /// The name that it depends on, if it does.
    #[must_use]
    pub fn name(&self) -> Option<ClientName<'_>> {
        let Self::Name { enterprise, refused } = self else { return None };
        let name = str::from_utf8(refused.who.as_ref()?.name_octets()).ok()?;
        Some(ClientName { name, enterprise: *enterprise })
    }

    /// The refusal, given whether an account has the name. A directory that was not asked counts as one that
    /// has it: the client learns less.
    #[must_use]
    pub fn refuse(self, name_exists: bool) -> RefusedRequest {
        match self {
            Self::Refused(refused) => refused,
            Self::Name { refused, .. } if name_exists => refused,
            Self::Name { refused, .. } => {
                RefusedRequest { why: Refused { reason: Refusal::ClientUnknown, ..refused.why }, ..refused }
            }
        }
    }
}

/// A client and the account that SID and name both are of.
#[derive(Debug)]
pub struct IdentifiedClient<'r, 's, 'a> {
    pub(super) client: Box<AuthenticatedClient<'r, 's>>,
    pub(super) account: &'a Principal,
    pub(super) view: &'a DirectoryView,
}

impl<'s> IdentifiedClient<'_, 's, '_> {
    /// The key that its full TGT is issued under.
    pub(super) fn issuing_key(&self) -> &'s Key<Krbtgt> {
        self.client.domain.keys.issuing_at(self.view.krbtgt_version)
    }

    /// Refuses the client for a reason of the service.
    #[must_use]
    pub fn refuse(&self, why: impl Into<Refused>) -> RefusedRequest {
        self.client.refuse(why)
    }
}
