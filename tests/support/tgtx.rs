//! `tgtx`, built with the tests that start it.

use std::process::ExitCode;

fn main() -> ExitCode {
    kdc::cli::run(std::env::args_os())
}
