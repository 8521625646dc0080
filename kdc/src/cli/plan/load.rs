//! The formula: from users to rates, and from rates to nodes. docs/plan.md has it in words.

use std::collections::BTreeSet;

use super::error::PlanError;
use super::figures::Figures;

/// How often a device renews its sign-in, and with it the ticket: once in four hours.
const REFRESH_HOURS: f64 = 4.0;

/// A working day.
const DAY_HOURS: f64 = 9.0;

/// Where users are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Site {
    pub(super) name: String,
    pub(super) users: u32,
}

/// Reads `NAME=USERS`.
pub(super) fn site(text: &str) -> Result<Site, &'static str> {
    let (name, users) = text.split_once('=').ok_or("write NAME=USERS")?;
    let users = users.parse().map_err(|_| "has no number of users")?;
    let is_name = !name.is_empty() && !name.chars().any(char::is_control);
    is_name.then(|| Site { name: name.to_owned(), users }).ok_or("has no name")
}

/// Reads a number that is not negative.
pub(super) fn number(text: &str) -> Result<f64, &'static str> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && (0.0..=1e9).contains(number));
    number.ok_or("is no number between 0 and 1,000,000,000")
}

/// Reads a number of which there is some.
pub(super) fn positive(text: &str) -> Result<f64, &'static str> {
    number(text).and_then(|number| if number > 0.0 { Ok(number) } else { Err("must be more than 0") })
}

/// The sites, and who is on none of them as one more.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sites(pub(super) Vec<Site>);

impl Sites {
    /// # Errors
    /// [`PlanError`] for more users than there are, and for a site that is named twice.
    pub(super) fn of(users: u32, named: &[Site]) -> Result<Self, PlanError> {
        let sum = named.iter().map(|site| u64::from(site.users)).fold(0, u64::saturating_add);
        let rest =
            u64::from(users).checked_sub(sum).ok_or(PlanError::TooManyOnSites { sites: sum, users })?;
        let mut names = BTreeSet::new();
        if let Some(twice) = named.iter().find(|site| !names.insert(&site.name)) {
            return Err(PlanError::SiteTwice(twice.name.clone()));
        }
        let mut sites = named.to_vec();
        if let Some(users) = u32::try_from(rest).ok().filter(|&rest| rest > 0) {
            let name = if sites.is_empty() { "everywhere" } else { "elsewhere" };
            sites.push(Site { name: name.to_owned(), users });
        }
        Ok(Self(sites))
    }
}

/// What is not measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Assumed {
    pub(super) peak_minutes: u32,
    pub(super) burst: f64,
    pub(super) unlocks_per_hour: f64,
    pub(super) cores: u32,
    /// Percent of the processors that stay free.
    pub(super) headroom: u32,
    pub(super) spare: u32,
    pub(super) directory_rate: f64,
}

/// What a site asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Demand {
    /// Exchanges a second of the busiest minute in which users sign in; and of the wave of refreshes four hours later.
    pub(super) wave: f64,
    /// Exchanges a second because devices are unlocked.
    pub(super) unlocks: f64,
    /// Both.
    pub(super) peak: f64,
    /// Exchanges in a working day.
    pub(super) daily: f64,
    /// Processors that the peak keeps busy.
    pub(super) cores: f64,
    /// Megabits a second at the peak, both ways.
    pub(super) megabits: f64,
    /// Searches a second at the peak.
    pub(super) searches: f64,
    pub(super) nodes: f64,
    pub(super) directory_servers: f64,
}

impl Assumed {
    pub(super) fn demand(&self, users: u32, figures: &Figures) -> Demand {
        let users = f64::from(users);
        let wave = users * self.burst / (f64::from(self.peak_minutes) * 60.0);
        let unlocks = users * self.unlocks_per_hour / 3600.0;
        let peak = wave + unlocks;
        let refreshes = (DAY_HOURS / REFRESH_HOURS).floor();
        let cores = peak * figures.cpu_seconds;
        let usable = f64::from(self.cores) * (1.0 - f64::from(self.headroom) / 100.0);
        let searches = peak * figures.searches;
        Demand {
            wave,
            unlocks,
            peak,
            daily: users * (1.0 + refreshes + self.unlocks_per_hour * DAY_HOURS),
            cores,
            megabits: peak * figures.octets() * 8.0 / 1e6,
            searches,
            nodes: at_least_one(cores / usable) + f64::from(self.spare),
            directory_servers: at_least_one(searches / self.directory_rate),
        }
    }

