//! Times, of many rounds the shortest and the median.

use std::hint::black_box;
use std::time::{Duration, Instant};

use tgtx_benches::Meter;

const ROUNDS: usize = 101;
/// How long a round may last: short enough that few are interrupted.
const ROUND: Duration = Duration::from_millis(1);
const LONGEST_ROUND: usize = 1000;

/// Prints a line for each case whose name holds what is wanted.
pub(crate) struct Times {
    wanted: Option<String>,
}

impl Times {
    pub(crate) fn of(wanted: Option<String>) -> Self {
        println!("{:28} {:>10} {:>10}", "ns, of the fastest round", "shortest", "median");
        Self { wanted }
    }
}

impl Meter for Times {
    fn measure<I, O>(
        &mut self,
        name: &str,
        mut input: impl FnMut() -> I,
        mut work: impl FnMut(I) -> O,
        expected: impl Fn(&O) -> bool,
    ) {
        if self.wanted.as_ref().is_some_and(|wanted| !name.contains(wanted.as_str())) {
            return;
        }
        assert!(expected(&work(input())), "{name} comes to something else");
        let mut round = |times: usize| {
            let inputs: Vec<I> = (0..times).map(|_| input()).collect();
            let mut outputs = Vec::with_capacity(times);
            let start = now();
            for input in inputs {
                outputs.push(black_box(work(black_box(input))));
            }
            start.elapsed()
        };
        let one = round(10).as_nanos().div_ceil(10).max(1);
        let times = usize::try_from(ROUND.as_nanos().div_ceil(one)).unwrap_or(1).min(LONGEST_ROUND);
        let mut rounds: Vec<u128> = (0..ROUNDS).map(|_| round(times).as_nanos()).collect();
        rounds.sort_unstable();
        let of = |index: usize| {
            let divisor = u128::try_from(times).unwrap_or(1);
            rounds.get(index).and_then(|total| total.checked_div(divisor)).unwrap_or_default()
        };
        println!("{name:28} {:>10} {:>10}", of(0), of(ROUNDS / 2));
    }
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn now() -> Instant {
    Instant::now()
}
