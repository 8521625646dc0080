//! Consequences, for people, as comma-separated values and as JSON.
//!
//! The JSON's shape is versioned: within one `version`, fields are added and none is renamed or removed.

use std::fmt;

use serde::Serialize;

use crate::cli::csv;
use crate::cli::path_step::PathStep;
use crate::cli::undecidable::Undecidable;
use crate::exchange::Refusal;
use crate::shell::what_if::{Action, Changed, Consequences, Resolved};

#[derive(Debug, Serialize)]
pub(super) struct Report {
    version: u32,
    realm: String,
    branch: u16,
    changes: Vec<Change>,
    /// Of the domain.
    accounts: usize,
    /// Accounts that cannot be decided about and are refused.
    undecidable: Undecidable,
    let_in: usize,
    kept_out: usize,
    changed: Vec<Account>,
}

#[derive(Debug, Serialize)]
struct Change {
    list: &'static str,
    /// `add` or `remove`.
    action: &'static str,
    name: String,
    sid: String,
}

#[derive(Debug, Serialize)]
struct Account {
    name: String,
    sid: String,
    dn: String,
    /// `allowed`, or the label of a refusal.
    now: &'static str,
    then: &'static str,
    /// The list by which the difference comes.
    list: &'static str,
    /// From the account to what stands on it; empty where no link of this domain leads there.
    path: Vec<PathStep>,
}

impl Report {
    pub(super) fn new(consequences: &Consequences) -> Self {
        let Consequences { realm, branch, changes, accounts, undecidable, changed } = consequences;
        let let_in = changed.iter().filter(|account| account.then.is_none()).count();
        Self {
            version: 1,
            realm: realm.to_string(),
            branch: *branch,
            changes: changes.iter().map(Change::new).collect(),
            accounts: *accounts,
            undecidable: Undecidable(*undecidable),
            let_in,
            kept_out: changed.len().saturating_sub(let_in),
            changed: changed.iter().map(Account::new).collect(),
        }
    }

    /// With a line of names.
    pub(super) fn csv(&self) -> String {
        let mut text = csv::line(["account", "sid", "dn", "now", "then", "path"]);
        for account in &self.changed {
            let path = account.path();
            text.push_str(&csv::line([
                &*account.name,
                &account.sid,
                &account.dn,
                account.now,
                account.then,
                &path,
            ]));
        }
        text
    }
}

impl Change {
    fn new(resolved: &Resolved) -> Self {
        let action = match resolved.action {
            Action::Add => "add",
            Action::Remove => "remove",
        };
        let list = resolved.list.attribute();
        Self { list, action, name: resolved.name.clone(), sid: resolved.sid.to_string() }
    }
}

impl Account {
    fn new(Changed { object, now, then, path: (list, steps) }: &Changed) -> Self {
        let label = |reason: &Option<Refusal>| reason.map_or("allowed", Refusal::label);
        Self {
            name: object.name.clone(),
            sid: object.sid.to_string(),
            dn: object.dn.clone(),
            now: label(now),
            then: label(then),
            list,
            path: steps.iter().map(PathStep::new).collect(),
        }
    }

    fn path(&self) -> String {
        let steps = self.path.iter().map(ToString::to_string);
        steps.chain([self.list.to_owned()]).collect::<Vec<_>>().join(" → ")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Change { list, action, name, sid } in &self.changes {
            writeln!(
                f,
                "{action} {}, {sid}: {list} of branch {} of {}",
                name.escape_debug(),
                self.branch,
                self.realm
            )?;
        }
        if !self.changed.is_empty() {
            let name = |account: &Account| account.name.escape_debug().to_string();
            let width = |cell: &dyn Fn(&Account) -> usize, least: usize| {
                self.changed.iter().map(cell).max().unwrap_or(0).max(least)
            };
            let names = width(&|account| name(account).chars().count(), "account".len());
            let now = width(&|account| account.now.len(), "now".len());
            let then = width(&|account| account.then.len(), "then".len());
            writeln!(f, "\n{:names$}  {:now$}  {:then$}  by", "account", "now", "then")?;
            for account in &self.changed {
                let path = account.path();
                writeln!(
                    f,
                    "{:names$}  {:now$}  {:then$}  {path}",
                    name(account),
                    account.now,
                    account.then
                )?;
            }
            writeln!(f)?;
        }
        self.undecidable.fmt(f)?;
        writeln!(
            f,
            "{} accounts: {} more let in, {} more kept out",
            self.accounts, self.let_in, self.kept_out
        )
    }
}
