//! HMAC-SHA1-96 (RFC 2104, RFC 3962 §6), on the compression function of SHA-1.
//!
//! [`hmac::Hmac`] takes a message in pieces, for which it copies and wipes a buffer and three states: a third of what the
//! MAC of a short message takes. Here messages are at hand as a whole, or come a block at a time.

use std::slice;

use sha1::block_api::compress;
use zeroize::{ZeroizeOnDrop, optimization_barrier};

use crate::krb::Wiped;

/// Octets of the truncated HMAC.
pub(super) const MAC_LEN: usize = 12;

/// Octets that the compression function takes at a time.
const BLOCK: usize = 64;
/// Octets at the end of the last block, which say how many bits there are before the padding.
const LENGTH: usize = 8;

/// What SHA-1 works on (FIPS 180-4 §5.3.1).
type State = [u32; 5];
const INITIAL: State = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];

/// HMAC-SHA1-96 with the key already absorbed: its two key blocks cost as much as a hundred octets of data.
pub(super) struct HmacSha1 {
    inner: State,
    outer: State,
}

impl HmacSha1 {
    /// Absorbs a key, none of which is longer than a block here.
    pub(super) fn new(key: &[u8]) -> Self {
        Self { inner: keyed(key, 0x36), outer: keyed(key, 0x5c) }
    }

    pub(super) fn mac(&self, data: &[u8]) -> [u8; MAC_LEN] {
        self.outer(&digest(self.inner, data))
    }

    /// Begins a MAC of `data`, whose whole blocks are yet to come; what is after them may be gone when their turn is over.
    pub(super) fn begin(&self, data: &[u8]) -> Pending<'_> {
        Pending { key: self, state: self.inner, end: End::of(data) }
    }

    fn outer(&self, inner: &[u8; 20]) -> [u8; MAC_LEN] {
        let [mac @ .., _, _, _, _, _, _, _, _] = digest(self.outer, inner);
        mac
    }
}

/// A MAC whose message passes by, one whole block after the other.
pub(super) struct Pending<'k> {
    key: &'k HmacSha1,
    state: State,
    end: End,
}

impl Pending<'_> {
    pub(super) fn absorb(&mut self, block: &[u8; BLOCK]) {
        compress(&mut self.state, slice::from_ref(block));
    }

    pub(super) fn finish(self) -> [u8; MAC_LEN] {
        self.key.outer(&self.end.digest(self.state))
    }
}

impl Drop for HmacSha1 {
    fn drop(&mut self) {
        (self.inner, self.outer) = (INITIAL, INITIAL);
        // The barrier may read what was written, so that it must be there.
        optimization_barrier(self);
    }
}

impl ZeroizeOnDrop for HmacSha1 {}

/// The state after one block: the key, filled up with zeros, each octet XORed with `pad`.
fn keyed(key: &[u8], pad: u8) -> State {
    let mut block = Wiped::new([pad; BLOCK]);
    block.iter_mut().zip(key).for_each(|(octet, key)| *octet ^= *key);
    let mut state = INITIAL;
    compress(&mut state, slice::from_ref(&*block));
    state
}

/// SHA-1 (FIPS 180-4 §6.1.2) of a block that is in `state` already and of `data` after it.
fn digest(mut state: State, data: &[u8]) -> [u8; 20] {
    let (blocks, _) = data.as_chunks();
    compress(&mut state, blocks);
    End::of(data).digest(state)
}

/// The octets of a message after its last whole block, padded.
struct End {
    octets: Wiped<[u8; 2 * BLOCK]>,
    /// One block or two.
    len: usize,
}

impl End {
    fn of(data: &[u8]) -> Self {
        let (_, rest) = data.as_chunks::<BLOCK>();
        // §5.1.1: the rest, one bit, zeros, the number of bits.
        let mut octets = Wiped::new([0; 2 * BLOCK]);
        let (start, padding) = octets.split_at_mut(rest.len());
        start.copy_from_slice(rest);
        if let [one_bit, ..] = padding {
            *one_bit = 0x80;
        }
        let len = if rest.len() < BLOCK - LENGTH { BLOCK } else { 2 * BLOCK };
        let (last, _) = octets.split_at_mut(len);
        if let Some(length) = last.last_chunk_mut::<LENGTH>() {
            let octets = data.len().saturating_add(BLOCK);
            *length = u64::try_from(octets).unwrap_or(u64::MAX).saturating_mul(8).to_be_bytes();
        }
        Self { octets, len }
    }

    /// The digest of a message whose whole blocks, and one before them, are in `state`.
    fn digest(&self, mut state: State) -> [u8; 20] {
        let (octets, _) = self.octets.split_at(self.len);
        let (blocks, _) = octets.as_chunks();
        compress(&mut state, blocks);

        let mut digest = [0; 20];
        let (words, _) = digest.as_chunks_mut();
        words.iter_mut().zip(state).for_each(|(octets, word)| *octets = word.to_be_bytes());
        digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::krb::crypto::tests::hex;
    use hmac::{Hmac, KeyInit as _, Mac as _};
    use sha1::Sha1;

    /// RFC 2202 §3, the cases of keys that fit a block.
    #[test]
    fn makes_the_macs_of_rfc_2202() {
        let cases: [(&[u8], &[u8], &str); 5] = [
            (&[0x0b; 20], b"Hi There", "b617318655057264e28bc0b6"),
            (b"Jefe", b"what do ya want for nothing?", "effcdf6ae5eb2fa2d27416d5"),
            (&[0xaa; 20], &[0xdd; 50], "125d7342b9ac11cd91a39af4"),
            (
                &hex("0102030405060708090a0b0c0d0e0f10111213141516171819"),
                &[0xcd; 50],
                "4c9007f4026250c6bc8414f9",
            ),
            (&[0x0c; 20], b"Test With Truncation", "4c1a03424b55e07fe7f27be1"),
        ];
        for (key, data, mac) in cases {
            assert_eq!(HmacSha1::new(key).mac(data).to_vec(), hex(mac));
        }
    }

    /// Wherever the padding begins.
    #[test]
    fn agrees_with_the_library_at_every_length() {
        let data: Vec<u8> = (0..=255).collect();
        for key in [[0x5a; 16].as_slice(), &[0xa5; 32], &[0x11; BLOCK]] {
            let library = Hmac::<Sha1>::new_from_slice(key).unwrap();
            for length in 0..data.len() {
                let whole = library.clone().chain_update(&data[..length]).finalize().into_bytes();
                let key = HmacSha1::new(key);
                assert_eq!(key.mac(&data[..length]), whole[..MAC_LEN], "{length} octets");
                let mut pending = key.begin(&data[..length]);
                data[..length].as_chunks::<BLOCK>().0.iter().for_each(|block| pending.absorb(block));
                assert_eq!(pending.finish(), whole[..MAC_LEN], "{length} octets");
            }
        }
    }
}
