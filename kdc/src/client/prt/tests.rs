//! Answers as Entra gives them, and as nobody should.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::client::tests::{credential as minted, sealed};

const CLIENT_KEY: [u8; 32] = [0x5a; 32];

/// The AS-REP that Entra puts around a partial TGT, or another reply.
fn as_rep(tgt: &Credential, msg_type: ReplyType) -> Vec<u8> {
    let client_key = EncryptionKey::from_bytes(EncryptionType::Aes256Sha1, &CLIENT_KEY).unwrap();
    sealed(msg_type, tgt, (&client_key, KeyUsage::AsRepEncPart), 0, None)
}

fn message() -> String {
    STANDARD.encode(as_rep(&minted(), ReplyType::AsRep))
}

fn documented() -> Value {
    json!({
        "token_type": "Bearer",
        "expires_in": 1_209_599,
        "tgt_client_key": STANDARD.encode(CLIENT_KEY),
        "tgt_key_type": 18,
        "tgt_message_buffer": message(),
    })
}

fn inner() -> Value {
    json!({
        "clientKey": "eyJhbGciOiJkaXIifQ..AAAA.BBBB.CCCC",
        "keyType": 18,
        "error": null,
        "messageBuffer": message(),
        "realm": "LAB.EXAMPLE",
        "sn": "krbtgt/LAB.EXAMPLE",
        "cn": "alice",
        "sessionKeyType": 18,
        "accountType": 1,
    })
}

fn seen_today(inner: &Value) -> Value {
    json!({ "refresh_token": "0.AAA", "tgt_cloud": "{}", "tgt_ad": inner.to_string() })
}

fn open(answer: &Value, client_key: Option<&[u8]>) -> Result<Credential, PrtError> {
    SealedTgt::parse(answer.to_string().as_bytes())?.open(client_key)
}

fn assert_is_minted(opened: &Credential) {
    let minted = minted();
    assert_eq!((&opened.client, &opened.server), (&minted.client, &minted.server));
    assert_eq!((opened.times, opened.flags), (minted.times, minted.flags));
    assert_eq!((&*opened.key.octets, &opened.ticket), (&*minted.key.octets, &minted.ticket));
}

#[test]
fn both_forms_hold_the_ticket() {
    assert_is_minted(&open(&documented(), None).unwrap());
    assert_is_minted(&open(&seen_today(&inner()), Some(&CLIENT_KEY)).unwrap());

    let mut with_key = seen_today(&inner());
    with_key["tgt_ad_sessionkey"] = "5a".repeat(32).into();
    assert_is_minted(&open(&with_key, None).unwrap());

    let mut in_the_open = inner();
    in_the_open["clientKey"] = STANDARD.encode(CLIENT_KEY).into();
    assert_is_minted(&open(&seen_today(&in_the_open), None).unwrap());
}

#[test]
fn what_is_wrong_is_said_and_no_key_is() {
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut answer = documented();
        change(&mut answer);
        open(&answer, None).unwrap_err()
    };
    let inner_changed = |change: &dyn Fn(&mut Value)| {
        let mut inner = inner();
        change(&mut inner);
        open(&seen_today(&inner), Some(&CLIENT_KEY)).unwrap_err()
    };
    let tgs_rep = STANDARD.encode(as_rep(&minted(), ReplyType::TgsRep));
    for (error, expected) in [
        (changed(&|answer| answer["tgt_message_buffer"] = Value::Null), PrtError::NoTgt),
        (changed(&|answer| answer["tgt_message_buffer"] = "%".into()), PrtError::Field("tgt_message_buffer")),
        (changed(&|answer| answer["tgt_message_buffer"] = tgs_rep.clone().into()), PrtError::NoAsRep),
        (changed(&|answer| answer["tgt_key_type"] = Value::Null), PrtError::Missing("tgt_key_type")),
        (changed(&|answer| answer["tgt_key_type"] = 17.into()), ReplyError::KeyType(18).into()),
        (changed(&|answer| answer["tgt_client_key"] = Value::Null), PrtError::NoKey),
        (changed(&|answer| answer["tgt_client_key"] = "a.b".into()), PrtError::Wrapped),
        (changed(&|answer| answer["tgt_client_key"] = "%".into()), PrtError::Field("tgt_client_key")),
        (changed(&|answer| answer["tgt_client_key"] = STANDARD.encode([1; 32]).into()), PrtError::WrongKey),
        (
            changed(&|answer| answer["tgt_client_key"] = STANDARD.encode([1; 31]).into()),
            PrtError::KeyLength { etype: EncryptionType::Aes256Sha1, length: 31 },
        ),
        (inner_changed(&|inner| inner["keyType"] = Value::Null), PrtError::Missing("keyType")),
        (inner_changed(&|inner| inner["messageBuffer"] = Value::Null), PrtError::Missing("messageBuffer")),
        (open(&seen_today(&inner()), None).unwrap_err(), PrtError::Wrapped),
        (open(&json!({ "tgt_cloud": "{}" }), None).unwrap_err(), PrtError::CloudOnly),
        (
            open(&json!({ "tgt_error_message": "no\n" }), None).unwrap_err(),
            PrtError::Refused("no\n".to_owned()),
        ),
        (
            open(&seen_today(&json!({ "error": 1317 })), None).unwrap_err(),
            PrtError::Refused("1317".to_owned()),
        ),
    ] {
        assert_eq!(error, expected);
        let told = error.to_string();
        assert!(!told.contains("5a5a") && !told.contains(&STANDARD.encode(CLIENT_KEY)), "{told}");
        assert!(!told.chars().any(char::is_control), "{told}");
    }
}

