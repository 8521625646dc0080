//! `tgtx demo`: the real daemon with a sample domain, seen from a device.
//!
//! The domain is `demo.ldif`, the keys are drawn and forgotten. The demonstration plays Entra ID, which issues a
//! partial TGT, and the device, which looks for a KDC and trades it there; the daemon between them is the one that
//! `tgtx serve` runs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use pac::Sid;
use tokio::runtime::Builder;
use tokio::time::{sleep, timeout};
use zeroize::Zeroizing;

use super::failure::Failure;
use super::{nonce, now, print};
use crate::client::inspect::{OpenedPac, OpenedTicket};
use crate::client::mint::PartialTgt;
use crate::client::reply::Outcome;
use crate::client::request::Exchange;
use crate::client::transport::{Kdc, Protocol};
use crate::client::{BranchKey, Credential, SessionKey};
use crate::config::{Config, Surroundings};
use crate::directory::Tree;
use crate::discovery::DsFlags;
use crate::krb::crypto::{EncryptionKey, EncryptionType};
use crate::krb::error_names::error_name;
use crate::krb::keys::{Key, Lab};
use crate::krb::keytab::{Entry, Keytab};
use crate::krb::messages::name_type;
use crate::shell::daemon::Daemon;
use crate::shell::files::domain_files::{DirectoryFiles, DomainFiles};
use crate::shell::listen::passed::PassedSockets;
use crate::shell::locator::{Found, Wanted, locate};
use crate::shell::{entropy, observe::http};

const CONFIG: &str = include_str!("demo.toml");
const DIRECTORY: &str = include_str!("demo.ldif");
const REALM: &str = "DEMO.EXAMPLE";

/// kvno of the domain's krbtgt, as `demo.ldif` has it.
const KRBTGT_KVNO: u32 = 2;
/// kvno of the branch: its number in the high half, its key's version in the low.
const BRANCH_KVNO: u32 = (30775 << 16) | 1;

/// How long the daemon may take to read its directory.
const PATIENCE: Duration = Duration::from_secs(5);

/// The main job on embedded defaults: trade a partial TGT and show what came of it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit code: 0 where all went as it should, else 1. Nothing is read but the program, and nothing is written.

Examples:
  tgtx demo")]
pub(super) struct Arguments {}

pub(super) fn run(_: &Arguments) -> Result<ExitCode, Failure> {
    let process = |error: &dyn std::fmt::Display| Failure::Process(error.to_string());
    let surroundings = Surroundings { file: Path::new("demo.toml"), credentials_directory: None };
    let config = Config::parse(CONFIG, surroundings)?;
    let keys = Keys::draw()?;
    let recorder = http::install_recorder().map_err(|error| process(&error))?;
    let runtime = super::runtime(Builder::new_multi_thread())?;
    let daemon = runtime.block_on(start(&config, &keys, recorder.clone()))?;
    let address = daemon.kerberos().first().copied().ok_or(Failure::Process("no socket".to_owned()))?;

    let stage = Stage::new(address, keys, recorder)?;
    print(&stage.prologue(&daemon))?;
    let found = runtime.block_on(discover(&daemon))?;
    let went_well = stage.play()? && found;
    runtime.block_on(daemon.stop());
    if went_well {
        print("\nAll went as it should.\n")?;
        Ok(ExitCode::SUCCESS)
    } else {
        print("\nSomething above is not as it should be.\n")?;
        Ok(ExitCode::FAILURE)
    }
}

/// Starts the daemon and waits until it is ready.
async fn start(config: &Config, keys: &Keys, recorder: PrometheusHandle) -> Result<Daemon, Failure> {
    let files = DomainFiles {
        keytabs: vec![(PathBuf::from("throw-away keys"), keys.keytab()?)],
        user_keys: None,
        directory: DirectoryFiles::Ldif { path: None, text: DIRECTORY.as_bytes().to_vec() },
    };
    let daemon = Daemon::start(config, vec![files], PassedSockets::default(), recorder).await?;
    let ready = async {
        while !daemon.report().ready {
            sleep(Duration::from_millis(10)).await;
        }
    };
    match timeout(PATIENCE, ready).await {
        Ok(()) => Ok(daemon),
        Err(_) => Err(Failure::Process(format!("the daemon is not ready: {:?}", daemon.report()))),
    }
}

/// What a device does first: it pings for a KDC that exchanges partial TGTs. Whether it finds the daemon.
async fn discover(daemon: &Daemon) -> Result<bool, Failure> {
    let wanted = Wanted {
        domain: REALM.to_lowercase(),
        flags: DsFlags::KDC.with(DsFlags::KEY_LIST),
        site: None,
        server: daemon.cldap().first().map(ToString::to_string),
        dns: None,
        timeout: PATIENCE,
        host: "DESKTOP-1".to_owned(),
    };
    let search = locate(&wanted).await?;
    let Some(Found { address, response }) = &search.found else {
        print(&format!("\nA device finds no KDC: {}\n", search.passed_over.join("; ")))?;
        return Ok(false);
    };
    print(&format!(
        "\nA device that looks for a KDC pings {address} and finds {}: {}\n",
        response.dns_host_name,
        response.flags.nltest()
    ))?;
    Ok(true)
}

