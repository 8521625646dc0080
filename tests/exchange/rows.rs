//! The good request with one thing broken, for each reason to refuse it, in the order of the checks.
//!
//! A name begins with the row of the attack catalogue or of the protocol's table of checks (`r22` is row 22).

use kdc::client::request::{BodyChecksum, Exchange};
use kdc::client::{Address, Principal, SessionKey, mint};
use kdc::exchange::Refusal;
use kdc::krb::der::{Der, Writer};
use kdc::krb::messages::{
    AuthorizationElement, KdcReq, KerberosTime, WireInt, ad_type, kdc_options, name_type, pa_type,
    ticket_flags,
};
use pac::{BufferType, FileTime};
use tgtx_tests::scene::{NONCE, NOW, RC4_KEY, REALM, STRAY_KEY, Scene, at, sid};

/// One thing broken.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) expected: Refusal,
    /// What is broken: rows with the same subject contradict each other.
    pub(crate) subject: &'static str,
    pub(crate) breaks: fn(Scene) -> Scene,
}

const fn row(
    name: &'static str,
    subject: &'static str,
    expected: Refusal,
    breaks: fn(Scene) -> Scene,
) -> Row {
    Row { name, expected, subject, breaks }
}

/// Where pvno and msg-type begin: `a1 03 02 01 05 a2 03 02 01 0c`.
fn versions(octets: &[u8]) -> usize {
    octets.windows(5).position(|window| matches!(window, [0xa1, 3, 2, 1, _])).unwrap()
}

