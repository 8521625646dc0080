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

/// Encrypts `message` where it lies.
pub(super) fn encrypt<C>(cipher: &C, message: &mut [u8])
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
{
    let (blocks, tail) = Array::slice_as_chunks_mut(message);
    let mut cbc = cbc::Encryptor::inner_iv_init(cipher, &Block::<C>::default());
    cbc.encrypt_with_backend(Encryption { blocks, tail });
}

/// All blocks in one call of the cipher, which with each makes its round keys ready anew.
struct Encryption<'m> {
    blocks: &'m mut [Array<u8, U16>],
    tail: &'m mut [u8],
}

impl BlockSizeUser for Encryption<'_> {
    type BlockSize = U16;
}

impl BlockModeEncClosure for Encryption<'_> {
    fn call<B: BlockModeEncBackend<BlockSize = U16>>(self, cbc: &mut B) {
        let Self { blocks, tail } = self;
        for block in &mut *blocks {
            cbc.encrypt_block(block.into());
        }
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
