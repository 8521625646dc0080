//! Instructions, which Valgrind counts: this only marks where it is to begin and to end.

use std::hint::black_box;

use tgtx_benches::Meter;

/// How often each case is counted.
const ROUNDS: usize = 10;
/// How often each case is done before, so that what happens once is over.
const WARM_UP: usize = 10;

/// Prints the name of each case that is over, and how often it was counted.
pub(crate) struct Instructions;

impl Meter for Instructions {
    fn measure<I, O>(
        &mut self,
        name: &str,
        mut input: impl FnMut() -> I,
        mut work: impl FnMut(I) -> O,
        expected: impl Fn(&O) -> bool,
    ) {
        let mut inputs: Vec<I> = (0..ROUNDS).map(|_| input()).collect();
        for _ in 0..WARM_UP {
            assert!(expected(&counted(&mut work, input())), "{name} comes to something else");
        }
        let mut outputs = Vec::with_capacity(ROUNDS);
        case_begins();
        for input in inputs.drain(..) {
            outputs.push(counted(&mut work, input));
        }
        case_ends(name);
    }
}

/// What was counted before is written down by itself, else Valgrind would go on counting calls: `--dump-before`.
#[inline(never)]
fn case_begins() {
    black_box(());
}

/// Instructions in here count: `--toggle-collect`.
#[inline(never)]
fn counted<I, O>(work: &mut impl FnMut(I) -> O, input: I) -> O {
    black_box(work(black_box(input)))
}

/// What was counted since is written down: `--dump-before`.
#[inline(never)]
fn case_ends(name: &str) {
    println!("{name} {ROUNDS}");
}
