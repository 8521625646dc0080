//! KRB-ERROR as Windows fills it.

use super::domain::Timestamp;
use super::refusal::Refusal;
use crate::krb::der::Der;
use crate::krb::messages::{KdcReq, KerbExtError, KerberosString, KrbError, PrincipalName, name_type};

/// KRB_ERR_RESPONSE_TOO_BIG (RFC 4120 §7.2.1): the client asks again over TCP. Not a refusal.
const RESPONSE_TOO_BIG: i32 = 52;

/// The KRB-ERROR for a refused request: times, code, and the request's own realm and sname; where the request has
/// none, those of `realm`'s krbtgt. No client names, no text; e-data with the NTSTATUS only where Windows has it
/// (`tests/vectors/windows-server-2022`).
#[must_use]
pub fn error_reply(request: &[u8], reason: Refusal, realm: &str, now: Timestamp) -> Vec<u8> {
    let e_data =
        reason.nt_status().map(|status| KerbExtError { status, flags: KerbExtError::TGS_FLAGS }.to_e_data());
    krb_error(request, reason.code(), e_data.as_deref(), realm, now)
}

/// The KRB-ERROR that sends a client to TCP.
#[must_use]
pub fn too_big_reply(request: &[u8], realm: &str, now: Timestamp) -> Vec<u8> {
    krb_error(request, RESPONSE_TOO_BIG, None, realm, now)
}

fn krb_error(request: &[u8], error_code: i32, e_data: Option<&[u8]>, realm: &str, now: Timestamp) -> Vec<u8> {
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
        cname: None,
        realm: body.map_or(realm.as_bytes(), |body| body.realm),
        sname: body
            .and_then(|body| body.sname)
            .unwrap_or_else(|| PrincipalName::new(name_type::SRV_INST, &krbtgt)),
        e_text: None,
        e_data,
    }
    .to_der()
}
