//! rc4-hmac against the vectors of MIT krb5 (t_decrypt.c, t_cksums.c) and against what MIT krb5 1.20 makes.

use super::{hex, key_of};
use crate::krb::crypto::EncryptionType::Rc4Hmac;
use crate::krb::crypto::{CipherKey, KeyUsage, MacKey};

/// t_decrypt.c: usage, key, plaintext, encrypted data.
#[test]
fn opens_what_mit_krb5_shows() {
    let cases: [(KeyUsage, &str, &[u8], &str); 2] = [
        (
            KeyUsage::Ticket,
            "3E40AB6093695281B3AC1A9304224D98",
            b"9 bytesss",
            "0F9AD121D99D4A09448E4F1F718C4F5CBE6096262C66F29DF232A87C9F98755D55",
        ),
        // Usage 3, which is 8 for RC4.
        (
            KeyUsage::AsRepEncPart,
            "4BA2FBF0379FAED87A254D3B353D5A7E",
            b"13 bytes byte",
            "612C57568B17A70352BAE8CF26FB9459A6F3353CD35FD439DB3107CBEC765D326DFC04C1DD",
        ),
    ];
    for (usage, key, plain, sealed) in cases {
        let cipher = CipherKey::new(&key_of(Rc4Hmac, key), usage);
        assert_eq!(*cipher.open(&hex(sealed)).unwrap(), *plain, "{usage:?}");
    }
}

/// t_cksums.c, CKSUMTYPE_HMAC_MD5_ARCFOUR with usage 6.
#[test]
fn signs_as_mit_krb5_shows() {
    let key = key_of(Rc4Hmac, "F7D3A155AF5E238A0B7A871A96BA2AB2");
    let mac = MacKey::new(&key, KeyUsage::TgsReqAuthenticatorChecksum);
    assert_eq!(
        mac.mac(b"seventeen eighteen nineteen twenty").as_bytes(),
        hex("EB38CC97E2230F59DA4117DC5859D7EC")
    );
    assert_eq!(mac.checksum_type(), -138);
}

/// What krb5_c_encrypt and krb5_c_make_checksum of MIT krb5 1.20 gave: 3 counts as 8, 9 stays 9 (RFC 4757 §3
/// and its errata).
#[test]
fn usages_are_renumbered_as_mit_krb5_does() {
    let key = key_of(Rc4Hmac, "F7D3A155AF5E238A0B7A871A96BA2AB2");
    let as_8 = (
        "f7996e6d47805be73e980c4c6c197bc7",
        "4dcaf52cfc6ba3f446e96dd837f409859e5d5100cc05f856e85f272968975e",
    );
    let as_9 = (
        "7249aa5f4d464d0f82e701c5e2784348",
        "51921463ad1997c0f4f744670aff7d4946d1d86d277bc03be49b608bb7ffb7",
    );
    for (usage, (mac, sealed)) in
        [(KeyUsage::AsRepEncPart, as_8), (KeyUsage::TgsRepSessionKey, as_8), (KeyUsage::TgsRepSubkey, as_9)]
    {
        assert!(MacKey::new(&key, usage).verify(b"tgs-rep", &hex(mac)), "{usage:?}");
        assert_eq!(*CipherKey::new(&key, usage).open(&hex(sealed)).unwrap(), *b"tgs-rep", "{usage:?}");
    }
}

#[test]
fn half_of_the_confounder_is_used() {
    let cipher = CipherKey::new(&key_of(Rc4Hmac, "F7D3A155AF5E238A0B7A871A96BA2AB2"), KeyUsage::Ticket);
    let sealed = |last| {
        let mut sealed = Vec::new();
        let mut confounder = [1; 16];
        confounder[last] = 2;
        cipher.seal(&confounder, b"plaintext", &mut sealed);
        sealed
    };
    assert_eq!(cipher.overhead(), 24);
    assert_ne!(sealed(7), sealed(8));
    assert_eq!(sealed(8), sealed(15));
}