#[rustfmt::skip]
pub(crate) const ROWS: &[Row] = &[
    // The message as such.
    row("d16 40 padata", "much padata", Refusal::MessageTooLarge, |scene| {
        padata(scene, vec![(149, Vec::new()); 40])
    }),
    row("r01 pvno 4", "pvno", Refusal::ProtocolVersion, |scene| {
        scene.octets(|octets| {
            let pvno = versions(octets) + 4;
            octets[pvno] = 4;
        })
    }),
    row("d32 an AS-REQ", "msg-type", Refusal::AsRequest, |scene| {
        scene.octets(|octets| {
            let msg_type = versions(octets) + 9;
            (octets[0], octets[msg_type]) = (0x6a, 10);
        })
    }),
    row("r02 no padata", "no padata", Refusal::NoPadata, |scene| {
        scene.octets(|octets| {
            // A request with too much of it cannot be read, and has no less of it for that.
            if let Ok(mut request) = KdcReq::parse(&octets.clone()) {
                request.padata = None;
                *octets = request.to_der();
            }
        })
    }),
    row("r02 no PA-TGS-REQ", "PA-TGS-REQ", Refusal::NoTgsReq, |scene| {
        scene.request(|request| request.presents_ticket = false)
    }),
    row("d15 two PA-TGS-REQ with different tickets", "PA-TGS-REQ", Refusal::DuplicatePadata, |scene| {
        scene.request(|request| {
            let other = Scene::new().user("paula", 1106).credential();
            let encoded = Exchange::new(&other, at(0), 1, [0; 16]).encode().unwrap();
            let other = KdcReq::parse(&encoded).unwrap();
            let ap_req = other.padata_of_kind(pa_type::TGS_REQ).next().unwrap();
            request.more_padata.push((pa_type::TGS_REQ, ap_req.to_vec()));
        })
    }),
    row("e12 PA-FX-FAST", "FAST", Refusal::Fast, |scene| padata(scene, vec![(pa_type::FX_FAST, vec![0x30, 0])])),
    row("e13 FX-FAST-ARMOR among the padata", "armour padata", Refusal::FastArmor, |scene| {
        padata(scene, vec![(pa_type::FX_FAST_ARMOR, vec![0x30, 0])])
    }),

    // Ours or not.
    row("a15 the ticket is of a realm that we do not serve", "ticket realm", Refusal::WrongRealm, |scene| {
        scene.ticket(|ticket| ticket.server.realm = b"OTHER.EXAMPLE".to_vec())
            .request(|request| request.server = Principal::krbtgt(REALM))
    }),
    row("d12 the body is of another realm", "body realm", Refusal::WrongRealm, |scene| {
        scene.request(|request| request.server.realm = b"OTHER.EXAMPLE".to_vec())
    }),
    row("d13 the body's realm is the NetBIOS name", "body realm", Refusal::WrongRealm, |scene| {
        scene.request(|request| request.server.realm = b"LAB".to_vec())
    }),
    row("a10 a ticket for kadmin/changepw", "ticket sname", Refusal::TicketNotKrbtgt, |scene| {
        ticket_for(scene, &[b"kadmin", b"changepw"])
    }),
    row("a13 a ticket for krbtgt of nothing", "ticket sname", Refusal::TicketNotKrbtgt, |scene| {
        ticket_for(scene, &[b"krbtgt"])
    }),
    row("a14 a ticket for another realm's krbtgt", "ticket sname", Refusal::TicketNotKrbtgt, |scene| {
        ticket_for(scene, &[b"krbtgt", b"OTHER.EXAMPLE"])
    }),
    row("a07 a full TGT: the high word of its kvno is 0", "kvno", Refusal::NotPartial, |scene| {
        scene.ticket(|ticket| ticket.kvno = Some(WireInt::unsigned(5)))
    }),
    row("r06 a ticket without kvno", "kvno", Refusal::NotPartial, |scene| {
        scene.ticket(|ticket| ticket.kvno = None)
    }),
    row("a03 a branch of which no key is loaded", "kvno", Refusal::UnknownBranch, |scene| {
        scene.ticket(|ticket| ticket.kvno = Some(WireInt::unsigned(31_000 << 16 | 5)))
    }),
    row("d05 PA-FOR-USER", "S4U", Refusal::S4u, |scene| padata(scene, vec![(pa_type::FOR_USER, Vec::new())])),
    row("d05 PA-S4U-X509-USER", "S4U", Refusal::S4u, |scene| {
        padata(scene, vec![(pa_type::S4U_X509_USER, Vec::new())])
    }),
    row("d04 POSTDATED", "postdating", Refusal::Postdated, |scene| {
        scene.request(|request| request.kdc_options |= kdc_options::POSTDATED)
    }),
    row("d01 RENEW", "options", Refusal::KdcOption, |scene| option(scene, 0x0000_0002)),
    row("d01 VALIDATE", "options", Refusal::KdcOption, |scene| option(scene, 0x0000_0001)),
    row("d03 FORWARDED", "options", Refusal::KdcOption, |scene| option(scene, 0x2000_0000)),
    row("d03 PROXY", "options", Refusal::KdcOption, |scene| option(scene, 0x0800_0000)),
    row("d04 ALLOW-POSTDATE", "options", Refusal::KdcOption, |scene| option(scene, 0x0400_0000)),
    row("d07 ENC-TKT-IN-SKEY", "options", Refusal::KdcOption, |scene| option(scene, 0x0000_0008)),
    row("r18 CNAME-IN-ADDL-TKT", "options", Refusal::KdcOption, |scene| option(scene, 0x0002_0000)),
    row("r18 request-anonymous", "options", Refusal::KdcOption, |scene| option(scene, 0x0000_8000)),
    row("d09 a service ticket is asked for", "sname", Refusal::ServiceTicket, |scene| {
        scene.request(|request| request.server.components = vec![b"cifs".to_vec(), b"dc1.lab.example".to_vec()])
    }),
    row("d11 nothing is asked for", "sname", Refusal::ServiceTicket, |scene| {
        scene.request(|request| request.names_server = false)
    }),
    row("r18 another realm's krbtgt is asked for", "sname", Refusal::ServiceTicket, |scene| {
        scene.request(|request| request.server.components[1] = b"OTHER.EXAMPLE".to_vec())
    }),
    row("d08 an additional ticket", "additional tickets", Refusal::UnsupportedField, |scene| {
        scene.request(|request| request.additional_tickets = vec![request.credential.ticket.clone()])
    }),
    row("r18 enc-authorization-data", "enc-authorization-data", Refusal::UnsupportedField, |scene| {
        scene.request(|request| request.enc_authorization_data = Some((18, vec![0; 32])))
    }),
    row("d04 from one second beyond the skew", "postdating", Refusal::Postdated, |scene| {
        scene.request(|request| request.from = Some(at(301)))
    }),
    row("r60 PA-PAC-OPTIONS that do not decode", "PA-PAC-OPTIONS", Refusal::MalformedPadata, |scene| {
        scene.request(|request| {
            request.pac_options = None;
            request.more_padata.push((pa_type::PAC_OPTIONS, b"?".to_vec()));
        })
    }),
    row("d15 PA-PAC-OPTIONS twice", "PA-PAC-OPTIONS", Refusal::DuplicatePadata, |scene| {
        padata(scene, vec![(pa_type::PAC_OPTIONS, vec![0x30, 9, 0xa0, 7, 3, 5, 0, 0x40, 0, 0, 0])])
    }),
    row("r60 a key list that does not decode", "key list", Refusal::MalformedPadata, |scene| {
        padata(scene, vec![(pa_type::KERB_KEY_LIST_REQ, vec![0x30, 1])])
    }),

    // The ticket.
    row("a09 a ticket under DES", "ticket etype", Refusal::NoKey, |scene| scene.ticket(|ticket| ticket.etype = 3)),
    row("a09 a ticket under RC4, whose key is loaded for signatures", "ticket etype", Refusal::NoKey, |scene| {
        scene.with_rc4().ticket(|ticket| ticket.etype = 23)
    }),
    row("a02 a ticket under somebody else's key", "ticket key", Refusal::TicketIntegrity, |scene| {
        scene.ticket(|ticket| ticket.key = &STRAY_KEY)
    }),
    row("a23 an RC4 session key", "session key", Refusal::SessionKeyType, |scene| session_key(scene, 23, &[1; 16])),
    row("a23 an RC4-MD4 session key", "session key", Refusal::SessionKeyType, |scene| {
        session_key(scene, -128, &[1; 16])
    }),
    row("a23 a session key of the wrong length", "session key", Refusal::SessionKey, |scene| {
        session_key(scene, 18, &[1; 16])
    }),
    row("a23 a session key of zeros", "session key", Refusal::SessionKey, |scene| session_key(scene, 18, &[0; 32])),
    row("a21 the INVALID flag", "INVALID", Refusal::TicketInvalid, |scene| flag(scene, ticket_flags::INVALID)),
    row("r09a a ticket that ends as it starts", "ticket times", Refusal::TicketNeverValid, |scene| {
        scene.ticket(|ticket| ticket.times.endtime = at(0))
    }),
    row("a19 a ticket that starts one second beyond the skew", "ticket times", Refusal::TicketNotYetValid, |scene| {
        scene.ticket(|ticket| ticket.times.starttime = Some(at(301)))
    }),
    row("a19 the same by its authtime", "ticket times", Refusal::TicketNotYetValid, |scene| {
        scene.ticket(|ticket| {
            ticket.set_times(at(301), at(3600));
            ticket.times.starttime = None;
        })
    }),
    row("a11 a ticket that ends in two minutes", "ticket times", Refusal::TicketExpired, |scene| {
        scene.ticket(|ticket| ticket.set_times(at(-3600), at(120)))
    }),
    row("a18 a partial TGT beyond max-partial-lifetime", "ticket times", Refusal::LongPartial, |scene| {
        scene.rules(|rules| rules.max_partial_lifetime = Some(std::time::Duration::from_secs(36_000)))
            .ticket(|ticket| ticket.times.endtime = at(36_001))
    }),
    row("r11a a client of another realm", "crealm", Refusal::ClientRealm, |scene| {
        scene.ticket(|ticket| ticket.client.realm = b"OTHER.EXAMPLE".to_vec())
    }),
    row("a22 the ANONYMOUS flag", "ANONYMOUS", Refusal::Anonymous, |scene| flag(scene, ticket_flags::ANONYMOUS)),
    row("a17 an unknown transited encoding", "transited", Refusal::TransitedType, |scene| {
        scene.ticket(|ticket| ticket.transited = (2, b"OTHER.EXAMPLE".to_vec()))
    }),
    row("a17 a realm was crossed", "transited", Refusal::Transited, |scene| {
        scene.ticket(|ticket| ticket.transited = (1, b"OTHER.EXAMPLE".to_vec()))
    }),
    row("d23 a ticket from elsewhere", "address", Refusal::Address, |scene| {
        scene.rules(|rules| rules.check_addresses = true).ticket(|ticket| {
            ticket.addresses = vec![
                Address { addr_type: 20, octets: b"WS1             ".to_vec() },
                Address { addr_type: 24, octets: vec![0; 16] },
            ];
        })
    }),

    // The authenticator.
    row("r12 an authenticator under another key", "authenticator key", Refusal::AuthenticatorIntegrity, |scene| {
        scene.request(|request| request.session_key = SessionKey::aes256(&[9; 32]))
    }),
    row("d29 one million microseconds", "cusec", Refusal::AuthenticatorIntegrity, |scene| {
        scene.request(|request| request.cusec = 1_000_000)
    }),
    row("b27 another client's authenticator", "authenticator client", Refusal::ClientMismatch, |scene| {
        scene.request(|request| request.authenticator_client.components = vec![b"bob".to_vec()])
    }),
    row("b27 another realm's authenticator", "authenticator client", Refusal::ClientMismatch, |scene| {
        scene.request(|request| request.authenticator_client.realm = b"OTHER.EXAMPLE".to_vec())
    }),
    row("e01 a clock one second beyond the skew", "ctime", Refusal::ClockSkew, |scene| {
        scene.request(|request| request.ctime = at(301))
    }),
    row("e01 and one behind", "ctime", Refusal::ClockSkew, |scene| scene.request(|request| request.ctime = at(-301))),
    row("e04 no checksum", "checksum", Refusal::ChecksumMissing, |scene| checksum(scene, BodyChecksum::Absent)),
    row("e06 CRC-32", "checksum", Refusal::ChecksumWeak, |scene| checksum(scene, BodyChecksum::Other(1, vec![0; 4]))),
    row("e06 rsa-md4", "checksum", Refusal::ChecksumWeak, |scene| {
        checksum(scene, BodyChecksum::Other(2, vec![0; 16]))
    }),
    row("e09 an unknown type", "checksum", Refusal::ChecksumUnknown, |scene| {
        checksum(scene, BodyChecksum::Other(4711, vec![0; 16]))
    }),
    row("e09 the type of another key", "checksum", Refusal::ChecksumUnknown, |scene| {
        checksum(scene, BodyChecksum::Other(15, vec![0; 12]))
    }),
    row("e05 a swapped body", "body", Refusal::ChecksumMismatch, |scene| {
        scene.octets(|octets| {
            let nonce = [&[2, 4][..], &NONCE.to_be_bytes()].concat();
            let at = octets.windows(6).position(|window| window == nonce).unwrap();
            octets[at + 5] ^= 1;
        })
    }),
    row("e08 a keyed checksum that does not hold", "checksum", Refusal::ChecksumMismatch, |scene| {
        checksum(scene, BodyChecksum::Other(16, vec![7; 12]))
    }),
    row("e10 an RC4 subkey", "subkey", Refusal::SubkeyType, |scene| subkey(scene, 23, &[1; 16])),
    row("e10 a subkey of the wrong length", "subkey", Refusal::Subkey, |scene| subkey(scene, 17, &[1; 32])),
    row("e10 a subkey of zeros", "subkey", Refusal::Subkey, |scene| subkey(scene, 18, &[0; 32])),
    row("e14 armour in the ticket", "authorization data", Refusal::ArmorInAuthorizationData, |scene| {
        scene.ticket(|ticket| {
            ticket.authorization_data = mint::TicketData::Octets(elements(&[(ad_type::FX_FAST_ARMOR, &[])]));
        })
    }),
    row("r19 unknown data in the ticket that must be understood", "authorization data", Refusal::CriticalAuthorizationData, |scene| {
        scene.ticket(|ticket| {
            ticket.authorization_data = mint::TicketData::Octets(elements(&[(4, &[])]));
        })
    }),
    row("r60 authorization data that does not decode", "authorization data", Refusal::MalformedAuthorizationData, |scene| {
        scene.ticket(|ticket| {
            ticket.authorization_data = mint::TicketData::Octets(elements(&[(ad_type::IF_RELEVANT, b"?")]));
        })
    }),
    row("e14 armour in the authenticator", "authenticator data", Refusal::ArmorInAuthorizationData, |scene| {
        scene.request(|request| request.authenticator_data = Some(elements(&[(ad_type::FX_FAST_ARMOR, &[])])))
    }),
    row("e14 a sign of FAST in the authenticator", "authenticator data", Refusal::FastUsed, |scene| {
        scene.request(|request| request.authenticator_data = Some(elements(&[(ad_type::FX_FAST_USED, &[])])))
    }),
    row("r19 unknown data in the authenticator that must be understood", "authenticator data", Refusal::CriticalAuthorizationData, |scene| {
        scene.request(|request| request.authenticator_data = Some(elements(&[(4, &[])])))
    }),
    row("r60 authenticator data that does not decode", "authenticator data", Refusal::MalformedAuthorizationData, |scene| {
        scene.request(|request| request.authenticator_data = Some(elements(&[(ad_type::IF_RELEVANT, b"?")])))
    }),

    // The PAC.
    row("r19 no PAC", "authorization data", Refusal::NoPac, |scene| {
        scene.ticket(|ticket| ticket.authorization_data = mint::TicketData::Absent)
    }),
    row("r19 two PACs", "authorization data", Refusal::NoPac, |scene| {
        scene.ticket(|ticket| {
            let pac = ticket.pac.encode().unwrap();
            ticket.authorization_data = mint::TicketData::Octets(mint::with_pacs(&[&pac, &pac]));
        })
    }),
    row("r19 a PAC outside of AD-IF-RELEVANT", "authorization data", Refusal::NoPac, |scene| {
        scene.ticket(|ticket| {
            let pac = ticket.pac.encode().unwrap();
            ticket.authorization_data = mint::TicketData::Octets(elements(&[(ad_type::WIN2K_PAC, &pac)]));
        })
    }),
    row("b18 a PAC that claims 2^32-1 buffers", "authorization data", Refusal::PacStructure, |scene| {
        with_pac(scene, |_| [&[0xff; 4][..], &[0; 60]].concat())
    }),
    row("b18 an empty PAC", "authorization data", Refusal::PacStructure, |scene| with_pac(scene, |_| Vec::new())),
    row("r20 two buffers of one type", "authorization data", Refusal::PacDuplicate, |scene| {
        with_pac(scene, |mut buffers| {
            let requestor = buffers.last().unwrap().clone();
            buffers.push(requestor);
            laid_out(&buffers)
        })
    }),
    row("b15 a PAC without server signature", "authorization data", Refusal::PacStructure, |scene| {
        without(scene, BufferType::SERVER_CHECKSUM)
    }),
    row("b15 a PAC without KDC signature", "authorization data", Refusal::PacStructure, |scene| {
        without(scene, BufferType::KDC_CHECKSUM)
    }),
    row("r20 a PAC without LOGON_INFO", "LOGON_INFO", Refusal::PacStructure, |scene| {
        scene.ticket(|ticket| ticket.pac.logon_info = None)
    }),
    row("r20 a PAC without CLIENT_INFO", "CLIENT_INFO", Refusal::PacStructure, |scene| {
        scene.ticket(|ticket| ticket.pac.client_info = None)
    }),
    row("b12 a forged server signature", "server signature", Refusal::PacSignature, |scene| {
        scene.ticket(|ticket| ticket.pac.server.key = STRAY_KEY.pac_key())
    }),
    row("b14 a server signature with the branch's RC4 key", "server signature", Refusal::PacSignature, |scene| {
        scene.with_rc4().ticket(|ticket| ticket.pac.server.key = &RC4_KEY)
    }),
    row("b12 a forged KDC signature", "KDC signature", Refusal::PacSignature, |scene| {
        scene.ticket(|ticket| ticket.pac.kdc.key = STRAY_KEY.pac_key())
    }),
    row("b16 signed for another branch", "RODCIdentifier", Refusal::PacBranch, |scene| {
        scene.ticket(|ticket| ticket.pac.kdc.rodc_identifier = Some(31_000))
    }),
    row("b20 CLIENT_INFO of another time", "CLIENT_INFO", Refusal::PacClientInfo, |scene| {
        scene.ticket(|ticket| client_info(ticket).client_id = FileTime::from_unix_seconds(NOW + 1))
    }),
    row("b20 CLIENT_INFO of another name", "CLIENT_INFO", Refusal::PacClientInfo, |scene| {
        scene.ticket(|ticket| client_info(ticket).name = "alice\0".to_owned())
    }),
    row("b20 a CLIENT_INFO of odd length", "CLIENT_INFO", Refusal::PacClientInfo, |scene| {
        scene.ticket(|ticket| {
            let mut encoded = client_info(ticket).encode().unwrap();
            encoded[8] -= 1;
            encoded.pop();
            ticket.pac.client_info = None;
            ticket.pac.more.push((BufferType::CLIENT_INFO, encoded));
        })
    }),
    row("r24 a name of two components", "cname", Refusal::PacClientInfo, |scene| {
        scene.ticket(|ticket| ticket.client.components.push(b"admin".to_vec()))
    }),
    row("b20 a name with NUL", "cname", Refusal::PacClientInfo, |scene| {
        scene.named(b"alice\0", name_type::PRINCIPAL)
    }),
    row("b02 a PAC without REQUESTOR", "requestor", Refusal::RequestorMissing, |scene| {
        scene.ticket(|ticket| ticket.pac.requestor = None)
    }),
    row("b02 a REQUESTOR that is no SID", "requestor", Refusal::PacStructure, |scene| {
        scene.ticket(|ticket| {
            ticket.pac.requestor = None;
            ticket.pac.more.push((BufferType::REQUESTOR, vec![1; 28]));
        })
    }),

    // The directory, and who.
    row("r41 the directory was not read, or too long ago", "directory", Refusal::DirectoryStale, |mut scene| {
        scene.directory_read = false;
        scene
    }),
    row("s09 the krbtgt key is two versions old", "krbtgt version", Refusal::KrbtgtOutdated, |scene| {
        scene.set("krbtgt", "msDS-KeyVersionNumber", "4")
    }),
    row("r24 a name with a slash", "cname", Refusal::ClientUnknown, |scene| {
        scene.named(b"ali/ce", name_type::PRINCIPAL)
    }),
    row("b11 the requestor is of another domain", "requestor", Refusal::RequestorForeign, |scene| {
        scene.ticket(|ticket| ticket.pac.requestor = Some("S-1-5-21-1-2-3-1104".parse().unwrap()))
    }),
    row("b06 the requestor does not exist", "requestor", Refusal::RequestorUnknown, |scene| {
        scene.ticket(|ticket| ticket.pac.requestor = Some(sid(4711)))
    }),
    row("r25 the requestor is somebody else", "requestor", Refusal::RequestorMismatch, |scene| {
        scene.ticket(|ticket| ticket.pac.requestor = Some(sid(1107)))
    }),
    row("b23 the name is somebody else's", "cname", Refusal::RequestorMismatch, |scene| {
        scene.named(b"paula", name_type::PRINCIPAL)
    }),
    row("b24 a userPrincipalName, and not said to be one", "cname", Refusal::RequestorMismatch, |scene| {
        scene.named(b"alice.liddell@example.org", name_type::PRINCIPAL)
    }),
    row("b24 a sAMAccountName said to be a userPrincipalName", "cname", Refusal::RequestorMismatch, |scene| {
        scene.named(b"alice", name_type::ENTERPRISE)
    }),
    row("b24 the constructed name of a user with another", "cname", Refusal::RequestorMismatch, |scene| {
        scene.named(b"alice@lab.example", name_type::ENTERPRISE)
    }),
    row("b26 a name that only looks the same", "cname", Refusal::RequestorMismatch, |scene| {
        scene.named("аlice".as_bytes(), name_type::PRINCIPAL)
    }),

    // Policy.
    row("c23 the computer is no read-only domain controller", "branch", Refusal::BranchUnusable, |scene| {
        scene.set("AzureADKerberos", "userAccountControl", "4096")
    }),
    row("c23 the computer has no link", "branch", Refusal::BranchUnusable, |scene| {
        scene.set("AzureADKerberos", "msDS-KrbTgtLink", "")
    }),
    row("c24 two accounts claim the number", "branch", Refusal::BranchUnusable, |scene| {
        scene.set("Oscar", "msDS-SecondaryKrbTgtNumber", "30775")
    }),
    row("r06 a key of a branch that has no object", "branch", Refusal::BranchUnusable, |scene| {
        scene.set("krbtgt_AzureAD", "msDS-SecondaryKrbTgtNumber", "31000")
    }),
    row("c17 krbtgt", "user", Refusal::KrbtgtAccount, |scene| scene.user("krbtgt", 502)),
    row("r29 the branch's krbtgt", "user", Refusal::KrbtgtAccount, |scene| scene.user("krbtgt_30775", 1101)),
    row("c17 Guest", "user", Refusal::BuiltinAccount, |scene| scene.user("Guest", 501)),
    row("c17 Administrator, in no group", "user", Refusal::Administrator, |scene| scene.user("Administrator", 500)),
    row("c12 a domain controller", "user", Refusal::DomainController, |scene| scene.user("DC1$", 1000)),
    row("c13 the branch itself", "user", Refusal::DomainController, |scene| scene.user("AzureADKerberos$", 1102)),
    row("c15 a trust account", "user", Refusal::TrustAccount, |scene| scene.user("TRUST$", 1113)),
    row("c16 a managed service account", "user", Refusal::ServiceAccount, |scene| scene.user("service$", 1115)),
    row("c11 a computer", "user", Refusal::Computer, |scene| scene.user("WS1$", 1114)),
    row("c28 a list value that is no object", "lists", Refusal::BranchListUnresolved, |scene| {
        scene.set("AzureADKerberos", "msDS-RevealOnDemandGroup", "CN=gone,DC=lab,DC=example")
    }),
    row("c28 no denials", "lists", Refusal::BranchListUnresolved, |scene| {
        scene.set("AzureADKerberos", "msDS-NeverRevealGroup", "")
    }),
    row("c01 Domain Admins, by nesting", "user", Refusal::NeverReveal, |scene| scene.user("dora", 1108)),
    row("c03 Domain Admins, as primary group", "user", Refusal::NeverReveal, |scene| scene.user("pierre", 1109)),
    row("c04 a BUILTIN group, by nesting", "user", Refusal::NeverReveal, |scene| scene.user("oscar", 1110)),
    row("c05 the user as such", "user", Refusal::NeverReveal, |scene| scene.user("denise", 1111)),
    row("c03 alice's primary group is Domain Admins", "primary group", Refusal::NeverReveal, |scene| {
        scene.set("Alice", "primaryGroupID", "512")
    }),
    row("c07 on neither list", "user", Refusal::NotOnAllowList, |scene| scene.user("guido", 1112)),
    row("c07 alice is on neither list", "primary group", Refusal::NotOnAllowList, |scene| {
        scene.set("Alice", "primaryGroupID", "514")
    }),

    // Account state.
    row("c19 disabled", "userAccountControl", Refusal::AccountDisabled, |scene| {
        scene.set("Alice", "userAccountControl", "514")
    }),
    row("c19 locked", "computed flags", Refusal::AccountLocked, |scene| {
        scene.set("Alice", "msDS-User-Account-Control-Computed", "16")
    }),
    row("c19 expired", "accountExpires", Refusal::AccountExpired, |scene| {
        scene.set("Alice", "accountExpires", "134238816000000000")
    }),
    row("c19 outside of the logon hours", "logonHours", Refusal::LogonHours, |scene| {
        scene.set("Alice", "logonHours:", "AAAAAAAAAAAAAAAAAAAAAAAAAAAA")
    }),
    row("c20 the password must change", "password", Refusal::PasswordMustChange, |scene| {
        scene.set("Alice", "pwdLastSet", "0")
    }),
    row("c20 the password has expired", "password", Refusal::PasswordExpired, |scene| {
        scene.set("Alice", "msDS-UserPasswordExpiryTimeComputed", "134238816000000001")
    }),
    row("c27 an authentication policy", "authentication policy", Refusal::AuthenticationPolicy, |scene| {
        scene.set("Alice", "msDS-AssignedAuthNPolicy", "CN=Tier 0,DC=lab,DC=example")
    }),

    // The ticket asked for.
    row("38 a Protected User with an RC4 subkey", "allow-rc4", Refusal::ProtectedUserEtype, |scene| {
        subkey(scene.set("Protected Users", "member", "CN=Alice,OU=Staff,DC=lab,DC=example").allowing_rc4(), 23, &[1; 16])
    }),
    row("d20 RC4 and DES", "etypes", Refusal::NoCommonEtype, |scene| etypes(scene, &[23, 24, 3, -135])),
    row("d20 no type", "etypes", Refusal::NoCommonEtype, |scene| etypes(scene, &[])),
    row("d20 AES after 32 others", "etypes", Refusal::NoCommonEtype, |scene| {
        scene.request(|request| request.etypes = [vec![23; 32], vec![18]].concat())
    }),
    row("d25 till now", "till", Refusal::NeverValid, |scene| scene.request(|request| request.till = at(0))),
    row("d25 till the first second", "till", Refusal::NeverValid, |scene| {
        scene.request(|request| request.till = KerberosTime::from_unix_seconds(1).unwrap())
    }),
    row("r20 more groups than a ticket holds", "groups", Refusal::PacTooLarge, |scene| {
        let groups: Vec<String> = (10_000..18_200).map(|rid| sid(rid).to_string()).collect();
        scene.set("Alice", "tokenGroupsGlobalAndUniversal", &groups.join("\ntokenGroupsGlobalAndUniversal: "))
    }),
];

