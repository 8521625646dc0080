//! `tgtx load`: how much a KDC bears, and what an exchange costs it.

mod report;

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{ArgGroup, Args, ValueEnum};

use super::failure::Failure;
use super::{exchange, files, json, now, print};
use crate::client::{Credential, keys};
use crate::load::server::Usage;
use crate::load::{self, Plan, Transport, Verify, Volume, users};
use report::{Report, Run};

/// Lab: ask a KDC for full TGTs as fast as it answers, and say how many, how late, and at what cost to it.
#[derive(Debug, Args)]
#[command(
    group = ArgGroup::new("tickets").required(true).args(["users", "ccache"]),
    group = ArgGroup::new("volume").args(["duration", "requests", "once"]),
    after_help = "\
Partial TGTs are minted before the clock starts, from the branch's keytab and a list of users that the KDC's directory
has, `name SID` a line. Each request is a new one, with an authenticator of its own; none is sent again. With --ccache
the TGTs are those in credential caches instead, and any KDC that issued them is asked to issue krbtgt/REALM again.

Without --rate, --in-flight requests wait for their answers at any time, and latency counts from the sending of each.
With --rate, so many a second are due whatever the KDC does, and latency counts from when each was due.

CPU time is that of the processes named with --pid, on this machine. What the kernel does for the server in the
generator's time (over loopback, delivering its datagrams) is the generator's, and the other way round. Give the two
a core each (taskset) where there are two.

Exit code: 0 where each request got its ticket, or with --expect that error; 1 otherwise; 2 for wrong arguments.

