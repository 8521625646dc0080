//! What the process gives up before it reads a key: no core dump, and no other process of its user may look
//! into its memory.

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Forbids core dumps and, with the dumpable flag, ptrace and `/proc/PID/mem` for unprivileged processes of the
/// same user. The systemd unit says the same (`LimitCORE=0`); this holds without it.
///
/// # Errors
/// The system call's error; a daemon that cannot protect its keys should not read them.
pub fn forbid_core_dumps() -> Result<(), Errno> {
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    prctl::set_dumpable(false)
}

/// Raises the number of files the process may have open to what it is allowed, and says how many that is: shells
/// and systemd start programs with 1,024, fewer than the connections of two clients.
///
/// # Errors
/// The system call's error.
pub fn raise_descriptor_limit() -> Result<u64, Errno> {
    let (_, allowed) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, allowed, allowed)?;
    Ok(allowed)
}

/// How many files the process may have open.
///
/// # Errors
/// The system call's error.
pub fn descriptor_limit() -> Result<u64, Errno> {
    getrlimit(Resource::RLIMIT_NOFILE).map(|(limit, _)| limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_are_raised_to_what_is_allowed() {
        let allowed = raise_descriptor_limit().unwrap();
        assert_eq!(descriptor_limit(), Ok(allowed));
    }

    #[test]
    fn afterwards_nothing_is_dumped() {
        forbid_core_dumps().unwrap();
        assert!(!prctl::get_dumpable().unwrap());
        assert_eq!(nix::sys::resource::getrlimit(Resource::RLIMIT_CORE).unwrap(), (0, 0));
    }
}
