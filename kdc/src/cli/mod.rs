//! The verbs of `tgtx`.
//!
//! A verb reads files, calls the library and prints: results on standard output, everything else on standard
//! error. Exit codes: 0 as asked, 1 refused or failed, 2 not understood. No secret is ever an argument, since
//! arguments are for every user of the machine to see.

mod check;
mod completions;
mod control;
mod csv;
mod decode_error;
mod demo;
mod dns;
mod dsgetdc;
mod exchange;
mod explain;
mod exposure;
mod failure;
mod files;
mod findings;
mod guid;
mod holder;
mod init;
mod json;
mod kerberos_server;
mod keys;
mod load;
mod man;
mod mint;
mod one_domain;
mod orders;
mod path_step;
mod plan;
mod probe;
mod progress;
mod prt;
mod serve;
mod shown;
mod status;
mod ticket;
mod undecidable;
mod what_if;

use std::ffi::OsString;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::panic;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};
use tokio::runtime::{Builder, Runtime};

use crate::config::{Config, socket_address, units};
use crate::exchange::Timestamp;
use crate::shell::clock::Clock;
use crate::shell::files::config_file;
use crate::shell::{client_keytab, entropy};
use crate::version::{self, VERSION};
use failure::Failure;
use shown::complain;

/// Trades Entra ID's partial TGTs for full ones, on-premises.
#[derive(Debug, Parser)]
#[command(
    name = "tgtx",
    version = VERSION,
    long_version = version::in_full(),
    arg_required_else_help = true,
    after_help = EXAMPLES
)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

const EXAMPLES: &str = "\
Examples:
  tgtx mint --keytab azuread.keytab --realm LAB.EXAMPLE --user alice --sid S-1-5-21-1-2-3-1107 --out partial.ccache
  tgtx exchange 127.0.0.1:88 --ccache partial.ccache --out full.ccache
  tgtx ticket decode full.ccache --keytab krbtgt.keytab
  tgtx explain alice
  tgtx dsgetdc lab.example --keylist --kdc";

#[derive(Debug, Subcommand)]
enum Verb {
    Serve(serve::Arguments),
    Init(init::Arguments),
    Demo(demo::Arguments),
    Check(check::Arguments),
    Status(status::Arguments),
    #[command(subcommand)]
    Keys(keys::Verb),
    Reload(orders::ReloadArguments),
    Drain(orders::DrainArguments),
    Explain(explain::Arguments),
    WhatIf(what_if::Arguments),
    Exposure(exposure::Arguments),
    #[command(subcommand)]
    KerberosServer(kerberos_server::Verb),
    Mint(mint::Arguments),
    Exchange(exchange::Arguments),
    Load(load::Arguments),
    Probe(probe::Arguments),
    Plan(plan::Arguments),
    #[command(subcommand)]
    Prt(prt::Verb),
    #[command(subcommand)]
    Ticket(ticket::Verb),
    #[command(subcommand)]
    Dns(dns::Verb),
    Dsgetdc(dsgetdc::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

/// Where DNS is asked.
const DNS_PORT: u16 = 53;

/// Where the configuration is unless `--config` or a variable of the environment says otherwise.
const CONFIG: &str = "/etc/tgtx/tgtx.toml";
const CONFIG_VARIABLE: &str = "TGTX_CONFIG";

/// Libraries that panic over malformed answers of a directory server, in tasks whose end is told by who waits for it.
const TOLERATED: [&str; 2] = ["/ldap3-", "/lber-"];

/// Runs the verb that the arguments name; the first of them is the program.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are answers, on standard output; nothing is left to do if printing fails.
            let _ = error.print();
            return u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from);
        }
    };
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        if !TOLERATED.iter().any(|library| place.contains(library)) {
            complain(&format!("a defect, at {place}: {}", panic.payload_as_str().unwrap_or("panic")));
        }
    }));
    let done = match arguments.verb {
        Verb::Serve(arguments) => serve::run(&arguments),
        Verb::Init(arguments) => init::run(&arguments),
        Verb::Demo(arguments) => demo::run(&arguments),
        Verb::Check(arguments) => check::run(&arguments),
        Verb::Status(arguments) => status::run(&arguments),
        Verb::Keys(verb) => keys::run(&verb),
        Verb::Reload(arguments) => orders::reload(&arguments),
        Verb::Drain(arguments) => orders::drain(&arguments),
        Verb::Explain(arguments) => explain::run(&arguments),
        Verb::WhatIf(arguments) => what_if::run(&arguments),
        Verb::Exposure(arguments) => exposure::run(&arguments),
        Verb::KerberosServer(verb) => kerberos_server::run(&verb),
        Verb::Mint(arguments) => mint::run(&arguments),
        Verb::Exchange(arguments) => exchange::run(&arguments),
        Verb::Load(arguments) => load::run(&arguments),
        Verb::Probe(arguments) => probe::run(&arguments),
        Verb::Plan(arguments) => plan::run(&arguments),
        Verb::Prt(verb) => prt::run(&verb),
        Verb::Ticket(verb) => ticket::run(&verb),
        Verb::Dns(verb) => dns::run(&verb),
        Verb::Dsgetdc(arguments) => dsgetdc::run(&arguments),
        Verb::Completions(arguments) => completions::run(&arguments),
        Verb::Man(arguments) => man::run(&arguments),
    };
    match done {
        Ok(code) => code,
        Err(failure) => {
            complain(&failure.to_string());
            failure.exit_code()
        }
    }
}

