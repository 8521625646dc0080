//! What the process gives up before it reads a key: no core dump, and no other process of its user may look
//! into its memory.

use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};

/// Forbids core dumps and, with the dumpable flag, ptrace and `/proc/PID/mem` for unprivileged processes of the
/// same user. The systemd unit says the same (`LimitCORE=0`); this holds without it.
///
/// # Errors
/// The system call's error; a daemon that cannot protect its keys should not read them.
pub fn forbid_core_dumps() -> Result<(), Errno> {
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    prctl::set_dumpable(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn afterwards_nothing_is_dumped() {
        forbid_core_dumps().unwrap();
        assert!(!prctl::get_dumpable().unwrap());
        assert_eq!(nix::sys::resource::getrlimit(Resource::RLIMIT_CORE).unwrap(), (0, 0));
    }
}
