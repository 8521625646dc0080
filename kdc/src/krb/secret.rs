//! Octets of a message that must not stay behind in memory.

use std::fmt;
use std::ops::{Deref, DerefMut};

use zeroize::{ZeroizeOnDrop, optimization_barrier};

/// Octets that are wiped when dropped, the spare capacity of their vector too.
///
/// `Zeroizing<Vec<u8>>` does the same one octet at a time, which for the plaintexts of one exchange takes two
/// microseconds; this takes one `memset` each.
#[derive(Default)]
pub struct Secret(Vec<u8>);

impl From<Vec<u8>> for Secret {
    fn from(octets: Vec<u8>) -> Self {
        Self(octets)
    }
}

impl Deref for Secret {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Secret {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl AsRef<[u8]> for Secret {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl ZeroizeOnDrop for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} octets, redacted)", self.0.len())
    }
}

/// A fixed number of octets, likewise wiped when dropped: a store or two where `Zeroizing` makes one for each octet.
#[derive(Default)]
pub(in crate::krb) struct Wiped<T: AsMut<[u8]>>(T);

impl<T: AsMut<[u8]>> Wiped<T> {
    pub(in crate::krb) const fn new(octets: T) -> Self {
        Self(octets)
    }
}

impl<T: AsMut<[u8]>> Deref for Wiped<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: AsMut<[u8]>> DerefMut for Wiped<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: AsMut<[u8]>> Drop for Wiped<T> {
    fn drop(&mut self) {
        self.0.as_mut().fill(0);
        // The barrier may read what was written, so that it must be there.
        optimization_barrier(&self.0);
    }
}

impl<T: AsMut<[u8]>> ZeroizeOnDrop for Wiped<T> {}

/// Fills the vector, all that it has ever held, with zeros.
pub(in crate::krb) fn wipe(octets: &mut Vec<u8>) {
    octets.clear();
    octets.resize(octets.capacity(), 0);
    // The barrier may read what was written, so that it must be there.
    optimization_barrier(octets.as_slice());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wiping_reaches_what_was_cut_off_before() {
        let mut octets = vec![0x5a; 64];
        octets.truncate(3);
        let capacity = octets.capacity();
        wipe(&mut octets);
        assert_eq!(octets, vec![0; capacity]);
    }

    #[test]
    fn debug_shows_no_octet() {
        assert_eq!(format!("{:?}", Secret::from(vec![0x5a; 3])), "Secret(3 octets, redacted)");
    }
}
