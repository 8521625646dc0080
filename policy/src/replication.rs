//! The password replication policy of a branch: two lists of SIDs, and what they say of a client.
//!
//! [MS-DRSR] 4.1.10.5.14 (GetRevealSecretsPolicyForUser) is the algorithm. Its first two steps, about the
//! branch's own computer and about other krbtgt accounts, are not here: nobody legitimate exchanges a ticket
//! as one of these, and [`Account::admissible`](crate::Account::admissible) denies them whatever the lists
//! say.

use pac::Sid;

/// `msDS-NeverRevealGroup` and `msDS-RevealOnDemandGroup` of a branch's computer object, resolved to SIDs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplicationPolicy {
    /// Sorted, without duplicates.
    never_reveal: Vec<Sid>,
    /// Sorted, without duplicates.
    reveal_on_demand: Vec<Sid>,
}

impl ReplicationPolicy {
    /// The policy of these two lists; they may hold groups, users and computers alike.
    #[must_use]
    pub fn new(
        never_reveal: impl IntoIterator<Item = Sid>,
        reveal_on_demand: impl IntoIterator<Item = Sid>,
    ) -> Self {
        Self { never_reveal: sorted(never_reveal), reveal_on_demand: sorted(reveal_on_demand) }
    }

    /// The SIDs that are denied, ascending.
    #[must_use]
    pub fn never_reveal(&self) -> &[Sid] {
        &self.never_reveal
    }

    /// The SIDs that are allowed unless denied, ascending.
    #[must_use]
    pub fn reveal_on_demand(&self) -> &[Sid] {
        &self.reveal_on_demand
    }

    /// What the lists say of a client with these SIDs: its own and those of all its groups, nested,
    /// domain-local and BUILTIN ones included. Denial wins over permission, and who is on neither list is not
    /// served.
    pub fn judge(&self, sids: &[Sid]) -> Verdict {
        if let Some(sid) = first_on(&self.never_reveal, sids) {
            Verdict::NeverReveal(sid)
        } else if let Some(sid) = first_on(&self.reveal_on_demand, sids) {
            Verdict::Reveal(sid)
        } else {
            Verdict::NotListed
        }
    }
}

/// What a replication policy says of a client, with the SID that decided.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// On the list of `msDS-RevealOnDemandGroup` and not on the other.
    Reveal(Sid),
    /// On the list of `msDS-NeverRevealGroup`.
    NeverReveal(Sid),
    /// On neither list.
    NotListed,
}

fn sorted(sids: impl IntoIterator<Item = Sid>) -> Vec<Sid> {
    let mut sids: Vec<Sid> = sids.into_iter().collect();
    sids.sort_unstable();
    sids.dedup();
    sids
}

fn first_on(list: &[Sid], sids: &[Sid]) -> Option<Sid> {
    sids.iter().copied().find(|sid| list.binary_search(sid).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sid(text: &str) -> Sid {
        text.parse().expect("a SID")
    }

    const ALICE: &str = "S-1-5-21-1-2-3-1104";
    const DOMAIN_USERS: &str = "S-1-5-21-1-2-3-513";
    const ADMINISTRATORS: &str = "S-1-5-32-544";

    fn policy() -> ReplicationPolicy {
        ReplicationPolicy::new([sid(ADMINISTRATORS)], [sid(DOMAIN_USERS), sid(DOMAIN_USERS)])
    }

    #[test]
    fn reveals_who_is_on_the_allow_list() {
        assert_eq!(policy().judge(&[sid(ALICE), sid(DOMAIN_USERS)]), Verdict::Reveal(sid(DOMAIN_USERS)));
    }

    #[test]
    fn denies_when_on_both_lists_in_either_order() {
        for sids in [[ADMINISTRATORS, DOMAIN_USERS], [DOMAIN_USERS, ADMINISTRATORS]] {
            assert_eq!(policy().judge(&sids.map(sid)), Verdict::NeverReveal(sid(ADMINISTRATORS)));
        }
    }

    #[test]
    fn denies_a_user_who_is_listed_directly() {
        let policy = ReplicationPolicy::new([sid(ALICE)], [sid(DOMAIN_USERS)]);
        assert_eq!(policy.judge(&[sid(ALICE), sid(DOMAIN_USERS)]), Verdict::NeverReveal(sid(ALICE)));
    }

    #[test]
    fn does_not_serve_who_is_on_neither_list() {
        assert_eq!(policy().judge(&[sid(ALICE)]), Verdict::NotListed);
        assert_eq!(policy().judge(&[]), Verdict::NotListed);
    }

    #[test]
    fn empty_lists_serve_nobody() {
        assert_eq!(ReplicationPolicy::default().judge(&[sid(ALICE)]), Verdict::NotListed);
    }

    #[test]
    fn lists_are_sorted_and_hold_each_sid_once() {
        let never = ["S-1-5-32-549", "S-1-5-32-544", "S-1-5-32-548", "S-1-5-32-544"].map(sid);
        let policy = ReplicationPolicy::new(never, [sid(DOMAIN_USERS), sid(DOMAIN_USERS)]);
        assert_eq!(policy.never_reveal(), ["S-1-5-32-544", "S-1-5-32-548", "S-1-5-32-549"].map(sid));
        assert_eq!(policy.reveal_on_demand(), [sid(DOMAIN_USERS)]);
    }
}
