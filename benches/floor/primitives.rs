//! The cryptography that an exchange with AES256 keys cannot do without, by the libraries alone (RFC 3962, [MS-PAC] 2.8).
//!
//! The keys of branch and domain are ready, as in the daemon. Those of the session come new with each request: its key
//! schedule once, and for each of two usages Ke with its schedule and Ki with its HMAC state.

use std::hint::black_box;

use aes::cipher::array::Array;
use aes::cipher::{
    Block, BlockCipherDecrypt as _, BlockCipherEncrypt as _, BlockModeDecrypt as _, BlockModeEncrypt as _,
    InnerIvInit as _, Key, KeyInit as _,
};
use aes::{Aes256, Aes256Enc};
use hmac::{Hmac, Mac as _};
use kdc::exchange::Entropy;
use kdc::shell::entropy;
use md5::{Digest as _, Md5};
use sha1::Sha1;

use crate::lengths::{Lengths, MAC_LEN};

/// One of them.
pub(crate) struct Primitive {
    pub(crate) name: &'static str,
    pub(crate) octets: usize,
    pub(crate) work: Box<dyn FnMut()>,
}

/// All of them, in the order of the exchange.
pub(crate) fn of(lengths: &Lengths) -> Vec<Primitive> {
    vec![
        decrypt("partial TGT: AES-256-CTS, decrypted", lengths.partial_ticket),
        mac("partial TGT: HMAC-SHA1", lengths.partial_ticket),
        session_key_schedule("session key: AES-256 key schedule"),
        usage_keys("session key: Ke and Ki of the authenticator"),
        decrypt("authenticator: AES-256-CTS, decrypted", lengths.authenticator),
        mac("authenticator: HMAC-SHA1", lengths.authenticator),
        hash("body: MD5", lengths.body),
        mac("partial PAC, server signature: HMAC-SHA1", lengths.partial_pac),
        mac("partial PAC, KDC signature: HMAC-SHA1", MAC_LEN),
        draw("session key and confounders: getrandom", Entropy::LEN),
        mac("full PAC, server signature: HMAC-SHA1", lengths.full_pac),
        mac("full PAC, KDC signature: HMAC-SHA1", MAC_LEN),
        encrypt("full TGT: AES-256-CTS, encrypted", lengths.full_ticket),
        mac("full TGT: HMAC-SHA1", lengths.full_ticket),
        usage_keys("session key: Ke and Ki of the reply"),
        encrypt("reply: AES-256-CTS, encrypted", lengths.reply),
        mac("reply: HMAC-SHA1", lengths.reply),
    ]
}

fn mac(name: &'static str, octets: usize) -> Primitive {
    let (ready, data) = (hmac_sha1(&[0x11; 32]), vec![0x22; octets]);
    let work = move || {
        black_box(ready.clone().chain_update(black_box(data.as_slice())).finalize());
    };
    Primitive { name, octets, work: Box::new(work) }
}

fn hash(name: &'static str, octets: usize) -> Primitive {
    let data = vec![0x22; octets];
    let work = move || {
        black_box(Md5::digest(black_box(data.as_slice())));
    };
    Primitive { name, octets, work: Box::new(work) }
}

fn encrypt(name: &'static str, octets: usize) -> Primitive {
    let (cipher, mut message) = (Aes256::new(&[0x11; 32].into()), vec![0x22; octets]);
    let work = move || {
        let (blocks, tail) = Array::slice_as_chunks_mut(black_box(message.as_mut_slice()));
        let mut cbc = cbc::Encryptor::inner_iv_init(&cipher, &Block::<Aes256>::default());
        cbc.encrypt_blocks(blocks);
        if let (false, Some(last)) = (tail.is_empty(), blocks.last_mut()) {
            cbc.encrypt_block(last);
        }
    };
    Primitive { name, octets, work: Box::new(work) }
}

fn decrypt(name: &'static str, octets: usize) -> Primitive {
    let (cipher, mut message) = (Aes256::new(&[0x11; 32].into()), vec![0x22; octets]);
    let work = move || {
        let (blocks, tail) = Array::slice_as_chunks_mut(black_box(message.as_mut_slice()));
        if let (false, Some(last)) = (tail.is_empty(), blocks.last_mut()) {
            cipher.decrypt_block(last);
        }
        cbc::Decryptor::inner_iv_init(&cipher, &Block::<Aes256>::default()).decrypt_blocks(blocks);
    };
    Primitive { name, octets, work: Box::new(work) }
}

/// That of encryption alone: it is there to derive from.
fn session_key_schedule(name: &'static str) -> Primitive {
    let key = Key::<Aes256>::from([0x11; 32]);
    let work = move || {
        black_box(Aes256Enc::new(black_box(&key)));
    };
    Primitive { name, octets: key.len(), work: Box::new(work) }
}

fn usage_keys(name: &'static str) -> Primitive {
    let base = Aes256Enc::new(&[0x11; 32].into());
    let work = move || {
        let cipher = Aes256::new(&derived(&base, black_box([0xaa; 16])));
        black_box((cipher, hmac_sha1(&derived(&base, black_box([0x55; 16])))));
    };
    Primitive { name, octets: 2 * 32, work: Box::new(work) }
}

fn draw(name: &'static str, octets: usize) -> Primitive {
    let mut drawn = vec![0; octets];
    let work = move || {
        let filled = entropy::fill(black_box(drawn.as_mut_slice()));
        assert!(filled.is_ok(), "the kernel has no random octets");
    };
    Primitive { name, octets, work: Box::new(work) }
}

/// DK of RFC 3961 §5.1: two blocks for 32 octets.
fn derived(base: &Aes256Enc, folded: [u8; 16]) -> Key<Aes256> {
    let mut key = Key::<Aes256>::default();
    let mut block = Array(folded);
    for part in key.chunks_mut(block.len()) {
        base.encrypt_block(&mut block);
        part.copy_from_slice(&block);
    }
    key
}

fn hmac_sha1(key: &[u8]) -> Hmac<Sha1> {
    let mut block = Key::<Hmac<Sha1>>::default();
    block.iter_mut().zip(key).for_each(|(padded, octet)| *padded = *octet);
    Hmac::new(&block)
}
