//! Whose partial TGT, and under which key: what `tgtx mint` and `tgtx probe` are told alike.

use std::path::PathBuf;

use clap::Args;
use pac::Sid;

use super::failure::Failure;
use super::files;
use crate::client::mint::PartialTgt;
use crate::client::{BranchKey, Principal, SessionKey, keys};
use crate::krb::messages::KerberosTime;
use crate::shell::entropy;

#[derive(Debug, Args)]
pub(super) struct Holder {
    /// Keytab with the branch key (krbtgt_AzureAD), its kvno with the branch number in the high word
    #[arg(long, value_name = "FILE")]
    pub(super) keytab: PathBuf,
    /// DNS name of the domain, in upper case
    #[arg(long)]
    pub(super) realm: String,
    /// sAMAccountName of the user; with --enterprise the user principal name
    #[arg(long, value_name = "NAME")]
    user: String,
    /// objectSid of the user
    #[arg(long, value_parser = sid)]
    pub(super) sid: Sid,
    /// Branch number, where the keytab has keys of several
    #[arg(long, value_name = "NUMBER")]
    branch: Option<u16>,
    /// Name the user by an NT-ENTERPRISE name
    #[arg(long)]
    enterprise: bool,
}

fn sid(text: &str) -> Result<Sid, pac::SidError> {
    text.parse()
}

impl Holder {
    /// The key that the ticket is sealed under.
    pub(super) fn branch_key(&self) -> Result<BranchKey, Failure> {
        let keytab = files::read_keytab(&self.keytab)?;
        keys::branch_key(&keytab, &self.realm, self.branch)
            .map_err(|error| Failure::BranchKey { path: self.keytab.clone(), error })
    }

    /// The ticket as Entra would issue it now, to be changed.
    pub(super) fn partial_tgt<'k>(
        &self,
        key: &'k BranchKey,
        now: KerberosTime,
    ) -> Result<PartialTgt<'k>, Failure> {
        let session_key = SessionKey::aes256(&entropy::octets()?);
        let confounder = entropy::octets()?;
        let mut partial =
            PartialTgt::new(key, &self.realm, &self.user, self.sid, now, session_key, confounder);
        if self.enterprise {
            partial.client = Principal::enterprise(&self.realm, &self.user);
        }
        Ok(partial)
    }
}
