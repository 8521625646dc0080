//! What is random in an exchange.

use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::krb::crypto::{CONFOUNDER_LEN, EncryptionKey, EncryptionType};
use crate::krb::messages::EncryptionKeyView;

/// The random octets of one exchange, drawn in one call. They stay where they are until they are wiped.
pub struct Entropy(pub(super) Box<Drawn>);

#[derive(Default, Zeroize, ZeroizeOnDrop)]
pub(super) struct Drawn {
    pub(super) session_key: [u8; 32],
    pub(super) strengthen_key: [u8; 32],
    pub(super) ticket_confounder: [u8; CONFOUNDER_LEN],
    pub(super) reply_confounder: [u8; CONFOUNDER_LEN],
    pub(super) response_confounder: [u8; CONFOUNDER_LEN],
}

impl Entropy {
    /// How many random octets an exchange takes.
    pub const LEN: usize = 2 * 32 + 3 * CONFOUNDER_LEN;

    /// Takes keys and confounders from `octets`.
    #[must_use]
    pub fn from_octets(octets: &Zeroizing<[u8; Self::LEN]>) -> Self {
        let mut drawn = Box::<Drawn>::default();
        let Drawn { session_key, strengthen_key, ticket_confounder, reply_confounder, response_confounder } =
            &mut *drawn;
        let targets = session_key
            .iter_mut()
            .chain(strengthen_key)
            .chain(ticket_confounder)
            .chain(reply_confounder)
            .chain(response_confounder);
        targets.zip(octets.iter()).for_each(|(target, octet)| *target = *octet);
        Self(drawn)
    }

    /// The session key: random octets are a key of any type as they are (RFC 3962 §6, RFC 8009 §5).
    pub(super) fn session_key(&self, etype: EncryptionType) -> EncryptionKeyView<'_> {
        let value = self.0.session_key.get(..etype.key_len()).unwrap_or(&self.0.session_key);
        EncryptionKeyView { etype: etype.as_i32(), value }
    }

    /// The key that goes into the key of an armoured reply.
    pub(super) fn strengthen_key(&self, etype: EncryptionType) -> EncryptionKey {
        EncryptionKey::from_random(etype, &self.0.strengthen_key)
    }
}