#[test]
fn what_is_no_answer_is_refused_without_being_quoted() {
    let secret = "c2VjcmV0";
    for text in [
        "",
        "[]",
        "not JSON",
        "{\"tgt_ad\":7}",
        "{\"tgt_ad\":\"{\"}",
        "{\"tgt_key_type\":99999999999}",
        "{\"tgt_client_key\":[\"c2VjcmV0\"]}",
        "{\"tgt_client_key\":\"c2VjcmV0\",\"tgt_client_key\":\"c2VjcmV0\"}",
        "{\"tgt_ad\":\"{\\\"clientKey\\\":[\\\"c2VjcmV0\\\"]}\"}",
    ] {
        let error = SealedTgt::parse(text.as_bytes()).err().unwrap();
        assert!(matches!(error, PrtError::Json { .. }), "{text}: {error}");
        assert!(!error.to_string().contains(secret), "{error}");
    }
    assert_eq!(SealedTgt::parse(&vec![b' '; LONGEST + 1]).err(), Some(PrtError::TooLong));
    let deep = format!("{{\"x\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(SealedTgt::parse(deep.as_bytes()).is_err());
    let deep = format!("{{\"tgt_ad\":\"{{\\\"error\\\":{}", "[".repeat(100_000));
    assert!(matches!(SealedTgt::parse(deep.as_bytes()).err(), Some(PrtError::Json { .. })));
}

#[test]
fn a_key_is_written_in_any_of_three_ways() {
    for file in ["5a".repeat(32) + "\n", "5A".repeat(32), STANDARD.encode(CLIENT_KEY) + "\r\n"] {
        assert_eq!(*client_key(file.as_bytes()), CLIENT_KEY, "{file}");
    }
    assert_eq!(*client_key(&[0xff; 32]), [0xff; 32]);
    assert_eq!(*client_key(b"5a5"), b"5a5"[..]);
}

proptest! {
    #[test]
    fn any_octets_are_answered(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = SealedTgt::parse(&octets);
        let _ = client_key(&octets);
    }

    #[test]
    fn an_answer_with_an_octet_changed_is_answered(at in any::<proptest::sample::Index>(), octet in any::<u8>()) {
        for answer in [documented(), seen_today(&inner())] {
            let mut octets = answer.to_string().into_bytes();
            let at = at.index(octets.len());
            octets[at] = octet;
            if let Ok(sealed) = SealedTgt::parse(&octets) {
                let _ = sealed.open(Some(&CLIENT_KEY));
            }
        }
    }

    /// Whatever the message holds, and however it is cut.
    #[test]
    fn a_message_with_an_octet_changed_opens_to_the_ticket_or_to_nothing(
        at in any::<proptest::sample::Index>(), octet in any::<u8>(), cut in any::<bool>(),
    ) {
        let mut message = as_rep(&minted(), ReplyType::AsRep);
        let at = at.index(message.len());
        if cut { message.truncate(at) } else { message[at] = octet }
        let mut answer = documented();
        answer["tgt_message_buffer"] = STANDARD.encode(&message).into();
        if let Ok(opened) = open(&answer, None) {
            // What is under the key is as it was; the ticket and the client's name are in the open.
            prop_assert_eq!(&*opened.key.octets, &*minted().key.octets);
            prop_assert_eq!(opened.times, minted().times);
        }
    }
}
