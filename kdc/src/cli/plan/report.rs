//! A plan, for people and as JSON.
//!
//! The JSON's shape is versioned: within one `version`, fields are added and none is renamed or removed.

use std::fmt;

use serde::Serialize;

use super::figures::Figures;
use super::load::{Assumed, Demand, Sites};

#[derive(Serialize)]
pub(super) struct Report {
    version: u32,
    figures: FiguresUsed,
    /// The highest rate that Prometheus has seen within the window.
    observed_peak_per_second: Option<f64>,
    sites: Vec<Row>,
    total: Row,
    assumed: Vec<String>,
}

#[derive(Serialize)]
struct FiguresUsed {
    source: String,
    cpu_seconds_per_exchange: f64,
    searches_per_exchange: f64,
    octets_per_exchange: f64,
}

#[derive(Serialize)]
struct Row {
    name: String,
    users: u64,
    wave_per_second: f64,
    unlocks_per_second: f64,
    peak_per_second: f64,
    exchanges_per_day: f64,
    cores: f64,
    megabits_per_second: f64,
    searches_per_second: f64,
    nodes: f64,
    directory_servers: f64,
}

impl Row {
    fn new(name: &str, users: u32, demand: &Demand) -> Self {
        Self {
            name: name.to_owned(),
            users: users.into(),
            wave_per_second: demand.wave,
            unlocks_per_second: demand.unlocks,
            peak_per_second: demand.peak,
            exchanges_per_day: demand.daily,
            cores: demand.cores,
            megabits_per_second: demand.megabits,
            searches_per_second: demand.searches,
            nodes: demand.nodes,
            directory_servers: demand.directory_servers,
        }
    }

    /// Sites may have their peaks at one time.
    fn sum(rows: &[Self]) -> Self {
        let sum = |of: fn(&Self) -> f64| rows.iter().map(of).sum();
        Self {
            name: "all".to_owned(),
            users: rows.iter().map(|row| row.users).fold(0, u64::saturating_add),
            wave_per_second: sum(|row| row.wave_per_second),
            unlocks_per_second: sum(|row| row.unlocks_per_second),
            peak_per_second: sum(|row| row.peak_per_second),
            exchanges_per_day: sum(|row| row.exchanges_per_day),
            cores: sum(|row| row.cores),
            megabits_per_second: sum(|row| row.megabits_per_second),
            searches_per_second: sum(|row| row.searches_per_second),
            nodes: sum(|row| row.nodes),
            directory_servers: sum(|row| row.directory_servers),
        }
    }
}

impl Report {
    pub(super) fn new(
        assumed: &Assumed,
        figures: &Figures,
        sites: &Sites,
        observed_peak: Option<f64>,
    ) -> Self {
        let row =
            |site: &super::load::Site| Row::new(&site.name, site.users, &assumed.demand(site.users, figures));
        let sites: Vec<Row> = sites.0.iter().map(row).collect();
        Self {
            version: 1,
            figures: FiguresUsed {
                source: figures.source.clone(),
                cpu_seconds_per_exchange: figures.cpu_seconds,
                searches_per_exchange: figures.searches,
                octets_per_exchange: figures.octets(),
            },
            observed_peak_per_second: observed_peak,
            total: Row::sum(&sites),
            sites,
            assumed: assumed.lines(figures),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "figures: {}", self.figures.source)?;
        if let Some(peak) = self.observed_peak_per_second {
            writeln!(f, "highest rate seen there: {peak:.1} exchanges a second")?;
        }
        let longest = self.sites.iter().map(|row| row.name.chars().count()).max().unwrap_or_default().max(4);
        writeln!(
            f,
            "{:<longest$} {:>9} {:>8} {:>9} {:>8} {:>11} {:>7} {:>7} {:>10} {:>6} {:>10}",
            "site",
            "users",
            "wave/s",
            "unlocks/s",
            "peak/s",
            "a day",
            "cores",
            "Mbit/s",
            "searches/s",
            "nodes",
            "directory",
        )?;
        let total = (self.sites.len() > 1).then_some(&self.total);
        for row in self.sites.iter().chain(total) {
            writeln!(
                f,
                "{:<longest$} {:>9} {:>8.1} {:>9.1} {:>8.1} {:>11.0} {:>7.3} {:>7.2} {:>10.1} {:>6.0} {:>10.0}",
                row.name,
                row.users,
                row.wave_per_second,
                row.unlocks_per_second,
                row.peak_per_second,
                row.exchanges_per_day,
                row.cores,
                row.megabits_per_second,
                row.searches_per_second,
                row.nodes,
                row.directory_servers,
            )?;
        }
        writeln!(f, "assumed:")?;
        self.assumed.iter().try_for_each(|line| writeln!(f, "  - {line}"))
    }
}
