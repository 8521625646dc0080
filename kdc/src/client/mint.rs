//! A partial TGT as Entra ID issues it, or with anything in it changed.
//!
//! [`PartialTgt::new`] fills every field as seen from Entra and from the tools that mirror it; a test changes one
//! and calls [`mint`](PartialTgt::mint). For what the fields cannot express, such as a PAC with two buffers of
//! one type, `authorization_data` takes octets.

use std::time::Duration;

use pac::{
    AttributesInfo, BufferType, ClientInfo, FileTime, LogonInfo, PacError, Sid, Signature, SignatureType,
};

use super::{Address, Credential, Principal, SessionKey, Times};
use crate::krb::Secret;
use crate::krb::crypto::{CONFOUNDER_LEN, MacKey};
use crate::krb::der::{Der, DerError, SequenceOf, Writer};
use crate::krb::keys::{Key, Lab};
use crate::krb::messages::{
    AuthorizationData, EncTicketPart, EncryptedData, HostAddress, HostAddresses, KerberosTime, Ticket,
    TransitedEncoding, WireInt, if_relevant_pac, ticket_flags,
};

/// How long a partial TGT lives unless changed.
pub const LIFETIME: Duration = Duration::from_secs(10 * 3600);

/// How long it is renewable unless changed.
pub const RENEWABLE: Duration = Duration::from_secs(7 * 86_400);

/// forwardable, renewable, enc-pa-rep: 0x40810000.
pub const FLAGS: u32 = ticket_flags::FORWARDABLE | ticket_flags::RENEWABLE | ticket_flags::ENC_PA_REP;

/// Everything in a partial TGT.
#[derive(Debug)]
pub struct PartialTgt<'k> {
    /// Seals the ticket.
    pub key: &'k Key<Lab>,
    /// The ticket's kvno: the key's, as a signed number, as Windows writes it.
    pub kvno: Option<WireInt>,
    /// The ticket's encryption type as it claims it: the key's.
    pub etype: i32,
    /// The server with its realm, in clear: `krbtgt/REALM`.
    pub server: Principal,
    /// The client with its realm.
    pub client: Principal,
    /// Bits of [`ticket_flags`]: [`FLAGS`].
    pub flags: u32,
    /// The session key.
    pub session_key: SessionKey,
    /// Transited encoding: type 1 and nothing.
    pub transited: (i32, Vec<u8>),
    /// From now, for [`LIFETIME`] and [`RENEWABLE`].
    pub times: Times,
    /// Where it may be used from: anywhere.
    pub addresses: Vec<Address>,
    /// The PAC.
    pub pac: PartialPac<'k>,
    /// Where the PAC goes, or what takes its place.
    pub authorization_data: TicketData,
    /// Random octets, fresh for each ticket.
    pub confounder: [u8; CONFOUNDER_LEN],
}

/// The authorization data of a minted ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TicketData {
    /// The PAC, in an AD-IF-RELEVANT.
    Pac,
    /// No authorization data, so no PAC.
    Absent,
    /// The encoding of an `AuthorizationData`; [`with_pacs`] makes one of any octets for a PAC.
    Octets(Vec<u8>),
}

impl<'k> PartialTgt<'k> {
    /// A partial TGT for the account of this name and SID, issued now. `realm` is the DNS name in upper case;
    /// the NetBIOS name of the domain is taken to be its first label.
    #[must_use]
    pub fn new(
        key: &'k Key<Lab>,
        realm: &str,
        user: &str,
        sid: Sid,
        now: KerberosTime,
        session_key: SessionKey,
        confounder: [u8; CONFOUNDER_LEN],
    ) -> Self {
        Self {
            key,
            kvno: Some(WireInt::signed(key.kvno())),
            etype: key.etype().as_i32(),
            server: Principal::krbtgt(realm),
            client: Principal::user(realm, user),
            flags: FLAGS,
            session_key,
            transited: (1, Vec::new()),
            times: Times {
                authtime: now,
                starttime: Some(now),
                endtime: now.saturating_add(LIFETIME),
                renew_till: Some(now.saturating_add(RENEWABLE)),
            },
            addresses: Vec::new(),
            pac: PartialPac::new(key, realm, user, sid, now),
            authorization_data: TicketData::Pac,
            confounder,
        }
    }