/// Reasons that `exchange` alone cannot come to.
pub(crate) const OUT_OF_REACH: &[(Refusal, &str)] = &[
    (Refusal::Replay, "the replay memory is the shell's"),
    (Refusal::DirectoryUnavailable, "the directory is read by the shell"),
    (Refusal::DirectoryData, "the directory is read by the shell, which makes the principals"),
    (Refusal::Internal, "a fault of our own: no input is known to cause one"),
];

/// Reasons for which a relay would be asked: a real KDC may have another answer.
pub(crate) const NOT_OURS: &[Refusal] = &[
    Refusal::AsRequest,
    Refusal::Fast,
    Refusal::WrongRealm,
    Refusal::TicketNotKrbtgt,
    Refusal::NotPartial,
    Refusal::UnknownBranch,
    Refusal::ServiceTicket,
    Refusal::KdcOption,
    Refusal::UnsupportedField,
    Refusal::S4u,
    Refusal::Postdated,
];

fn padata(scene: Scene, padata: Vec<(i32, Vec<u8>)>) -> Scene {
    scene.request(move |request| request.more_padata.extend(padata.iter().cloned()))
}

fn ticket_for(scene: Scene, sname: &'static [&'static [u8]]) -> Scene {
    scene
        .ticket(move |ticket| ticket.server.components = sname.iter().map(|part| part.to_vec()).collect())
        .request(|request| {
            // Only the ticket's sname is broken, so the body asks for krbtgt as ever.
            if request.server.components == request.credential.server.components {
                request.server.components = Principal::krbtgt(REALM).components;
            }
        })
}

