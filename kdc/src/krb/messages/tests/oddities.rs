//! Encodings on the edge of what RFC 4120 allows, each with the decision that was made for it.

use crate::krb::{
    der::{Der, DerError},
    messages::*,
};

/// One value, its length in as few octets as it needs.
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let mut octets = vec![tag];
    match content.len() {
        0..=0x7f => octets.push(length[7]),
        0x80..=0xff => octets.extend([0x81, length[7]]),
        0x100..=0xffff => octets.extend([0x82, length[6], length[7]]),
        _ => octets.extend([0x83, length[5], length[6], length[7]]),
    }
    octets.extend(content);
    octets
}

fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

/// The fields of a KDC-REQ-BODY by number.
fn body_fields() -> Vec<(u8, Vec<u8>)> {
    vec![
        (0, tlv(0x03, &[0, 0x40, 0x81, 0, 0])),
        (2, tlv(0x1b, b"EXAMPLE.COM")),
        (3, name(&[b"krbtgt", b"EXAMPLE.COM"])),
        (5, tlv(0x18, b"20370913024805Z")),
        (7, tlv(0x02, &[0x24, 0x51, 0x34, 0xc8])),
        (8, sequence(&[tlv(0x02, &[18])])),
    ]
}

fn name(components: &[&[u8]]) -> Vec<u8> {
    let components: Vec<_> = components.iter().map(|component| tlv(0x1b, component)).collect();
    sequence(&[tlv(0xa0, &tlv(0x02, &[2])), tlv(0xa1, &sequence(&components))])
}

fn encode_body(fields: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let fields: Vec<_> = fields.iter().map(|(number, value)| tlv(0xa0 | number, value)).collect();
    sequence(&fields)
}

/// A body in which field `number` has this value, put at its place if it is not there.
fn body_with(number: u8, value: &[u8]) -> Vec<u8> {
    let mut fields = body_fields();
    fields.retain(|(present, _)| *present != number);
    fields.push((number, value.to_vec()));
    fields.sort_by_key(|(number, _)| *number);
    encode_body(&fields)
}

fn request_with(padata: Option<&[u8]>, body: &[u8]) -> Vec<u8> {
    let mut fields = vec![tlv(0xa1, &tlv(0x02, &[5])), tlv(0xa2, &tlv(0x02, &[12]))];
    fields.extend(padata.map(|padata| tlv(0xa3, padata)));
    fields.push(tlv(0xa4, body));
    tlv(0x6c, &sequence(&fields))
}

fn padata(kind: u8, value: &[u8]) -> Vec<u8> {
    sequence(&[tlv(0xa1, &tlv(0x02, &[kind])), tlv(0xa2, &tlv(0x04, value))])
}

#[test]
fn the_base_of_this_table_is_valid() {
    let body = encode_body(&body_fields());
    assert_eq!(KdcReqBody::parse(&body).unwrap().to_der(), body);
    assert!(KdcReq::parse(&request_with(None, &body)).is_ok());
}

