//! A partial TGT and the TGS-REQ that trades it.

use chrono::{DateTime, Utc};
use kerberos_asn1::{
    ApReq, Authenticator, AuthorizationDataEntry, Checksum, EncTicketPart, EncryptedData, EncryptionKey,
    KdcReqBody, KerberosFlags, KerberosTime, PaData, PrincipalName, TgsReq, Ticket, TransitedEncoding,
};
use red_asn1::Asn1Object;

use crate::{Key, OracleError, mac, seal};

// RFC 4120 §7.5.1
const TICKET: i32 = 2;
const TGS_REQ_AUTHENTICATOR_CHECKSUM: i32 = 6;
const TGS_REQ_AUTHENTICATOR: i32 = 7;
// RFC 4120 §7.5.8
pub(crate) const NT_PRINCIPAL: i32 = 1;
pub(crate) const NT_SRV_INST: i32 = 2;
const AD_IF_RELEVANT: i32 = 1;
const AD_WIN2K_PAC: i32 = 128;
const PA_TGS_REQ: i32 = 1;

/// The ticket as Entra would issue it. Times are Unix seconds.
#[derive(Clone, Debug)]
pub struct PartialTgt {
    /// In upper case, as tickets have it.
    pub realm: String,
    /// sAMAccountName, the ticket's only name component.
    pub client: String,
    /// Of krbtgt_AzureAD.
    pub key: Key,
    /// Branch number in the high 16 bits, key version in the low ones.
    pub kvno: Option<u32>,
    /// What the ticket gives the client to speak to the KDC with.
    pub session_key: Key,
    /// TicketFlags, first flag in the top bit.
    pub flags: u32,
    /// When the client proved itself; the PAC's CLIENT_INFO has it too.
    pub authtime: i64,
    /// Absent as RFC 4120 allows.
    pub starttime: Option<i64>,
    /// The ticket's end.
    pub endtime: i64,
    /// The end of renewals.
    pub renew_till: Option<i64>,
    /// The whole signed PAC, put into AD-IF-RELEVANT as it is.
    pub pac: Option<Vec<u8>>,
}

/// What the client asks for, and with what authenticator.
#[derive(Clone, Debug)]
pub struct TgsRequest {
    /// KDCOptions, first option in the top bit.
    pub kdc_options: u32,
    /// Components of the service's name; `krbtgt` and the realm for the exchange.
    pub sname: Vec<String>,
    /// Unix seconds.
    pub till: i64,
    /// Unix seconds.
    pub rtime: Option<i64>,
    /// Up to 2³¹ - 1: see the crate's known disagreements.
    pub nonce: u32,
    /// In order of preference.
    pub etypes: Vec<i32>,
    /// How the authenticator vouches for the body.
    pub checksum: BodyChecksum,
    /// Of the authenticator; the reply is then encrypted with it.
    pub subkey: Option<Key>,
    /// Of the authenticator.
    pub seq_number: Option<u32>,
    /// Of the authenticator, Unix seconds.
    pub ctime: i64,
    /// Of the authenticator, microseconds.
    pub cusec: i32,
    /// Further padata, type and value, after PA-TGS-REQ.
    pub padata: Vec<(i32, Vec<u8>)>,
}

/// The authenticator's checksum over the KDC-REQ-BODY.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyChecksum {
    /// HMAC-SHA1-96 under the session key, key usage 6.
    Keyed,
    /// The same with its first bit flipped.
    Broken,
    /// None at all.
    Absent,
}

