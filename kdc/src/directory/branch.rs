//! The branches of a domain: each krbtgt account with a number of its own, its computer object, and the
//! policy there.

use std::collections::BTreeMap;

use pac::Sid;
use policy::{ReplicationPolicy, flags};

use super::attribute_error::AttributeError;
use super::dn::{DnKey, embedded_sid};
use super::entry::Entry;

/// What to read of the krbtgt account of a branch: an object that has `msDS-SecondaryKrbTgtNumber`.
pub const BRANCH_KRBTGT_ATTRIBUTES: &[&str] =
    &["objectSid", "sAMAccountName", "msDS-SecondaryKrbTgtNumber", "msDS-KeyVersionNumber", "pwdLastSet"];

/// What to read of the computer object of a branch: an object that has `msDS-KrbTgtLink`.
pub const BRANCH_COMPUTER_ATTRIBUTES: &[&str] = &[
    "objectSid",
    "sAMAccountName",
    "userAccountControl",
    "msDS-KrbTgtLink",
    "msDS-NeverRevealGroup",
    "msDS-RevealOnDemandGroup",
    "uSNChanged",
];

/// A branch as the directory describes it: whom it may be served for, or why nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Branch {
    /// One krbtgt account, one computer object, both lists resolved.
    Serving {
        /// The computer object's two lists.
        policy: ReplicationPolicy,
        /// Version of the krbtgt account's current key, the low word of `msDS-KeyVersionNumber`; `None` where that cannot
        /// be read.
        key_version: Option<u16>,
    },
    /// The pair of objects is not what a branch is: its tickets are refused as a matter of policy.
    Broken(BranchFault),
    /// A policy list cannot be read, or a value of it has no SID: nobody is served, lest a denial be missed.
    Unresolved(UnresolvedList),
}

/// What is wrong with the objects of a branch, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BranchFault {
    /// The number is claimed twice.
    #[error(
        "{first} and {second} both have this msDS-SecondaryKrbTgtNumber: find out which one signs the tickets and \
         delete the other"
    )]
    TwoKrbtgts {
        /// Distinguished name of one account.
        first: String,
        /// Distinguished name of the other.
        second: String,
    },
    /// The account is linked from nowhere.
    #[error(
        "no computer object has a msDS-KrbTgtLink to {krbtgt}: run Set-AzureADKerberosServer again, or set the link"
    )]
    NoComputer {
        /// Distinguished name of the krbtgt account.
        krbtgt: String,
    },
    /// The account is linked from two objects.
    #[error(
        "the msDS-KrbTgtLink of {first} and that of {second} both name {krbtgt}: delete the stray object"
    )]
    TwoComputers {
        /// Distinguished name of the krbtgt account.
        krbtgt: String,
        /// Distinguished name of one computer.
        first: String,
        /// Distinguished name of the other.
        second: String,
    },
    /// The computer object is no read-only domain controller.
    #[error(
        "the userAccountControl of {computer} lacks PARTIAL_SECRETS_ACCOUNT (0x4000000): it is no read-only domain \
         controller; set 83890176, the value that Entra's set-up gives it"
    )]
    NoPartialSecrets {
        /// Distinguished name of the computer.
        computer: String,
    },
    /// An attribute of the computer object cannot be read.
    #[error("{0}; let the account that reads the directory read it")]
    Unreadable(#[from] AttributeError),
}

/// Why a policy list has no set of SIDs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnresolvedList {
    /// A value names no object with a SID.
    #[error(
        "{computer}: {attribute} names {value}, which has no SID or may not be read; remove the value or grant the \
         right to read it"
    )]
    Value {
        /// Distinguished name of the computer.
        computer: String,
        /// The list.
        attribute: &'static str,
        /// The value, as the directory wrote it.
        value: String,
    },
    /// The list of denials is empty or may not be read: in LDAP the two look alike, and every branch starts with
    /// denials.
    #[error(
        "{computer}: msDS-NeverRevealGroup is empty or may not be read; grant the right to read it, or, if nobody is \
         to be denied, put a group without members into it"
    )]
    NoDenials {
        /// Distinguished name of the computer.
        computer: String,
    },
    /// The list itself cannot be read.
    #[error("{0}; the list must be read in full")]
    List(#[from] AttributeError),
}

