//! Little-endian octets and UTF-16LE text: what every PAC buffer is made of.

/// Reads from the front of a slice. Every read either fits into what is left or gives `None`.
pub(crate) struct Cursor<'a> {
    whole: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(whole: &'a [u8]) -> Self {
        Self { whole, rest: whole }
    }

    /// Octets not read yet.
    pub(crate) fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// What has not been read yet.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next `len` octets.
    pub(crate) fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(taken)
    }

    /// The next `N` octets.
    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        Some(*taken)
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// Skips to the next multiple of `alignment` octets from the start.
    pub(crate) fn align(&mut self, alignment: usize) -> Option<()> {
        let read = self.whole.len().checked_sub(self.rest.len())?;
        let gap = read.checked_next_multiple_of(alignment)?.checked_sub(read)?;
        self.take(gap).map(|_| ())
    }
}

/// The length of a buffer with the zeros that follow it, up to a multiple of 8 octets ([MS-PAC] 2.3).
pub(crate) fn padded(len: usize) -> usize {
    len.checked_next_multiple_of(8).unwrap_or(usize::MAX)
}

/// Appends zeros until `out`, from `start` on, is a multiple of `alignment` octets long.
pub(crate) fn pad(out: &mut Vec<u8>, start: usize, alignment: usize) {
    let len = out.len().saturating_sub(start);
    let gap = len.checked_next_multiple_of(alignment).map_or(0, |end| end.saturating_sub(len));
    out.resize(out.len().saturating_add(gap), 0);
}

/// Octets of `text` in UTF-16.
pub(crate) fn utf16_len(text: &str) -> usize {
    text.encode_utf16().count().saturating_mul(2)
}

/// Appends `text` in UTF-16LE.
pub(crate) fn push_utf16(out: &mut Vec<u8>, text: &str) {
    for unit in text.encode_utf16() {
        out.extend_from_slice(&unit.to_le_bytes());
    }
}

/// The text of these octets; `None` for an odd number of them or a surrogate without its partner, which no
/// directory holds and no `String` could give back unchanged.
pub(crate) fn utf16_text(bytes: &[u8]) -> Option<String> {
    let (units, []) = bytes.as_chunks::<2>() else {
        return None;
    };
    char::decode_utf16(units.iter().map(|unit| u16::from_le_bytes(*unit))).collect::<Result<_, _>>().ok()
}
