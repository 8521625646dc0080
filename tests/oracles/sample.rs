//! A partial TGT and a request that are right in everything, for tests to break.

use std::time::{SystemTime, UNIX_EPOCH};

use tgtx_oracles::{BodyChecksum, Key, PartialTgt, TgsRequest, mac};
use tgtx_tests::lab::{Lab, aes256_key};

const PAC_SIGNATURE: i32 = 17;

/// What a client of this account holds, and what it asks for.
pub(crate) fn exchange_of(user: &str) -> (Lab, PartialTgt, TgsRequest) {
    let lab = Lab::from_environment();
    let now = now();
    let user = lab.user(user);
    let branch = lab.branch("azuread");
    let key = Key::aes256(&aes256_key(&branch.keytab));
    let tgt = PartialTgt {
        realm: lab.realm.clone(),
        client: user.name.clone(),
        kvno: Some(branch.kvno),
        session_key: Key::aes256(&[5; 32]),
        flags: 0x4081_0000,
        authtime: now,
        starttime: Some(now),
        endtime: now + 36_000,
        renew_till: Some(now + 36_000),
        pac: Some(signed_pac(&key, now, &user.name, &user.sid)),
        key,
    };
    let request = TgsRequest {
        kdc_options: 0x4081_0000,
        sname: vec!["krbtgt".to_owned(), lab.realm.clone()],
        till: now + 86_400,
        rtime: None,
        nonce: 0x1234_5678,
        etypes: vec![18, 17],
        checksum: BodyChecksum::Keyed,
        subkey: None,
        seq_number: Some(1),
        ctime: now,
        cusec: 0,
        padata: Vec::new(),
    };
    (lab, tgt, request)
}

/// The buffers that KDCs look at; an RODC's LOGON_INFO is none of them, so its content may be anything.
pub(crate) fn signed_pac(key: &Key, authtime: i64, name: &str, sid: &str) -> Vec<u8> {
    let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let client_id = (authtime + 11_644_473_600) * 10_000_000;
    let client_info =
        [&client_id.to_le_bytes()[..], &u16::try_from(name.len()).unwrap().to_le_bytes(), &name].concat();
    let signature = |mac: &[u8]| [&16_u32.to_le_bytes()[..], mac].concat();
    let pac = |server: &[u8], kdc: &[u8]| {
        assemble(&[
            (1, vec![0; 16]),
            (10, client_info.clone()),
            (18, sid_octets(sid)),
            (6, signature(server)),
            (7, signature(kdc)),
        ])
    };
    let server = mac(key, PAC_SIGNATURE, &pac(&[0; 12], &[0; 12]));
    pac(&server, &mac(key, PAC_SIGNATURE, &server))
}

fn assemble(buffers: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let mut header = vec![];
    header.extend(u32::try_from(buffers.len()).unwrap().to_le_bytes());
    header.extend(0_u32.to_le_bytes());
    let mut content = vec![];
    for (kind, buffer) in buffers {
        let offset = 8 + 16 * buffers.len() + content.len();
        header.extend(kind.to_le_bytes());
        header.extend(u32::try_from(buffer.len()).unwrap().to_le_bytes());
        header.extend((offset as u64).to_le_bytes());
        content.extend(buffer);
        content.resize(content.len().next_multiple_of(8), 0);
    }
    [header, content].concat()
}

fn sid_octets(sid: &str) -> Vec<u8> {
    let parts: Vec<u32> = sid.split('-').skip(3).map(|part| part.parse().unwrap()).collect();
    let mut octets = vec![1, u8::try_from(parts.len()).unwrap(), 0, 0, 0, 0, 0, 5];
    octets.extend(parts.into_iter().flat_map(u32::to_le_bytes));
    octets
}

#[expect(clippy::disallowed_methods, reason = "a test against a real KDC needs the real time")]
pub(crate) fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}
