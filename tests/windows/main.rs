//! Against what Windows wrote: `tests/vectors`, each folder with its origin.
//!
//! The PAC of Windows Server 2022 is rebuilt to its last octet; every message, ticket, authenticator and PAC decodes,
//! opens, verifies and is written again in the same octets; a captured client is served; and the TGT of a real
//! read-only domain controller, which is what an exchanger is given, goes through the whole pipeline.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use kdc::client::BranchKey;
use kdc::krb::crypto::{EncryptionKey, EncryptionType};
use kdc::krb::der::Der;
use kdc::krb::keytab::{Entry, Keytab};
use kdc::krb::messages::{EncTicketPart, Ticket};
use pac::Pac;

macro_rules! vector {
    ($name:literal) => {
        include_bytes!(concat!("../vectors/", $name)).as_slice()
    };
}

// Behind the macro that they use.
mod messages;
mod pipeline;

const KEYTAB_2022: &[u8] = vector!("windows-server-2022/keytab");
const LDIF_2022: &str = include_str!("../vectors/windows-server-2022/testuser.ldif");
const PAC_2022: &[u8] = vector!("windows-server-2022/tgt-pac.bin");
const KRBTGT_REQUEST_2022: &[u8] = vector!("windows-server-2022/tgs-req-krbtgt-forwarded.bin");
const CIFS_REQUEST_2022: &[u8] = vector!("windows-server-2022/tgs-req-cifs.bin");
const KEYS_2019: &str = include_str!("../vectors/windows-2019/keys.json");
const KEYS_RODC: &str = include_str!("../vectors/windows-rodc-2021/keys.json");
const TGT_RODC: &[u8] = vector!("windows-rodc-2021/tgt_rodc.bin");

/// Octets of a key in a `keys.json`.
fn key_octets(json: &str, name: &str) -> Vec<u8> {
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    let hex = json[name].as_str().expect("a key of that name");
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..][..2], 16).unwrap()).collect()
}

fn aes256(octets: &[u8]) -> EncryptionKey {
    EncryptionKey::from_bytes(EncryptionType::Aes256Sha1, octets).unwrap()
}

fn lab_key(json: &str, name: &str) -> BranchKey {
    BranchKey::new(0, &aes256(&key_octets(json, name)))
}

/// The domain's krbtgt key of the 2022 capture.
fn krbtgt_2022() -> BranchKey {
    let keytab = Keytab::parse(KEYTAB_2022).unwrap();
    let of_krbtgt = |entry: &&Entry| entry.components[0] == b"krbtgt" && entry.etype == 18;
    let entry = keytab.entries().iter().find(of_krbtgt).expect("krbtgt's AES256 key");
    BranchKey::new(entry.kvno, &aes256(&entry.key))
}

/// A ticket opened with whichever of the keys fits: its part, and that key.
fn open_ticket<'k>(ticket: &Ticket<'_>, keys: &'k [BranchKey]) -> (Vec<u8>, &'k BranchKey) {
    keys.iter()
        .filter(|key| key.etype().as_i32() == ticket.enc_part.etype)
        .find_map(|key| Some((key.open_ticket(ticket.enc_part.cipher).ok()?.to_vec(), key)))
        .expect("a key that opens the ticket")
}

fn same_octets<'a, T: Der<'a>>(octets: &'a [u8], what: &str) -> T
where
    T::Encoded: AsRef<[u8]>,
{
    let value = T::parse(octets).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(value.to_der().as_ref(), octets, "{what}");
    value
}

/// The PAC in a ticket's part, and everything in it written again.
fn pac_of(part: &EncTicketPart<'_>, what: &str) -> Vec<u8> {
    let data = part.authorization_data.expect("authorization data");
    let octets = data.pacs().unwrap().only().expect("one PAC").to_vec();
    let pac = Pac::parse(&octets).unwrap();
    let buffers: Vec<_> = pac.buffers().iter().map(|buffer| (buffer.kind, buffer.contents)).collect();
    assert_eq!(pac::lay_out(&buffers).unwrap(), octets, "{what}");
    octets
}
