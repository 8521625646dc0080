//! CBC with ciphertext stealing and a zero initial vector (RFC 3962 §5): the last two blocks change places,
//! also where the length is a multiple of the block size, and what would have been padding is stolen.
//!
//! A message holds at least one whole block (callers put a confounder in front); a shorter one is left as it
//! is.

use std::mem;

use aes::cipher::consts::U16;
use aes::cipher::{
    Block, BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncBackend,
    BlockModeEncClosure, BlockModeEncrypt, InnerIvInit,
};
use aes::cipher::{BlockSizeUser, array::Array};

/// Octets that SHA-1 takes at a time.
const RUN: usize = 64;

/// Encrypts `message` where it lies. Each whole run of octets is shown to `hash` before that: both ciphers and hashes wait
/// for their own last step most of the time, and a processor does the one while the other waits.
pub(super) fn encrypt<C>(cipher: &C, message: &mut [u8], hash: impl FnMut(&[u8; RUN]))
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
{
    let mut cbc = cbc::Encryptor::inner_iv_init(cipher, &Block::<C>::default());
    cbc.encrypt_with_backend(Encryption { message, hash });
}

/// All blocks in one call of the cipher, which with each makes its round keys ready anew.
struct Encryption<'m, H> {
    message: &'m mut [u8],
    hash: H,
}

impl<H> BlockSizeUser for Encryption<'_, H> {
    type BlockSize = U16;
}

impl<H: FnMut(&[u8; RUN])> BlockModeEncClosure for Encryption<'_, H> {
    fn call<B: BlockModeEncBackend<BlockSize = U16>>(self, cbc: &mut B) {
        let Self { message, mut hash } = self;
        let mut encrypt = |octets: &mut [u8]| {
            let (blocks, _) = Array::<u8, U16>::slice_as_chunks_mut(octets);
            blocks.iter_mut().for_each(|block| cbc.encrypt_block(block.into()));
        };
        let (runs, rest) = message.as_chunks_mut::<RUN>();
        for run in runs {
            hash(run);
            encrypt(run);
        }
        encrypt(rest);

        let (blocks, tail) = Array::<u8, U16>::slice_as_chunks_mut(message);
        if tail.is_empty() {
            swap_last_two(blocks);
        } else if let Some(last) = blocks.last_mut() {
            let mut stolen = Array([0; 16]);
            stolen.iter_mut().zip(tail.iter()).for_each(|(padded, octet)| *padded = *octet);
            cbc.encrypt_block((&mut stolen).into());
            mem::swap(last, &mut stolen);
            tail.iter_mut().zip(stolen.iter()).for_each(|(octet, kept)| *octet = *kept);
        }
    }
}

/// Decrypts `message` where it lies.
pub(super) fn decrypt<C>(cipher: &C, message: &mut [u8])
where
    C: BlockCipherDecrypt + BlockSizeUser<BlockSize = U16>,
{
    let (blocks, tail) = Array::slice_as_chunks_mut(message);
    if tail.is_empty() {
        swap_last_two(blocks);
    } else if let Some(last) = blocks.last_mut() {
        // Decrypted without chaining, this block is the zero-padded last plaintext XOR the block before it:
        // where the padding was, the missing octets of that block; before them, with what was sent of it, the
        // plaintext.
        cipher.decrypt_block(last);
        for (octet, kept) in tail.iter_mut().zip(last.iter_mut()) {
            let sent = mem::replace(octet, *octet ^ *kept);
            *kept = sent;
        }
    }
    // One call over all blocks: decryption, unlike encryption, runs several of them at a time.
    cbc::Decryptor::inner_iv_init(cipher, &Block::<C>::default()).decrypt_blocks(blocks);
}

fn swap_last_two<T>(blocks: &mut [T]) {
    if let [.., previous, last] = blocks {
        mem::swap(previous, last);
    }
}
