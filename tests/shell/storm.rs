//! More users at once than the directory answers while they wait: nobody is left without an answer, each account is read
//! once, and who was sent away finds it read.

use std::sync::LazyLock;
use std::thread::sleep;
use std::time::Duration;

use kdc::client::Credential;
use tgtx_tests::directory_server::DirectoryServer;

use super::daemon::{Daemon, Settings, eventually};
use super::domain::{DOMAIN_SID, LDIF, User, code, exchange, granted};
use super::wire::{Tcp, Udp};

/// What the directory takes for each of them: for all together, longer than anybody waits.
const PAUSE: Duration = Duration::from_millis(400);
const FIRST_RID: u32 = 5_000;
/// A directory that sleeps so long for each cannot read more of them than this in the eight seconds that a request waits.
const AT_MOST_IN_TIME: usize = 21;
const UNAVAILABLE: i32 = 29;

static USERS: LazyLock<Vec<User>> = LazyLock::new(|| {
    (FIRST_RID..FIRST_RID + 26).map(|rid| User { name: format!("visitor-{rid}").leak(), rid }).collect()
});

fn ldif() -> String {
    let users = USERS.iter().map(|User { name, rid }| {
        format!(
            "\ndn: CN={name},OU=Staff,DC=demo,DC=example\nobjectClass: user\nobjectSid: {DOMAIN_SID}-{rid}\n\
             sAMAccountName: {name}\nuserAccountControl: 512\nprimaryGroupID: 513\n\
             accountExpires: 9223372036854775807\npwdLastSet: 134238816000000000\nlastLogon: 0\nlogonCount: 0\n\
             badPwdCount: 0\n"
        )
    });
    format!("{LDIF}{}", users.collect::<String>())
}

/// One client's way to the daemon.
enum Way {
    Udp(Udp),
    Tcp(Tcp),
}

impl Way {
    fn send(&mut self, request: &[u8]) {
        match self {
            Self::Udp(udp) => udp.send(request),
            Self::Tcp(tcp) => tcp.send(request),
        }
    }

    fn receive(&mut self) -> Vec<u8> {
        match self {
            Self::Udp(udp) => udp.receive(),
            Self::Tcp(tcp) => tcp.receive(),
        }
    }
}

/// All at once, each with a request of its own: how many got a ticket. The others were told to ask elsewhere.
fn all_ask(credentials: &[Credential], way: impl Fn() -> Way) -> usize {
    let exchanges: Vec<_> = credentials.iter().map(exchange).collect();
    let mut ways: Vec<_> = exchanges
        .iter()
        .map(|exchange| {
            let mut way = way();
            way.send(&exchange.encode().unwrap());
            way
        })
        .collect();
    let mut served = 0;
    for (way, exchange) in ways.iter_mut().zip(&exchanges) {
        let reply = way.receive();
        if reply.first() == Some(&0x7e) {
            assert_eq!(code(&reply), UNAVAILABLE);
        } else {
            granted(&reply, exchange);
            served += 1;
        }
    }
    served
}

fn storm(way: impl Fn(&Daemon) -> Way) {
    let server = DirectoryServer::pacing(&ldif(), || sleep(PAUSE));
    let daemon = Daemon::start(&Settings {
        ldap: Some(server.address()),
        listen: "udp-reply-limit = 65000",
        ..Settings::default()
    });
    let users = USERS.len();
    let credentials: Vec<_> = USERS.iter().map(|user| daemon.domain.credential(*user)).collect();

    let served = all_ask(&credentials, || way(&daemon));
    assert!((1..=AT_MOST_IN_TIME).contains(&served), "{served} of {users} were served");
    let refused = u64::try_from(users - served).unwrap();
    assert_eq!(daemon.sample(r#"tgtx_refusals_total{reason="directory_unavailable"}"#), refused);
    let events = daemon.audited(users);
    let reasons = events.iter().filter(|event| event["reason"] == "directory_unavailable");
    assert_eq!(u64::try_from(reasons.count()).unwrap(), refused);
    daemon.counts("tgtx_waiting_datagrams", 0);

    let all = u64::try_from(users).unwrap();
    eventually("the accounts of those who were sent away are read", || {
        (daemon.sample(r#"tgtx_ldap_searches_total{result="ok"}"#) == all).then_some(())
    });
    assert_eq!(all_ask(&credentials, || way(&daemon)), users, "who comes back is served");
    let searches = ["ok", "unavailable", "data"]
        .map(|result| daemon.sample(&format!("tgtx_ldap_searches_total{{result=\"{result}\"}}")));
    assert_eq!(searches, [all, 0, 0], "and each was asked for once");
}

#[test]
fn who_has_waited_too_long_over_udp_is_sent_elsewhere_and_finds_the_account_read_when_back() {
    storm(|daemon| Way::Udp(Udp::to(daemon.address())));
}

#[test]
fn who_has_waited_too_long_over_tcp_is_sent_elsewhere_and_finds_the_account_read_when_back() {
    storm(|daemon| Way::Tcp(Tcp::to(daemon.address())));
}
