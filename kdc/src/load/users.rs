//! The users of a load, and their partial TGTs.

use std::num::NonZeroUsize;
use std::thread;

use pac::{Sid, SidError};

use super::LoadError;
use crate::client::mint::PartialTgt;
use crate::client::{BranchKey, Credential, SessionKey};
use crate::krb::messages::KerberosTime;
use crate::shell::entropy;

/// An account that exists in the KDC's directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// sAMAccountName.
    pub name: String,
    /// objectSid.
    pub sid: Sid,
}

/// Reads a list of users: `name SID` a line; empty lines, and those that begin with `#`, are passed over.
///
/// # Errors
/// [`UsersError`] with the number of the first line that is neither.
pub fn parse(text: &str) -> Result<Vec<User>, UsersError> {
    let lines = text.lines().zip(1..);
    let written = lines.filter(|(line, _)| !line.trim().is_empty() && !line.starts_with('#'));
    written
        .map(|(line, number)| {
            // A name may have spaces in it, a SID has none.
            let (name, sid) =
                line.trim().rsplit_once(char::is_whitespace).ok_or(UsersError::Shape(number))?;
            let sid = sid.parse().map_err(|error| UsersError::Sid(number, error))?;
            Ok(User { name: name.trim().to_owned(), sid })
        })
        .collect()
}

/// Why a list of users cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsersError {
    /// A line is not two words.
    #[error("line {0}: not a user; write sAMAccountName and SID, with a space between")]
    Shape(u32),
    /// The last word of a line is no SID.
    #[error("line {0}: {1}")]
    Sid(u32, SidError),
}

/// A partial TGT for each, issued now, made on all cores.
///
/// # Errors
/// [`LoadError`] with the first that could not be made.
pub fn mint(
    users: &[User],
    key: &BranchKey,
    realm: &str,
    now: KerberosTime,
) -> Result<Vec<Credential>, LoadError> {
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let share = users.len().div_ceil(cores).max(1);
    let mint_all = |users: &[User]| -> Result<Vec<Credential>, LoadError> {
        users
            .iter()
            .map(|User { name, sid }| {
                let session_key = SessionKey::aes256(&entropy::octets()?);
                let partial = PartialTgt::new(key, realm, name, *sid, now, session_key, entropy::octets()?);
                Ok(partial.mint()?)
            })
            .collect()
    };
    thread::scope(|scope| {
        let shares: Vec<_> = users.chunks(share).map(|users| scope.spawn(move || mint_all(users))).collect();
        let mut credentials = Vec::with_capacity(users.len());
        for share in shares {
            credentials.extend(share.join().map_err(|_| LoadError::Thread)??);
        }
        Ok(credentials)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::krb::crypto::{EncryptionKey, EncryptionType};

    #[test]
    fn users_are_names_and_sids() {
        let users =
            parse("# two users\n\nalice S-1-5-21-1-2-3-1104\n zoe van  X\tS-1-5-21-1-2-3-1105 \n").unwrap();
        let names: Vec<&str> = users.iter().map(|user| user.name.as_str()).collect();
        assert_eq!(names, ["alice", "zoe van  X"]);
        assert_eq!(users[1].sid.to_string(), "S-1-5-21-1-2-3-1105");
        assert_eq!(parse("a S-1-5-21-1\nalice"), Err(UsersError::Shape(2)));
        assert!(matches!(parse("\nalice 1105"), Err(UsersError::Sid(2, _))));
    }

    #[test]
    fn each_user_gets_a_ticket_of_its_own_in_the_order_of_the_list() {
        let key = EncryptionKey::from_bytes(EncryptionType::Aes256Sha1, &[7; 32]).unwrap();
        let key = BranchKey::new(30_775 << 16 | 1, &key);
        let list: String = (1..=9).map(|rid| format!("user{rid} S-1-5-21-1-2-3-{rid}\n")).collect();
        let now = KerberosTime::from_unix_seconds(1_800_000_000).unwrap();
        let credentials = mint(&parse(&list).unwrap(), &key, "LAB.EXAMPLE", now).unwrap();
        let names: Vec<String> = credentials.iter().map(|credential| credential.client.name()).collect();
        assert_eq!(names, ["user1", "user2", "user3", "user4", "user5", "user6", "user7", "user8", "user9"]);
        assert_ne!(credentials[0].key.octets, credentials[1].key.octets);
    }
}
