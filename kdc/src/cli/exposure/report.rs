//! What is exposed, for people, as comma-separated values, as JSON and as a proposal in LDIF.
//!
//! The JSON's shape is versioned: within one `version`, fields are added and none is renamed or removed.

use std::fmt;

use serde::Serialize;

use crate::cli::csv;
use crate::cli::path_step::PathStep;
use crate::cli::undecidable::Undecidable;
use crate::directory::ldif;
use crate::shell::exposure::{Danger, Exposed, Exposure};

/// What the proposed group is called.
const GROUP: &str = "tgtx exposed accounts";

/// `groupType` of a domain-local security group, which may hold whomever.
const DOMAIN_LOCAL: &str = "-2147483644";

#[derive(Debug, Serialize)]
pub(super) struct Report {
    version: u32,
    realm: String,
    branch: u16,
    /// The object with the branch's lists.
    computer: String,
    domain_dn: String,
    /// Of the domain.
    accounts: usize,
    /// Accounts that policy allows.
    allowed: usize,
    /// Accounts that cannot be read whole and are refused.
    undecidable: Undecidable,
    /// Rights that everybody holds.
    everybody: Vec<Reason>,
    exposed: Vec<Account>,
}

#[derive(Debug, Serialize)]
struct Account {
    name: String,
    sid: String,
    dn: String,
    reasons: Vec<Reason>,
}

#[derive(Debug, Serialize)]
struct Reason {
    danger: &'static str,
    /// Distinguished names of what is controlled.
    objects: Vec<String>,
    /// Who holds the right: null where it is no right.
    holder: Option<String>,
    /// From the account to the holder; empty where no link of this domain leads there.
    path: Vec<PathStep>,
}

impl Report {
    pub(super) fn new(found: &Exposure) -> Self {
        Self {
            version: 1,
            realm: found.realm.to_string(),
            branch: found.branch,
            computer: found.computer.clone(),
            domain_dn: found.domain_dn.clone(),
            accounts: found.accounts,
            allowed: found.allowed,
            undecidable: Undecidable(found.undecidable),
            everybody: found
                .everybody
                .iter()
                .map(|(danger, holder)| Reason::new(danger, Some(holder.to_string()), Vec::new()))
                .collect(),
            exposed: found.exposed.iter().map(Account::new).collect(),
        }
    }

    pub(super) fn is_clean(&self) -> bool {
        self.exposed.is_empty() && self.everybody.is_empty()
    }

    /// With a line of names.
    pub(super) fn csv(&self) -> String {
        let mut text = csv::line(["account", "sid", "dn", "danger", "objects", "by"]);
        for account in &self.exposed {
            for reason in &account.reasons {
                let (objects, by) = (reason.objects.join("; "), reason.by());
                text.push_str(&csv::line([
                    &account.name,
                    &account.sid,
                    &account.dn,
                    reason.danger,
                    &objects,
                    &by,
                ]));
            }
        }
        text
    }

    /// A group of them, and the group onto the list of those who are never let in.
    pub(super) fn ldif(&self) -> String {
        let mut text = format!(
            "# Proposed by tgtx exposure for branch {} of {}; nothing has been changed.\n",
            self.branch, self.realm
        );
        if self.exposed.is_empty() {
            text.push_str("# Nobody is exposed.\n");
            return text;
        }
        let group = format!("CN={GROUP},CN=Users,{}", self.domain_dn);
        let fixed = [
            ("changetype", "add"),
            ("objectClass", "group"),
            ("sAMAccountName", GROUP),
            ("groupType", DOMAIN_LOCAL),
        ];
        let mut line = |name: &str, value: &str| text.push_str(&(ldif::line(name, value) + "\n"));
        line("dn", &group);
        fixed.iter().for_each(|(name, value)| line(name, value));
        self.exposed.iter().for_each(|account| line("member", &account.dn));
        text.push('\n');
        let mut line = |name: &str, value: &str| text.push_str(&(ldif::line(name, value) + "\n"));
        line("dn", &self.computer);
        line("changetype", "modify");
        line("add", "msDS-NeverRevealGroup");
        line("msDS-NeverRevealGroup", &group);
        text.push_str("-\n");
        text
    }
}

impl Account {
    fn new(Exposed { object, reasons }: &Exposed) -> Self {
        let reasons = reasons.iter().map(|reason| {
            let holder = reason.holder.map(|sid| sid.to_string());
            Reason::new(&reason.danger, holder, reason.path.iter().map(PathStep::new).collect())
        });
        Self {
            name: object.name.clone(),
            sid: object.sid.to_string(),
            dn: object.dn.clone(),
            reasons: reasons.collect(),
        }
    }
}

impl Reason {
    fn new(danger: &Danger, holder: Option<String>, path: Vec<PathStep>) -> Self {
        let objects = match danger {
            Danger::Controls(objects) => objects.clone(),
            _ => Vec::new(),
        };
        Self { danger: danger.label(), objects, holder, path }
    }

    /// The way to the holder, or the holder where no way is seen.
    fn by(&self) -> String {
        if self.path.is_empty() {
            return self.holder.clone().unwrap_or_default();
        }
        self.path.iter().map(ToString::to_string).collect::<Vec<_>>().join(" → ")
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.danger)?;
        for (position, object) in self.objects.iter().enumerate() {
            write!(f, "{}{}", if position == 0 { " " } else { "; " }, object.escape_debug())?;
        }
        match self.by() {
            by if by.is_empty() => Ok(()),
            by => write!(f, " by {by}"),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for reason in &self.everybody {
            writeln!(f, "everybody\n  {reason}")?;
        }
        for account in &self.exposed {
            writeln!(f, "{}, {}", account.name.escape_debug(), account.sid)?;
            account.reasons.iter().try_for_each(|reason| writeln!(f, "  {reason}"))?;
        }
        self.undecidable.fmt(f)?;
        writeln!(
            f,
            "branch {} of {}: {} accounts, {} allowed by policy, {} of them exposed",
            self.branch,
            self.realm,
            self.accounts,
            self.allowed,
            self.exposed.len()
        )
    }
}