fn option(scene: Scene, option: u32) -> Scene {
    scene.request(move |request| request.kdc_options |= option)
}

fn flag(scene: Scene, flag: u32) -> Scene {
    scene.ticket(move |ticket| ticket.flags |= flag)
}

/// Another session key in the ticket. The authenticator is under the usual one: it is not looked at.
fn session_key(scene: Scene, etype: i32, octets: &'static [u8]) -> Scene {
    scene
        .ticket(move |ticket| ticket.session_key = SessionKey::of(etype, octets))
        .request(|request| request.session_key = SessionKey::aes256(&[0x5e; 32]))
}

fn subkey(scene: Scene, etype: i32, octets: &'static [u8]) -> Scene {
    scene.request(move |request| request.subkey = Some(SessionKey::of(etype, octets)))
}

fn checksum(scene: Scene, checksum: BodyChecksum) -> Scene {
    scene.request(move |request| request.checksum = checksum.clone())
}

fn etypes(scene: Scene, etypes: &'static [i32]) -> Scene {
    scene.request(move |request| request.etypes = etypes.to_vec())
}

fn client_info<'t>(ticket: &'t mut mint::PartialTgt<'_>) -> &'t mut pac::ClientInfo {
    ticket.pac.client_info.as_mut().unwrap()
}

