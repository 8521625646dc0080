//! KRB-ERROR as Windows fills it.

use super::armor::Armor;
use super::domain::Timestamp;
use super::refusal::Refusal;
use crate::krb::crypto::CONFOUNDER_LEN;
use crate::krb::der::Der;
use crate::krb::messages::{
    KdcReq, KerbExtError, KerberosString, KrbError, KrbFastResponse, PaData, PaDatas, PaPacOptions,
    PrincipalName, anonymous, name_type, pa_type,
};

/// KRB_ERR_RESPONSE_TOO_BIG (RFC 4120 §7.2.1): the client asks again over TCP. Not a refusal.
const RESPONSE_TOO_BIG: i32 = 52;

/// KRB_ERR_GENERIC, of which Windows says less than of the others.
const GENERIC: i32 = 60;

/// PA-FX-COOKIE, which Windows puts into every armoured error. There is nothing to continue and nothing to remember,
/// so it is the same for all.
const COOKIE: &[u8] = b"tgtx";

/// The KRB-ERROR for a refused request: times, code, and the request's own realm and sname; where the request has
/// none, those of `realm`'s krbtgt. No client names, no text; e-data with the NTSTATUS only where Windows has it
/// (`tests/vectors/windows-server-2022`).
#[must_use]
pub fn error_reply(request: &[u8], reason: Refusal, realm: &str, now: Timestamp) -> Vec<u8> {
    let e_data = ext_error(reason).map(KerbExtError::to_e_data);
    krb_error(request, reason.code(), None, e_data.as_deref(), realm, now)
}

/// The same in the armour of the request (RFC 6113 §5.4.4): the client goes by what is inside, since what is outside
/// anybody can write. `confounder` must be fresh random octets.
#[must_use]
pub fn armored_error_reply(
    request: &[u8],
    reason: Refusal,
    armor: &Armor,
    realm: &str,
    now: Timestamp,
    confounder: &[u8; CONFOUNDER_LEN],
) -> Vec<u8> {
    let code = reason.code();
    let inside = krb_error(request, code, None, None, realm, now);
    let status = ext_error(reason).map(KerbExtError::to_octets);
    let pac_options = armor.pac_options.filter(|_| code != GENERIC).map(|flags| PaPacOptions(flags).to_der());
    let padata: Vec<PaData<'_>> = [
        Some((pa_type::FX_ERROR, inside.as_slice())),
        Some((pa_type::FX_COOKIE, COOKIE)),
        status.as_ref().map(|status| (pa_type::KERB_ERROR_DATA, status.as_slice())),
        pac_options.as_deref().map(|options| (pa_type::PAC_OPTIONS, options)),
    ]
    .into_iter()
    .flatten()
    .map(|(kind, value)| PaData { kind, value })
    .collect();
    let response = KrbFastResponse {
        padata: PaDatas::of(&padata),
        strengthen_key: None,
        finished: None,
        nonce: armor.nonce,
    };
    let sealed = armor.seal(&response, confounder);
    let method_data = PaDatas::of(&[PaData { kind: pa_type::FX_FAST, value: &sealed }]).to_der();
    let cname = armor.hides_client.then_some(anonymous::NAME);
    krb_error(request, code, cname, Some(&method_data), realm, now)
}

/// The KRB-ERROR that sends a client to TCP.
#[must_use]
pub fn too_big_reply(request: &[u8], realm: &str, now: Timestamp) -> Vec<u8> {
    krb_error(request, RESPONSE_TOO_BIG, None, None, realm, now)
}

fn ext_error(reason: Refusal) -> Option<KerbExtError> {
    reason.nt_status().map(|status| KerbExtError { status, flags: KerbExtError::TGS_FLAGS })
}

fn krb_error(
    request: &[u8],
    error_code: i32,
    cname: Option<PrincipalName<'_>>,
    e_data: Option<&[u8]>,
    realm: &str,
    now: Timestamp,
) -> Vec<u8> {
    let request = KdcReq::parse(request).ok();
    let body = request.as_ref().map(KdcReq::body);
    let krbtgt = [KerberosString(b"krbtgt"), KerberosString(realm.as_bytes())];
    KrbError {
        ctime: None,
        cusec: None,
        stime: now.seconds,
        susec: now.microseconds,
        error_code,
        crealm: None,
        cname,
        realm: body.map_or(realm.as_bytes(), |body| body.realm),
        sname: body
            .and_then(|body| body.sname)
            .unwrap_or_else(|| PrincipalName::new(name_type::SRV_INST, &krbtgt)),
        e_text: None,
        e_data,
    }
    .to_der()
}
