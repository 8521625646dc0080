//! Does the daemon still decide? A request whose ticket nobody sealed goes through the real decoder, the real domains and
//! the real keys, and must come out as what it is.

use std::net::{IpAddr, Ipv4Addr};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::exchange::{self, Domain, Domains, Refusal, Rejected, Snapshot, Timestamp};
use crate::krb::der::Der;
use crate::krb::messages::{
    ApReq, EncryptedData, Etypes, KdcReq, KdcReqBody, KerberosString, PaData, PaDatas, PrincipalName,
    RequestType, Ticket, WireInt, kdc_options, name_type, pa_type,
};

/// In the place of what a key would have sealed.
const CIPHER: [u8; 96] = [0x5a; 96];

/// A branch's number, where a domain has no key of any.
const ANY_BRANCH: u32 = 1 << 16;

/// The first domain, if there is one, that does not refuse such a request for the right reason.
#[must_use]
pub fn failing(domains: &Domains, now: Timestamp) -> Option<String> {
    let failing = domains.iter().find(|domain| !refuses_rightly(domain, domains, now));
    failing.map(|domain| domain.realm.to_string())
}

fn refuses_rightly(domain: &Domain, domains: &Domains, now: Timestamp) -> bool {
    let key = domain.keys.branches().flat_map(|branch| branch.keys()).next();
    let (kvno, etype) = key.map_or((ANY_BRANCH, 18), |key| (key.kvno(), key.etype().as_i32()));
    let Some(request) = request(&domain.realm, kvno, etype, now) else { return false };
    let snapshot = Snapshot { now, source: IpAddr::V4(Ipv4Addr::LOCALHOST), domains };
    // A panic is counted and logged where every one is.
    let reason = catch_unwind(AssertUnwindSafe(|| match exchange::verify(&request, &snapshot) {
        Err(Rejected::Refused(refused) | Rejected::NotOurs(refused)) => Some(refused.why.reason),
        Err(Rejected::Dropped) | Ok(_) => None,
    }));
    let expected = if key.is_some() { Refusal::TicketIntegrity } else { Refusal::UnknownBranch };
    matches!(reason, Ok(Some(reason)) if reason == expected)
}

/// A request for the exchange of a partial TGT of this kvno.
fn request(realm: &str, kvno: u32, etype: i32, now: Timestamp) -> Option<Vec<u8>> {
    let realm = realm.as_bytes();
    let krbtgt = [KerberosString(b"krbtgt"), KerberosString(realm)];
    let sname = PrincipalName::new(name_type::SRV_INST, &krbtgt);
    let sealed = |kvno| EncryptedData { etype, kvno, cipher: &CIPHER };
    let ap_req = ApReq {
        ap_options: 0,
        ticket: Ticket { realm, sname, enc_part: sealed(Some(WireInt::unsigned(kvno))) },
        authenticator: sealed(None),
    }
    .to_der();
    let body = KdcReqBody {
        kdc_options: kdc_options::CANONICALIZE,
        cname: None,
        realm,
        sname: Some(sname),
        from: None,
        till: now.seconds,
        rtime: None,
        nonce: WireInt::unsigned(1),
        etypes: Etypes::of(&[etype]),
        addresses: None,
        enc_authorization_data: None,
        additional_tickets: None,
    }
    .to_der();
    let padata = [PaData { kind: pa_type::TGS_REQ, value: &ap_req }];
    Some(KdcReq::new(RequestType::TgsReq, Some(PaDatas::of(&padata)), &body).ok()?.to_der())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use zeroize::Zeroizing;

    use super::*;
    use crate::exchange::{AllowedKinds, Mode, TicketRules};
    use crate::krb::keys::{DomainKeys, Rc4};
    use crate::krb::keytab::{Entry, Keytab};
    use crate::krb::messages::KerberosTime;

    /// A domain with keys of these versions.
    fn domain(realm: &str, kvnos: &[u32]) -> Arc<Domain> {
        let entry = |kvno: &u32| Entry {
            realm: realm.into(),
            components: vec![b"krbtgt".to_vec()],
            name_type: 1,
            timestamp: 0,
            kvno: *kvno,
            etype: 18,
            key: Zeroizing::new(vec![7; 32]),
        };
        let keytab = Keytab::new(kvnos.iter().map(entry).collect());
        let hour = Duration::from_secs(3600);
        Arc::new(Domain {
            keys: Arc::new(DomainKeys::from_keytabs(realm, &[("keytab", keytab)], Rc4::Refused).unwrap()),
            user_keys: None,
            rules: TicketRules {
                max_lifetime: hour,
                max_renew: hour,
                clock_skew: hour,
                max_partial_lifetime: None,
                require_body_checksum: true,
                check_addresses: false,
                allowed_kinds: AllowedKinds::default(),
                mode: Mode::Live,
            },
            netbios_name: None,
            directory: None,
            realm: realm.into(),
        })
    }

    #[test]
    fn domains_with_and_without_a_branch_refuse_rightly() {
        let now =
            Timestamp { seconds: KerberosTime::from_unix_seconds(1_800_000_000).unwrap(), microseconds: 0 };
        let domains = Domains::new(vec![domain("A.EXAMPLE", &[1, 7 << 16 | 1]), domain("B.EXAMPLE", &[2])]);
        assert_eq!(failing(&domains, now), None);
        // One that is not served is not refused rightly.
        assert!(!refuses_rightly(&domain("C.EXAMPLE", &[1, 7 << 16 | 1]), &domains, now));
    }
}