/// Prints a result. `println!` would panic where a reader has closed the pipe.
fn print(text: &str) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    output.write_all(text.as_bytes()).and_then(|()| output.flush()).map_err(Failure::Output)
}

/// The configuration, for a verb that goes on to ask directories. May start the program anew, see [`client_keytab`], so
/// nothing is to be done before.
fn config(path: &Path) -> Result<Config, Failure> {
    let config = config_file::load(path)?;
    client_keytab::enter(&config).map_err(Failure::Anew)?;
    Ok(config)
}

/// The runtime that a verb waits on: of one thread or of many.
fn runtime(mut threads: Builder) -> Result<Runtime, Failure> {
    threads.enable_all().build().map_err(Failure::Runtime)
}

/// The wall clock.
fn now() -> Timestamp {
    Clock::start().now()
}

/// A nonce of 31 random bits. RFC 4120 has 32, but Heimdal's KDC, and so Samba's, silently drops a request whose
/// nonce or seq-number does not fit a signed number; MIT's client therefore keeps to 31 too.
fn nonce() -> Result<u32, Failure> {
    Ok(u32::from_be_bytes(entropy::octets()?) & 0x7fff_ffff)
}

/// A duration as configuration files have it: `10h`, `30m`; never none.
fn duration(text: &str) -> Result<Duration, String> {
    let duration = units::duration(text).map_err(|error| error.to_string())?;
    if duration.is_zero() { Err("must be more than 0".to_owned()) } else { Ok(duration) }
}

/// A server of DNS: an address, with or without a port.
fn dns_server(text: &str) -> Result<SocketAddr, &'static str> {
    socket_address(text, DNS_PORT).ok_or("not an address; write ADDRESS, ADDRESS:PORT or [IPv6]:PORT")
}

#[cfg(test)]
mod commands;

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_verbs_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn what_is_not_understood_exits_with_2() {
        for arguments in [
            &["tgtx", "no-such-verb"][..],
            &["tgtx", "mint", "--user", "alice"],
            &["tgtx", "exchange", "host", "--ccache", "x", "--udp", "--tcp"],
            &["tgtx", "load", "host"],
            &["tgtx", "load", "host", "--users", "x"],
            &["tgtx", "load", "host", "--ccache", "x", "--in-flight", "65536"],
            &["tgtx", "load", "host", "--ccache", "x", "--threads", "1025"],
            &["tgtx", "exchange", "host", "--ccache", "x", "--timeout", "0s"],
            &["tgtx", "dns", "records", "--site", ""],
            &["tgtx", "dns", "records", "--site", "a b"],
            &["tgtx", "dns", "records", "--host", "x\ny"],
            &["tgtx", "dns", "records", "--host", "a..b"],
            &["tgtx", "load", "host", "--ccache", "x", "--once", "--duration", "1s"],
        ] {
            let code = run(arguments.iter().map(OsString::from));
            assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::from(2)));
        }
    }
}
