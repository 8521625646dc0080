//! The random source: the kernel's, for session keys, confounders and the replay memory's seed.
//!
//! Pure code takes random octets as an argument; nothing outside the shell draws any.

/// The kernel gave no random octets. Whoever asked must refuse: a predictable session key is worse than none.
#[derive(Debug, thiserror::Error)]
#[error("the kernel's random source failed: {0}")]
pub struct EntropyError(getrandom::Error);

/// Fills `buffer` from the kernel's random source.
///
/// # Errors
/// [`EntropyError`] where the system call fails, which it does on no supported kernel once it is seeded.
#[expect(clippy::disallowed_methods, reason = "the shell's one place that draws random octets")]
pub fn fill(buffer: &mut [u8]) -> Result<(), EntropyError> {
    getrandom::fill(buffer).map_err(EntropyError)
}

/// `N` random octets.
///
/// # Errors
/// As [`fill`].
pub fn octets<const N: usize>() -> Result<[u8; N], EntropyError> {
    let mut octets = [0; N];
    fill(&mut octets)?;
    Ok(octets)
}

#[cfg(test)]
mod tests {
    #[test]
    fn two_drawings_differ() {
        assert_ne!(super::octets::<32>().unwrap(), super::octets::<32>().unwrap());
    }
}
