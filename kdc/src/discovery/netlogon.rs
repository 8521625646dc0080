//! The structures in the value of `Netlogon` ([MS-ADTS] 6.3.1.7 to 6.3.1.9): little-endian, without padding.
//!
//! ```text
//! NETLOGON_SAM_LOGON_RESPONSE_EX    Opcode u16, Sbz u16, Flags u32, DomainGuid, DnsForestName, DnsDomainName, DnsHostName,
//!                                   NetbiosDomainName, NetbiosComputerName, UserName, DcSiteName, ClientSiteName,
//!                                   [DcSockAddrSize u8, DcSockAddr], [NextClosestSiteName], NtVersion u32, tokens
//! NETLOGON_SAM_LOGON_RESPONSE       Opcode u16, UnicodeLogonServer, UnicodeUserName, UnicodeDomainName, DomainGuid, NullGuid,
//!                                   DnsForestName, DnsDomainName, DnsHostName, DcIpAddress u32, Flags u32, NtVersion u32, tokens
//! NETLOGON_SAM_LOGON_RESPONSE_NT40  Opcode u16, UnicodeLogonServer, UnicodeUserName, UnicodeDomainName, NtVersion u32, tokens
//! ```
//! The two tokens are 0xffff each. Which form an answer has, and which optional fields, its NtVersion says, 8 octets before the end.

use std::net::Ipv4Addr;

use super::ds_flags::DsFlags;
use super::names::{NameTooLong, NameWriter, read_name};
use super::request::nt_version;

/// What an answer says of the account asked for ([MS-ADTS] 6.3.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opcode {
    /// LOGON_SAM_LOGON_RESPONSE: none was asked for, or it is there.
    Response,
    /// LOGON_SAM_PAUSE_RESPONSE: the server does not take logons now.
    Paused,
    /// LOGON_SAM_USER_UNKNOWN: it is not there.
    UserUnknown,
}

impl Opcode {
    const fn extended(self) -> u16 {
        match self {
            Self::Response => 23,
            Self::Paused => 24,
            Self::UserUnknown => 25,
        }
    }

    const fn plain(self) -> u16 {
        match self {
            Self::Response => 19,
            Self::Paused => 20,
            Self::UserUnknown => 21,
        }
    }
}

/// The form of an answer, and what it has beyond the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// NETLOGON_SAM_LOGON_RESPONSE_EX, with the server's address if there is one.
    Extended(Option<Ipv4Addr>),
    /// NETLOGON_SAM_LOGON_RESPONSE, always with an address.
    V5(Ipv4Addr),
    /// NETLOGON_SAM_LOGON_RESPONSE_NT40.
    Nt40,
}

/// A server as it answers pings. Forms without a field leave it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SamLogonResponse {
    /// Of the account asked for.
    pub opcode: Opcode,
    /// What the server is.
    pub flags: DsFlags,
    /// objectGUID of the domain, as it is stored.
    pub domain_guid: [u8; 16],
    /// The forest's root domain.
    pub dns_forest_name: String,
    /// The domain.
    pub dns_domain_name: String,
    /// The server.
    pub dns_host_name: String,
    /// The domain's short name.
    pub netbios_domain_name: String,
    /// The server's short name, without backslashes.
    pub netbios_computer_name: String,
    /// As it was asked for.
    pub user_name: String,
    /// The server's site.
    pub dc_site_name: String,
    /// The client's site; empty if it is not known.
    pub client_site_name: String,
    /// The form.
    pub form: Form,
}

/// `DcSockAddrSize` of the one kind of address there is.
const SOCKADDR_IN: u8 = 0x10;
const AF_INET: u16 = 2;
/// LmNtToken and Lm20Token.
const TOKENS: [u8; 4] = [0xff; 4];

impl SamLogonResponse {
    /// The value of `Netlogon`.
    ///
    /// # Errors
    /// [`NameTooLong`] if a name does not fit the form.
    pub fn encode(&self) -> Result<Vec<u8>, NameTooLong> {
        let (mut structure, version) = match self.form {
            Form::Extended(address) => self.extended(address)?,
            Form::V5(address) => self.v5(address)?,
            Form::Nt40 => (self.nt40(), nt_version::V1),
        };
        structure.extend(version.to_le_bytes());
        structure.extend(TOKENS);
        Ok(structure)
    }