/// What it is, the field it replaces, its encoding, and the decision: `Ok(())` means accepted, and written again
/// to the octets received.
type Oddity = (&'static str, u8, Vec<u8>, Result<(), DerError>);

#[test]
fn decides_oddities_of_the_body_as_documented() {
    let int = |octets: &[u8]| tlv(0x02, octets);
    let time = |text: &str| tlv(0x18, text.as_bytes());
    let krbtgt_and = |component: &[u8]| name(&[b"krbtgt", component]);
    let cases: Vec<Oddity> = vec![
        ("nonce 0", 7, int(&[0]), Ok(())),
        ("nonce 2^31", 7, int(&[0, 0x80, 0, 0, 0]), Ok(())),
        ("nonce 2^32-1", 7, int(&[0, 0xff, 0xff, 0xff, 0xff]), Ok(())),
        ("nonce -1", 7, int(&[0xff]), Ok(())),
        ("nonce -2^31", 7, int(&[0x80, 0, 0, 0]), Ok(())),
        ("nonce 2^32", 7, int(&[1, 0, 0, 0, 0]), Err(DerError::IntegerRange)),
        ("nonce -2^31-1", 7, int(&[0xff, 0x7f, 0xff, 0xff, 0xff]), Err(DerError::IntegerRange)),
        ("nonce of 9 octets", 7, int(&[1; 9]), Err(DerError::IntegerRange)),
        ("nonce of 1000 octets", 7, int(&[1; 1000]), Err(DerError::IntegerRange)),
        ("nonce of 1000 zeroes", 7, int(&[0; 1000]), Err(DerError::IntegerForm)),
        ("nonce empty", 7, int(&[]), Err(DerError::IntegerForm)),
        ("nonce not minimal", 7, int(&[0, 0x7f]), Err(DerError::IntegerForm)),
        ("nonce not minimal, negative", 7, int(&[0xff, 0x80]), Err(DerError::IntegerForm)),
        ("till epoch", 5, time("19700101000000Z"), Ok(())),
        ("till before the epoch", 5, time("19691231235959Z"), Ok(())),
        ("till end of a signed 32-bit clock", 5, time("20380119031408Z"), Ok(())),
        ("till last of all", 5, time("99991231235959Z"), Ok(())),
        ("till year 0000", 5, time("00000101000000Z"), Ok(())),
        ("till leap day", 5, time("20240229000000Z"), Ok(())),
        ("till leap day of a century", 5, time("20000229000000Z"), Ok(())),
        ("till no leap day", 5, time("20230229000000Z"), Err(DerError::Time)),
        ("till no leap day of a century", 5, time("21000229000000Z"), Err(DerError::Time)),
        ("till month 13", 5, time("20371313024805Z"), Err(DerError::Time)),
        ("till month 0", 5, time("20370013024805Z"), Err(DerError::Time)),
        ("till 30 February", 5, time("20370230024805Z"), Err(DerError::Time)),
        ("till day 0", 5, time("20370200024805Z"), Err(DerError::Time)),
        ("till 31 April", 5, time("20370431024805Z"), Err(DerError::Time)),
        ("till hour 24", 5, time("20370913244805Z"), Err(DerError::Time)),
        ("till minute 60", 5, time("20370913026005Z"), Err(DerError::Time)),
        ("till second 60", 5, time("20370913024860Z"), Err(DerError::Time)),
        ("till with a fraction", 5, time("20370913024805.5Z"), Err(DerError::Time)),
        ("till with an offset", 5, time("20370913024805+0100"), Err(DerError::Time)),
        ("till without seconds", 5, time("203709130248Z"), Err(DerError::Time)),
        ("till without Z", 5, time("20370913024805"), Err(DerError::Time)),
        ("till with a sign", 5, time("2037091302480-Z"), Err(DerError::Time)),
        ("till as UTCTime", 5, tlv(0x17, b"370913024805Z"), Err(DerError::UnexpectedTag)),
        ("etype 2^31", 8, sequence(&[int(&[0, 0x80, 0, 0, 0])]), Err(DerError::IntegerRange)),
        ("etype -135", 8, sequence(&[int(&[0xff, 0x79])]), Ok(())),
        ("no etype", 8, sequence(&[]), Ok(())),
        ("1000 etypes", 8, sequence(&vec![int(&[23]); 1000]), Ok(())),
        ("name not UTF-8", 3, krbtgt_and(b"\xff\xfe"), Ok(())),
        ("name with 8-bit letters", 3, krbtgt_and("m\u{fc}ller".as_bytes()), Ok(())),
        ("name in UTF-8", 3, krbtgt_and("\u{141}ukasz \u{7530}\u{4e2d}".as_bytes()), Ok(())),
        ("name with NUL", 3, krbtgt_and(b"a\0b"), Ok(())),
        ("name with an empty component", 3, krbtgt_and(b""), Ok(())),
        ("name without components", 3, name(&[]), Ok(())),
        ("realm as UTF8String", 2, tlv(0x0c, b"EXAMPLE.COM"), Err(DerError::UnexpectedTag)),
        ("options unused-bits 9", 0, tlv(0x03, &[9, 0x40, 0x81, 0, 0]), Err(DerError::BitString)),
        ("options empty", 0, tlv(0x03, &[0]), Err(DerError::BitString)),
        ("options without content", 0, tlv(0x03, &[]), Err(DerError::BitString)),
        ("options with an unused bit set", 0, tlv(0x03, &[1, 0x41]), Err(DerError::BitString)),
        ("options constructed", 0, tlv(0x23, &[]), Err(DerError::UnexpectedTag)),
        ("unknown field 12", 12, int(&[1]), Err(DerError::TrailingOctets)),
        ("ticket list empty", 11, sequence(&[]), Ok(())),
        ("nested in field 12", 12, nested(0xac, 8_000), Err(DerError::TrailingOctets)),
        ("nested in the ticket list", 11, nested(0x30, 10_000), Err(DerError::UnexpectedTag)),
    ];
    for (case, number, value, expected) in cases {
        let body = body_with(number, &value);
        let decision = KdcReqBody::parse(&body).map(|read| {
            assert_eq!(read.to_der(), body, "{case}");
        });
        assert_eq!(decision, expected, "{case}");
        assert_eq!(KdcReq::parse(&request_with(None, &body)).is_ok(), expected.is_ok(), "{case}");
    }
}

/// `depth` values of one tag, each inside the one before.
fn nested(tag: u8, depth: usize) -> Vec<u8> {
    (0..depth).fold(Vec::new(), |inner, _| tlv(tag, &inner))
}

#[test]
fn reads_the_first_32_bits_of_options_of_any_length() {
    let cases: [(&[u8], u32); 5] = [
        (&[0, 0x40], 0x4000_0000),
        (&[0, 0x40, 0x81], 0x4081_0000),
        (&[7, 0x80], 0x8000_0000),
        (&[0, 0x40, 0x81, 0, 0x10], 0x4081_0010),
        (&[0, 0x40, 0x81, 0, 0x10, 0xff], 0x4081_0010),
    ];
    for (content, expected) in cases {
        let body = body_with(0, &tlv(0x03, content));
        assert_eq!(KdcReqBody::parse(&body).unwrap().kdc_options, expected, "{content:02x?}");
    }
}

#[test]
fn refuses_fields_missing_repeated_or_out_of_order() {
    for required in [0, 2, 5, 7, 8] {
        let mut fields = body_fields();
        fields.retain(|(number, _)| *number != required);
        let expected = if required == 8 { DerError::Truncated } else { DerError::UnexpectedTag };
        assert_eq!(KdcReqBody::parse(&encode_body(&fields)), Err(expected), "without {required}");
    }
    for repeated in 0..body_fields().len() {
        let mut fields = body_fields();
        fields.insert(repeated, fields[repeated].clone());
        assert!(KdcReqBody::parse(&encode_body(&fields)).is_err(), "field {repeated} twice");
    }
    for first in 1..body_fields().len() {
        let mut fields = body_fields();
        fields.swap(first - 1, first);
        assert!(KdcReqBody::parse(&encode_body(&fields)).is_err(), "field {first} too early");
    }
}

#[test]
fn refuses_lengths_that_are_not_der() {
    let body = encode_body(&body_fields());
    let content = &body[2..];
    let length = body[1];
    assert!(length < 0x80);
    let cases: [(&str, Vec<u8>, DerError); 9] = [
        ("long form of a short length", vec![0x81, length], DerError::Length),
        ("two octets where one will do", vec![0x82, 0, length], DerError::Length),
        ("four octets where one will do", vec![0x84, 0, 0, 0, length], DerError::Length),
        ("indefinite", vec![0x80], DerError::Length),
        ("reserved", vec![0xff, length], DerError::Length),
        ("4 GiB", vec![0x84, 0xff, 0xff, 0xff, 0xff], DerError::Truncated),
        ("2^63", vec![0x88, 0x80, 0, 0, 0, 0, 0, 0, 0], DerError::Length),
        ("126 octets of length", [vec![0xfe], vec![1; 126]].concat(), DerError::Length),
        ("one too short", vec![length - 1], DerError::Truncated),
    ];
    for (case, length, expected) in cases {
        let octets = [vec![0x30], length, content.to_vec()].concat();
        assert_eq!(KdcReqBody::parse(&octets), Err(expected), "{case}");
    }
}

#[test]
fn refuses_what_trails() {
    let body = encode_body(&body_fields());
    let trailing = [body.clone(), vec![0]].concat();
    assert_eq!(KdcReqBody::parse(&trailing), Err(DerError::TrailingOctets));
    let request = [request_with(None, &body), vec![0]].concat();
    assert_eq!(KdcReq::parse(&request).unwrap_err(), DerError::TrailingOctets.into());
    let two_bodies = request_with(None, &[body.clone(), body].concat());
    assert_eq!(KdcReq::parse(&two_bodies).unwrap_err(), DerError::TrailingOctets.into());
}

#[test]
fn reads_another_protocol_version_but_no_other_message_type() {
    let body = encode_body(&body_fields());
    let with = |tag: u8, pvno: u8, msg_type: u8| {
        let fields = [tlv(0xa1, &tlv(0x02, &[pvno])), tlv(0xa2, &tlv(0x02, &[msg_type])), tlv(0xa4, &body)];
        tlv(tag, &sequence(&fields))
    };
    assert_eq!(KdcReq::parse(&with(0x6c, 4, 12)).unwrap().pvno, 4);
    assert_eq!(KdcReq::parse(&with(0x6a, 5, 10)).unwrap().msg_type, RequestType::AsReq);
    for (tag, msg_type) in [(0x6c, 10), (0x6a, 12), (0x6c, 13)] {
        let refused = KdcReq::parse(&with(tag, 5, msg_type)).unwrap_err();
        assert_eq!(refused, DerError::MessageType.into());
    }
    // AS-REP, TGS-REP, AP-REQ, KRB-ERROR, and a tag of no message.
    for tag in [0x6b, 0x6d, 0x6e, 0x7e, 0x30] {
        let refused = KdcReq::parse(&with(tag, 5, 12)).unwrap_err();
        assert_eq!(refused, DerError::UnexpectedTag.into());
    }
}

#[test]
fn keeps_unknown_padata_and_limits_how_much() {
    let body = encode_body(&body_fields());
    let cases: [(&str, Vec<u8>, Result<usize, RequestError>); 7] = [
        ("none", sequence(&[]), Ok(0)),
        ("unknown type", sequence(&[padata(0x7b, b"?")]), Ok(1)),
        ("32", sequence(&vec![padata(1, b""); 32]), Ok(32)),
        ("33", sequence(&vec![padata(1, b""); 33]), Err(RequestError::PadataTooLarge)),
        ("10000", sequence(&vec![padata(1, b""); 10_000]), Err(RequestError::PadataTooLarge)),
        ("60 KiB", sequence(&[padata(1, &[0; 60 << 10])]), Ok(1)),
        ("1 MiB", sequence(&[padata(1, &[0; 1 << 20])]), Err(RequestError::PadataTooLarge)),
    ];
    for (case, padata, expected) in cases {
        let request = request_with(Some(&padata), &body);
        let read = KdcReq::parse(&request);
        assert_eq!(read.map(|read| read.padata.unwrap().len()), expected, "{case}");
    }
    let too_much = request_with(Some(&sequence(&vec![padata(1, b""); 33])), &body);
    let realm = KdcReqBody::parse(&body).unwrap().realm;
    assert_eq!(KdcReqBody::of_request(&too_much).unwrap().realm, realm, "what is asked for can be read");
    let garbage = request_with(Some(&sequence(&[tlv(0x02, &[1])])), &body);
    assert_eq!(KdcReq::parse(&garbage).unwrap_err(), DerError::UnexpectedTag.into());
}

/// An Authenticator with these microseconds and seq-number.
fn authenticator(cusec: &[u8], seq_number: &[u8]) -> Vec<u8> {
    let fields = [
        tlv(0xa0, &tlv(0x02, &[5])),
        tlv(0xa1, &tlv(0x1b, b"EXAMPLE.COM")),
        tlv(0xa2, &name(&[b"alice"])),
        tlv(0xa4, &tlv(0x02, cusec)),
        tlv(0xa5, &tlv(0x18, b"20250718162224Z")),
        tlv(0xa7, &tlv(0x02, seq_number)),
    ];
    tlv(0x62, &sequence(&fields))
}

#[test]
fn bounds_the_numbers_of_an_authenticator() {
    let cases: [(&str, &[u8], &[u8], bool); 8] = [
        ("cusec 0", &[0], &[1], true),
        ("cusec 999999", &[0x0f, 0x42, 0x3f], &[1], true),
        ("cusec 1000000", &[0x0f, 0x42, 0x40], &[1], false),
        ("cusec -1", &[0xff], &[1], false),
        ("cusec 2^32", &[1, 0, 0, 0, 0], &[1], false),
        ("seq-number 2^31", &[0], &[0, 0x80, 0, 0, 0], true),
        ("seq-number -2^31", &[0], &[0x80, 0, 0, 0], true),
        ("seq-number 2^32", &[0], &[1, 0, 0, 0, 0], false),
    ];
    for (case, cusec, seq_number, accepted) in cases {
        let octets = authenticator(cusec, seq_number);
        let read = Authenticator::parse(&octets);
        assert_eq!(read.is_ok(), accepted, "{case}");
        if let Ok(read) = read {
            assert_eq!(read.to_der().as_slice(), octets, "{case}");
        }
    }
}

#[test]
fn reads_both_forms_of_a_kvno() {
    let ticket = |kvno: &[u8]| {
        let enc_part = sequence(&[
            tlv(0xa0, &tlv(0x02, &[18])),
            tlv(0xa1, &tlv(0x02, kvno)),
            tlv(0xa2, &tlv(0x04, b"cipher")),
        ]);
        let fields = [
            tlv(0xa0, &tlv(0x02, &[5])),
            tlv(0xa1, &tlv(0x1b, b"EXAMPLE.COM")),
            tlv(0xa2, &name(&[b"krbtgt", b"EXAMPLE.COM"])),
            tlv(0xa3, &enc_part),
        ];
        tlv(0x61, &sequence(&fields))
    };
    for kvno in [[0xb6, 0x51, 0, 1].as_slice(), &[0, 0xb6, 0x51, 0, 1]] {
        let octets = ticket(kvno);
        let read = Ticket::parse(&octets).unwrap();
        assert_eq!(read.enc_part.kvno.unwrap().as_u32(), 0xb651_0001);
        assert_eq!(read.to_der(), octets);
    }
    for kvno in [[1, 0xb6, 0x51, 0, 1].as_slice(), &[1; 6], &[1; 9]] {
        assert_eq!(Ticket::parse(&ticket(kvno)), Err(DerError::IntegerRange));
    }
}

#[test]
fn counts_pacs_wherever_they_stand() {
    let element = |ad_type: &[u8], data: &[u8]| {
        sequence(&[tlv(0xa0, &tlv(0x02, ad_type)), tlv(0xa1, &tlv(0x04, data))])
    };
    let pac = || element(&[0, 0x80], b"pac");
    let relevant = |elements: &[Vec<u8>]| element(&[1], &sequence(elements));
    let cases: [(&str, Vec<u8>, usize, bool); 7] = [
        ("one where it belongs", sequence(&[relevant(&[pac()])]), 1, true),
        ("beside others", sequence(&[relevant(&[element(&[9], b""), pac()])]), 1, true),
        ("none", sequence(&[relevant(&[])]), 0, false),
        ("two in one", sequence(&[relevant(&[pac(), pac()])]), 2, false),
        ("two in two", sequence(&[relevant(&[pac()]), relevant(&[pac()])]), 2, false),
        ("outside only", sequence(&[pac()]), 1, false),
        ("outside and inside", sequence(&[pac(), relevant(&[pac()])]), 2, false),
    ];
    for (case, octets, count, only) in cases {
        let found = AuthorizationData::parse(&octets).unwrap().pacs().unwrap();
        assert_eq!((found.count, found.only().is_some()), (count, only), "{case}");
    }
    let broken = sequence(&[element(&[1], b"no AuthorizationData")]);
    assert!(AuthorizationData::parse(&broken).unwrap().pacs().is_err());
}

#[test]
fn shows_no_key_and_no_cipher() {
    let secret = [0x5a; 16];
    let key = EncryptionKeyView { etype: 17, value: &secret };
    let keys = KerbKeyListRep::of(&[key]).to_der();
    let read = KerbKeyListRep::parse(&keys).unwrap();
    let padata = PaData { kind: pa_type::KERB_KEY_LIST_REP, value: &keys };
    let shown = format!("{key:?} {read:?} {padata:?} {:?}", PaDatas::of(&[padata]));
    assert!(!shown.contains("90") && !shown.to_lowercase().contains("5a"), "{shown}");
}

#[test]
fn writes_ntstatus_as_windows_does() {
    let status = KerbExtError { status: 0xc000_0072, flags: KerbExtError::TGS_FLAGS };
    let expected = [
        0x30, 0x15, 0xa1, 0x03, 0x02, 0x01, 0x03, 0xa2, 0x0e, 0x04, 0x0c, 0x72, 0x00, 0x00, 0xc0, 0x00, 0x00,
        0x00, 0x00, 0x03, 0x00, 0x00, 0x00,
    ];
    assert_eq!(status.to_e_data(), expected);
    let data = KerbErrorData::parse(&expected).unwrap();
    assert_eq!(data.data_type, KerbErrorData::EXTENDED);
    assert_eq!(KerbExtError::from_octets(data.data_value.unwrap()), Some(status));
}

#[test]
fn writes_pac_options_as_the_specification_shows_them() {
    let expected = [0x30, 0x09, 0xa0, 0x07, 0x03, 0x05, 0x00, 0x40, 0x00, 0x00, 0x00];
    assert_eq!(PaPacOptions(pac_options::BRANCH_AWARE).to_der(), expected);
    assert_eq!(PaPacOptions::parse(&expected), Ok(PaPacOptions(pac_options::BRANCH_AWARE)));
}
