//! The program under test.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A run of [`run`] that takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// `tgtx`, as `tests/run` built it and names it in `TGTX_BIN`; else the one that cargo put beside the tests: the one it
/// builds with the tests of this package, or that of the product.
///
/// # Panics
/// Where there is none: a test that silently ran nothing would pass.
pub fn tgtx() -> PathBuf {
    if let Some(named) = std::env::var_os("TGTX_BIN") {
        let named = PathBuf::from(named);
        assert!(named.is_file(), "TGTX_BIN={}: no such file", named.display());
        return named;
    }
    // The test is target/PROFILE/deps/NAME-HASH.
    let test = std::env::current_exe().expect("the test's own path");
    let profile = test.ancestors().nth(2).expect("the folder of the tests' profile");
    let beside = ["tgtx-under-test", "tgtx"].map(|name| profile.join(name));
    beside
        .into_iter()
        .find(|path| path.is_file())
        .expect("no tgtx beside the tests: build it, or name it in TGTX_BIN as tests/run does")
}

/// What a program that has ended said.
#[derive(Debug)]
pub struct Ended {
    /// Its exit status; `None` where a signal ended it.
    pub status: Option<i32>,
    /// Its standard output.
    pub output: String,
    /// Its standard error.
    pub errors: String,
}

/// Runs `tgtx` to its end.
///
/// # Panics
/// Where it cannot be started, hangs, or writes what is no text.
pub fn run<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Ended {
    end(Command::new(tgtx()).args(arguments))
}

/// Runs a program to its end. What it writes must fit into a pipe's 64 KiB.
///
/// # Panics
/// As [`run`].
pub fn end(command: &mut Command) -> Ended {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let started = Instant::now();
    while child.try_wait().expect("the state of a child").is_none() {
        if started.elapsed() > PATIENCE {
            child.kill().expect("a child to end");
            let ended = child.wait_with_output().expect("a child's output");
            panic!("{command:?} hangs: {}", String::from_utf8_lossy(&ended.stderr));
        }
        sleep(Duration::from_millis(5));
    }
    let ended = child.wait_with_output().expect("a child's output");
    Ended {
        status: ended.status.code(),
        output: String::from_utf8(ended.stdout).expect("text"),
        errors: String::from_utf8(ended.stderr).expect("text"),
    }
}
