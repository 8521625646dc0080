//! Who may be exchanged, judged as a domain controller judges it.
//!
//! Three questions, each with an answer that names its reason: is this kind of account ever exchanged
//! ([`Account::admissible`]), do the two lists of the branch allow it ([`ReplicationPolicy::judge`]), and is
//! the account in good standing now ([`Account::standing`]).
//!
//! The crate never reads a directory or a clock: SIDs, flags and the time come in as values. It knows no
//! LDAP, no Kerberos error code and no configuration file.
//!
//! ```
//! # use pac::FileTime;
//! use policy::{Account, AccountKind, Denials, ReplicationPolicy, Verdict};
//!
//! let [alice, domain_users, domain_admins] = ["1104", "513", "512"]
//!     .map(|rid| format!("S-1-5-21-1-2-3-{rid}").parse().expect("a SID"));
//! let policy = ReplicationPolicy::new([domain_admins], [domain_users]);
//! let account = |sids: &[pac::Sid]| Account {
//!     sids: sids.iter().copied().collect(),
//! #     object_sid: alice, former_sids: vec![], user_account_control: 0x200, kind: AccountKind::User,
//! #     krbtgt_number: None, account_expires: FileTime::NEVER, logon_hours: None, password_expires: FileTime::NEVER,
//!     // …
//! };
//! let judge = |sids: &[pac::Sid]| policy.judge(&account(sids), &Denials::default());
//! assert_eq!(judge(&[alice, domain_users]), Verdict::Reveal(domain_users));
//! assert_eq!(judge(&[alice, domain_users, domain_admins]), Verdict::NeverReveal(domain_admins));
//! ```

mod account;
mod admission;
mod denials;
mod logon_hours;
mod replication;
mod sid_set;
mod standing;

pub use account::{Account, AccountKind, flags};
pub use admission::{HardDenial, Rules};
pub use denials::{Denials, EVERYBODY};
pub use logon_hours::LogonHours;
pub use replication::{ReplicationPolicy, Verdict};
pub use sid_set::SidSet;
pub use standing::Standing;
