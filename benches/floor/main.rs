//! How near the exchange is to the cryptography in it: `cargo bench -p tgtx-benches --bench floor`.
//!
//! In turns, round by round, the whole exchange and each of the primitives that it cannot do without, on as many octets:
//! an ordinary user with AES256 keys, the client as Windows is, so with an unkeyed checksum of the body. The ratio of
//! the exchange to their sum says how much is spent on all the rest.

mod lengths;
mod primitives;

use std::hint::black_box;
use std::time::{Duration, Instant};

use kdc::exchange::Entropy;
use kdc::shell::entropy;
use tgtx_tests::scene::Scene;

use lengths::Lengths;

const ROUNDS: usize = 401;
const TIMES: u32 = 50;

fn main() {
    let scene = Scene::new();
    let (served, request) = (scene.served(), scene.encode());
    let mut exchange = || {
        let mut room = Entropy::ROOM;
        let entropy = Entropy::drawn(&mut room, entropy::fill);
        let issued = entropy.map(|entropy| served.exchange_with(&request, &entropy));
        assert!(matches!(issued, Ok(Ok(_))), "not granted");
    };
    let mut primitives = primitives::of(&Lengths::of(&scene));

    let mut whole = Rounds::default();
    let mut parts: Vec<Rounds> = primitives.iter().map(|_| Rounds::default()).collect();
    for _ in 0..ROUNDS {
        whole.add(&mut exchange);
        for (part, primitive) in parts.iter_mut().zip(&mut primitives) {
            part.add(&mut primitive.work);
        }
    }

    println!("{:50} {:>6} {:>9} {:>9}", "ns", "octets", "shortest", "median");
    let mut sum = Figures::default();
    for (part, primitive) in parts.iter_mut().zip(&primitives) {
        let figures = part.figures();
        sum = Figures { shortest: sum.shortest + figures.shortest, median: sum.median + figures.median };
        println!(
            "{:50} {:6} {:9.0} {:9.0}",
            primitive.name, primitive.octets, figures.shortest, figures.median
        );
    }
    let whole = whole.figures();
    println!("{:50} {:6} {:9.0} {:9.0}", "sum of the primitives", "", sum.shortest, sum.median);
    println!("{:50} {:6} {:9.0} {:9.0}", "the exchange", "", whole.shortest, whole.median);
    let (shortest, median) = (whole.shortest / sum.shortest, whole.median / sum.median);
    println!("{:50} {:6} {shortest:9.2} {median:9.2}", "the exchange / the sum", "");
    println!("SHA instructions: {}", sha_instructions());
}

/// How long the rounds of one thing took.
#[derive(Default)]
struct Rounds(Vec<Duration>);

/// Nanoseconds for one time.
#[derive(Default)]
struct Figures {
    shortest: f64,
    median: f64,
}

impl Rounds {
    #[expect(clippy::disallowed_methods, reason = "a bench measures time")]
    fn add(&mut self, work: &mut dyn FnMut()) {
        let start = Instant::now();
        for _ in 0..TIMES {
            black_box(&mut *work)();
        }
        self.0.push(start.elapsed());
    }

    fn figures(&mut self) -> Figures {
        self.0.sort_unstable();
        let of = |index: usize| {
            let round = self.0.get(index).copied().unwrap_or_default();
            round.as_secs_f64() * 1e9 / f64::from(TIMES)
        };
        Figures { shortest: of(0), median: of(ROUNDS / 2) }
    }
}

#[cfg(target_arch = "x86_64")]
fn sha_instructions() -> &'static str {
    if std::arch::is_x86_feature_detected!("sha") { "yes" } else { "no" }
}

#[cfg(not(target_arch = "x86_64"))]
fn sha_instructions() -> &'static str {
    "unknown"
}
