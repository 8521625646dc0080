//! The vectors of MIT krb5: t_prf.c, and t_cf2.in with t_cf2.expected.

use super::{hex, key_of};
use crate::krb::crypto::EncryptionType::{self, Aes128Sha1, Aes128Sha256, Aes256Sha1, Aes256Sha384, Rc4Hmac};
use crate::krb::crypto::{fx_cf2, prf};

/// Type; "key1" and "key2" as passwords and salts, made keys; KRB-FX-CF2 of them with the peppers "a" and "b".
const CF2: [(EncryptionType, &str, &str, &str); 5] = [
    (
        Aes128Sha1,
        "ae272e7cdec86ac5138cdb196d8e297d",
        "67ab1cfef35e4c27ffdeac60385a3e9c",
        "97df97e4b798b29eb31ed7280287a92a",
    ),
    (
        Aes256Sha1,
        "c01f157211f7b77eaaf457c3e156690127ee127d810ba6392e97baa243eb0616",
        "9d520d2d980aa7cb6b693682b62da258b333867951642ce647ae62b1e5e0b5e9",
        "4d6ca4e629785c1f01baf55e2e548566b9617ae3a96868c337cb93b5e72b1c7b",
    ),
    (
        Rc4Hmac,
        "624d808c5b78ce675750060d46bec126",
        "6fc56e4767bdcb48aecd1e1425b508f7",
        "24d7f6b6bae4e5c00d2082c5ebab3672",
    ),
    (
        Aes128Sha256,
        "e18593528e4452b4befd81ebefea681c",
        "3be855ac3c7dcc145828248550620894",
        "edd02a39d2dbde31611c16e610be062c",
    ),
    (
        Aes256Sha384,
        "4ad116668f05b17d7b7ca10297bf1934f41b58eeafba0bd00f65459f24491fb7",
        "213add1239de66e2d689fbda2e5cbab5dd34b9c3f7dabd1a82a4417fb10cdfde",
        "67f6ea530aea85a37dcbb23349ea52dcc61ca8493ff557252327fd8304341584",
    ),
];

#[test]
fn two_keys_make_the_keys_of_mit_krb5() {
    for (etype, first, second, expected) in CF2 {
        let made = fx_cf2(&key_of(etype, first), &key_of(etype, second), b"a", b"b");
        assert_eq!(made.as_bytes(), hex(expected), "{etype}");
        assert_eq!(made.etype(), etype);
    }
}

/// What krb5_c_fx_cf2_simple of MIT krb5 1.20 gave. The first key's type decides, however long the blocks of
/// either pseudo-random function.
#[test]
fn keys_of_two_types_make_one_of_the_first_type() {
    let [(_, aes128, ..), (_, aes256, ..), (_, _, rc4, _), _, (_, _, sha384, _)] = CF2;
    for (first, second, expected) in [
        (
            key_of(Aes256Sha1, aes256),
            key_of(Rc4Hmac, rc4),
            "5e378fff38f11c6e2f08fff30ef1c4b0fae0073440f3503cd47ffbb87823e4de",
        ),
        (key_of(Aes128Sha1, aes128), key_of(Aes256Sha384, sha384), "5a2b7bd9bbdc8cbff90843f44c9f8334"),
    ] {
        let made = fx_cf2(&first, &second, b"a", b"b");
        assert_eq!((made.etype(), made.as_bytes()), (first.etype(), hex(expected).as_slice()));
    }
}

#[test]
fn the_pseudo_random_functions_of_aes_sha1_are_those_of_mit_krb5() {
    let [(_, key1_128, key2_128, _), (_, key1_256, key2_256, _), ..] = CF2;
    for (etype, key, input, expected) in [
        (Aes128Sha1, key1_128, b"\x01a", "77B39A37A868920F2A51F9DD150C5717"),
        (Aes128Sha1, key2_128, b"\x01b", "E06C0DD31FF02091994F2EF5178BFE3D"),
        (Aes256Sha1, key1_256, b"\x01a", "B2628C788E2E9C4A9BB4644678C29F2F"),
        (Aes256Sha1, key1_256, b"\x02a", "B406373350CEE8A6126F4A9B65A0CD21"),
        (Aes256Sha1, key2_256, b"\x01b", "FF0E289EA756C0559A0E911856961A49"),
        (Aes256Sha1, key2_256, b"\x02b", "0D674DD0F9A6806525A4D92E828BD15A"),
    ] {
        assert_eq!(*prf(&key_of(etype, key), input), hex(expected), "{etype} {input:?}");
    }
}