    /// Moves the ticket and its PAC in time: issued at `authtime`, good until `endtime`. The PAC's client
    /// information must have the ticket's authtime, so the two change together.
    pub fn set_times(&mut self, authtime: KerberosTime, endtime: KerberosTime) {
        self.times = Times {
            authtime,
            starttime: Some(authtime),
            endtime,
            renew_till: Some(authtime.saturating_add(RENEWABLE).max(endtime)),
        };
        if let Some(client_info) = &mut self.pac.client_info {
            client_info.client_id = FileTime::from_unix_seconds(authtime.unix_seconds());
        }
    }

    /// Encodes and seals the ticket.
    ///
    /// # Errors
    /// [`MintError`] if the PAC cannot be laid out, or octets given are not authorization data.
    pub fn mint(self) -> Result<Credential, MintError> {
        let plain = self.plaintext()?;
        let mut cipher = Vec::new();
        self.key.seal_ticket(&self.confounder, &plain, &mut cipher);
        let ticket = Ticket {
            realm: &self.server.realm,
            sname: self.server.to_wire().as_name(),
            enc_part: EncryptedData { etype: self.etype, kvno: self.kvno, cipher: &cipher },
        }
        .to_der();
        Ok(Credential {
            client: self.client,
            server: self.server,
            key: self.session_key,
            times: self.times,
            flags: self.flags,
            addresses: self.addresses,
            ticket,
        })
    }

    /// The encoded `EncTicketPart`.
    fn plaintext(&self) -> Result<Secret, MintError> {
        let data = match &self.authorization_data {
            TicketData::Pac => Some(if_relevant_pac(&self.pac.encode()?)),
            TicketData::Absent => None,
            TicketData::Octets(octets) => Some(octets.clone()),
        };
        let data = data.as_deref().map(AuthorizationData::parse);
        let addresses: Vec<HostAddress<'_>> = self.addresses.iter().map(Address::to_wire).collect();
        let (tr_type, contents) = &self.transited;
        Ok(EncTicketPart {
            flags: self.flags,
            key: self.session_key.to_wire(),
            crealm: &self.client.realm,
            cname: self.client.to_wire().as_name(),
            transited: TransitedEncoding { tr_type: *tr_type, contents },
            authtime: self.times.authtime,
            starttime: self.times.starttime,
            endtime: self.times.endtime,
            renew_till: self.times.renew_till,
            caddr: (!addresses.is_empty()).then(|| HostAddresses::of(&addresses)),
            authorization_data: data.transpose().map_err(MintError::AuthorizationData)?,
        }
        .to_der())
    }
}

/// `AuthorizationData` with each of these PACs in an AD-IF-RELEVANT of its own: one PAC that is broken, or two.
#[must_use]
pub fn with_pacs(pacs: &[&[u8]]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.sequence(|data| {
        for pac in pacs.iter().rev() {
            let single = if_relevant_pac(pac);
            for element in AuthorizationData::parse(&single).unwrap_or(SequenceOf::of(&[])).iter() {
                element.write(data);
            }
        }
    });
    writer.into_octets()
}

/// The PAC of a partial TGT: who, and no groups. A buffer that is `None` is left out.
#[derive(Debug)]
pub struct PartialPac<'k> {
    /// Names and RID, and the primary group Domain Users.
    pub logon_info: Option<LogonInfo>,
    /// The ticket's authtime and cname.
    pub client_info: Option<ClientInfo>,
    /// Whether the PAC was asked for.
    pub attributes_info: Option<AttributesInfo>,
    /// The SID that counts.
    pub requestor: Option<Sid>,
    /// Further buffers, last.
    pub more: Vec<(BufferType, Vec<u8>)>,
    /// The server signature's key: the branch's.
    pub server: Signer<'k>,
    /// The KDC signature's key: the branch's, with its number as RODCIdentifier.
    pub kdc: Signer<'k>,
}

impl<'k> PartialPac<'k> {
    /// The PAC of the account of this name and SID in a ticket of this authtime.
    #[must_use]
    pub fn new(key: &'k Key<Lab>, realm: &str, user: &str, sid: Sid, authtime: KerberosTime) -> Self {
        let [high, low, _, _] = key.kvno().to_be_bytes();
        let branch = u16::from_be_bytes([high, low]);
        Self {
            logon_info: Some(logon_info(realm, user, sid)),
            client_info: Some(ClientInfo {
                client_id: FileTime::from_unix_seconds(authtime.unix_seconds()),
                name: user.to_owned(),
            }),
            attributes_info: Some(AttributesInfo { flags: AttributesInfo::WAS_GIVEN_IMPLICITLY }),
            requestor: Some(sid),
            more: Vec::new(),
            server: Signer { key: key.pac_key(), rodc_identifier: None },
            kdc: Signer { key: key.pac_key(), rodc_identifier: Some(branch) },
        }
    }