/// Builds the TGS-REQ.
///
/// # Errors
/// [`OracleError`] for an etype or a time that the libraries cannot express.
pub fn tgs_req(tgt: &PartialTgt, request: &TgsRequest) -> Result<Vec<u8>, OracleError> {
    let body = KdcReqBody {
        kdc_options: KerberosFlags::from(request.kdc_options),
        realm: tgt.realm.clone(),
        sname: Some(PrincipalName { name_type: NT_SRV_INST, name_string: request.sname.clone() }),
        till: time(request.till)?,
        rtime: request.rtime.map(time).transpose()?,
        nonce: request.nonce,
        etypes: request.etypes.clone(),
        ..KdcReqBody::default()
    };
    let authenticator = Authenticator {
        crealm: tgt.realm.clone(),
        cname: PrincipalName::new(NT_PRINCIPAL, tgt.client.clone()),
        cksum: body_checksum(request.checksum, &tgt.session_key, &body.build()),
        ctime: time(request.ctime)?,
        cusec: request.cusec,
        subkey: request.subkey.as_ref().map(encryption_key),
        seq_number: request.seq_number,
        ..Authenticator::default()
    };
    let ap_req = ApReq {
        ticket: tgt.ticket()?,
        authenticator: EncryptedData {
            etype: tgt.session_key.etype,
            kvno: None,
            cipher: seal(&tgt.session_key, TGS_REQ_AUTHENTICATOR, &authenticator.build())?,
        },
        ..ApReq::default()
    };
    let mut padata = vec![PaData::new(PA_TGS_REQ, ap_req.build())];
    padata.extend(request.padata.iter().map(|(kind, value)| PaData::new(*kind, value.clone())));
    Ok(TgsReq { padata: Some(padata), req_body: body, ..TgsReq::default() }.build())
}

impl PartialTgt {
    /// The sealed ticket.
    ///
    /// # Errors
    /// [`OracleError`] for an etype or a time that the libraries cannot express.
    pub fn ticket(&self) -> Result<Ticket, OracleError> {
        let part = EncTicketPart {
            flags: KerberosFlags::from(self.flags),
            key: encryption_key(&self.session_key),
            crealm: self.realm.clone(),
            cname: PrincipalName::new(NT_PRINCIPAL, self.client.clone()),
            transited: TransitedEncoding::default(),
            authtime: time(self.authtime)?,
            starttime: self.starttime.map(time).transpose()?,
            endtime: time(self.endtime)?,
            renew_till: self.renew_till.map(time).transpose()?,
            caddr: None,
            authorization_data: self.pac.as_ref().map(|pac| if_relevant(pac)),
        };
        let cipher = seal(&self.key, TICKET, &part.build())?;
        let sname = PrincipalName {
            name_type: NT_SRV_INST,
            name_string: vec!["krbtgt".to_owned(), self.realm.clone()],
        };
        Ok(Ticket::new(self.realm.clone(), sname, EncryptedData::new(self.key.etype, self.kvno, cipher)))
    }
}

fn if_relevant(pac: &[u8]) -> Vec<AuthorizationDataEntry> {
    let inner = vec![AuthorizationDataEntry { ad_type: AD_WIN2K_PAC, ad_data: pac.to_vec() }];
    vec![AuthorizationDataEntry { ad_type: AD_IF_RELEVANT, ad_data: inner.build() }]
}

fn body_checksum(kind: BodyChecksum, session_key: &Key, body: &[u8]) -> Option<Checksum> {
    let mut checksum = mac(session_key, TGS_REQ_AUTHENTICATOR_CHECKSUM, body);
    match kind {
        BodyChecksum::Keyed => {}
        BodyChecksum::Broken => checksum.iter_mut().take(1).for_each(|octet| *octet ^= 1),
        BodyChecksum::Absent => return None,
    }
    Some(Checksum { cksumtype: if session_key.etype == 17 { 15 } else { 16 }, checksum })
}

fn encryption_key(key: &Key) -> EncryptionKey {
    EncryptionKey::new(key.etype, key.value.clone())
}

fn time(seconds: i64) -> Result<KerberosTime, OracleError> {
    DateTime::<Utc>::from_timestamp(seconds, 0).map(KerberosTime::from).ok_or(OracleError::Time(seconds))
}