    fn extended(&self, address: Option<Ipv4Addr>) -> Result<(Vec<u8>, u32), NameTooLong> {
        let mut structure = Vec::with_capacity(256);
        structure.extend(self.opcode.extended().to_le_bytes());
        structure.extend([0; 2]);
        structure.extend(self.flags.bits().to_le_bytes());
        structure.extend(self.domain_guid);
        let mut names = self.dns_names(&mut structure)?;
        for name in [
            &self.netbios_domain_name,
            &self.netbios_computer_name,
            &self.user_name,
            &self.dc_site_name,
            &self.client_site_name,
        ] {
            names.single(&mut structure, name)?;
        }
        let mut version = nt_version::V1 | nt_version::V5EX;
        if let Some(address) = address {
            structure.push(SOCKADDR_IN);
            structure.extend(AF_INET.to_le_bytes());
            structure.extend([0; 2]);
            structure.extend(address.octets());
            structure.extend([0; 8]);
            version |= nt_version::V5EX_WITH_IP;
        }
        Ok((structure, version))
    }

    fn v5(&self, address: Ipv4Addr) -> Result<(Vec<u8>, u32), NameTooLong> {
        let mut structure = self.nt40();
        structure.extend(self.domain_guid);
        structure.extend([0; 16]);
        self.dns_names(&mut structure)?;
        // A number like every other, so the last octet of the address comes first.
        structure.extend(address.to_bits().to_le_bytes());
        structure.extend(self.flags.bits().to_le_bytes());
        Ok((structure, nt_version::V1 | nt_version::V5))
    }

    fn nt40(&self) -> Vec<u8> {
        let mut structure = Vec::with_capacity(256);
        structure.extend(self.opcode.plain().to_le_bytes());
        let server = format!("\\\\{}", self.netbios_computer_name);
        for text in [&server, &self.user_name, &self.netbios_domain_name] {
            structure.extend(text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes));
        }
        structure
    }

    fn dns_names(&self, structure: &mut Vec<u8>) -> Result<NameWriter, NameTooLong> {
        let mut names = NameWriter::default();
        for name in [&self.dns_forest_name, &self.dns_domain_name, &self.dns_host_name] {
            names.dns(structure, name)?;
        }
        Ok(names)
    }

    /// Reads a NETLOGON_SAM_LOGON_RESPONSE_EX, the form that everybody asks for; what comes behind the last field that is
    /// known is not looked at. `None` if it is not one.
    #[must_use]
    pub fn decode_extended(structure: &[u8]) -> Option<Self> {
        let (fields, end) = structure.split_last_chunk::<8>()?;
        let version = u32::from_le_bytes(*end.first_chunk()?);
        let opcode = u16::from_le_bytes(*fields.first_chunk()?);
        let opcode = [Opcode::Response, Opcode::Paused, Opcode::UserUnknown]
            .into_iter()
            .find(|known| known.extended() == opcode)?;
        let flags = DsFlags::from_bits(u32::from_le_bytes(*fields.get(FLAGS_OFFSET..)?.first_chunk()?));
        let domain_guid = *fields.get(8..)?.first_chunk()?;
        let mut at = 24;
        let mut name = || {
            let (name, behind) = read_name(fields, at)?;
            at = behind;
            Some(name)
        };
        let (dns_forest_name, dns_domain_name, dns_host_name) = (name()?, name()?, name()?);
        let (netbios_domain_name, netbios_computer_name) = (name()?, name()?);
        let (user_name, dc_site_name, client_site_name) = (name()?, name()?, name()?);
        let address = if version & nt_version::V5EX_WITH_IP == 0 {
            None
        } else {
            let (&size, address) = fields.get(at..)?.split_first()?;
            let address = address.get(..size.into())?;
            let octets: [u8; 4] = *address.get(4..)?.first_chunk()?;
            (address.first_chunk() == Some(&AF_INET.to_le_bytes())).then(|| octets.into())
        };
        Some(Self {
            opcode,
            flags,
            domain_guid,
            dns_forest_name,
            dns_domain_name,
            dns_host_name,
            netbios_domain_name,
            netbios_computer_name,
            user_name,
            dc_site_name,
            client_site_name,
            form: Form::Extended(address),
        })
    }
}

