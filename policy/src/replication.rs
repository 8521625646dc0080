//! The password replication policy of a branch: two lists of SIDs, and what they say of a client.
//!
//! [MS-DRSR] 4.1.10.5.14 (GetRevealSecretsPolicyForUser) is the algorithm. Its first two steps, about the
//! branch's own computer and about other krbtgt accounts, are not here: nobody legitimate exchanges a ticket
//! as one of these, and [`Account::admissible`](crate::Account::admissible) denies them whatever the lists
//! say.

use pac::Sid;

use crate::{Account, Denials};

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

    /// What the lists say of an account by its SIDs: its own and those of all its groups, nested, domain-local
    /// and BUILTIN ones included. Denial wins over permission, the operator's too, and who is on neither list is
    /// not served. Former SIDs are looked for on the lists of denials alone.
    pub fn judge(&self, account: &Account, denials: &Denials) -> Verdict {
        if let Some(sid) = account.denied_on(&self.never_reveal) {
            Verdict::NeverReveal(sid)
        } else if let Some(sid) = denials.group_of(account) {
            Verdict::DeniedByOperator(sid)
        } else if let Some(sid) = denials.replicator_of(account) {
            Verdict::Replicator(sid)
        } else if let Some(sid) = account.listed_on(&self.reveal_on_demand) {
            Verdict::Reveal(sid)
        } else {
            Verdict::NotListed
        }
    }
}

/// What a replication policy says of an account, with the SID that decided.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// On the list of `msDS-RevealOnDemandGroup` and not on the other.
    Reveal(Sid),
    /// On the list of `msDS-NeverRevealGroup`.
    NeverReveal(Sid),
    /// Among the groups that the operator denies.
    DeniedByOperator(Sid),
    /// Holds replication rights, and the operator denies those who do.
    Replicator(Sid),
    /// On neither list.
    NotListed,
}

pub(crate) fn sorted(sids: impl IntoIterator<Item = Sid>) -> Vec<Sid> {
    let mut sids: Vec<Sid> = sids.into_iter().collect();
    sids.sort_unstable();
    sids.dedup();
    sids
}

