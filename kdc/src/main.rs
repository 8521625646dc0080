//! `tgtx`: arguments, then one call into the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    kdc::cli::run(std::env::args_os())
}
