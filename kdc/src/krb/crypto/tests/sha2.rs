//! RFC 8009, appendix A, whole; and the derivations of our other usages as MIT krb5 1.20 makes them.

use ::sha2::{Sha256, Sha384};
use hmac::Hmac;

use super::super::aes_sha2::{self, Aes128Sha256, Aes256Sha384, Profile};
use super::{hex, key_of, pbkdf2};
use crate::krb::crypto::EncryptionType::{Aes128Sha256 as Type19, Aes256Sha384 as Type20};
use crate::krb::crypto::{CipherKey, EncryptionType, KeyUsage, MacKey, prf};

const KEY_128: &str = "3705D96080C17728A0E800EAB6E0D23C";
const KEY_256: &str = "6D404D37FAF79F9DF0D33568D320669800EB4836472EA8A026D16B7182460C52";

fn derived<P: Profile>(base: &[u8], label: &[&[u8]], length: usize) -> Vec<u8> {
    let mut derived = vec![0; length];
    aes_sha2::kdf::<P>(&aes_sha2::hmac::<P>(base), label, &[], &mut derived);
    derived
}

/// Appendix A, "Sample results for string-to-key conversion"; RFC 8009 §4.
#[test]
fn passwords_become_the_keys_of_rfc_8009() {
    let salt = |name: &str| {
        let octets =
            [name.as_bytes(), &[0], &hex("10DF9DD783E5BC8ACEA1730E74355F61"), b"ATHENA.MIT.EDUraeburn"];
        octets.concat()
    };
    let password = b"password";
    let base = pbkdf2::<Hmac<Sha256>>(password, &salt("aes128-cts-hmac-sha256-128"), 32_768, 16);
    let key = derived::<Aes128Sha256>(&base, &[b"kerberos"], 16);
    assert_eq!(key, hex("089BCA48B105EA6EA77CA5D2F39DC5E7"));

    let base = pbkdf2::<Hmac<Sha384>>(password, &salt("aes256-cts-hmac-sha384-192"), 32_768, 32);
    let key = derived::<Aes256Sha384>(&base, &[b"kerberos"], 32);
    assert_eq!(key, hex("45BD806DBF6A833A9CFFC1C94589A222367A79BC21C413718906E9F578A78467"));
}

/// Appendix A, "Sample results for key derivation", key usage 2.
#[test]
fn derives_the_keys_of_rfc_8009() {
    let label = |purpose: u8| [0, 0, 0, 2, purpose];
    for (purpose, expected) in [
        (0x99, "B31A018A48F54776F403E9A396325DC3"),
        (0xAA, "9B197DD1E8C5609D6E67C3E37C62C72E"),
        (0x55, "9FDA0E56AB2D85E1569A688696C26A6C"),
    ] {
        let expected = hex(expected);
        let derived = derived::<Aes128Sha256>(&hex(KEY_128), &[&label(purpose)], expected.len());
        assert_eq!(derived, expected, "{purpose:x}");
    }
    for (purpose, expected) in [
        (0x99, "EF5718BE86CC84963D8BBB5031E9F5C4BA41F28FAF69E73D"),
        (0xAA, "56AB22BEE63D82D7BC5227F6773F8EA7A5EB1C825160C38312980C442E5C7E49"),
        (0x55, "69B16514E3CD8E56B82010D5C73012B622C4D00FFC23ED1F"),
    ] {
        let expected = hex(expected);
        let derived = derived::<Aes256Sha384>(&hex(KEY_256), &[&label(purpose)], expected.len());
        assert_eq!(derived, expected, "{purpose:x}");
    }
}