/// Where Flags stands in a NETLOGON_SAM_LOGON_RESPONSE_EX.
pub(super) const FLAGS_OFFSET: usize = 4;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn response(form: Form) -> SamLogonResponse {
        SamLogonResponse {
            opcode: Opcode::Response,
            flags: DsFlags::from_bits(0x0003_f3fd),
            domain_guid: [
                0x52, 0xce, 0x02, 0x3f, 0x79, 0x75, 0x97, 0x45, 0x94, 0x54, 0xd9, 0xf3, 0x2d, 0x98, 0xf1,
                0x6e,
            ],
            dns_forest_name: "lab.example".to_owned(),
            dns_domain_name: "lab.example".to_owned(),
            dns_host_name: "dc1.lab.example".to_owned(),
            netbios_domain_name: "LAB".to_owned(),
            netbios_computer_name: "DC1".to_owned(),
            user_name: "alice".to_owned(),
            dc_site_name: "Site".to_owned(),
            client_site_name: String::new(),
            form,
        }
    }

    /// The older forms as `ndr_pack` of Samba 4.17 writes them.
    #[test]
    fn the_older_forms_are_written_as_samba_writes_them() {
        let names = b"\\\0\\\0D\0C\x001\0\0\0a\0l\0i\0c\0e\0\0\0L\0A\0B\0\0\0";
        let nt40 = [&[19, 0], &names[..], &[1, 0, 0, 0], &TOKENS].concat();
        assert_eq!(response(Form::Nt40).encode(), Ok(nt40));
        let v5 = [
            &[19, 0],
            &names[..],
            &response(Form::Nt40).domain_guid,
            &[0; 16],
            b"\x03lab\x07example\0\xc0\x42\x03dc1\xc0\x42",
            &[2, 1, 168, 192, 0xfd, 0xf3, 3, 0, 3, 0, 0, 0],
            &TOKENS,
        ];
        assert_eq!(response(Form::V5(Ipv4Addr::new(192, 168, 1, 2))).encode(), Ok(v5.concat()));
    }

    #[test]
    fn the_extended_form_is_read_as_it_was_written() {
        for opcode in [Opcode::Response, Opcode::Paused, Opcode::UserUnknown] {
            for address in [None, Some(Ipv4Addr::new(192, 168, 1, 2))] {
                let response = SamLogonResponse { opcode, ..response(Form::Extended(address)) };
                assert_eq!(SamLogonResponse::decode_extended(&response.encode().unwrap()), Some(response));
            }
        }
    }

    #[test]
    fn an_answer_cut_anywhere_is_none() {
        let whole = response(Form::Extended(Some(Ipv4Addr::LOCALHOST))).encode().unwrap();
        for length in 0..whole.len() {
            // What stands last in a piece is read as NtVersion, so an address may be missed; a name may not.
            if let Some(read) = SamLogonResponse::decode_extended(&whole[..length]) {
                assert_eq!(read.dc_site_name, "Site", "{length}");
            }
        }
        assert_eq!(SamLogonResponse::decode_extended(&response(Form::Nt40).encode().unwrap()), None);
    }

    #[test]
    fn a_user_name_that_fits_no_label_cannot_be_echoed() {
        let long = SamLogonResponse { user_name: "a".repeat(64), ..response(Form::Extended(None)) };
        assert_eq!(long.encode(), Err(NameTooLong));
    }

    proptest! {
        #[test]
        fn any_octets_are_an_answer_or_none(octets: Vec<u8>) {
            let _ = SamLogonResponse::decode_extended(&octets);
        }
    }
}
