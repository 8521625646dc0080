//! Whose a message is, by what it names.

use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use super::*;
use crate::exchange::{AllowedKinds, Mode, TicketRules};
use crate::krb::keys::{DomainKeys, Rc4};
use crate::krb::keytab::{Entry, Keytab};
use crate::krb::messages::{
    EncryptedData, Etypes, KdcReqBody, KerberosString, KerberosTime, PaData, PaDatas, PrincipalName, Ticket,
    WireInt,
};

fn domain(realm: &str, netbios_name: Option<&str>) -> Arc<Domain> {
    let entry = Entry {
        realm: realm.into(),
        components: vec![b"krbtgt".to_vec(), realm.into()],
        name_type: 2,
        timestamp: 0,
        kvno: 1,
        etype: 18,
        key: Zeroizing::new(vec![7; 32]),
    };
    let keytab = Keytab::new(vec![entry]);
    Arc::new(Domain {
        realm: realm.into(),
        keys: Arc::new(DomainKeys::from_keytabs(realm, &[("keytab", keytab)], Rc4::Refused).unwrap()),
        rules: TicketRules {
            max_lifetime: Duration::ZERO,
            max_renew: Duration::ZERO,
            clock_skew: Duration::ZERO,
            max_partial_lifetime: None,
            require_body_checksum: true,
            check_addresses: false,
            allowed_kinds: AllowedKinds::default(),
            mode: Mode::Live,
        },
        netbios_name: netbios_name.map(Into::into),
        user_keys: None,
        directory: None,
    })
}

fn ap_req(realm: &str) -> Vec<u8> {
    let krbtgt = [KerberosString(b"krbtgt"), KerberosString(realm.as_bytes())];
    let sealed = EncryptedData { etype: 18, kvno: None, cipher: b"sealed" };
    let sname = PrincipalName::new(2, &krbtgt);
    let ticket = Ticket { realm: realm.as_bytes(), sname, enc_part: sealed };
    ApReq { ap_options: 0, ticket, authenticator: sealed }.to_der()
}

fn request(kind: RequestType, body_realm: &str, ticket_realm: &str) -> Vec<u8> {
    let body = KdcReqBody {
        kdc_options: 0,
        cname: None,
        realm: body_realm.as_bytes(),
        sname: None,
        from: None,
        till: KerberosTime::MAX,
        rtime: None,
        nonce: WireInt::unsigned(1),
        etypes: Etypes::of(&[18]),
        addresses: None,
        enc_authorization_data: None,
        additional_tickets: None,
    }
    .to_der();
    let ap_req = ap_req(ticket_realm);
    let padata = [PaData { kind: pa_type::TGS_REQ, value: &ap_req }];
    let padata = (kind == RequestType::TgsReq).then(|| PaDatas::of(&padata));
    KdcReq::new(kind, padata, &body).unwrap().to_der()
}

fn kpasswd(version: u16, realm: &str) -> Vec<u8> {
    let ap_req = ap_req(realm);
    let sealed = b"KRB-PRIV";
    let length = u16::try_from([KPASSWD_HEADER, ap_req.len(), sealed.len()].iter().sum::<usize>()).unwrap();
    let ap_req_length = u16::try_from(ap_req.len()).unwrap();
    let header = [length, version, ap_req_length].map(u16::to_be_bytes).concat();
    [&header, &ap_req[..], sealed].concat()
}

fn realm<'d>(peeked: Option<Peeked<'_>>, domains: &'d Domains) -> Option<&'d str> {
    peeked.unwrap().domain(domains).map(|domain| &*domain.realm)
}

#[test]
fn a_request_goes_by_the_bodys_realm_then_the_tickets_then_to_the_only_domain() {
    let two = Domains::new(vec![domain("A.EXAMPLE", Some("AAA")), domain("B.EXAMPLE", None)]);
    let one = Domains::new(vec![domain("A.EXAMPLE", None)]);
    let (as_req, tgs_req) = (RequestType::AsReq, RequestType::TgsReq);
    let cases = [
        (&two, as_req, "A.EXAMPLE", "", Some("A.EXAMPLE")),
        (&two, as_req, "b.example", "", Some("B.EXAMPLE")),
        (&two, as_req, "aaa", "", Some("A.EXAMPLE")),
        (&two, as_req, "C.EXAMPLE", "", None),
        (&one, as_req, "C.EXAMPLE", "", Some("A.EXAMPLE")),
        (&two, tgs_req, "B.EXAMPLE", "A.EXAMPLE", Some("B.EXAMPLE")),
        (&two, tgs_req, "C.EXAMPLE", "A.EXAMPLE", Some("A.EXAMPLE")),
        (&two, tgs_req, "C.EXAMPLE", "D.EXAMPLE", None),
        (&one, tgs_req, "C.EXAMPLE", "D.EXAMPLE", Some("A.EXAMPLE")),
    ];
    for (domains, kind, body, ticket, expected) in cases {
        let octets = request(kind, body, ticket);
        assert_eq!(realm(Peeked::at_request(&octets), domains), expected, "{kind:?} {body} {ticket}");
    }
}

#[test]
fn a_password_change_goes_by_its_tickets_realm() {
    let two = Domains::new(vec![domain("A.EXAMPLE", Some("AAA")), domain("B.EXAMPLE", None)]);
    for version in KPASSWD_VERSIONS {
        let octets = kpasswd(version, "B.EXAMPLE");
        let peeked = Peeked::at_kpasswd(&octets);
        assert_eq!(peeked.map(|peeked| peeked.kind), Some(Kind::Kpasswd));
        assert_eq!(realm(peeked, &two), Some("B.EXAMPLE"));
    }
    assert_eq!(realm(Peeked::at_kpasswd(&kpasswd(1, "C.EXAMPLE")), &two), None);
}

#[test]
fn what_is_no_password_change_is_none() {
    let good = kpasswd(0xff80, "A.EXAMPLE");
    for length in 0..good.len() {
        assert_eq!(Peeked::at_kpasswd(&good[..length]), None, "cut at {length}");
    }
    assert_eq!(Peeked::at_kpasswd(&[&good[..], &[0]].concat()), None);
    assert_eq!(Peeked::at_kpasswd(&kpasswd(2, "A.EXAMPLE")), None);
    let mut without_krb_priv = good[..good.len() - b"KRB-PRIV".len()].to_vec();
    let length = u16::try_from(without_krb_priv.len()).unwrap();
    without_krb_priv[..2].copy_from_slice(&length.to_be_bytes());
    assert_eq!(Peeked::at_kpasswd(&without_krb_priv), None);
    let mut too_long_a_ticket = good;
    too_long_a_ticket[4..6].copy_from_slice(&u16::MAX.to_be_bytes());
    assert_eq!(Peeked::at_kpasswd(&too_long_a_ticket), None);
    assert_eq!(Peeked::at_kpasswd(&request(RequestType::AsReq, "A.EXAMPLE", "")), None);
    assert_eq!(Peeked::at_request(b"GET / HTTP/1.1"), None);
}
