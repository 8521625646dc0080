//! KRB-ERROR as Windows fills it.

use super::answer_armor::Armor;
use super::domain::Timestamp;
use super::refusal::Refusal;
use crate::krb::crypto::CONFOUNDER_LEN;
use crate::krb::der::Der;
use crate::krb::messages::{
    KdcReqBody, KerbExtError, KerberosString, KrbError, KrbFastResponse, PaData, PaDatas, PaPacOptions,
    PrincipalName, PrincipalNameBuf, anonymous, error_code, name_type, pa_type,
};

/// PA-FX-COOKIE, which Windows puts into every armoured error. There is nothing to continue and nothing to remember,
/// so it is the same for all.
const COOKIE: &[u8] = b"tgtx";

/// The KRB-ERROR for a refused request: times, code, and the request's own realm and sname; where the request has
/// none, those of `realm`'s krbtgt. No client names, no text; e-data with the NTSTATUS only where Windows has it
/// (`tests/vectors/windows-server-2022`).
#[must_use]
pub fn error_reply(request: &[u8], reason: Refusal, realm: &str, now: Timestamp) -> Vec<u8> {
    let e_data = ext_error(reason).map(KerbExtError::to_e_data);
    krb_error(Server::outside(request), reason.code(), None, e_data.as_deref(), realm, now)
}

/// The same in the armour of the request (RFC 6113 §5.4.4): the client goes by what is inside, since what is outside
/// anybody can write. Each names the server that stood in its place in the request. `confounder` must be fresh random
/// octets.
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
    let inside = krb_error(Server::inside(armor), code, None, None, realm, now);
    let status = ext_error(reason).map(KerbExtError::to_octets);
    let pac_options =
        armor.pac_options.filter(|_| code != error_code::GENERIC).map(|flags| PaPacOptions(flags).to_der());
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
    krb_error(Server::outside(request), code, cname, Some(&method_data), realm, now)
}

/// The KRB-ERROR that sends a client to TCP. What an exchange asks for is `realm`'s krbtgt, so nothing of the request
/// is repeated, which might be too big in its turn.
#[must_use]
pub fn too_big_reply(realm: &str, now: Timestamp) -> Vec<u8> {
    krb_error(Server::default(), error_code::RESPONSE_TOO_BIG, None, None, realm, now)
}

fn ext_error(reason: Refusal) -> Option<KerbExtError> {
    reason.nt_status().map(|status| KerbExtError { status, flags: KerbExtError::TGS_FLAGS })
}

/// What a request asks for, as far as it says.
#[derive(Default)]
struct Server<'a> {
    realm: Option<&'a [u8]>,
    sname: Option<PrincipalName<'a>>,
}

impl<'a> Server<'a> {
    /// As everybody can read it.
    fn outside(request: &'a [u8]) -> Self {
        match KdcReqBody::of_request(request) {
            Ok(body) => Self { realm: Some(body.realm), sname: body.sname },
            Err(_) => Self::default(),
        }
    }

    /// As only the client can have written it.
    fn inside(armor: &'a Armor) -> Self {
        Self { realm: Some(&armor.realm), sname: armor.sname.as_ref().map(PrincipalNameBuf::as_name) }
    }
}

fn krb_error(
    server: Server<'_>,
    error_code: i32,
    cname: Option<PrincipalName<'_>>,
    e_data: Option<&[u8]>,
    realm: &str,
    now: Timestamp,
) -> Vec<u8> {
    let krbtgt = [KerberosString(b"krbtgt"), KerberosString(realm.as_bytes())];
    KrbError {
        ctime: None,
        cusec: None,
        stime: now.seconds,
        susec: now.microseconds,
        error_code,
        crealm: None,
        cname,
        realm: server.realm.unwrap_or(realm.as_bytes()),
        sname: server.sname.unwrap_or_else(|| PrincipalName::new(name_type::SRV_INST, &krbtgt)),
        e_text: None,
        e_data,
    }
    .to_der()
}
