//! The state of an account at a moment: what a domain controller checks before it issues a TGT.

use pac::FileTime;

use crate::{Account, flags};

/// Whether an account may log on now, and if not, the first reason in the order a domain controller finds it.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing stands against it.
    Good,
    /// ACCOUNTDISABLE is set.
    Disabled,
    /// Too many bad passwords, and the lockout has not run out.
    LockedOut,
    /// `accountExpires` has passed.
    Expired,
    /// `logonHours` does not include this hour.
    OutsideLogonHours,
    /// The password must be changed at the next logon.
    MustChangePassword,
    /// The password is older than the policy allows.
    PasswordExpired,
}

impl Account {
    /// The account's state at `now` ([MS-KILE] 3.3.5.7.1).
    ///
    /// It is checked whatever the age of the ticket: the twenty minutes of grace are for service tickets of a
    /// client that a domain controller has checked before, and this one comes from outside. A smart card
    /// being required (0x40000) is no obstacle: cloud trust is a way to sign in without a password.
    pub fn standing(&self, now: FileTime) -> Standing {
        if self.has(flags::ACCOUNT_DISABLE) {
            Standing::Disabled
        } else if self.has(flags::LOCKOUT) {
            Standing::LockedOut
        } else if self.account_expires != FileTime::ZERO && self.account_expires <= now {
            Standing::Expired
        } else if self.logon_hours.is_some_and(|hours| !hours.permit(now)) {
            Standing::OutsideLogonHours
        } else if self.password_expires == FileTime::ZERO {
            Standing::MustChangePassword
        } else if self.has(flags::PASSWORD_EXPIRED) || self.password_expires <= now {
            Standing::PasswordExpired
        } else {
            Standing::Good
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::tests::alice;
    use crate::{AccountKind, LogonHours};

    const NOW: i64 = 1_752_855_744;

    fn now() -> FileTime {
        FileTime::from_unix_seconds(NOW)
    }

    #[test]
    fn an_unrestricted_account_is_in_good_standing() {
        assert_eq!(alice().standing(now()), Standing::Good);
    }

    #[test]
    fn the_first_reason_in_order_is_given() {
        // From the last reason to the first: each is added to those below it.
        let mut account = alice();
        account.user_account_control |= flags::PASSWORD_EXPIRED;
        assert_eq!(account.standing(now()), Standing::PasswordExpired);
        account.password_expires = FileTime::ZERO;
        assert_eq!(account.standing(now()), Standing::MustChangePassword);
        account.logon_hours = Some(LogonHours([0; 21]));
        assert_eq!(account.standing(now()), Standing::OutsideLogonHours);
        account.account_expires = FileTime::from_unix_seconds(NOW - 1);
        assert_eq!(account.standing(now()), Standing::Expired);
        account.user_account_control |= flags::LOCKOUT;
        assert_eq!(account.standing(now()), Standing::LockedOut);
        account.user_account_control |= flags::ACCOUNT_DISABLE;
        assert_eq!(account.standing(now()), Standing::Disabled);
    }

    #[test]
    fn account_expires_at_the_second_it_names_and_zero_is_never() {
        let cases = [
            (FileTime::ZERO, Standing::Good),
            (FileTime::NEVER, Standing::Good),
            (FileTime::from_unix_seconds(NOW + 1), Standing::Good),
            (FileTime::from_unix_seconds(NOW), Standing::Expired),
        ];
        for (account_expires, expected) in cases {
            assert_eq!(Account { account_expires, ..alice() }.standing(now()), expected);
        }
    }

    #[test]
    fn the_password_expires_at_the_second_it_names() {
        for (seconds, expected) in [(1, Standing::Good), (0, Standing::PasswordExpired)] {
            let password_expires = FileTime::from_unix_seconds(NOW + seconds);
            assert_eq!(Account { password_expires, ..alice() }.standing(now()), expected);
        }
    }

    #[test]
    fn what_restricts_other_ways_to_log_on_restricts_nothing_here() {
        // Password not required, smart card required, not delegated, no pre-authentication, DES only.
        for bit in [0x20, 0x4_0000, 0x10_0000, 0x40_0000, 0x20_0000] {
            let account = Account { user_account_control: 0x200 | bit, ..alice() };
            assert_eq!(account.standing(now()), Standing::Good, "{bit:#x}");
        }
        let computer = Account { kind: AccountKind::Computer, ..alice() };
        assert_eq!(computer.standing(now()), Standing::Good, "admission judges kinds");
    }
}