/// The first of `sids` that stands on `list`, which is sorted.
pub(crate) fn first_on(list: &[Sid], sids: &[Sid]) -> Option<Sid> {
    sids.iter().find(|sid| list.binary_search(sid).is_ok()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::tests::{alice, sid};

    const ALICE: &str = "S-1-5-21-1-2-3-1104";
    const DOMAIN_USERS: &str = "S-1-5-21-1-2-3-513";
    const ADMINISTRATORS: &str = "S-1-5-32-544";
    const STAFF: &str = "S-1-5-21-1-2-3-1201";
    const SYNC: &str = "S-1-5-21-1-2-3-1202";

    fn policy() -> ReplicationPolicy {
        ReplicationPolicy::new([sid(ADMINISTRATORS)], [sid(DOMAIN_USERS), sid(DOMAIN_USERS)])
    }

    fn with(sids: &[&str]) -> Account {
        Account { sids: sids.iter().map(|text| sid(text)).collect(), ..alice() }
    }

    fn judge(policy: &ReplicationPolicy, sids: &[&str]) -> Verdict {
        policy.judge(&with(sids), &Denials::default())
    }

    #[test]
    fn reveals_who_is_on_the_allow_list() {
        assert_eq!(judge(&policy(), &[ALICE, DOMAIN_USERS]), Verdict::Reveal(sid(DOMAIN_USERS)));
    }

    #[test]
    fn denies_when_on_both_lists_in_either_order() {
        for sids in [[ADMINISTRATORS, DOMAIN_USERS], [DOMAIN_USERS, ADMINISTRATORS]] {
            assert_eq!(judge(&policy(), &sids), Verdict::NeverReveal(sid(ADMINISTRATORS)));
        }
    }

    #[test]
    fn denies_a_user_who_is_listed_directly() {
        let policy = ReplicationPolicy::new([sid(ALICE)], [sid(DOMAIN_USERS)]);
        assert_eq!(judge(&policy, &[ALICE, DOMAIN_USERS]), Verdict::NeverReveal(sid(ALICE)));
    }

    #[test]
    fn does_not_serve_who_is_on_neither_list() {
        assert_eq!(judge(&policy(), &[ALICE]), Verdict::NotListed);
        assert_eq!(judge(&policy(), &[]), Verdict::NotListed);
    }

    #[test]
    fn empty_lists_serve_nobody() {
        assert_eq!(judge(&ReplicationPolicy::default(), &[ALICE]), Verdict::NotListed);
    }

    #[test]
    fn the_operators_denials_stand_between_the_two_lists() {
        let denials = Denials::new([sid(STAFF), sid(STAFF)], [sid(SYNC), sid(SYNC)]);
        assert_eq!((denials.groups(), denials.replicators()), (&[sid(STAFF)][..], &[sid(SYNC)][..]));
        let cases = [
            (vec![ALICE, DOMAIN_USERS, SYNC], Verdict::Replicator(sid(SYNC))),
            (vec![ALICE, SYNC], Verdict::Replicator(sid(SYNC))),
            (vec![SYNC, STAFF], Verdict::DeniedByOperator(sid(STAFF))),
            (vec![SYNC, ADMINISTRATORS], Verdict::NeverReveal(sid(ADMINISTRATORS))),
            (vec![ALICE, DOMAIN_USERS, STAFF], Verdict::DeniedByOperator(sid(STAFF))),
            (vec![ALICE, STAFF], Verdict::DeniedByOperator(sid(STAFF))),
            (vec![ALICE, STAFF, ADMINISTRATORS], Verdict::NeverReveal(sid(ADMINISTRATORS))),
            (vec![ALICE, DOMAIN_USERS], Verdict::Reveal(sid(DOMAIN_USERS))),
        ];
        for (sids, verdict) in cases {
            assert_eq!(policy().judge(&with(&sids), &denials), verdict, "{sids:?}");
        }
    }

    #[test]
    fn a_denial_of_what_everybody_is_denies_everybody() {
        for everybody in ["S-1-1-0", "S-1-5-2", "S-1-5-4", "S-1-5-11", "S-1-5-15", "S-1-18-1"] {
            let denials = Denials::new([sid(everybody)], []);
            let verdict = policy().judge(&with(&[ALICE, DOMAIN_USERS]), &denials);
            assert_eq!(verdict, Verdict::DeniedByOperator(sid(everybody)));
            let denials = Denials::new([], [sid(everybody)]);
            let verdict = policy().judge(&with(&[ALICE, DOMAIN_USERS]), &denials);
            assert_eq!(verdict, Verdict::Replicator(sid(everybody)));
        }
    }

    #[test]
    fn former_sids_deny_and_never_allow() {
        let formerly = |former: &str| Account { former_sids: vec![sid(former)], ..with(&[ALICE]) };
        let none = Denials::default();
        let administrator = policy().judge(&formerly(ADMINISTRATORS), &none);
        assert_eq!(administrator, Verdict::NeverReveal(sid(ADMINISTRATORS)));
        let staff = policy().judge(&formerly(STAFF), &Denials::new([sid(STAFF)], []));
        assert_eq!(staff, Verdict::DeniedByOperator(sid(STAFF)));
        assert_eq!(policy().judge(&formerly(DOMAIN_USERS), &none), Verdict::NotListed);
    }

    #[test]
    fn lists_are_sorted_and_hold_each_sid_once() {
        let never = ["S-1-5-32-549", "S-1-5-32-544", "S-1-5-32-548", "S-1-5-32-544"].map(sid);
        let policy = ReplicationPolicy::new(never, [sid(DOMAIN_USERS), sid(DOMAIN_USERS)]);
        assert_eq!(policy.never_reveal(), ["S-1-5-32-544", "S-1-5-32-548", "S-1-5-32-549"].map(sid));
        assert_eq!(policy.reveal_on_demand(), [sid(DOMAIN_USERS)]);
    }
}
