//! What processes use, as Linux accounts for it in `/proc`.
//!
//! CPU time is that of the scheduler, in nanoseconds (`/proc/PID/task/TID/schedstat`), summed over threads; that of a
//! thread that ends between two readings is left out. `/proc/PID/stat` divides it into time in the program and in the
//! kernel. Work that the kernel does for a process in somebody else's time, such as delivering a datagram over
//! loopback in its sender's, is the other's.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

/// USER_HZ: what `/proc/PID/stat` counts in, on every architecture that this runs on.
const TICK: Duration = Duration::from_millis(10);

/// What processes have used since they started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// On a CPU.
    pub cpu: Duration,
    /// Of that in the program, in whole ticks of 10 ms.
    pub user: Duration,
    /// And in the kernel, likewise.
    pub system: Duration,
    /// Switches from one of their threads to another, of their own will or not.
    pub context_switches: u64,
    /// Most memory that was theirs at once, in octets: the sum of each process' own most.
    pub peak_memory: u64,
}

impl Usage {
    /// Reads it, the sum of all of them.
    ///
    /// # Errors
    /// [`ServerError`] where there is no such process, or `/proc` is not Linux'.
    pub fn of(processes: &[u32]) -> Result<Self, ServerError> {
        let mut sum = Self::default();
        for &process in processes {
            let one = Self::of_one(Path::new(&format!("/proc/{process}")))
                .map_err(|error| ServerError { process, error })?;
            sum = Self {
                cpu: sum.cpu.saturating_add(one.cpu),
                user: sum.user.saturating_add(one.user),
                system: sum.system.saturating_add(one.system),
                context_switches: sum.context_switches.saturating_add(one.context_switches),
                peak_memory: sum.peak_memory.saturating_add(one.peak_memory),
            };
        }
        Ok(sum)
    }

    /// What this process has used, its threads that have ended with it (getrusage(2)).
    ///
    /// # Errors
    /// [`ServerError`], which Linux gives no reason for.
    pub fn own() -> Result<Self, ServerError> {
        let usage = getrusage(UsageWho::RUSAGE_SELF)
            .map_err(|error| ServerError { process: std::process::id(), error: error.into() })?;
        let (user, system) = (duration(usage.user_time()), duration(usage.system_time()));
        let switches = [usage.voluntary_context_switches(), usage.involuntary_context_switches()];
        Ok(Self {
            cpu: user.saturating_add(system),
            user,
            system,
            context_switches: switches.into_iter().map(unsigned).fold(0, u64::saturating_add),
            peak_memory: unsigned(usage.max_rss()).saturating_mul(1024),
        })
    }

    /// What was used since an earlier reading; the memory is that of all time.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(earlier.cpu),
            user: self.user.saturating_sub(earlier.user),
            system: self.system.saturating_sub(earlier.system),
            context_switches: self.context_switches.saturating_sub(earlier.context_switches),
            peak_memory: self.peak_memory,
        }
    }

    fn of_one(folder: &Path) -> io::Result<Self> {
        let (user, system) = ticks(&read(&folder.join("stat"))?).ok_or_else(|| unknown("stat"))?;
        let status = read(&folder.join("status"))?;
        let peak = value(&status, "VmHWM").ok_or_else(|| unknown("status"))?;
        let mut usage = Self { user, system, peak_memory: peak.saturating_mul(1024), ..Self::default() };
        for task in fs::read_dir(folder.join("task"))? {
            let task = task?.path();
            // One that has ended meanwhile is passed over.
            let (Ok(schedstat), Ok(status)) = (read(&task.join("schedstat")), read(&task.join("status")))
            else {
                continue;
            };
            let on_cpu = schedstat.split(' ').next().and_then(|number| number.parse().ok());
            let on_cpu = Duration::from_nanos(on_cpu.ok_or_else(|| unknown("schedstat"))?);
            usage.cpu = usage.cpu.saturating_add(on_cpu);
            for kind in ["voluntary_ctxt_switches", "nonvoluntary_ctxt_switches"] {
                let switches = value(&status, kind).ok_or_else(|| unknown("status"))?;
                usage.context_switches = usage.context_switches.saturating_add(switches);
            }
        }
        Ok(usage)
    }
}

fn duration(time: TimeVal) -> Duration {
    let microseconds = Duration::from_micros(unsigned(time.tv_usec()));
    Duration::from_secs(unsigned(time.tv_sec())).saturating_add(microseconds)
}

/// A count, which the system's types let be negative.
fn unsigned(count: impl Into<i64>) -> u64 {
    u64::try_from(count.into()).unwrap_or_default()
}

/// The number behind a name in `status`; one of memory is in KiB.
fn value(status: &str, name: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    value.split_whitespace().next()?.parse().ok()
}

/// utime and stime of `stat` (proc(5)): fields 14 and 15. The command in field 2 may contain anything, so they are
/// counted from behind its bracket.
fn ticks(stat: &str) -> Option<(Duration, Duration)> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11).map(|field| field.parse::<u32>().ok());
    let time = |ticks: u32| TICK.saturating_mul(ticks);
    Some((time(times.next()??), time(times.next()??)))
}

#[expect(clippy::disallowed_methods, reason = "a load generator watches the server")]
fn read(path: &Path) -> io::Result<String> {
    fs::read_to_string(path)
}

fn unknown(file: &str) -> io::Error {
    io::Error::other(format!("{file} in /proc is not as expected"))
}

/// A process cannot be watched.
#[derive(Debug, thiserror::Error)]
#[error("process {process}: {error}")]
pub struct ServerError {
    process: u32,
    error: io::Error,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_counted_from_behind_the_command_whatever_it_is() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 300 0 0 0 12 34 5 6 20 0 1 0 100 1000 200";
        assert_eq!(ticks(stat), Some((Duration::from_millis(120), Duration::from_millis(340))));
        assert_eq!(ticks("7 (a) S 1"), None);
    }

    #[test]
    fn what_an_ended_thread_of_ours_used_counts() {
        let before = Usage::own().unwrap();
        let used = move || Usage::own().unwrap().since(&before).cpu;
        let work = move || while used() < Duration::from_millis(20) {};
        std::thread::spawn(work).join().unwrap();
        assert!(used() >= Duration::from_millis(20));
    }

    #[test]
    fn a_process_that_works_has_used_more_and_one_that_is_not_there_is_named() {
        let process = std::process::id();
        let before = Usage::of(&[process]).unwrap();
        // What a thread of another test has used is gone from the sum when it ends, until this one has used more.
        let usage = loop {
            let usage = Usage::of(&[process]).unwrap().since(&before);
            if usage.cpu > Duration::ZERO {
                break usage;
            }
        };
        assert!(usage.peak_memory > 1 << 20, "{usage:?}");
        // Beyond the largest that Linux gives.
        assert!(Usage::of(&[u32::MAX]).unwrap_err().to_string().starts_with("process 4294967295: "));
    }
}