/// The two keys, drawn for this run.
struct Keys {
    krbtgt: Zeroizing<[u8; 32]>,
    branch: Zeroizing<[u8; 32]>,
}

impl Keys {
    fn draw() -> Result<Self, Failure> {
        Ok(Self { krbtgt: Zeroizing::new(entropy::octets()?), branch: Zeroizing::new(entropy::octets()?) })
    }

    fn keytab(&self) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let entry = |components: &[&str], kvno, key: &[u8; 32]| Entry {
            realm: REALM.into(),
            components: components.iter().map(|component| component.as_bytes().to_vec()).collect(),
            name_type: name_type::PRINCIPAL.unsigned_abs(),
            timestamp: 0,
            kvno,
            etype: EncryptionType::Aes256Sha1.as_i32(),
            key: Zeroizing::new(key.to_vec()),
        };
        let entries = vec![
            entry(&["krbtgt", REALM], KRBTGT_KVNO, &self.krbtgt),
            entry(&["krbtgt_AzureAD"], BRANCH_KVNO, &self.branch),
        ];
        Keytab::new(entries).to_bytes().map_err(|error| Failure::Process(error.to_string()))
    }

    fn lab(octets: &[u8; 32], kvno: u32) -> Result<Key<Lab>, Failure> {
        EncryptionKey::from_bytes(EncryptionType::Aes256Sha1, octets)
            .map(|key| Key::new(kvno, &key))
            .map_err(|error| Failure::Process(error.to_string()))
    }
}

/// Somebody who signs in.
struct Actor {
    name: &'static str,
    story: &'static str,
    expected: Expected,
}

/// What the directory of the demonstration makes of an actor.
enum Expected {
    /// A full TGT with exactly these groups, and S-1-18-1.
    Groups(&'static [&'static str]),
    /// This refusal.
    Refused { code: i32, reason: &'static str },
}

const ACTORS: &[Actor] = &[
    Actor {
        name: "alice",
        story: "an engineer; a domain-local group and a distribution list of hers do not belong into a TGT",
        expected: Expected::Groups(&["Domain Users", "Engineering", "All Staff"]),
    },
    Actor {
        name: "dora",
        story: "a Domain Admin through a nested group",
        expected: Expected::Refused { code: 20, reason: "never_reveal" },
    },
    Actor {
        name: "dave",
        story: "an engineer whose account is disabled",
        expected: Expected::Refused { code: 18, reason: "account_disabled" },
    },
];

/// Where the play is set.
struct Stage {
    address: SocketAddr,
    branch: BranchKey,
    krbtgt: Vec<Key<Lab>>,
    /// sAMAccountName of each SID in the directory.
    names: BTreeMap<Sid, String>,
    recorder: PrometheusHandle,
}

impl Stage {
    fn new(address: SocketAddr, keys: Keys, recorder: PrometheusHandle) -> Result<Self, Failure> {
        let tree = Tree::parse(DIRECTORY).map_err(|error| Failure::Process(error.to_string()))?;
        let named = tree.entries().iter().filter_map(|entry| {
            Some((entry.sid("objectSid").ok()?, entry.text("sAMAccountName").ok()?.to_owned()))
        });
        Ok(Self {
            address,
            branch: Keys::lab(&keys.branch, BRANCH_KVNO)?,
            krbtgt: vec![Keys::lab(&keys.krbtgt, KRBTGT_KVNO)?],
            names: named.collect(),
            recorder,
        })
    }

    fn prologue(&self, daemon: &Daemon) -> String {
        format!(
            "The domain {REALM}, from the directory in this program, with keys drawn for this run.\n\
             The daemon serves it at {} over UDP and TCP; metrics at http://{}/metrics.\n",
            self.address,
            daemon.metrics()
        )
    }

    /// Plays everybody, over UDP and over TCP; whether all went as expected.
    fn play(&self) -> Result<bool, Failure> {
        let mut went_well = true;
        for actor in ACTORS {
            print(&format!("\n{}, {}\n", actor.name, actor.story))?;
            let partial = self.partial_tgt(actor.name)?;
            print(&format!(
                "  Entra ID issues    a partial TGT under key {}-{} of krbtgt_AzureAD, until {}\n",
                BRANCH_KVNO >> 16,
                BRANCH_KVNO & 0xffff,
                partial.times.endtime
            ))?;
            for protocol in [Protocol::Udp, Protocol::Tcp] {
                let before = self.refusals();
                let outcome = self.exchange(&partial, protocol)?;
                let (as_expected, told) = self.judge(actor, &outcome, &before)?;
                went_well &= as_expected;
                let transport = if protocol == Protocol::Udp { "UDP" } else { "TCP" };
                print(&format!("  over {transport}, the daemon {told}"))?;
            }
        }
        Ok(went_well)
    }

