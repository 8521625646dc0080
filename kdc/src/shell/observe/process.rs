//! What Prometheus expects of every process, read from `/proc` whenever somebody asks: the recorder knows no counter of
//! fractions of a second.

use std::fmt::Write;
use std::fs;
use std::sync::OnceLock;

use nix::unistd::{SysconfVar, sysconf};

use crate::shell::clock::Clock;
use crate::shell::hardening;

/// A metric of the process: name, help and type as the exposition has them.
pub(super) const ALL: [(&str, &str, &str); 7] = [
    ("process_cpu_seconds_total", "User and system time used", "counter"),
    ("process_resident_memory_bytes", "Memory in use that is not swapped out", "gauge"),
    ("process_virtual_memory_bytes", "Address space in use", "gauge"),
    ("process_open_fds", "Open files", "gauge"),
    ("process_max_fds", "Files that may be open", "gauge"),
    ("process_threads", "Threads", "gauge"),
    ("process_start_time_seconds", "When the process started, in seconds since 1970", "gauge"),
];

/// Appends those that can be found out to a page.
pub(super) fn write(page: &mut String) {
    let status = Status::read();
    let values = [
        status.as_ref().map(|status| status.cpu_seconds),
        status.as_ref().map(|status| status.resident),
        status.as_ref().map(|status| status.virtual_memory),
        count("/proc/self/fd"),
        hardening::descriptor_limit().ok().map(float),
        status.as_ref().map(|status| status.threads),
        Some(started()),
    ];
    for ((name, help, kind), value) in ALL.iter().zip(values) {
        if let Some(value) = value {
            // Writing to a string does not fail.
            let _ = write!(page, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n\n");
        }
    }
}

struct Status {
    cpu_seconds: f64,
    resident: f64,
    virtual_memory: f64,
    threads: f64,
}

impl Status {
    #[expect(clippy::disallowed_methods, reason = "the kernel tells of a process in a file")]
    fn read() -> Option<Self> {
        Self::parse(
            &fs::read_to_string("/proc/self/stat").ok()?,
            unit(SysconfVar::CLK_TCK)?,
            unit(SysconfVar::PAGE_SIZE)?,
        )
    }

    /// `proc_pid_stat(5)`: the name may hold anything, but no `)` follows that which ends it.
    fn parse(stat: &str, ticks: f64, page: f64) -> Option<Self> {
        let (_, fields) = stat.rsplit_once(')')?;
        // Field 3 is the first of these.
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let field = |number: usize| fields.get(number.checked_sub(3)?)?.parse::<f64>().ok();
        Some(Self {
            cpu_seconds: (field(14)? + field(15)?) / ticks,
            threads: field(20)?,
            virtual_memory: field(23)?,
            resident: field(24)? * page,
        })
    }
}

fn unit(name: SysconfVar) -> Option<f64> {
    sysconf(name).ok()?.and_then(|value| u32::try_from(value).ok()).map(f64::from)
}

fn count(folder: &str) -> Option<f64> {
    // The reading itself has one open.
    u32::try_from(fs::read_dir(folder).ok()?.count().saturating_sub(1)).ok().map(f64::from)
}

#[expect(clippy::cast_precision_loss, reason = "no process has 2^53 files open")]
fn float(number: u64) -> f64 {
    number as f64
}

/// The first to ask is told the time it asks at, which is when the daemon takes up service.
pub(super) fn started() -> f64 {
    static STARTED: OnceLock<f64> = OnceLock::new();
    #[expect(clippy::cast_precision_loss, reason = "a time of this age of the world")]
    *STARTED.get_or_init(|| Clock::start().now().seconds.unix_seconds() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_brackets_moves_no_field() {
        let stat = "7 (a) (b 1) S 1 7 7 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 9 0 1000 4096000 300 18446744073709551615";
        let status = Status::parse(stat, 100.0, 4096.0).unwrap();
        let read = (status.cpu_seconds, status.threads, status.virtual_memory, status.resident);
        assert!((read.0 - 2.0).abs() < 1e-9);
        assert_eq!((read.1, read.2, read.3), (9.0, 4_096_000.0, 1_228_800.0));
    }

    #[test]
    fn every_one_is_told_of_this_process() {
        let mut page = String::new();
        write(&mut page);
        for (name, _, kind) in ALL {
            assert!(page.contains(&format!("# TYPE {name} {kind}\n{name} ")), "{page}");
        }
    }
}
