//! The verbs of `tgtx`.
//!
//! A verb reads files, calls the library and prints: results on standard output, everything else on standard
//! error. Exit codes: 0 as asked, 1 refused or failed, 2 not understood. No secret is ever an argument, since
//! arguments are for every user of the machine to see.

mod check;
mod decode_error;
mod demo;
mod dns;
mod dsgetdc;
mod exchange;
mod explain;
mod failure;
mod files;
mod mint;
mod report;
mod serve;
mod ticket;

use std::ffi::OsString;
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::config::units;
use crate::exchange::Timestamp;
use crate::shell::clock::Clock;
use crate::shell::entropy;
use failure::Failure;

/// Trades Entra ID's partial TGTs for full ones, on-premises.
#[derive(Debug, Parser)]
#[command(name = "tgtx", version, arg_required_else_help = true, after_help = EXAMPLES)]
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
    Demo(demo::Arguments),
    Check(check::Arguments),
    Explain(explain::Arguments),
    Mint(mint::Arguments),
    Exchange(exchange::Arguments),
    Ticket(ticket::Arguments),
    Dns(dns::Arguments),
    Dsgetdc(dsgetdc::Arguments),
}

/// Where DNS is asked.
const DNS_PORT: u16 = 53;

/// Where the configuration is unless `--config` says otherwise.
const CONFIG: &str = "/etc/tgtx/tgtx.toml";

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
    let done = match arguments.verb {
        Verb::Serve(arguments) => serve::run(&arguments),
        Verb::Demo(arguments) => demo::run(&arguments),
        Verb::Check(arguments) => check::run(&arguments),
        Verb::Explain(arguments) => explain::run(&arguments),
        Verb::Mint(arguments) => mint::run(&arguments),
        Verb::Exchange(arguments) => exchange::run(&arguments),
        Verb::Ticket(arguments) => ticket::run(&arguments),
        Verb::Dns(arguments) => dns::run(&arguments),
        Verb::Dsgetdc(arguments) => dsgetdc::run(&arguments),
    };
    match done {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("tgtx: {failure}");
            failure.exit_code()
        }
    }
}

/// Prints a result. `println!` would panic where a reader has closed the pipe.
fn print(text: &str) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    output.write_all(text.as_bytes()).and_then(|()| output.flush()).map_err(Failure::Output)
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

/// A duration as configuration files have it: `10h`, `30m`.
fn duration(text: &str) -> Result<Duration, units::UnitError> {
    units::duration(text)
}

/// A server of DNS: an address, with or without a port.
fn dns_server(text: &str) -> Result<SocketAddr, &'static str> {
    let bare = |text: &str| text.parse::<IpAddr>().ok().map(|address| SocketAddr::new(address, DNS_PORT));
    text.parse()
        .ok()
        .or_else(|| bare(text))
        .ok_or("not an address; write ADDRESS, ADDRESS:PORT or [IPv6]:PORT")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn a_server_of_dns_is_an_address_with_or_without_a_port() {
        let cases = [
            ("192.0.2.1", Some("192.0.2.1:53")),
            ("192.0.2.1:5353", Some("192.0.2.1:5353")),
            ("2001:db8::1", Some("[2001:db8::1]:53")),
            ("[2001:db8::1]:5353", Some("[2001:db8::1]:5353")),
            ("dns.example", None),
        ];
        for (text, expected) in cases {
            assert_eq!(dns_server(text).ok(), expected.map(|address| address.parse().unwrap()), "{text}");
        }
    }

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
        ] {
            let code = run(arguments.iter().map(OsString::from));
            assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::from(2)));
        }
    }
}
