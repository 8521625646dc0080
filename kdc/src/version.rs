//! Which program this is: version, the commit it was built of, and what was built into it.

use std::sync::LazyLock;

/// The version, as in `Cargo.toml`.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit that the program was built of, abbreviated, with `-dirty` where the sources were not that commit's;
/// `unknown` where the build was told of none by the variable `TGTX_REVISION`. `tests/package/build` sets it.
pub(crate) const REVISION: &str = revision(option_env!("TGTX_REVISION"));

/// What was built into it that not every build has.
const FEATURES: &str = if cfg!(feature = "gssapi") { ", with gssapi" } else { "" };

/// What `tgtx --version` prints behind the name of the program.
pub(crate) fn in_full() -> &'static str {
    static IN_FULL: LazyLock<String> = LazyLock::new(|| format!("{VERSION} (commit {REVISION}{FEATURES})"));
    &IN_FULL
}

const fn revision(told: Option<&'static str>) -> &'static str {
    match told {
        Some(revision) if !revision.is_empty() => revision,
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_that_is_told_of_no_commit_says_so() {
        for (told, said) in [(Some("0123456789ab"), "0123456789ab"), (Some(""), "unknown"), (None, "unknown")]
        {
            assert_eq!(revision(told), said);
        }
    }
}