/// Pairs krbtgt accounts with computer objects. `resolve` gives the SID of an object by its distinguished
/// name; it is asked only for values that do not carry their SID themselves.
pub(super) fn branches(
    krbtgts: &[&Entry],
    computers: &[&Entry],
    resolve: &dyn Fn(&str) -> Option<Sid>,
) -> Result<BTreeMap<u16, Branch>, AttributeError> {
    let mut numbered: BTreeMap<u16, Vec<&Entry>> = BTreeMap::new();
    for krbtgt in krbtgts {
        // A number beyond 16 bits does not fit a kvno, so no ticket can name that account.
        if let Ok(number) = u16::try_from(krbtgt.flags("msDS-SecondaryKrbTgtNumber")?) {
            numbered.entry(number).or_default().push(krbtgt);
        }
    }
    let branch = |krbtgts: &[&Entry]| match krbtgts {
        [] => None,
        [krbtgt] => Some(one_branch(krbtgt, computers, resolve)),
        [first, second, ..] => Some(Branch::Broken(BranchFault::TwoKrbtgts {
            first: first.dn().to_owned(),
            second: second.dn().to_owned(),
        })),
    };
    let branches = numbered.iter().filter_map(|(number, krbtgts)| Some((*number, branch(krbtgts)?)));
    Ok(branches.collect())
}

fn one_branch(krbtgt: &Entry, computers: &[&Entry], resolve: &dyn Fn(&str) -> Option<Sid>) -> Branch {
    let check = |computer: &Entry| {
        if computer.flags("userAccountControl")? & flags::PARTIAL_SECRETS_ACCOUNT == 0 {
            return Err(BranchFault::NoPartialSecrets { computer: computer.dn().to_owned() });
        }
        Ok(())
    };
    let policy = |computer: &Entry| {
        let never_reveal = list(computer, "msDS-NeverRevealGroup", resolve)?;
        if never_reveal.is_empty() {
            return Err(UnresolvedList::NoDenials { computer: computer.dn().to_owned() });
        }
        Ok(ReplicationPolicy::new(never_reveal, list(computer, "msDS-RevealOnDemandGroup", resolve)?))
    };
    let found = computer_of(krbtgt, computers).and_then(|computer| check(computer).map(|()| computer));
    match found.map(policy) {
        Err(fault) => Branch::Broken(fault),
        Ok(Err(unresolved)) => Branch::Unresolved(unresolved),
        Ok(Ok(policy)) => Branch::Serving { policy, key_version: key_version(krbtgt) },
    }
}

/// The one computer whose `msDS-KrbTgtLink` names that account. The link is read from this end, because the
/// other, `msDS-KrbTgtLinkBL`, is constructed from it and not in an LDIF file.
pub(super) fn computer_of<'a>(krbtgt: &Entry, computers: &[&'a Entry]) -> Result<&'a Entry, BranchFault> {
    let key = DnKey::of(krbtgt.dn());
    let mut linked = Vec::new();
    for &computer in computers {
        // One without a link is somebody else's fault, and refuses no other branch.
        if computer.optional_text("msDS-KrbTgtLink")?.is_some_and(|link| DnKey::of(link) == key) {
            linked.push(computer);
        }
    }
    let krbtgt = krbtgt.dn().to_owned();
    match linked.as_slice() {
        [] => Err(BranchFault::NoComputer { krbtgt }),
        [computer] => Ok(computer),
        [first, second, ..] => Err(BranchFault::TwoComputers {
            krbtgt,
            first: first.dn().to_owned(),
            second: second.dn().to_owned(),
        }),
    }
}

/// The version of a branch's current key: the branch's number may stand in the high word, as it does in a kvno.
pub(super) fn key_version(krbtgt: &Entry) -> Option<u16> {
    let version = krbtgt.optional_flags("msDS-KeyVersionNumber").ok().flatten()?;
    u16::try_from(version & 0xffff).ok()
}

