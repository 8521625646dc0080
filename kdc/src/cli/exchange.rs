//! `tgtx exchange`: what a device does with its partial TGT.

mod report;

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::failure::Failure;
use super::{files, json, nonce, now, print};
use crate::client::inspect::OpenedTicket;
use crate::client::keys;
use crate::client::reply::Outcome;
use crate::client::request::{BodyChecksum, BuildError, Exchange};
use crate::client::transport::{Kdc, Protocol};
use crate::client::{Credential, SessionKey};
use crate::krb::crypto::EncryptionType;
use crate::shell::entropy;
use report::Report;

/// The port of Kerberos.
const PORT: u16 = 88;

/// Trade the partial TGT in a credential cache for a full one.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit code: 0 for a full TGT, 1 for a refusal or a failure, 2 for wrong arguments.

Examples:
  tgtx exchange kdc1.lab.example --ccache partial.ccache --out full.ccache
  tgtx exchange 127.0.0.1:1088 --ccache partial.ccache --tcp --json
  tgtx exchange kdc1.lab.example --ccache partial.ccache --key-list
  tgtx exchange [::1]:88 --ccache partial.ccache --keytab krbtgt.keytab
  tgtx exchange kdc1.lab.example --ccache partial.ccache --fast")]
pub(super) struct Arguments {
    /// The KDC; port 88 where none is given
    #[arg(value_name = "HOST[:PORT]")]
    kdc: String,
    /// Credential cache with the partial TGT
    #[arg(long, value_name = "FILE")]
    ccache: PathBuf,
    /// Write the full TGT to this credential cache
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Keytab with the domain's krbtgt key: also show what is in the full TGT
    #[arg(long, value_name = "FILE")]
    keytab: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Ask over UDP alone
    #[arg(long, conflicts_with = "tcp")]
    udp: bool,
    /// Ask over TCP alone
    #[arg(long)]
    tcp: bool,
    /// How long to wait for each answer
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = super::duration)]
    timeout: Duration,
    /// Ask from this address
    #[arg(long, value_name = "ADDRESS")]
    source: Option<IpAddr>,
    /// Ask for the user's key of type 23, the NT hash, too
    #[arg(long)]
    key_list: bool,
    /// Print the keys of the key list too: whoever reads them is the user
    #[arg(long, requires = "key_list")]
    show_keys: bool,
    /// Send a subkey for the reply, as MIT does and Windows does not
    #[arg(long)]
    subkey: bool,
    /// Armour the request and its answer (FAST), as MIT does and Windows where it is told to
    #[arg(long)]
    fast: bool,
    /// Send a checksum under the session key, as MIT does, where Windows sends rsa-md5
    #[arg(long, conflicts_with = "no_checksum")]
    keyed_checksum: bool,
    /// Send no checksum over the request, as many tools do
    #[arg(long)]
    no_checksum: bool,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let partial = files::read_tgt(&arguments.ccache)?;
    // Read before anything is sent: a wrong file should not cost a ticket.
    let keys = match &arguments.keytab {
        Some(path) => Some(keys::all_keys(&files::read_keytab(path)?)),
        None => None,
    };
    let kdc = kdc(arguments)?;
    let exchange = request(arguments, &partial)?;
    let reply = kdc.ask(&exchange.encode()?)?;
    let outcome = Outcome::read(&reply, &exchange)?;

    let opened = match (&outcome, keys) {
        (Outcome::Granted(granted), Some(keys)) => {
            Some(OpenedTicket::open(&granted.credential.ticket, &keys))
        }
        _ => None,
    };
    let (opened, not_opened) = match opened.transpose() {
        Ok(opened) => (opened, None),
        Err(error) => (None, Some(error)),
    };
    let report = Report::new(kdc.address, &outcome, opened.as_ref(), arguments.show_keys);
    print(&if arguments.json { json::line(&report) } else { report.to_string() })?;
    let Outcome::Granted(granted) = outcome else {
        return Ok(ExitCode::FAILURE);
    };
    if let Some(path) = &arguments.out {
        files::write_ccache(path, granted.credential)?;
        if !arguments.json {
            print(&format!("  written          {}\n", path.display()))?;
        }
    }
    match not_opened {
        Some(error) => Err(error.into()),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// Where a KDC listens, of several addresses one that `source` can reach; port 88 where none is given.
pub(super) fn address(host: &str, source: Option<IpAddr>) -> Result<SocketAddr, Failure> {
    let found = |addresses: std::io::Result<std::vec::IntoIter<SocketAddr>>| {
        let reachable =
            |address: &SocketAddr| source.is_none_or(|source| source.is_ipv4() == address.is_ipv4());
        addresses.ok().and_then(|mut addresses| addresses.find(reachable))
    };
    found(host.to_socket_addrs())
        .or_else(|| found((host.trim_matches(['[', ']']), PORT).to_socket_addrs()))
        .ok_or_else(|| Failure::Address(host.to_owned()))
}

fn kdc(arguments: &Arguments) -> Result<Kdc, Failure> {
    let address = address(&arguments.kdc, arguments.source)?;
    Ok(Kdc {
        source: arguments.source,
        timeout: arguments.timeout,
        protocol: match (arguments.udp, arguments.tcp) {
            (true, _) => Protocol::Udp,
            (_, true) => Protocol::Tcp,
            _ => Protocol::UdpThenTcp,
        },
        ..Kdc::at(address)
    })
}

fn request<'c>(arguments: &Arguments, partial: &'c Credential) -> Result<Exchange<'c>, Failure> {
    let now = now();
    let mut exchange = Exchange::new(partial, now.seconds, nonce()?, entropy::octets()?);
    exchange.cusec = now.microseconds;
    if arguments.key_list {
        exchange.key_list = Some(vec![EncryptionType::Rc4Hmac.as_i32()]);
    }
    let subkey = SessionKey::aes256(&entropy::octets()?);
    if arguments.fast {
        exchange.arm(subkey, entropy::octets()?).map_err(BuildError::from)?;
    } else if arguments.subkey {
        exchange.subkey = Some(subkey);
    }
    if arguments.keyed_checksum {
        exchange.checksum = BodyChecksum::Keyed;
    }
    if arguments.no_checksum {
        exchange.checksum = BodyChecksum::Absent;
    }
    Ok(exchange)
}
