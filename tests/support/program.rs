//! The program under test.

use std::ffi::OsStr;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread::{JoinHandle, sleep, spawn};
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

/// Runs a program to its end.
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
    // Read all the while, since a pipe holds no more than 64 KiB.
    let output = read(child.stdout.take());
    let errors = read(child.stderr.take());
    let started = Instant::now();
    let status = loop {
        match child.try_wait().expect("the state of a child") {
            Some(status) => break status,
            None if started.elapsed() > PATIENCE => {
                child.kill().expect("a child to end");
                panic!("{command:?} hangs: {}", errors.join().expect("what it wrote"));
            }
            None => sleep(Duration::from_millis(5)),
        }
    };
    Ended {
        status: status.code(),
        output: output.join().expect("text"),
        errors: errors.join().expect("text"),
    }
}

fn read(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<String> {
    let mut pipe = pipe.expect("a pipe");
    spawn(move || {
        let mut text = String::new();
        pipe.read_to_string(&mut text).expect("text");
        text
    })
}