    /// What is taken for granted, a line each.
    pub(super) fn lines(&self, figures: &Figures) -> Vec<String> {
        let Self { peak_minutes, burst, unlocks_per_hour, cores, headroom, spare, directory_rate } = self;
        vec![
            format!(
                "each user signs in once within {peak_minutes} minutes (--peak-minutes), the busiest of which has {burst} times the average (--burst)"
            ),
            "whoever signed in renews it every four hours, at once like everybody else: the wave comes back, no higher".to_owned(),
            format!(
                "each unlocks a device {unlocks_per_hour} times an hour (--unlocks-per-hour), and each unlocking is an exchange"
            ),
            format!("a working day has {DAY_HOURS} hours, two refreshes and unlocks throughout"),
            format!(
                "an exchange costs {:.1} µs of a processor, {:.2} searches and {:.0} octets, both ways, headers apart",
                figures.cpu_seconds * 1e6,
                figures.searches,
                figures.octets(),
            ),
            format!(
                "{:.0} % of clients find no room in UDP and ask again over TCP; a TGS-REP has {:.0} octets",
                figures.too_big * 100.0,
                figures.reply_octets,
            ),
            format!(
                "a node has {cores} processors (--cores), of which {headroom} % stay free at the peak (--headroom); {spare} nodes of each site may be away (--spare)"
            ),
            format!(
                "a directory server answers {directory_rate} searches a second (--directory-rate): one Samba on a slow processor; measure your own"
            ),
        ]
    }
}

fn at_least_one(number: f64) -> f64 {
    number.ceil().max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASSUMED: Assumed = Assumed {
        peak_minutes: 30,
        burst: 2.0,
        unlocks_per_hour: 1.0,
        cores: 2,
        headroom: 60,
        spare: 1,
        directory_rate: 270.0,
    };

    #[test]
    fn the_example_of_the_documentation() {
        let figures = Figures { cpu_seconds: 100e-6, searches: 1.0, ..Figures::built_in() };
        let demand = ASSUMED.demand(18_000, &figures);
        // 18,000 × 2 / 1,800 and 18,000 / 3,600.
        assert_eq!((demand.wave, demand.unlocks, demand.peak), (20.0, 5.0, 25.0));
        assert_eq!(demand.daily, 18_000.0 * 12.0);
        assert!((demand.cores - 0.0025).abs() < 1e-12);
        assert_eq!((demand.nodes, demand.directory_servers, demand.searches), (2.0, 1.0, 25.0));
    }

    #[test]
    fn nodes_grow_with_the_load_and_the_room_kept_free() {
        let figures = Figures { cpu_seconds: 1e-3, ..Figures::built_in() };
        let nodes = |headroom, users| Assumed { headroom, ..ASSUMED }.demand(users, &figures).nodes;
        // 2,500 exchanges a second of a millisecond each keep 2.5 processors busy.
        assert_eq!(nodes(0, 1_800_000), 2.0 + 1.0);
        assert_eq!(nodes(60, 1_800_000), 4.0 + 1.0);
        assert_eq!(nodes(95, 1_800_000), 25.0 + 1.0);
        assert_eq!(nodes(60, 1), 1.0 + 1.0);
    }

    #[test]
    fn whoever_is_on_no_site_is_elsewhere() {
        let named = [site("Vienna=3").unwrap(), site("Graz=2").unwrap()];
        let names = |users, sites: &[Site]| {
            let sites = Sites::of(users, sites)?.0;
            Ok::<_, PlanError>(sites.into_iter().map(|site| (site.name, site.users)).collect::<Vec<_>>())
        };
        assert_eq!(names(5, &[]).unwrap(), [("everywhere".to_owned(), 5)]);
        assert_eq!(names(6, &named).unwrap().last(), Some(&("elsewhere".to_owned(), 1)));
        assert_eq!(names(5, &named).unwrap().len(), 2);
        assert!(matches!(names(4, &named), Err(PlanError::TooManyOnSites { sites: 5, users: 4 })));
        let twice = [named[0].clone(), named[0].clone()];
        assert!(matches!(names(9, &twice), Err(PlanError::SiteTwice(_))));
        for wrong in ["Vienna", "=3", "Vienna=", "Vienna=-1", "Vienna=4294967296", "Vi\nenna=1"] {
            assert!(site(wrong).is_err(), "{wrong}");
        }
        for wrong in ["", "x", "-1", "NaN", "inf", "1e10"] {
            assert!(number(wrong).is_err(), "{wrong}");
        }
        assert_eq!((number("0"), positive("0").is_ok(), positive("0.5")), (Ok(0.0), false, Ok(0.5)));
    }
}
