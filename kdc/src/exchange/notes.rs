//! Remarks on a success: a closed list, never a reason for a refusal.

/// A remark on an exchange that succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Note {
    /// The partial TGT lives longer than the domain would let a ticket live.
    LongPartial = 1,
    /// Keys were asked for (KERB-KEY-LIST-REQ) and not given.
    KeyListIgnored = 2,
    /// The PAC's KDC signature is of a type for which no key is loaded; the server signature decided.
    KdcSignatureUnverified = 4,
    /// `sIDHistory` holds SIDs that are no other domain's accounts, and the PAC does not have them: somebody tried to
    /// make an administrator.
    SidHistoryDropped = 8,
    /// The low word of the ticket's kvno is not the version of the key that opened it.
    KvnoMismatch = 16,
}

impl Note {
    /// Every remark.
    pub const ALL: &'static [Self] = &[
        Self::LongPartial,
        Self::KeyListIgnored,
        Self::KdcSignatureUnverified,
        Self::SidHistoryDropped,
        Self::KvnoMismatch,
    ];

    /// The stable name used in logs and audit events.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::LongPartial => "long_partial",
            Self::KeyListIgnored => "keylist_ignored",
            Self::KdcSignatureUnverified => "kdc_signature_unverified",
            Self::SidHistoryDropped => "sid_history_dropped",
            Self::KvnoMismatch => "kvno_mismatch",
        }
    }
}

/// The remarks on one exchange.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Notes(u8);

impl Notes {
    pub(crate) fn add(&mut self, note: Note) {
        self.0 |= note as u8;
    }

    /// The remarks made, in the order of [`Note::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Note> {
        Note::ALL.iter().copied().filter(move |note| self.0 & *note as u8 != 0)
    }
}