/// The encoding of an `AuthorizationData` of these elements.
fn elements(elements: &[(i32, &[u8])]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.sequence(|data| {
        for (ad_type, octets) in elements.iter().rev() {
            AuthorizationElement { ad_type: *ad_type, data: octets }.write(data);
        }
    });
    writer.into_octets()
}

type Buffers = Vec<(BufferType, Vec<u8>)>;

/// A PAC laid out by `lay_out` from the usual buffers, unsigned.
fn with_pac(scene: Scene, lay_out: fn(Buffers) -> Vec<u8>) -> Scene {
    scene.ticket(move |ticket| {
        let pac = lay_out(ticket.pac.buffers().unwrap());
        ticket.authorization_data = mint::TicketData::Octets(mint::with_pacs(&[&pac]));
    })
}

fn without(scene: Scene, kind: BufferType) -> Scene {
    scene.ticket(move |ticket| {
        let mut buffers = ticket.pac.buffers().unwrap();
        buffers.retain(|(other, _)| *other != kind);
        let pac = laid_out(&buffers);
        ticket.authorization_data = mint::TicketData::Octets(mint::with_pacs(&[&pac]));
    })
}

fn laid_out(buffers: &[(BufferType, Vec<u8>)]) -> Vec<u8> {
    let buffers: Vec<(BufferType, &[u8])> =
        buffers.iter().map(|(kind, octets)| (*kind, octets.as_slice())).collect();
    pac::lay_out(&buffers).unwrap()
}
