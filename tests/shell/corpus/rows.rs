//! The corpus: attacks on the message's shape and its encoding, and what is refused before the ticket opens.
//! What comes after that is in the table of cases, `exchange/cases`.

use std::time::Duration;

use kdc::client::mint::PartialTgt;
use kdc::client::request::Exchange;
use kdc::client::{Credential, Principal};
use kdc::krb::der::Der;
use kdc::krb::messages::{
    Etypes, KdcReq, KdcReqBody, KerberosTime, RequestType, WireInt, kdc_options, pa_type,
};

use super::super::domain::{ALICE, Domain, REALM, as_req, exchange, now};
use tgtx_tests::der::{Content, Node, nested, tlv};

/// What comes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    /// Nothing; over TCP the connection is closed.
    Silence,
    /// A KRB-ERROR.
    Code(i32),
}
use Expected::{Code, Silence};

/// One message.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) request: Vec<u8>,
    pub(super) udp: Expected,
    pub(super) tcp: Expected,
}

impl Row {
    fn new(name: impl Into<String>, expected: Expected, request: Vec<u8>) -> Self {
        Self { name: name.into(), request, udp: expected, tcp: expected }
    }
}

/// The whole corpus.
pub(super) fn all(domain: &Domain) -> Vec<Row> {
    [unauthenticated(domain), malformed(domain)].into_iter().flatten().collect()
}

