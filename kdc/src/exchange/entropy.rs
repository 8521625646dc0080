//! What is random in an exchange.

use zeroize::{ZeroizeOnDrop, optimization_barrier};

use crate::krb::crypto::{CONFOUNDER_LEN, EncryptionKey, EncryptionType};
use crate::krb::messages::EncryptionKeyView;

/// The random octets of one exchange, drawn in one call. They stay where they are until they are wiped, which is where
/// the caller has room for them: memory for each exchange would cost more than drawing a block.
///
/// In this order: session key (two blocks), strengthen-key (two), confounders of ticket, reply and response.
pub struct Entropy<'r>(&'r mut [[u8; CONFOUNDER_LEN]; BLOCKS]);

const BLOCKS: usize = 7;

impl<'r> Entropy<'r> {
    /// How many random octets an exchange takes.
    pub const LEN: usize = BLOCKS * CONFOUNDER_LEN;
    /// Room for them.
    pub const ROOM: [[u8; CONFOUNDER_LEN]; BLOCKS] = [[0; CONFOUNDER_LEN]; BLOCKS];

    /// Keys and confounders out of octets that `fill` fills, [`LEN`](Self::LEN) of them.
    ///
    /// # Errors
    /// Those of `fill`.
    pub fn drawn<E>(
        room: &'r mut [[u8; CONFOUNDER_LEN]; BLOCKS],
        fill: impl FnOnce(&mut [u8]) -> Result<(), E>,
    ) -> Result<Self, E> {
        let entropy = Self(room);
        fill(entropy.0.as_flattened_mut())?;
        Ok(entropy)
    }

    /// The session key: random octets are a key of any type as they are (RFC 3962 §6, RFC 8009 §5).
    pub(super) fn session_key(&self, etype: EncryptionType) -> EncryptionKeyView<'_> {
        let [blocks @ .., _, _, _, _, _] = &*self.0;
        let octets = blocks.as_flattened();
        EncryptionKeyView { etype: etype.as_i32(), value: octets.get(..etype.key_len()).unwrap_or(octets) }
    }

    /// The key that goes into the key of an armoured reply.
    pub(super) fn strengthen_key(&self, etype: EncryptionType) -> EncryptionKey {
        let [_, _, blocks @ .., _, _, _] = &*self.0;
        EncryptionKey::from_random(etype, blocks)
    }

    pub(super) const fn ticket_confounder(&self) -> &[u8; CONFOUNDER_LEN] {
        let [_, _, _, _, confounder, _, _] = &*self.0;
        confounder
    }

    pub(super) const fn reply_confounder(&self) -> &[u8; CONFOUNDER_LEN] {
        let [_, _, _, _, _, confounder, _] = &*self.0;
        confounder
    }

    pub(super) const fn response_confounder(&self) -> &[u8; CONFOUNDER_LEN] {
        let [_, _, _, _, _, _, confounder] = &*self.0;
        confounder
    }
}

impl Drop for Entropy<'_> {
    fn drop(&mut self) {
        self.0.as_flattened_mut().fill(0);
        // The barrier may read what was written, so that it must be there.
        optimization_barrier(&*self.0);
    }
}

impl ZeroizeOnDrop for Entropy<'_> {}
