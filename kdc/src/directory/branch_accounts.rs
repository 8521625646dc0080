//! The pair of objects that a branch is, as an operator knows it: for verbs that look for branches or show one. Whom a branch
//! serves is [`Branch`](super::Branch)'s business.

use super::attribute_error::AttributeError;
use super::branch::{computer_of, key_version};
use super::entry::Entry;

/// `sAMAccountName` of the computer object that Set-AzureADKerberosServer makes.
const ENTRA: &str = "AzureADKerberos$";

/// The objects of one branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BranchAccounts {
    /// `msDS-SecondaryKrbTgtNumber`.
    pub number: u16,
    /// Distinguished name of the krbtgt account.
    pub krbtgt_dn: String,
    /// Its `sAMAccountName`.
    pub krbtgt_name: String,
    /// Version of its current key, the low word of `msDS-KeyVersionNumber`; `None` where that cannot be read.
    pub key_version: Option<u16>,
    /// The computer object, if there is one.
    pub computer: Option<BranchComputer>,
}

/// The object that has the policy lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BranchComputer {
    /// Its distinguished name.
    pub dn: String,
    /// Its `sAMAccountName`.
    pub name: String,
}

impl BranchAccounts {
    /// Pairs krbtgt accounts with computers, in the order of their numbers. An account whose number does not fit a kvno is none.
    ///
    /// # Errors
    /// A name or a number cannot be read.
    pub fn all(krbtgts: &[&Entry], computers: &[&Entry]) -> Result<Vec<Self>, AttributeError> {
        let mut branches = Vec::new();
        for krbtgt in krbtgts {
            if let Ok(number) = u16::try_from(krbtgt.flags("msDS-SecondaryKrbTgtNumber")?) {
                branches.push(Self {
                    number,
                    krbtgt_dn: krbtgt.dn().to_owned(),
                    krbtgt_name: krbtgt.text("sAMAccountName")?.to_owned(),
                    key_version: key_version(krbtgt),
                    // Two computers are told as a fault of the branch.
                    computer: computer_of(krbtgt, computers).ok().map(BranchComputer::of).transpose()?,
                });
            }
        }
        branches.sort_by_key(|branch| branch.number);
        Ok(branches)
    }

    /// Whether it is the one that Entra's set-up makes, and no read-only domain controller's.
    #[must_use]
    pub fn is_entras(&self) -> bool {
        self.computer.as_ref().is_some_and(|computer| computer.name.eq_ignore_ascii_case(ENTRA))
    }

    /// The kvno of its current key in a keytab, as in its tickets.
    #[must_use]
    pub fn kvno(&self) -> Option<u32> {
        Some(u32::from(self.number) << 16 | u32::from(self.key_version?))
    }
}

impl BranchComputer {
    fn of(computer: &Entry) -> Result<Self, AttributeError> {
        let name = computer.text("sAMAccountName")?.to_owned();
        Ok(Self { dn: computer.dn().to_owned(), name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(dn: &str, attributes: &[(&str, &str)]) -> Entry {
        let mut entry = Entry::new(dn);
        attributes.iter().for_each(|(name, value)| entry.insert(name, *value));
        entry
    }

    #[test]
    fn accounts_are_paired_with_their_computers_and_sorted() {
        let krbtgt = |dn, number, version| {
            entry(
                dn,
                &[
                    ("msDS-SecondaryKrbTgtNumber", number),
                    ("sAMAccountName", "krbtgt_x"),
                    ("msDS-KeyVersionNumber", version),
                ],
            )
        };
        let entra = krbtgt("CN=krbtgt_AzureAD,DC=demo", "30775", "2016870403");
        let (rodc, beyond) =
            (krbtgt("CN=krbtgt_1,DC=demo", "4711", "2"), krbtgt("CN=y,DC=demo", "65536", "1"));
        let computer = entry(
            "CN=AzureADKerberos,DC=demo",
            &[("sAMAccountName", "azureadkerberos$"), ("msDS-KrbTgtLink", "cn=KRBTGT_AzureAD,dc=demo")],
        );
        let branches = BranchAccounts::all(&[&entra, &rodc, &beyond], &[&computer]).unwrap();
        let told: Vec<_> =
            branches.iter().map(|branch| (branch.number, branch.kvno(), branch.is_entras())).collect();
        assert_eq!(told, [(4711, Some(4711 << 16 | 2), false), (30775, Some(30775 << 16 | 3), true)]);
        assert_eq!(branches[0].computer, None);
    }

    #[test]
    fn a_name_that_cannot_be_read_is_an_error() {
        let krbtgt = entry("CN=a,DC=demo", &[("msDS-SecondaryKrbTgtNumber", "1")]);
        assert_eq!(BranchAccounts::all(&[&krbtgt], &[]).unwrap_err().attribute, "sAMAccountName");
    }
}
