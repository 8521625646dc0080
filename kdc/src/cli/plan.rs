//! `tgtx plan`: what a number of users asks of daemons and directory. docs/plan.md has the formula.

mod counters;
pub(super) mod error;
mod figures;
mod load;
mod prometheus;
mod report;

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::failure::Failure;
use super::{files, json, print};
use counters::Counters;
use figures::Figures;
use load::{Assumed, Site, Sites};
use prometheus::Prometheus;
use report::Report;

/// Reckon load, processors, network, LDAP searches and nodes for a number of users, site by site
#[derive(Debug, Args)]
#[command(after_help = "\
What an exchange costs is taken from a file that /metrics was saved to, or from a Prometheus, else from measurements that
are built in. Whatever is assumed beside is printed with the result.

Exit code: 0 for a plan, 1 where its figures cannot be had, 2 for wrong arguments.

Examples:
  tgtx plan --users 20000
  tgtx plan --users 20000 --sites Vienna=12000,Graz=3000 --peak-minutes 20
  curl -s http://127.0.0.1:9188/metrics >scrape; tgtx plan --users 20000 --scrape scrape
  tgtx plan --users 20000 --prometheus http://prometheus.lab.example:9090 --json")]
pub(super) struct Arguments {
    /// How many users sign in
    #[arg(long, value_name = "NUMBER")]
    users: NonZeroU32,
    /// How many of them where; the others count as one more site
    #[arg(long, value_name = "NAME=USERS", value_delimiter = ',', value_parser = load::site)]
    sites: Vec<Site>,
    /// Within how many minutes they all sign in
    #[arg(long, value_name = "MINUTES", default_value = "30", value_parser = clap::value_parser!(u32).range(1..=1440))]
    peak_minutes: u32,
    /// How often each unlocks a device, in an hour
    #[arg(long, value_name = "NUMBER", default_value = "1", value_parser = load::number)]
    unlocks_per_hour: f64,
    /// How much more the busiest minute of the peak has than its average
    #[arg(long, value_name = "FACTOR", default_value = "2", value_parser = load::positive)]
    burst: f64,
    /// Processors of a node
    #[arg(long, value_name = "NUMBER", default_value = "2")]
    cores: NonZeroU32,
    /// How much of them stays free at the peak
    #[arg(long, value_name = "PERCENT", default_value = "60", value_parser = clap::value_parser!(u32).range(0..=95))]
    headroom: u32,
    /// Nodes of a site that may be away
    #[arg(long, value_name = "NUMBER", default_value = "1")]
    spare: u32,
    /// Searches a second that one directory server answers
    #[arg(long, value_name = "NUMBER", default_value = "270", value_parser = load::positive)]
    directory_rate: f64,
    /// What /metrics said
    #[arg(long, value_name = "FILE", conflicts_with = "prometheus")]
    scrape: Option<PathBuf>,
    /// What it had said before: only what came in between counts
    #[arg(long, value_name = "FILE", requires = "scrape")]
    since: Option<PathBuf>,
    /// The Prometheus that scrapes the daemons; http:// only
    #[arg(long, value_name = "URL")]
    prometheus: Option<Prometheus>,
    /// Which of its series are the daemons'
    #[arg(long, value_name = "SELECTOR", default_value = "job=\"tgtx\"", requires = "prometheus")]
    selector: String,
    /// How far to look back in it
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = super::duration, requires = "prometheus")]
    window: Duration,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let assumed = Assumed {
        peak_minutes: arguments.peak_minutes,
        burst: arguments.burst,
        unlocks_per_hour: arguments.unlocks_per_hour,
        cores: arguments.cores.get(),
        headroom: arguments.headroom,
        spare: arguments.spare,
        directory_rate: arguments.directory_rate,
    };
    let sites = Sites::of(arguments.users.get(), &arguments.sites)?;
    let (figures, observed_peak) = figures(arguments)?;
    let report = Report::new(&assumed, &figures, &sites, observed_peak);
    print(&if arguments.json { json::line(&report) } else { report.to_string() })?;
    Ok(ExitCode::SUCCESS)
}

/// What an exchange costs, and the highest rate that Prometheus has seen.
fn figures(arguments: &Arguments) -> Result<(Figures, Option<f64>), Failure> {
    if let Some(path) = &arguments.scrape {
        let read = |path: &PathBuf| {
            let text = files::read(path)?;
            Counters::parse(&text).map_err(|error| Failure::Plan(error.of(path.display().to_string())))
        };
        let mut counters = read(path)?;
        if let Some(before) = &arguments.since {
            counters = counters.since(read(before)?)?;
        }
        return Ok((counters.figures(path.display().to_string())?, None));
    }
    if let Some(prometheus) = &arguments.prometheus {
        let counters = prometheus.counters(&arguments.selector, arguments.window)?;
        let peak = prometheus.peak(&arguments.selector, arguments.window)?;
        return Ok((counters.figures(prometheus.to_string())?, Some(peak)));
    }
    Ok((Figures::built_in(), None))
}