/// Allowed user's request with one thing changed.
fn edited(domain: &Domain, edit: impl FnOnce(&mut Exchange<'_>)) -> Vec<u8> {
    let credential = domain.credential(ALICE);
    let mut exchange = exchange(&credential);
    edit(&mut exchange);
    exchange.encode().unwrap()
}

/// Allowed user's request with a ticket in which one thing is changed.
fn with_ticket(domain: &Domain, edit: impl FnOnce(&mut PartialTgt<'_>)) -> Vec<u8> {
    let mut partial = domain.partial(ALICE);
    edit(&mut partial);
    asking_for_krbtgt(&partial.mint().unwrap())
}

/// The request for the domain's krbtgt, whatever the ticket is for.
fn asking_for_krbtgt(credential: &Credential) -> Vec<u8> {
    let mut exchange = exchange(credential);
    exchange.server = Principal::krbtgt(REALM);
    exchange.encode().unwrap()
}

/// Allowed user's request, taken apart, changed and put together.
fn rebuilt(domain: &Domain, edit: impl FnOnce(&mut Node)) -> Vec<u8> {
    let mut node = Node::parse(&edited(domain, |_| {}));
    edit(&mut node);
    node.to_der()
}

fn set(node: &mut Node, octets: &[u8]) {
    node.content = Content::Octets(octets.to_vec());
}

/// What is refused before a key is touched, or because no key opens the ticket.
pub(super) fn unauthenticated(domain: &Domain) -> Vec<Row> {
    let mut rows = shapes(domain);
    rows.extend(options(domain));
    rows.extend(tickets(domain));
    rows
}

fn shapes(domain: &Domain) -> Vec<Row> {
    let padata = |kind: i32, value: &[u8]| {
        let value = value.to_vec();
        edited(domain, move |exchange| exchange.more_padata.push((kind, value)))
    };
    let many = |count: usize| {
        edited(domain, |exchange| exchange.more_padata = (0..count).map(|_| (200, vec![0])).collect())
    };
    let second_ticket = {
        let (mut first, mut second) = (Node::parse(&many(0)), Node::parse(&many(0)));
        let padata = second.at(&[3]).elements()[0].clone();
        first.at(&[3]).elements().push(padata);
        first.to_der()
    };
    let mut rows = vec![
        Row::new("pvno 4", Code(3), rebuilt(domain, |node| set(node.at(&[1]), &[4]))),
        Row::new("D32 AS-REQ", Code(29), as_req(&[])),
        Row::new("D33 PKINIT AS-REQ", Code(29), as_req(&[(16, &[0xff; 300]), (17, &[0x30, 0x80])])),
        Row::new(
            "no padata",
            Code(25),
            rebuilt(domain, |node| {
                node.elements()[0].elements().retain(|field| field.tag != 0xa3);
            }),
        ),
        Row::new("no PA-TGS-REQ", Code(16), edited(domain, |exchange| exchange.presents_ticket = false)),
        Row::new("D15 two PA-TGS-REQ", Code(13), second_ticket),
        Row::new("E12 FAST", Code(29), padata(pa_type::FX_FAST, &[0x30, 0])),
        Row::new("E13 FAST armour", Code(60), padata(pa_type::FX_FAST_ARMOR, &[0x30, 0])),
        Row::new("PA-PAC-OPTIONS twice", Code(13), padata(pa_type::PAC_OPTIONS, &[1, 2, 3])),
        Row::new("key list that is none", Code(60), padata(pa_type::KERB_KEY_LIST_REQ, &[0x30, 1])),
        Row::new("D05 PA-FOR-USER", Code(6), padata(pa_type::FOR_USER, &[0xff])),
        Row::new("D05 PA-S4U-X509-USER", Code(6), padata(pa_type::S4U_X509_USER, &[])),
    ];
    let too_much = [
        ("D16 40 padata", many(40)),
        ("D16 4000 padata", many(4000)),
        ("D16 one of 70 KiB", padata(200, &[0; 70 << 10])),
    ];
    rows.extend(too_much.map(|(name, request)| Row {
        name: name.into(),
        request,
        udp: Silence,
        tcp: Code(61),
    }));
    rows
}

fn options(domain: &Domain) -> Vec<Row> {
    let option = |name: &str, code, bit: u32| {
        Row::new(name, Code(code), edited(domain, |exchange| exchange.kdc_options |= bit))
    };
    let server = |name: &str, code, components: &[&[u8]]| {
        let components = components.iter().map(|component| component.to_vec()).collect();
        Row::new(name, Code(code), edited(domain, |exchange| exchange.server.components = components))
    };
    let realm = |name: &str, realm: &[u8]| {
        Row::new(name, Code(68), edited(domain, |exchange| exchange.server.realm = realm.to_vec()))
    };
    let ticket = domain.credential(ALICE).ticket;
    vec![
        option("D01 RENEW", 13, kdc_options::RENEW),
        option("VALIDATE", 13, kdc_options::VALIDATE),
        option("D03 FORWARDED", 13, kdc_options::FORWARDED),
        option("D03 PROXY", 13, kdc_options::PROXY),
        option("D04 ALLOW-POSTDATE", 13, kdc_options::ALLOW_POSTDATE),
        option("D04 POSTDATED", 10, kdc_options::POSTDATED),
        option("D07 ENC-TKT-IN-SKEY", 13, kdc_options::ENC_TKT_IN_SKEY),
        option("CNAME-IN-ADDL-TKT", 13, kdc_options::CNAME_IN_ADDL_TKT),
        option("REQUEST-ANONYMOUS", 13, kdc_options::REQUEST_ANONYMOUS),
        option("a reserved bit", 13, 0x8000_0000),
        Row::new(
            "D04 from beyond the skew",
            Code(10),
            edited(domain, |exchange| {
                exchange.from = Some(now().saturating_add(Duration::from_secs(3600)));
            }),
        ),
        Row::new(
            "D08 additional tickets",
            Code(13),
            edited(domain, |exchange| {
                exchange.additional_tickets.push(ticket);
            }),
        ),
        Row::new(
            "enc-authorization-data",
            Code(13),
            edited(domain, |exchange| {
                exchange.enc_authorization_data = Some((18, vec![0; 60]));
            }),
        ),
        Row::new("D11 no sname", Code(7), edited(domain, |exchange| exchange.names_server = false)),
        server("D09 cifs", 7, &[b"cifs", b"host"]),
        server("F05 an sname of any octets", 7, &[b"\xff\0\r\n\x1b", "zoë".as_bytes()]),
        server("sname of one component", 7, &[b"krbtgt"]),
        server("sname without components", 7, &[]),
        server("sname of many components", 7, &[b"x".as_slice(); 64]),
        realm("D12 another realm", b"OTHER.EXAMPLE"),
        realm("D13 the NetBIOS name as realm", b"DEMO"),
        realm("F05 a realm with NUL", b"DEMO.EXAMPLE\0"),
        realm("an empty realm", b""),
        realm("a realm of 4 KiB", &[b'A'; 4096]),
    ]
}

fn tickets(domain: &Domain) -> Vec<Row> {
    let row = |name: &str, code, edit: &dyn Fn(&mut PartialTgt<'_>)| {
        Row::new(name, Code(code), with_ticket(domain, edit))
    };
    let server = |name: &str, components: &[&str]| {
        let components: Vec<Vec<u8>> =
            components.iter().map(|component| component.as_bytes().to_vec()).collect();
        Row::new(name, Code(35), with_ticket(domain, |partial| partial.server.components = components))
    };
    let mut flipped = domain.credential(ALICE);
    *flipped.ticket.last_mut().unwrap() ^= 1;
    // The same branch number and version, another domain's key.
    let sealed_elsewhere = Domain::draw().credential(ALICE);
    vec![
        Row::new("A01 a bit of the ticket flipped", Code(31), asking_for_krbtgt(&flipped)),
        Row::new("A02 another domain's key", Code(31), asking_for_krbtgt(&sealed_elsewhere)),
        row("A03 an unknown branch", 7, &|partial| partial.kvno = Some(WireInt::signed(7 << 16 | 1))),
        row("A03 an unknown negative branch", 7, &|partial| {
            partial.kvno = Some(WireInt::signed(0xffff_0001))
        }),
        row("A07 no kvno", 29, &|partial| partial.kvno = None),
        row("A07 a full TGT's kvno", 29, &|partial| partial.kvno = Some(WireInt::unsigned(2))),
        row("A09 DES", 31, &|partial| partial.etype = 3),
        row("an etype nobody knows", 31, &|partial| partial.etype = -1),
        row("A15 a ticket of another realm", 68, &|partial| partial.server.realm = b"OTHER.EXAMPLE".to_vec()),
        server("A10 kadmin/changepw", &["kadmin", "changepw"]),
        server("A13 krbtgt alone", &["krbtgt"]),
        server("A14 another realm's krbtgt", &["krbtgt", "OTHER.EXAMPLE"]),
    ]
}

/// What does not decode, and what is no request.
fn malformed(domain: &Domain) -> Vec<Row> {
    let silent = |name: &str, request| Row::new(name, Silence, request);
    let raw = |name: &str, fields: &[u8], octets: &[u8]| {
        let (fields, octets) = (fields.to_vec(), octets.to_vec());
        Row::new(name, Silence, rebuilt(domain, move |node| node.at(&fields).replace(octets)))
    };
    let mut rows = vec![
        raw("F01 1000 SEQUENCEs for a body", &[4], &nested(1000)),
        raw("F01 1000 SEQUENCEs for padata", &[3], &nested(1000)),
        silent("F01 4000 SEQUENCEs", nested(4000)),
        raw("F02 a long form of a short length", &[1], &[2, 0x81, 1, 5]),
        raw("F02 a length with leading zeros", &[4, 7], &[2, 0x82, 0, 1, 5]),
        raw("F02 an indefinite length", &[4, 8], &[0x30, 0x80, 2, 1, 18, 0, 0]),
        silent("F02 an indefinite length outside", {
            let request = rebuilt(domain, |_| {});
            [&[0x6c, 0x80], &request[4..], &[0, 0]].concat()
        }),
        raw("F02 two values in a field", &[4, 7], &[2, 1, 5, 2, 1, 5]),
        raw("F02 no value in a field", &[4, 7], &[]),
        raw("F02 a constructed string", &[4, 2], &[0x3b, 4, 0x1b, 2, b'D', b'E']),
        silent(
            "F02 a field twice",
            rebuilt(domain, |node| {
                let nonce = node.at(&[4]).elements().iter().position(|field| field.tag == 0xa7).unwrap();
                let again = node.at(&[4]).elements()[nonce].clone();
                node.at(&[4]).elements().insert(nonce, again);
            }),
        ),
        silent("F02 fields in another order", rebuilt(domain, |node| node.at(&[4]).elements().swap(0, 1))),
        silent(
            "a field nobody knows",
            rebuilt(domain, |node| {
                node.at(&[4]).elements().push(Node { tag: 0xac, content: Content::Octets(vec![2, 1, 0]) });
            }),
        ),
        raw("F04 an integer of 1000 octets", &[4, 7], &tlv(2, &[0x55; 1000])),
        raw("D24 a nonce of 33 bits", &[4, 7], &[2, 5, 1, 0, 0, 0, 0]),
        raw("D24 a nonce of 9 octets", &[4, 7], &tlv(2, &[1; 9])),
        raw("an integer with a leading zero", &[4, 7], &[2, 2, 0, 5]),
        raw("an integer without octets", &[4, 7], &[2, 0]),
        raw("an etype that is no number", &[4, 8], &[0x30, 3, 4, 1, 18]),
        raw("a body that is none", &[4], &[0x30, 0]),
        raw("PA-TGS-REQ that is none", &[3], &tlv(0x30, &tlv(0x30, &[0xa1, 3, 2, 1, 1, 0xa2, 3, 4, 1, 0]))),
        silent("msg-type and tag that differ", rebuilt(domain, |node| set(node.at(&[2]), &[10]))),
    ];
    let times = [
        "20370913024805.5Z",
        "20370913024805+0100",
        "20370913024860Z",
        "20371313024805Z",
        "20370230000000Z",
        "20370913024805",
        "203709130248Z",
        "20370913 24805Z",
        "",
        "99999999999999Z",
    ];
    rows.extend(times.map(|time| raw(&format!("D28 till {time}"), &[4, 5], &tlv(0x18, time.as_bytes()))));
    rows.extend(answers(domain));
    rows
}

/// D31: messages that are answers, or that are for services.
fn answers(domain: &Domain) -> Vec<Row> {
    let request = edited(domain, |_| {});
    let ap_req = KdcReq::parse(&request).unwrap().padata_of_kind(pa_type::TGS_REQ).next().unwrap().to_vec();
    let ticket = domain.credential(ALICE).ticket;
    let enc_part = Node::parse(&ticket).at(&[3]).to_der();
    let name = [0x30, 15, 0xa0, 3, 2, 1, 1, 0xa1, 8, 0x30, 6, 0x1b, 4, b'a', b'b', b'c', b'd'];
    let field = |number: u8, content: &[u8]| tlv(0xa0 | number, content);
    let version_and_type = |kind: u8| [field(0, &[2, 1, 5]), field(1, &[2, 1, kind])].concat();
    let reply = |tag: u8| {
        let rest =
            [field(3, &tlv(0x1b, REALM.as_bytes())), field(4, &name), field(5, &ticket), field(6, &enc_part)];
        tlv(0x60 | tag, &tlv(0x30, &[version_and_type(tag), rest.concat()].concat()))
    };
    let time = tlv(0x18, b"20370913024805Z");
    let krb_error = [
        version_and_type(30),
        field(4, &time),
        field(5, &[2, 1, 0]),
        field(6, &[2, 1, 60]),
        field(9, &tlv(0x1b, REALM.as_bytes())),
        field(10, &name),
    ];
    let mut rows = vec![
        Row::new("D31 AS-REP", Silence, reply(11)),
        Row::new("D31 TGS-REP", Silence, reply(13)),
        Row::new("D31 KRB-ERROR", Silence, tlv(0x7e, &tlv(0x30, &krb_error.concat()))),
        Row::new("D31 AP-REQ", Silence, ap_req),
        Row::new("D31 a ticket", Silence, ticket.clone()),
    ];
    for tag in [15, 20, 21, 22, 25, 26] {
        let mut node = Node::parse(&as_req(&[]));
        node.tag = 0x60 | tag;
        rows.push(Row::new(format!("D31 application tag {tag}"), Silence, node.to_der()));
    }
    rows
}

/// The request with as few octets as its fields allow: no ciphers, no encryption types, shortest numbers.
pub(super) fn shortest(request: &[u8]) -> Vec<u8> {
    let Ok(parsed) = KdcReq::parse(request) else { return request.to_vec() };
    let is_as_req = request[0] == 0x6a;
    let has_padata = parsed.padata.is_some();
    let mut node = Node::parse(request);
    set(node.at(&[4, 7]), &[0]);
    node.at(&[4, 8]).elements().clear();
    if has_padata && !is_as_req {
        for padata in node.at(&[3]).elements() {
            let [kind, value] = &mut padata.elements()[..] else { continue };
            if matches!(&kind.elements()[0].content, Content::Octets(kind) if kind == &[1]) {
                let value = &mut value.elements()[0];
                let Content::Octets(ap_req) = &value.content else { continue };
                let mut ap_req = Node::parse(ap_req);
                set(ap_req.at(&[4, 2]), &[]);
                let ticket = ap_req.at(&[3]);
                set(ticket.at(&[3, 2]), &[]);
                set(value, &ap_req.to_der());
            }
        }
    }
    node.to_der()
}

/// The smallest AS-REQ and TGS-REQ there are, with the code they get where size does not matter.
pub(super) fn smallest() -> [(Vec<u8>, i32); 2] {
    let body = KdcReqBody {
        kdc_options: 0,
        cname: None,
        realm: b"",
        sname: None,
        from: None,
        till: KerberosTime::EPOCH,
        rtime: None,
        nonce: WireInt::unsigned(0),
        etypes: Etypes::of(&[]),
        addresses: None,
        enc_authorization_data: None,
        additional_tickets: None,
    }
    .to_der();
    [(RequestType::AsReq, 29), (RequestType::TgsReq, 25)]
        .map(|(kind, code)| (KdcReq::new(kind, None, &body).unwrap().to_der(), code))
}
