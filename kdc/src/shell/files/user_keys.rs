//! The source of user keys that there is: keytabs, watched for change.
//!
//! Another source, directory replication say, would likewise hand [`UserKeys`] to the publisher whenever it has
//! newer ones; nothing behind that knows where keys are from.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tracing::{error, info};

use super::static_faults::StaticFault;
use crate::config::KeyList;
use crate::exchange::UserKeys;
use crate::krb::keytab::Keytab;
use crate::shell::files::{self, FileVersion};
use crate::shell::observe::complaint::Complaint;
use crate::shell::observe::metrics::Metrics;

/// The keytabs of one domain's user keys, and what they held when they were read last.
pub struct UserKeytabs {
    realm: Arc<str>,
    settings: KeyList,
    /// In the order of the settings; taken before the files were read, so that no later change is missed.
    versions: Vec<Option<FileVersion>>,
    keys: Arc<UserKeys>,
}

impl UserKeytabs {
    /// Reads them.
    ///
    /// # Errors
    /// A file that is missing, open to others or no keytab, and keytabs without a key to release.
    pub fn read(realm: &str, settings: &KeyList) -> Result<Self, StaticFault> {
        let versions = versions(settings);
        let keytabs = settings.keytabs.iter().map(|file| {
            let octets = files::read_user_keytab(file)?;
            let path = || file.path().to_owned();
            Keytab::parse(&octets).map_err(|fault| StaticFault::Keytab { path: path(), fault })
        });
        let keytabs = keytabs.collect::<Result<Vec<_>, StaticFault>>()?;
        let keys = UserKeys::from_keytabs(realm, &keytabs, &settings.etypes);
        if keys.accounts() == 0 {
            let paths: Vec<PathBuf> = settings.keytabs.iter().map(|file| file.path().to_owned()).collect();
            return Err(StaticFault::NoUserKeys { realm: realm.to_owned(), paths });
        }
        Ok(Self { realm: realm.into(), settings: settings.clone(), versions, keys: Arc::new(keys) })
    }

    /// What they held.
    #[must_use]
    pub fn keys(&self) -> &Arc<UserKeys> {
        &self.keys
    }

    fn have_changed(&self) -> bool {
        self.versions != versions(&self.settings)
    }

    async fn read_again(&self) -> Result<Self, String> {
        let (realm, settings) = (Arc::clone(&self.realm), self.settings.clone());
        let read = tokio::task::spawn_blocking(move || Self::read(&realm, &settings)).await;
        read.map_err(|panicked| panicked.to_string())?.map_err(|fault| fault.to_string())
    }
}

fn versions(settings: &KeyList) -> Vec<Option<FileVersion>> {
    settings.keytabs.iter().map(FileVersion::of).collect()
}

/// Hands newer keys to `publish`, looking every `poll`. Where the files are not as they should
/// be, what was read before stays in use, and they are tried again each time.
pub async fn watch(
    mut keytabs: UserKeytabs,
    poll: Duration,
    metrics: &Metrics,
    publish: impl Fn(&Arc<UserKeys>),
) {
    let mut complaint = Complaint::default();
    let mut in_fault = false;
    loop {
        sleep(poll).await;
        if !(in_fault || keytabs.have_changed()) {
            continue;
        }
        let read = keytabs.read_again().await;
        in_fault = read.is_err();
        metrics.user_keys_read(!in_fault);
        match read {
            Ok(read) => {
                keytabs = read;
                publish(&keytabs.keys);
                complaint = Complaint::default();
                info!(realm = &*keytabs.realm, accounts = keytabs.keys.accounts(), "user keys read again");
            }
            Err(fault) => {
                if complaint.is_due(&fault, Instant::now()) {
                    error!(realm = &*keytabs.realm, "user keys stay as they were read: {fault}");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