fn list(
    computer: &Entry,
    attribute: &'static str,
    resolve: &dyn Fn(&str) -> Option<Sid>,
) -> Result<Vec<Sid>, UnresolvedList> {
    let sid = |value: &str| {
        embedded_sid(value).or_else(|| resolve(value)).ok_or_else(|| UnresolvedList::Value {
            computer: computer.dn().to_owned(),
            attribute,
            value: value.to_owned(),
        })
    };
    computer.texts(attribute)?.into_iter().map(sid).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KRBTGT: &str = "CN=krbtgt_AzureAD,CN=Users,DC=demo";
    const COMPUTER: &str = "CN=AzureADKerberos,OU=Domain Controllers,DC=demo";

    fn entry(dn: &str, attributes: &[(&str, &str)]) -> Entry {
        let mut entry = Entry::new(dn);
        for (name, value) in attributes {
            entry.insert(name, *value);
        }
        entry
    }

    fn krbtgt(dn: &str) -> Entry {
        entry(dn, &[("msDS-SecondaryKrbTgtNumber", "4711")])
    }

    fn computer(dn: &str, flags: &str, more: &[(&str, &str)]) -> Entry {
        let mut entry = entry(dn, more);
        entry.insert("userAccountControl", flags);
        entry.insert("msDS-KrbTgtLink", KRBTGT.to_uppercase());
        entry.insert("msDS-NeverRevealGroup", "CN=S-1-5-21-9-9-9-512,CN=ForeignSecurityPrincipals,DC=demo");
        entry.insert("msDS-NeverRevealGroup", "<SID=S-1-5-32-544>;CN=Administrators,CN=Builtin,DC=demo");
        entry
    }

    fn sid(text: &str) -> Sid {
        text.parse().expect("a SID")
    }

    fn resolve(dn: &str) -> Option<Sid> {
        (dn == "CN=Domain Users,CN=Users,DC=demo").then(|| sid("S-1-5-21-1-2-3-513"))
    }

    fn only_branch(krbtgts: &[&Entry], computers: &[&Entry]) -> Branch {
        let mut branches = branches(krbtgts, computers, &resolve).expect("branches");
        branches.remove(&4711).expect("branch 4711")
    }

    #[test]
    fn a_sound_pair_serves_by_its_lists() {
        let users = [("msDS-RevealOnDemandGroup", "CN=Domain Users,CN=Users,DC=demo")];
        let branch = only_branch(&[&krbtgt(KRBTGT)], &[&computer(COMPUTER, "83890176", &users)]);
        let Branch::Serving { policy, .. } = branch else { panic!("{branch:?}") };
        assert_eq!(policy.reveal_on_demand(), [sid("S-1-5-21-1-2-3-513")]);
        assert_eq!(policy.never_reveal(), ["S-1-5-32-544", "S-1-5-21-9-9-9-512"].map(sid));
    }

    #[test]
    fn each_fault_is_told_apart() {
        let (account, twin) = (krbtgt(KRBTGT), krbtgt("CN=twin,DC=demo"));
        let sound = computer(COMPUTER, "83890176", &[]);
        let stray = computer("CN=stray,DC=demo", "83890176", &[]);
        let workstation = computer(COMPUTER, "4096", &[]);
        let two = BranchFault::TwoKrbtgts { first: KRBTGT.to_owned(), second: twin.dn().to_owned() };
        let strays = BranchFault::TwoComputers {
            krbtgt: KRBTGT.to_owned(),
            first: COMPUTER.to_owned(),
            second: stray.dn().to_owned(),
        };
        let cases: [(&[&Entry], &[&Entry], BranchFault); 4] = [
            (&[&account, &twin], &[&sound], two),
            (&[&account], &[], BranchFault::NoComputer { krbtgt: KRBTGT.to_owned() }),
            (&[&account], &[&sound, &stray], strays),
            (&[&account], &[&workstation], BranchFault::NoPartialSecrets { computer: COMPUTER.to_owned() }),
        ];
        for (krbtgts, computers, fault) in cases {
            assert_eq!(only_branch(krbtgts, computers), Branch::Broken(fault));
        }
    }

    #[test]
    fn a_value_without_a_sid_leaves_the_branch_unresolved() {
        let gone = [("msDS-RevealOnDemandGroup", "CN=gone,DC=demo")];
        let branch = only_branch(&[&krbtgt(KRBTGT)], &[&computer(COMPUTER, "83890176", &gone)]);
        let Branch::Unresolved(UnresolvedList::Value { value, attribute, .. }) = branch else {
            panic!("{branch:?}")
        };
        assert_eq!((attribute, value.as_str()), ("msDS-RevealOnDemandGroup", "CN=gone,DC=demo"));
    }

    #[test]
    fn a_list_that_came_in_part_leaves_the_branch_unresolved() {
        let part = [("msDS-NeverRevealGroup;range=0-1499", "CN=Domain Users,CN=Users,DC=demo")];
        let branch = only_branch(&[&krbtgt(KRBTGT)], &[&computer(COMPUTER, "83890176", &part)]);
        assert!(matches!(branch, Branch::Unresolved(UnresolvedList::List(_))), "{branch:?}");
    }
}
