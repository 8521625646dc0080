//! What Windows wrote is read, and written again in the same octets.

use super::{CAPTURES, TGT_2022, TGT_RODC};
use crate::{
    AttributesInfo, BufferType, ClientInfo, FileTime, GROUP_ENABLED, LOGON_EXTRA_SIDS, LogonInfo, Mac, Pac,
    Sid, Signature, SignatureType, UpnDnsInfo, lay_out, sign,
};

#[test]
fn every_captured_buffer_encodes_to_its_own_octets() {
    for (name, bytes) in CAPTURES {
        for buffer in Pac::parse(bytes).expect(name).buffers() {
            let octets = buffer.contents;
            let encoded = match buffer.kind {
                BufferType::LOGON_INFO => LogonInfo::decode(octets).unwrap().encode().unwrap(),
                BufferType::CLIENT_INFO => ClientInfo::decode(octets).unwrap().encode().unwrap(),
                BufferType::UPN_DNS_INFO => UpnDnsInfo::decode(octets).unwrap().encode().unwrap(),
                BufferType::ATTRIBUTES_INFO => AttributesInfo::decode(octets).unwrap().encode(),
                BufferType::REQUESTOR => Sid::from_bytes(octets).unwrap().to_bytes(),
                BufferType::SERVER_CHECKSUM | BufferType::KDC_CHECKSUM | BufferType::TICKET_CHECKSUM => {
                    let signature = Signature::decode(octets).unwrap();
                    let mut encoded = Signature::blank(signature.kind, signature.rodc_identifier);
                    encoded[4..][..signature.mac.len()].copy_from_slice(signature.mac);
                    encoded
                }
                unexpected => panic!("{name} holds {unexpected}"),
            };
            assert_eq!(encoded, octets, "{name}: {}", buffer.kind);
        }
    }
}

#[test]
fn every_captured_pac_is_laid_out_to_its_own_octets() {
    for (name, bytes) in CAPTURES {
        let pac = Pac::parse(bytes).unwrap();
        let buffers: Vec<_> = pac.buffers().iter().map(|buffer| (buffer.kind, buffer.contents)).collect();
        assert_eq!(lay_out(&buffers).unwrap(), bytes, "{name}");
    }
}

#[test]
fn every_captured_pac_signs_to_its_own_octets() {
    for (name, bytes) in CAPTURES {
        let pac = Pac::parse(bytes).unwrap();
        let (server, kdc) = (pac.server_signature().unwrap(), pac.kdc_signature().unwrap());
        let mut unsigned = pac.unsigned();
        assert_ne!(unsigned, bytes, "{name}");
        // The identifier is no part of what is signed, but has to be there when the PAC is.
        for buffer in pac.buffers().iter().filter(|buffer| buffer.kind == BufferType::KDC_CHECKSUM) {
            let identifier = &buffer.contents[4 + kdc.mac.len()..];
            unsigned[buffer.offset + 4 + kdc.mac.len()..][..identifier.len()].copy_from_slice(identifier);
        }
        let mut signed = unsigned;
        sign(
            &mut signed,
            &|covered| {
                assert_eq!(covered, pac.unsigned(), "{name}");
                mac(server.mac)
            },
            &|covered| {
                assert_eq!(covered, server.mac, "{name}");
                mac(kdc.mac)
            },
        )
        .unwrap();
        assert_eq!(signed, bytes, "{name}");
    }
}

#[test]
fn reads_the_fields_of_a_full_tgt() {
    let pac = Pac::parse(TGT_2022).unwrap();
    let kinds: Vec<_> = pac.buffers().iter().map(|buffer| buffer.kind.0).collect();
    assert_eq!(kinds, [1, 6, 7, 10, 12, 17, 18]);

    let logon_info = LogonInfo::decode(pac.buffer(BufferType::LOGON_INFO).unwrap()).unwrap();
    assert_eq!(logon_info.effective_name, "testuser");
    assert_eq!(logon_info.logon_script, "");
    assert_eq!(logon_info.logon_server, "WIN2K22-1");
    assert_eq!(logon_info.user_flags, LOGON_EXTRA_SIDS);
    assert_eq!(logon_info.kick_off_time, FileTime::NEVER);
    assert_eq!(logon_info.groups.len(), 1);
    let [asserted] = logon_info.extra_sids[..] else { panic!("one extra SID") };
    assert_eq!(asserted.sid, Sid::AUTHENTICATION_AUTHORITY_ASSERTED_IDENTITY);
    assert_eq!(asserted.attributes, GROUP_ENABLED);
    assert_eq!(logon_info.resource_groups, None);

    let requestor = Sid::from_bytes(pac.buffer(BufferType::REQUESTOR).unwrap()).unwrap();
    assert_eq!(requestor, logon_info.logon_domain_id.with_rid(1107).unwrap());
    let client_info = ClientInfo::decode(pac.buffer(BufferType::CLIENT_INFO).unwrap()).unwrap();
    assert_eq!(client_info.client_id.unix_seconds(), Some(1_752_855_744));
}

#[test]
fn read_only_domain_controller_marks_its_kdc_signature_alone() {
    let pac = Pac::parse(TGT_RODC).unwrap();
    let (server, kdc) = (pac.server_signature().unwrap(), pac.kdc_signature().unwrap());
    assert_eq!((server.kind, server.rodc_identifier), (SignatureType::HmacSha1Aes256, None));
    assert_eq!((kdc.kind, kdc.rodc_identifier), (SignatureType::HmacMd5, Some(46_673)));
    let unsigned = pac.unsigned();
    let unsigned = Pac::parse(&unsigned).unwrap();
    assert_eq!(unsigned.kdc_signature().unwrap().rodc_identifier, Some(0));
    assert_eq!(unsigned.buffer(BufferType::LOGON_INFO), pac.buffer(BufferType::LOGON_INFO));
}

/// A captured checksum as a keyed function would give it.
pub(super) fn mac(octets: &[u8]) -> Mac {
    match octets.len() {
        12 => <[u8; 12]>::try_from(octets).unwrap().into(),
        16 => <[u8; 16]>::try_from(octets).unwrap().into(),
        len => panic!("no checksum has {len} octets"),
    }
}
