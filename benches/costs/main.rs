//! What each case costs: `cargo bench -p tgtx-benches --bench costs`, or `-- NAME` for those whose names hold it.
//!
//! Times depend on the machine and on who else uses it; compare rows of one run. With `--instructions` the program does
//! what `benches/gate` has Valgrind count.

mod instructions;
mod times;

use std::env;

use tgtx_benches::cases;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--instructions") {
        cases::all(&mut instructions::Instructions);
    } else {
        // What begins with a dash is cargo's.
        let wanted = arguments.into_iter().find(|argument| !argument.starts_with('-'));
        cases::all(&mut times::Times::of(wanted));
    }
}
