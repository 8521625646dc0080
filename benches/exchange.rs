//! What an exchange costs in the process, without sockets and directory: `cargo bench -p tgtx-benches`.
//!
//! Times depend on the machine and on who else uses it; compare rows of one run. `sha1` and its like are most of an
//! exchange: on a processor without SHA instructions everything here takes about twice as long.

use divan::Bencher;
use kdc::exchange;
use kdc::krb::crypto::{EncryptionKey, EncryptionType, KeyUsage, MacKey};
use pac::{FileTime, SignatureType};
use tgtx_benches::prepared_pac;
use tgtx_tests::scene::{NOW, STRAY_KEY, Scene};

fn main() {
    divan::main();
}

/// The whole exchange, the account at hand: verify, identify, permit, issue.
#[divan::bench]
fn warm_exchange(bencher: Bencher<'_, '_>) {
    let scene = Scene::new();
    let (served, request) = (scene.served(), scene.encode());
    bencher.bench(|| served.exchange(&request).is_ok());
}

/// The same in an armour (FAST).
#[divan::bench]
fn armored_exchange(bencher: Bencher<'_, '_>) {
    let scene = Scene::new().armored();
    let (served, request) = (scene.served(), scene.encode());
    bencher.bench(|| served.exchange(&request).is_ok());
}

/// The first half of an exchange: what is done before the directory is asked.
#[divan::bench]
fn verify(bencher: Bencher<'_, '_>) {
    let scene = Scene::new();
    let (served, request) = (scene.served(), scene.encode());
    bencher.bench(|| exchange::verify(&request, &served.snapshot()).is_ok());
}

/// What a stranger makes us pay: a well-formed request whose ticket does not open.
#[divan::bench]
fn refuse_a_stranger(bencher: Bencher<'_, '_>) {
    let scene = Scene::new().ticket(|ticket| ticket.key = &STRAY_KEY);
    let (served, request) = (scene.served(), scene.encode());
    bencher.bench(|| exchange::verify(&request, &served.snapshot()).is_err());
}

/// What a stranger without a ticket makes us pay.
#[divan::bench]
fn drop_garbage(bencher: Bencher<'_, '_>) {
    let scene = Scene::new();
    let (served, mut request) = (scene.served(), scene.encode());
    request.pop();
    bencher.bench(|| exchange::verify(&request, &served.snapshot()).is_err());
}

/// The PAC of a full TGT, both signatures included.
#[divan::bench(args = [1, 10, 100, 1000])]
fn compose_pac(bencher: Bencher<'_, '_>, groups: u32) {
    let Ok(key) = EncryptionKey::from_bytes(EncryptionType::Aes256Sha1, &[7; 32]) else { return };
    let key = MacKey::new(&key, KeyUsage::PacSignature);
    let pac = prepared_pac(groups);
    let authtime = FileTime::from_unix_seconds(NOW);
    let mut octets = Vec::new();
    bencher.bench_local(|| {
        octets.clear();
        pac.compose(authtime, "alice", SignatureType::HmacSha1Aes256, &|signed| key.mac(signed), &mut octets)
            .is_ok()
    });
}