    /// The buffers in order, the signatures blank: for a test that lays out a PAC of its own.
    ///
    /// # Errors
    /// [`MintError::Pac`] if one cannot be encoded.
    pub fn buffers(&self) -> Result<Vec<(BufferType, Vec<u8>)>, MintError> {
        let mut buffers = Vec::new();
        if let Some(logon_info) = &self.logon_info {
            let encoded = logon_info.encode().map_err(PacError::LogonInfo)?;
            buffers.push((BufferType::LOGON_INFO, encoded));
        }
        if let Some(client_info) = &self.client_info {
            let encoded =
                client_info.encode().map_err(|error| PacError::Contents(BufferType::CLIENT_INFO, error))?;
            buffers.push((BufferType::CLIENT_INFO, encoded));
        }
        buffers.push((BufferType::SERVER_CHECKSUM, self.server.blank()?));
        buffers.push((BufferType::KDC_CHECKSUM, self.kdc.blank()?));
        if let Some(attributes_info) = &self.attributes_info {
            buffers.push((BufferType::ATTRIBUTES_INFO, attributes_info.encode()));
        }
        if let Some(requestor) = &self.requestor {
            buffers.push((BufferType::REQUESTOR, requestor.to_bytes()));
        }
        buffers.extend(self.more.iter().cloned());
        Ok(buffers)
    }

    /// The PAC, signed twice.
    ///
    /// # Errors
    /// [`MintError::Pac`] if a buffer cannot be encoded, or `more` makes it no PAC.
    pub fn encode(&self) -> Result<Vec<u8>, MintError> {
        let buffers = self.buffers()?;
        let borrowed: Vec<(BufferType, &[u8])> =
            buffers.iter().map(|(kind, contents)| (*kind, contents.as_slice())).collect();
        let mut pac = pac::lay_out(&borrowed)?;
        pac::sign(&mut pac, &|data| self.server.key.mac(data), &|data| self.kdc.key.mac(data))?;
        Ok(pac)
    }
}

/// Who signs a PAC, and as which branch.
#[derive(Clone, Copy, Debug)]
pub struct Signer<'k> {
    /// The key. It may be one of RC4, which is what a Windows RODC makes its KDC signature with.
    pub key: &'k MacKey,
    /// [MS-PAC] 2.8; absent for a domain's own key.
    pub rodc_identifier: Option<u16>,
}

impl Signer<'_> {
    fn blank(&self) -> Result<Vec<u8>, PacError> {
        let number = self.key.checksum_type();
        let kind = SignatureType::from_i32(number).ok_or(PacError::SignatureType(number))?;
        Ok(Signature::blank(kind, self.rodc_identifier))
    }
}

/// Name, SID and domain, the primary group Domain Users, and nothing else.
fn logon_info(realm: &str, user: &str, sid: Sid) -> LogonInfo {
    const DOMAIN_USERS: u32 = 513;
    const NORMAL_ACCOUNT: u32 = 0x10;
    LogonInfo {
        logon_time: FileTime::ZERO,
        logoff_time: FileTime::NEVER,
        kick_off_time: FileTime::NEVER,
        password_last_set: FileTime::ZERO,
        password_can_change: FileTime::ZERO,
        password_must_change: FileTime::NEVER,
        effective_name: user.to_owned(),
        full_name: String::new(),
        logon_script: String::new(),
        profile_path: String::new(),
        home_directory: String::new(),
        home_directory_drive: String::new(),
        logon_count: 0,
        bad_password_count: 0,
        user_id: sid.rid().unwrap_or_default(),
        primary_group_id: DOMAIN_USERS,
        groups: Vec::new(),
        user_flags: 0,
        user_session_key: [0; 16],
        logon_server: String::new(),
        logon_domain_name: realm.split('.').next().unwrap_or_default().to_owned(),
        logon_domain_id: sid.domain().unwrap_or(sid),
        user_account_control: NORMAL_ACCOUNT,
        sub_auth_status: 0,
        last_successful_interactive_logon: FileTime::ZERO,
        last_failed_interactive_logon: FileTime::ZERO,
        failed_interactive_logon_count: 0,
        extra_sids: Vec::new(),
        resource_groups: None,
    }
}

/// Why there is no ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MintError {
    /// The PAC cannot be laid out or signed.
    #[error(transparent)]
    Pac(#[from] PacError),
    /// The octets given for authorization data are not such.
    #[error("authorization data: {0}")]
    AuthorizationData(DerError),
}