    /// What Entra ID hands to the device of this user.
    fn partial_tgt(&self, user: &str) -> Result<Credential, Failure> {
        let sid = self.names.iter().find(|(_, name)| *name == user).map(|(sid, _)| *sid);
        let sid = sid.ok_or_else(|| Failure::Process(format!("{user} is not in the directory")))?;
        let key = SessionKey::aes256(&entropy::octets()?);
        let partial = PartialTgt::new(&self.branch, REALM, user, sid, now().seconds, key, entropy::octets()?);
        Ok(partial.mint()?)
    }

    /// What the device does with it.
    fn exchange(&self, partial: &Credential, protocol: Protocol) -> Result<Outcome, Failure> {
        let now = now();
        let mut exchange = Exchange::new(partial, now.seconds, nonce()?, entropy::octets()?);
        exchange.cusec = now.microseconds;
        let reply = Kdc { protocol, ..Kdc::at(self.address) }.ask(&exchange.encode()?)?;
        Ok(Outcome::read(&reply, &exchange)?)
    }

    fn judge(&self, actor: &Actor, outcome: &Outcome, before: &[String]) -> Result<(bool, String), Failure> {
        match (outcome, &actor.expected) {
            (Outcome::Granted(granted), expected) => {
                let ticket = OpenedTicket::open(&granted.credential.ticket, &self.krbtgt)?;
                let Some(pac) = &ticket.pac else {
                    return Ok((false, "issues a TGT without PAC\n".to_owned()));
                };
                let groups = self.group_names(pac);
                let as_expected = match expected {
                    Expected::Groups(expected) => same(&groups, expected),
                    Expected::Refused { .. } => false,
                };
                let signed = pac.server_signature.holds && pac.kdc_signature.holds;
                Ok((
                    as_expected && signed,
                    told(granted.credential.times.endtime, granted, pac, &groups, signed),
                ))
            }
            (Outcome::Denied(denied), expected) => {
                let reason =
                    self.refusals().into_iter().find(|line| !before.contains(line)).unwrap_or_default();
                let label = reason.split('"').nth(1).unwrap_or("nothing").to_owned();
                let as_expected = matches!(expected, Expected::Refused { code, reason }
                    if *code == denied.code && *reason == label);
                let name = error_name(denied.code).unwrap_or("unknown");
                let told = format!(
                    "refuses\n    to the device      {} {name}\n    to the operator    {label}\n",
                    denied.code
                );
                Ok((as_expected, told))
            }
        }
    }

    fn group_names(&self, pac: &OpenedPac) -> Vec<String> {
        let name = |sid: Sid| self.names.get(&sid).cloned().unwrap_or_else(|| sid.to_string());
        pac.groups().into_iter().map(name).collect()
    }

    /// The refusals counted so far, a line of `/metrics` each.
    fn refusals(&self) -> Vec<String> {
        let counted = |line: &&str| line.starts_with("tgtx_refusals_total{") && !line.ends_with(" 0");
        self.recorder.render().lines().filter(counted).map(str::to_owned).collect()
    }
}

/// Whether these are the groups, with the asserted identity that every full TGT has ([MS-KILE] 3.3.5.6.4.1).
fn same(groups: &[String], expected: &[&str]) -> bool {
    let asserted = Sid::AUTHENTICATION_AUTHORITY_ASSERTED_IDENTITY.to_string();
    let mut expected: Vec<String> =
        expected.iter().map(|name| (*name).to_owned()).chain([asserted]).collect();
    let mut groups = groups.to_vec();
    expected.sort();
    groups.sort();
    groups == expected
}

fn told(
    endtime: crate::krb::messages::KerberosTime,
    granted: &crate::client::reply::Granted,
    pac: &OpenedPac,
    groups: &[String],
    signed: bool,
) -> String {
    let mut text = String::from("issues the full TGT\n");
    let account = pac.logon_info.as_ref().map(|info| info.effective_name.as_str()).unwrap_or_default();
    let requestor = pac.requestor.map(|sid| sid.to_string()).unwrap_or_default();
    let buffers: Vec<String> =
        pac.buffers.iter().map(|(kind, octets)| format!("{kind} ({octets})")).collect();
    let lines = [
        ("who", format!("{account}, {requestor}")),
        ("groups", groups.join(", ")),
        ("valid", format!("until {endtime}, session key of type {}", granted.credential.key.etype)),
        ("PAC", buffers.join(", ")),
        ("signatures", if signed { "both hold under the domain's krbtgt key" } else { "BROKEN" }.to_owned()),
    ];
    for (label, line) in lines {
        // Writing to a string does not fail.
        let _ = writeln!(text, "    {label:<18} {line}");
    }
    text
}
