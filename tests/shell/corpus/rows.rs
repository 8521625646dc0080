//! The corpus: attacks on the message's encoding, and messages that are no request. What decodes is in the table of
//! cases, `exchange/cases`.

use kdc::client::request::Exchange;
use kdc::krb::der::Der;
use kdc::krb::messages::{Etypes, KdcReq, KdcReqBody, KerberosTime, RequestType, WireInt, pa_type};

use super::super::domain::{ALICE, Domain, REALM, as_req, exchange};
use tgtx_tests::der::{Content, Node, nested, tlv};

/// A message by its name. There is no answer; over TCP the connection is closed.
pub(super) type Row = (String, Vec<u8>);

/// Allowed user's request with one thing changed.
fn edited(domain: &Domain, edit: impl FnOnce(&mut Exchange<'_>)) -> Vec<u8> {
    let credential = domain.credential(ALICE);
    let mut exchange = exchange(&credential);
    edit(&mut exchange);
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

/// What does not decode, and what is no request.
pub(super) fn all(domain: &Domain) -> Vec<Row> {
    let silent = |name: &str, request| (name.to_owned(), request);
    let raw = |name: &str, fields: &[u8], octets: &[u8]| {
        let (fields, octets) = (fields.to_vec(), octets.to_vec());
        (name.to_owned(), rebuilt(domain, move |node| node.at(&fields).replace(octets)))
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
    let ap_req =
        KdcReq::parse(&request).unwrap().padata.unwrap().of_kind(pa_type::TGS_REQ).next().unwrap().to_vec();
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
        ("D31 AS-REP".to_owned(), reply(11)),
        ("D31 TGS-REP".to_owned(), reply(13)),
        ("D31 KRB-ERROR".to_owned(), tlv(0x7e, &tlv(0x30, &krb_error.concat()))),
        ("D31 AP-REQ".to_owned(), ap_req),
        ("D31 a ticket".to_owned(), ticket.clone()),
    ];
    for tag in [15, 20, 21, 22, 25, 26] {
        let mut node = Node::parse(&as_req(&[]));
        node.tag = 0x60 | tag;
        rows.push((format!("D31 application tag {tag}"), node.to_der()));
    }
    rows
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
