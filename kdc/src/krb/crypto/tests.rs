//! Published vectors of RFC 3961 and RFC 3962, and the claims of this module.

use aes::cipher::{Key, KeyInit};
use aes::{Aes128, Aes256};
use hmac::{Hmac, Mac};
use sha1::Sha1;
use zeroize::ZeroizeOnDrop;

use super::aes_sha1::{Aes, BaseKey};
use super::usage::n_fold;
use super::*;

mod prf;
mod rc4;
mod sha2;

/// Octets of a hexadecimal text with any white space in it.
pub(in crate::krb) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().filter_map(|digit| digit.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// An aes-cts-hmac-sha1-96 key.
fn key(octets: &str) -> EncryptionKey {
    let etype = if octets.len() == 32 { EncryptionType::Aes128Sha1 } else { EncryptionType::Aes256Sha1 };
    key_of(etype, octets)
}

fn key_of(etype: EncryptionType, octets: &str) -> EncryptionKey {
    EncryptionKey::from_bytes(etype, &hex(octets)).unwrap()
}

/// A key of each type.
fn one_of_each() -> impl Iterator<Item = EncryptionKey> {
    EncryptionType::ALL
        .into_iter()
        .map(|etype| EncryptionKey::from_bytes(etype, &hex(AES256)[..etype.key_len()]).unwrap())
}

const AES128: &str = "000102030405060708090a0b0c0d0e0f";
const AES256: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// PBKDF2 (RFC 8018 §5.2): passwords become keys only here.
fn pbkdf2<H: Mac + KeyInit + Clone>(password: &[u8], salt: &[u8], iterations: u32, length: usize) -> Vec<u8> {
    let prf = H::new_from_slice(password).unwrap();
    let mut output = Vec::new();
    for block in 1_u32..=2 {
        let first = prf.clone().chain_update(salt).chain_update(block.to_be_bytes());
        let mut last = first.finalize().into_bytes().to_vec();
        let mut sum = last.clone();
        for _ in 1..iterations {
            last = prf.clone().chain_update(&last).finalize().into_bytes().to_vec();
            sum.iter_mut().zip(&last).for_each(|(octet, other)| *octet ^= other);
        }
        output.extend(sum);
        if output.len() >= length {
            break;
        }
    }
    output.truncate(length);
    output
}

/// RFC 3962 §4.
fn string_to_key<C: Aes>(password: &[u8], salt: &[u8], iterations: u32) -> Vec<u8> {
    let length = Key::<C>::default().len();
    let octets = pbkdf2::<Hmac<Sha1>>(password, salt, iterations, length);
    let base = BaseKey::<C>::made(|key| key.copy_from_slice(&octets));
    let [key] = base.derive([const { &n_fold(b"kerberos") }]);
    key.to_vec()
}

/// RFC 3962, appendix B.
#[test]
fn passwords_become_the_keys_of_rfc_3962() {
    /// Password, salt, iterations, AES-128 key, AES-256 key.
    type Case = (&'static [u8], &'static [u8], u32, &'static str, &'static str);
    let cases: [Case; 7] = [
        (
            b"password",
            b"ATHENA.MIT.EDUraeburn",
            1,
            "42263c6e89f4fc28b8df68ee09799f15",
            "fe697b52bc0d3ce14432ba036a92e65bbb52280990a2fa27883998d72af30161",
        ),
        (
            b"password",
            b"ATHENA.MIT.EDUraeburn",
            2,
            "c651bf29e2300ac27fa469d693bdda13",
            "a2e16d16b36069c135d5e9d2e25f896102685618b95914b467c67622225824ff",
        ),
        (
            b"password",
            b"ATHENA.MIT.EDUraeburn",
            1200,
            "4c01cd46d632d01e6dbe230a01ed642a",
            "55a6ac740ad17b4846941051e1e8b0a7548d93b0ab30a8bc3ff16280382b8c2a",
        ),
        (
            b"password",
            b"\x12\x34\x56\x78\x78\x56\x34\x12",
            5,
            "e9b23d52273747dd5c35cb55be619d8e",
            "97a4e786be20d81a382d5ebc96d5909cabcdadc87ca48f574504159f16c36e31",
        ),
        (
            &[b'X'; 64],
            b"pass phrase equals block size",
            1200,
            "59d1bb789a828b1aa54ef9c2883f69ed",
            "89adee3608db8bc71f1bfbfe459486b05618b70cbae22092534e56c553ba4b34",
        ),
        (
            &[b'X'; 65],
            b"pass phrase exceeds block size",
            1200,
            "cb8005dc5f90179a7f02104c0018751d",
            "d78c5c9cb872a8c9dad4697f0bb5b2d21496c82beb2caeda2112fceea057401b",
        ),
        (
            "\u{1d11e}".as_bytes(),
            b"EXAMPLE.COMpianist",
            50,
            "f149c1f2e154a73452d43e7fe62a56e5",
            "4b6d9839f84406df1f09cc166db4b83c571848b784a3d6bdc346589a3e393f9e",
        ),
    ];
    for (password, salt, iterations, aes128, aes256) in cases {
        assert_eq!(
            string_to_key::<Aes128>(password, salt, iterations),
            hex(aes128),
            "{iterations} iterations"
        );
        assert_eq!(
            string_to_key::<Aes256>(password, salt, iterations),
            hex(aes256),
            "{iterations} iterations"
        );
    }
}

/// RFC 3962, appendix B: key "chicken teriyaki", zero initial vector.
#[test]
fn steals_ciphertext_as_rfc_3962_does() {
    let cipher = Aes128::new(b"chicken teriyaki".into());
    let text = b"I would like the General Gau's Chicken, please, and wonton soup.";
    let cases = [
        (17, "c6353568f2bf8cb4d8a580362da7ff7f97"),
        (31, "fc00783e0efdb2c1d445d4c8eff7ed2297687268d6ecccc0c07b25e25ecfe5"),
        (32, "39312523a78662d5be7fcbcc98ebf5a897687268d6ecccc0c07b25e25ecfe584"),
        (
            47,
            "97687268d6ecccc0c07b25e25ecfe584b3fffd940c16a18c1b5549d2f838029e39312523a78662d5be7fcbcc98ebf5",
        ),
        (
            48,
            "97687268d6ecccc0c07b25e25ecfe5849dad8bbb96c4cdc03bc103e1a194bbd839312523a78662d5be7fcbcc98ebf5a8",
        ),
        (
            64,
            "97687268d6ecccc0c07b25e25ecfe58439312523a78662d5be7fcbcc98ebf5a8
             4807efe836ee89a526730dbc2f7bc8409dad8bbb96c4cdc03bc103e1a194bbd8",
        ),
    ];
    for (length, expected) in cases {
        let (mut message, mut shown) = (text[..length].to_vec(), Vec::new());
        cts::encrypt(&cipher, &mut message, |plain| shown.extend_from_slice(plain));
        assert_eq!(message, hex(expected), "{length} octets");
        assert_eq!(shown, text[..length / 64 * 64], "{length} octets");
        cts::decrypt(&cipher, &mut message);
        assert_eq!(message, text[..length], "{length} octets");
    }
}

/// From the checksum vectors of MIT krb5 (t_cksums.c).
#[test]
fn signs_as_mit_krb5_does() {
    let mac = MacKey::new(&key("9062430c8cda3388922e6d6a509f5b7a"), KeyUsage::AsRepEncPart);
    assert_eq!(mac.mac(b"eight nine ten eleven twelve thirteen").as_bytes(), hex("01a4b088d45628f6946614e3"));
}

/// RFC 1321, appendix A.5.
#[test]
fn compares_rsa_md5_checksums() {
    let digest = hex("900150983cd24fb0d6963f7d28e17f72");
    assert!(md5_matches(b"abc", &digest));
    assert!(!md5_matches(b"abd", &digest));
    assert!(!md5_matches(b"abc", &digest[..15]));
    assert!(!md5_matches(b"abc", &[]));
}

#[test]
fn every_length_opens_again() {
    for key in one_of_each() {
        let cipher = CipherKey::new(&key, KeyUsage::Ticket);
        for length in 0..200_u8 {
            let plain: Vec<u8> = (0..length).collect();
            let mut sealed = b"before".to_vec();
            cipher.seal(&[length; 16], &plain, &mut sealed);
            let sealed = sealed.strip_prefix(b"before").unwrap();
            assert_eq!(sealed.len(), cipher.sealed_len(plain.len()));
            assert_eq!(*cipher.open(sealed).unwrap(), plain);
            assert_eq!(cipher.open_in_place(&mut sealed.to_vec()).unwrap(), plain);
        }
    }
}

#[test]
fn any_flipped_bit_is_refused_and_the_buffer_wiped() {
    for key in one_of_each() {
        let cipher = CipherKey::new(&key, KeyUsage::Ticket);
        for length in [0, 1, 15, 16, 17, 40] {
            let mut sealed = Vec::new();
            cipher.seal(&[7; 16], &vec![0x55; length], &mut sealed);
            for bit in 0..sealed.len() * 8 {
                let mut changed = sealed.clone();
                changed[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(
                    cipher.open_in_place(&mut changed),
                    Err(IntegrityError),
                    "bit {bit} of {length} octets"
                );
                assert!(changed.iter().all(|octet| *octet == 0), "bit {bit} of {length} octets");
            }
        }
    }
}

#[test]
fn short_and_cut_ciphertexts_are_refused() {
    for key in one_of_each() {
        let cipher = CipherKey::new(&key, KeyUsage::Ticket);
        let mut sealed = Vec::new();
        cipher.seal(&[7; 16], &[0x55; 40], &mut sealed);
        for length in 0..sealed.len() {
            assert!(cipher.open(&sealed[..length]).is_err(), "{length} octets");
        }
    }
}

#[test]
fn keys_of_one_length_and_different_types_have_nothing_in_common() {
    for sealer in one_of_each() {
        let mut sealed = Vec::new();
        CipherKey::new(&sealer, KeyUsage::Ticket).seal(&[7; 16], b"plaintext", &mut sealed);
        let mac = MacKey::new(&sealer, KeyUsage::PacSignature).mac(b"data");
        for other in one_of_each() {
            let same = other.etype() == sealer.etype();
            assert_eq!(CipherKey::new(&other, KeyUsage::Ticket).open(&sealed).is_ok(), same, "{other:?}");
            let verifier = MacKey::new(&other, KeyUsage::PacSignature);
            assert_eq!(verifier.verify(b"data", mac.as_bytes()), same, "{other:?}");
            assert_eq!(verifier.checksum_type(), other.etype().checksum_type());
            assert_eq!(pac::SignatureType::from_i32(verifier.checksum_type()).unwrap().mac_len(), {
                verifier.mac(b"data").as_bytes().len()
            });
        }
    }
}

#[test]
fn another_usage_or_key_does_not_open_or_verify() {
    let sealer = CipherKey::new(&key(AES256), KeyUsage::Ticket);
    let mut sealed = Vec::new();
    sealer.seal(&[7; 16], b"plaintext", &mut sealed);
    assert!(CipherKey::new(&key(AES256), KeyUsage::TgsReqAuthenticator).open(&sealed).is_err());
    assert!(CipherKey::new(&key(AES128), KeyUsage::Ticket).open(&sealed).is_err());

    let mac = MacKey::new(&key(AES256), KeyUsage::PacSignature).mac(b"data");
    assert!(MacKey::new(&key(AES256), KeyUsage::PacSignature).verify(b"data", mac.as_bytes()));
    assert!(!MacKey::new(&key(AES256), KeyUsage::PacSignature).verify(b"date", mac.as_bytes()));
    assert!(!MacKey::new(&key(AES256), KeyUsage::PacSignature).verify(b"data", &mac.as_bytes()[..11]));
    assert!(
        !MacKey::new(&key(AES256), KeyUsage::TgsReqAuthenticatorChecksum).verify(b"data", mac.as_bytes())
    );
}

#[test]
fn debug_shows_no_secret() {
    assert_eq!(
        format!("{:?}", CipherKey::new(&key(AES256), KeyUsage::Ticket)),
        "CipherKey(aes256-cts-hmac-sha1-96, redacted)"
    );
    assert_eq!(
        format!("{:?}", MacKey::rc4_hmac(&[0x5a; 16], KeyUsage::PacSignature)),
        "MacKey(checksum type -138, redacted)"
    );
}

/// `Hmac` promises nothing itself, but consists of the hash core (twice) and the block buffer that the hash
/// promises to wipe.
#[test]
fn schedules_and_hash_states_are_wiped_when_dropped() {
    fn wiped<T: ZeroizeOnDrop>() {}
    wiped::<Aes128>();
    wiped::<Aes256>();
    wiped::<aes::Aes128Enc>();
    wiped::<aes::Aes256Enc>();
    wiped::<::rc4::Rc4>();
    wiped::<hmac_sha1::HmacSha1>();
    wiped::<::sha2::Sha256>();
    wiped::<::sha2::Sha384>();
    wiped::<::md5::Md5>();
}