Examples:
  tgtx load 127.0.0.1:88 --keytab azuread.keytab --realm LAB.EXAMPLE --users users.txt --warm-up --pid $(pidof tgtx)
  tgtx load 127.0.0.1:88 --keytab azuread.keytab --realm LAB.EXAMPLE --users users.txt --once --in-flight 2000
  tgtx load 127.0.0.1:88 --keytab azuread.keytab --realm LAB.EXAMPLE --users users.txt --transport tcp --rate 2000 --json
  tgtx load 127.0.0.1:88 --ccache alice.ccache --transport tcp --source 127.0.1.1 --source 127.0.1.2 --duration 30s"
)]
pub(super) struct Arguments {
    /// The KDC; port 88 where none is given
    #[arg(value_name = "HOST[:PORT]")]
    kdc: String,
    /// Users of the KDC's directory: sAMAccountName and SID a line
    #[arg(long, value_name = "FILE", requires = "keytab", requires = "realm")]
    users: Option<PathBuf>,
    /// Keytab with the branch key (krbtgt_AzureAD), its kvno with the branch number in the high word
    #[arg(long, value_name = "FILE", requires = "users")]
    keytab: Option<PathBuf>,
    /// DNS name of the domain, in upper case
    #[arg(long, requires = "users")]
    realm: Option<String>,
    /// Branch number, where the keytab has keys of several
    #[arg(long, value_name = "NUMBER", requires = "users")]
    branch: Option<u16>,
    /// Credential caches with a TGT each, in place of users
    #[arg(long, value_name = "FILE", num_args = 1..)]
    ccache: Vec<PathBuf>,
    /// udp, tcp (a connection for each request) or tcp-kept (connections that stay)
    #[arg(long, value_enum, default_value = "udp")]
    transport: TransportName,
    /// How many requests may be without their answer; each has a socket
    #[arg(long, value_name = "NUMBER", default_value = "32", value_parser = clap::value_parser!(u32).range(1..=65_535))]
    in_flight: u32,
    /// Threads of the generator
    #[arg(long, value_name = "NUMBER", default_value = "1", value_parser = clap::value_parser!(u32).range(1..=1_024))]
    threads: u32,
    /// How long to send [default: 10s]
    #[arg(long, value_name = "DURATION", value_parser = super::duration)]
    duration: Option<Duration>,
    /// Send so many requests
    #[arg(long, value_name = "NUMBER")]
    requests: Option<u64>,
    /// Send one request for each user
    #[arg(long)]
    once: bool,
    /// Ask once for each user before what is measured
    #[arg(long)]
    warm_up: bool,
    /// Send so many requests a second, however fast they are answered
    #[arg(long, value_name = "NUMBER")]
    rate: Option<NonZeroU32>,
    /// When a request without its answer counts as lost
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = super::duration)]
    timeout: Duration,
    /// Ask from this address; from several in turn, where it is given more than once
    #[arg(long, value_name = "ADDRESS")]
    source: Vec<IpAddr>,
    /// Open all answers with the session key, or one of 64; the others are decoded
    #[arg(long, value_enum, default_value = "sample")]
    verify: VerifyName,
    /// The right answer is the KRB-ERROR of this code
    #[arg(long, value_name = "CODE")]
    expect: Option<i32>,
    /// A process of the server; more than once where it has several
    #[arg(long, value_name = "PID")]
    pid: Vec<u32>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum TransportName {
    Udp,
    Tcp,
    TcpKept,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum VerifyName {
    All,
    Sample,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let credentials = credentials(arguments)?;
    let plan = plan(arguments, exchange::address(&arguments.kdc, arguments.source.first().copied())?);
    // Before anything is sent: a wrong process should not cost a run.
    Usage::of(&arguments.pid)?;
    let warm_up = match arguments.warm_up {
        true => Some(load::run(&Plan { volume: Volume::Once, rate: None, ..plan.clone() }, &credentials)?),
        false => None,
    };

    let before = (Usage::of(&arguments.pid)?, Usage::own()?);
    let tally = load::run(&plan, &credentials)?;
    let server = Usage::of(&arguments.pid)?.since(&before.0);
    let generator = Usage::own()?.since(&before.1);

    let right = warm_up.iter().chain([&tally]).all(|tally| tally.is_right(arguments.expect));
    let report = Report::new(&Run {
        plan: &plan,
        users: credentials.len(),
        warm_up: warm_up.as_ref(),
        tally: &tally,
        server: (!arguments.pid.is_empty()).then_some((arguments.pid.as_slice(), &server)),
        generator: &generator,
        right,
    });
    print(&if arguments.json { json::line(&report) } else { report.to_string() })?;
    Ok(if right { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn credentials(arguments: &Arguments) -> Result<Vec<Credential>, Failure> {
    let (Some(path), Some(keytab), Some(realm)) = (&arguments.users, &arguments.keytab, &arguments.realm)
    else {
        return arguments.ccache.iter().map(|path| files::read_tgt(path)).collect();
    };
    let key = keys::branch_key(&files::read_keytab(keytab)?, realm, arguments.branch)
        .map_err(|error| Failure::BranchKey { path: keytab.clone(), error })?;
    let list = files::read(path)?;
    let users = users::parse(&String::from_utf8_lossy(&list))
        .map_err(|error| Failure::Users { path: path.clone(), error })?;
    Ok(users::mint(&users, &key, realm, now().seconds)?)
}

fn plan(arguments: &Arguments, kdc: SocketAddr) -> Plan {
    let number = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    Plan {
        kdc,
        sources: arguments.source.clone(),
        transport: match arguments.transport {
            TransportName::Udp => Transport::Udp,
            TransportName::Tcp => Transport::Tcp,
            TransportName::TcpKept => Transport::TcpKept,
        },
        in_flight: number(arguments.in_flight),
        threads: number(arguments.threads),
        volume: match (arguments.requests, arguments.once) {
            (Some(requests), _) => Volume::Requests(requests),
            (None, true) => Volume::Once,
            (None, false) => Volume::For(arguments.duration.unwrap_or(Duration::from_secs(10))),
        },
        rate: arguments.rate,
        timeout: arguments.timeout,
        verify: match arguments.verify {
            VerifyName::All => Verify::All,
            VerifyName::Sample => Verify::Sample,
        },
    }
}