/// Appendix A, "Sample encryptions", key usage 2: type, confounder, octets of the plaintext 00 01 02 …, result.
#[test]
fn seals_and_opens_what_rfc_8009_shows() {
    let cases: [(EncryptionType, &str, u8, &str); 8] = [
        (
            Type19,
            "7E5895EAF2672435BAD817F545A37148",
            0,
            "EF85FB890BB8472F4DAB20394DCA781DAD877EDA39D50C870C0D5A0A8E48C718",
        ),
        (
            Type19,
            "7BCA285E2FD4130FB55B1A5C83BC5B24",
            6,
            "84D7F30754ED987BAB0BF3506BEB09CFB55402CEF7E6877CE99E247E52D16ED4421DFDF8976C",
        ),
        (
            Type19,
            "56AB21713FF62C0A1457200F6FA9948F",
            16,
            "3517D640F50DDC8AD3628722B3569D2AE07493FA8263254080EA65C1008E8FC295FB4852E7D83E1E7C48C37EEBE6B0D3",
        ),
        (
            Type19,
            "A7A4E29A4728CE10664FB64E49AD3FAC",
            21,
            "720F73B18D9859CD6CCB4346115CD336C70F58EDC0C4437C5573544C31C813BCE1E6D072C186B39A413C2F92CA9B8334
             A287FFCBFC",
        ),
        (
            Type20,
            "F764E9FA15C276478B2C7D0C4E5F58E4",
            0,
            "41F53FA5BFE7026D91FAF9BE959195A058707273A96A40F0A01960621AC612748B9BBFBE7EB4CE3C",
        ),
        (
            Type20,
            "B80D3251C1F6471494256FFE712D0B9A",
            6,
            "4ED7B37C2BCAC8F74F23C1CF07E62BC7B75FB3F637B9F559C7F664F69EAB7B6092237526EA0D1F61CB20D69D10F2",
        ),
        (
            Type20,
            "53BF8A0D105265D4E276428624CE5E63",
            16,
            "BC47FFEC7998EB91E8115CF8D19DAC4BBBE2E163E87DD37F49BECA92027764F68CF51F14D798C2273F35DF574D1F932E
             40C4FF255B36A266",
        ),
        (
            Type20,
            "763E65367E864F02F55153C7E3B58AF1",
            21,
            "40013E2DF58E8751957D2878BCD2D6FE101CCFD556CB1EAE79DB3C3EE86429F2B2A602AC86FEF6ECB647D6295FAE077A
             1FEB517508D2C16B4192E01F62",
        ),
    ];
    for (etype, confounder, length, expected) in cases {
        let key = key_of(etype, if etype == Type19 { KEY_128 } else { KEY_256 });
        let cipher = CipherKey::new(&key, KeyUsage::Ticket);
        let plain: Vec<u8> = (0..length).collect();
        let mut sealed = Vec::new();
        cipher.seal(&hex(confounder).try_into().unwrap(), &plain, &mut sealed);
        assert_eq!(sealed, hex(expected), "{etype}, {length} octets");
        assert_eq!(*cipher.open(&sealed).unwrap(), plain, "{etype}, {length} octets");
    }
}

/// Appendix A, "Sample checksums", key usage 2.
#[test]
fn signs_as_rfc_8009_does() {
    let data: Vec<u8> = (0..21).collect();
    for (etype, key, expected) in [
        (Type19, KEY_128, "D78367186643D67B411CBA9139FC1DEE"),
        (Type20, KEY_256, "45EE791567EEFCA37F4AC1E0222DE80D43C3BFA06699672A"),
    ] {
        let key = MacKey::new(&key_of(etype, key), KeyUsage::Ticket);
        assert_eq!(key.mac(&data).as_bytes(), hex(expected));
        assert!(key.verify(&data, &hex(expected)));
    }
}

/// Appendix A, "Sample pseudorandom function (PRF) invocations".
#[test]
fn the_pseudo_random_function_is_that_of_rfc_8009() {
    assert_eq!(
        *prf(&key_of(Type19, KEY_128), b"test"),
        hex("9D188616F63852FE86915BB840B4A886FF3E6BB0F819B49B893393D393854295")
    );
    assert_eq!(
        *prf(&key_of(Type20, KEY_256), b"test"),
        hex("9801F69A368C2BF675E59521E177D9A07F67EFE1CFDE8D3C8D6F6A0256E3B17D
             B3C1B62AD1B8553360D17367EB1514D2")
    );
}

/// What krb5_c_encrypt and krb5_c_make_checksum of MIT krb5 1.20 gave for the keys 00 01 02 ….
#[test]
fn opens_and_verifies_what_mit_krb5_made_for_each_usage() {
    let cases = [
        (
            Type19,
            KeyUsage::TgsReqAuthenticator,
            "1fc89edd622299be406015cf784813f2f19b3bae68f839f224aa19f14172aac482fc3bb037fc1eac468dc41000a5a66c
             8f7b49be1304a87e5b81",
        ),
        (
            Type19,
            KeyUsage::TgsRepSubkey,
            "7cd1475932d2b17f304400953bed0deb96e651ee822ca15f25428fc2f79926ed4642e4ea7a89e309d18c5abc91e3bf83
             a884b9e9bb975da2268b",
        ),
        (
            Type20,
            KeyUsage::TgsReqAuthenticator,
            "e68acf4c5272185958083640d3eee976408e71b7fc6ec2b75e016d7d60d67cd5e4dbc134cf47f954400095d1c9d19ab3
             65846bcee06fd3ec76f72f3d5dbb3f36d553",
        ),
        (
            Type20,
            KeyUsage::TgsRepSubkey,
            "c2d98e0b53d20db22bd5a959c28df969fc80286b2a3c54a94fb9a6d3f74af490d8e603058fbf63a0760b980dc6c69615
             b49796ab8897a23645c75cb074b3d309a7ec",
        ),
    ];
    let key = |etype| super::one_of_each().find(|key| key.etype() == etype).unwrap();
    for (etype, usage, sealed) in cases {
        let opened = CipherKey::new(&key(etype), usage).open(&hex(sealed)).unwrap();
        assert_eq!(*opened, *b"a plaintext of some length", "{etype}, {usage:?}");
    }
    for (etype, mac) in [
        (Type19, "8ce65427ab10ff118f3acb60d09a313f"),
        (Type20, "c38ee8923977daa61b959ebf316812da4652928ed70a1ada"),
    ] {
        assert!(MacKey::new(&key(etype), KeyUsage::PacSignature).verify(b"data", &hex(mac)), "{etype}");
    }
}
