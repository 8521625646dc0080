//! What an audit event costs, in CPU time: who answers requests, and the thread that writes events.
//! `cargo bench -p tgtx-benches --bench audit`

#![expect(clippy::disallowed_methods, reason = "it reads the CPU times of its threads")]

use std::fs;
use std::io;
use std::mem::take;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::Duration;

use kdc::config::{self, AuditSink, OnLoss};
use kdc::exchange::Timestamp;
use kdc::krb::messages::KerberosTime;
use kdc::shell::clock::Clock;
use kdc::shell::observe::audit::{Arrival, Audit, Sink};
use kdc::shell::origin::{Origin, Protocol, Transport};
use tgtx_tests::scene::Scene;

/// Events told of in a row, and how often: no more altogether than wait without loss.
const BURST: u32 = 1_000;
const BURSTS: u32 = 60;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let scene = Scene::new();
    let (served, request) = (scene.served(), scene.encode());
    let path = std::env::temp_dir().join(format!("tgtx-audit-bench-{}", std::process::id()));
    let settings = config::Audit { sink: AuditSink::File(path.clone()), on_loss: OnLoss::Count };
    let (audit, _ended) = Audit::start(Sink::open(&settings)?, settings.on_loss, 1, Clock::start())?;
    let origin = Origin {
        peer: ([192, 0, 2, 7], 50_000).into(),
        transport: Transport::Udp,
        protocol: Protocol::Kerberos,
    };
    let at = Timestamp { seconds: KerberosTime::EPOCH, microseconds: 0 };
    let arrival = Arrival { at, origin, took: Duration::from_micros(20) };

    let (mut told, mut on_cpu) = (0_u32, 0);
    for _ in 0..BURSTS {
        let issue = |_| {
            let mut issued = served.exchange(&request).ok()?;
            // Whoever answers has sent it off before.
            drop(take(&mut issued.reply));
            Some(issued)
        };
        let issued: Vec<_> = (0..BURST).filter_map(issue).collect();
        let before = cpu_time("/proc/thread-self".into())?;
        for issued in issued {
            told = told.saturating_add(u32::from(audit.issued(arrival, issued).is_ok()));
        }
        on_cpu = cpu_time("/proc/thread-self".into())?.saturating_sub(before).saturating_add(on_cpu);
    }
    sleep(Duration::from_secs(1));
    let written = fs::read_to_string(&path)?;
    fs::remove_file(&path)?;
    let per_event = |nanoseconds: u64| nanoseconds.checked_div(told.into()).unwrap_or(0);
    println!("{told} events, {} lines of {} octets", written.lines().count(), written.len());
    println!("to tell of one: {} ns of the thread that answers", per_event(on_cpu));
    println!("to write one:   {} ns of the thread that writes", per_event(cpu_time(writer()?)?));
    Ok(())
}

/// Nanoseconds that a task was on a CPU (proc(5), schedstat).
fn cpu_time(task: PathBuf) -> io::Result<u64> {
    let text = fs::read_to_string(task.join("schedstat"))?;
    text.split(' ').next().and_then(|field| field.parse().ok()).ok_or(io::ErrorKind::InvalidData.into())
}

fn writer() -> io::Result<PathBuf> {
    for task in fs::read_dir("/proc/self/task")? {
        let task = task?.path();
        if fs::read_to_string(task.join("comm"))?.trim() == "tgtx-audit" {
            return Ok(task);
        }
    }
    Err(io::ErrorKind::NotFound.into())
}
