//! Sites and their subnets ([MS-ADTS] 6.1.1.2.2): which site an address is in, that of the most specific subnet that holds it.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::attribute_error::AttributeError;
use super::dn::first_value;
use super::entry::Entry;

/// What to read of the objects below `CN=Sites` in the Configuration container, of classes `site` and `subnet`.
pub const SITE_ATTRIBUTES: &[&str] = &["objectClass", "siteObject"];

/// The name of the site that every forest starts with.
pub const DEFAULT_FIRST_SITE_NAME: &str = "Default-First-Site-Name";

/// A range of addresses, as subnet objects are named: `10.0.0.0/8`, `2001:db8::/32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subnet {
    network: IpAddr,
    length: u8,
}

/// A text that is no subnet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a subnet; write its first address and the length of its mask, such as \"10.1.0.0/16\"")]
pub struct SubnetError;

impl Subnet {
    /// Whether the address is in it. IPv4 addresses in their IPv6 form are IPv4 addresses.
    #[must_use]
    pub fn holds(&self, address: IpAddr) -> bool {
        match (self.network, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                let beyond = u32::MAX.checked_shr(self.length.into()).unwrap_or(0);
                (network.to_bits() ^ address.to_bits()) & !beyond == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                let beyond = u128::MAX.checked_shr(self.length.into()).unwrap_or(0);
                (network.to_bits() ^ address.to_bits()) & !beyond == 0
            }
            _ => false,
        }
    }
}

impl FromStr for Subnet {
    type Err = SubnetError;

    fn from_str(text: &str) -> Result<Self, SubnetError> {
        let (network, length) = text.split_once('/').ok_or(SubnetError)?;
        let network: IpAddr = network.parse().map_err(|_| SubnetError)?;
        let length = length.parse().map_err(|_| SubnetError)?;
        let longest = if network.is_ipv4() { 32 } else { 128 };
        if length > longest { Err(SubnetError) } else { Ok(Self { network, length }) }
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.length)
    }
}

/// The directory's sites cannot be told, so answers to pings name none but the configured one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sites and subnets cannot be read: {0}")]
pub struct SitesFault(pub String);

/// The sites of a forest, as the directory has them. None of either where it does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sites {
    /// Names of the sites.
    pub names: Vec<String>,
    /// Subnets with the names of their sites.
    pub subnets: Vec<(Subnet, String)>,
}

impl Sites {
    /// The sites and subnets among these objects. A subnet that no site has, or whose name is none, says nothing.
    ///
    /// # Errors
    /// [`AttributeError`] if a subnet's `siteObject` is malformed.
    pub fn from_entries<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Result<Self, AttributeError> {
        let mut sites = Self::default();
        for entry in entries {
            let name = first_value(entry.dn());
            if entry.is_a("site") {
                sites.names.push(name);
            } else if entry.is_a("subnet")
                && let Some(site) = entry.optional_text("siteObject")?
                && let Ok(subnet) = name.parse()
            {
                sites.subnets.push((subnet, first_value(site)));
            }
        }
        Ok(sites)
    }

    /// The site of the most specific subnet that holds the address.
    #[must_use]
    pub fn of(&self, address: IpAddr) -> Option<&str> {
        let holding = self.subnets.iter().filter(|(subnet, _)| subnet.holds(address));
        holding.max_by_key(|(subnet, _)| subnet.length).map(|(_, site)| site.as_str())
    }

    /// The one site, if the forest has no other.
    #[must_use]
    pub fn only(&self) -> Option<&str> {
        match self.names.as_slice() {
            [only] => Some(only),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sites(subnets: &[(&str, &str)]) -> Sites {
        let subnets = subnets.iter().map(|(subnet, site)| (subnet.parse().unwrap(), (*site).to_owned()));
        Sites { names: vec!["A".to_owned(), "B".to_owned()], subnets: subnets.collect() }
    }

    #[test]
    fn the_most_specific_subnet_decides() {
        let sites = sites(&[
            ("10.0.0.0/8", "A"),
            ("10.1.0.0/16", "B"),
            ("10.1.2.3/32", "C"),
            ("2001:db8::/32", "D"),
            ("2001:db8:1::/48", "E"),
        ]);
        let cases = [
            ("10.9.9.9", Some("A")),
            ("10.1.9.9", Some("B")),
            ("10.1.2.3", Some("C")),
            ("::ffff:10.1.2.4", Some("B")),
            ("11.0.0.1", None),
            ("2001:db8::1", Some("D")),
            ("2001:db8:1::1", Some("E")),
            ("2001:db9::1", None),
        ];
        for (address, site) in cases {
            assert_eq!(sites.of(address.parse().unwrap()), site, "{address}");
        }
    }

    #[test]
    fn a_subnet_without_a_mask_holds_every_address_of_its_kind() {
        let subnet: Subnet = "0.0.0.0/0".parse().unwrap();
        assert!(subnet.holds([255; 4].into()) && !subnet.holds([0_u8; 16].into()));
        let subnet: Subnet = "::/0".parse().unwrap();
        assert!(subnet.holds([255; 16].into()) && !subnet.holds([10, 0, 0, 1].into()));
    }

    #[test]
    fn what_is_no_subnet_is_refused() {
        for text in
            ["", "10.0.0.0", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/-1", "10.0.0.0/8 ", "lab/8"]
        {
            assert_eq!(text.parse::<Subnet>(), Err(SubnetError), "{text}");
        }
        for text in ["10.0.0.0/8", "2001:db8::/32"] {
            assert_eq!(text.parse::<Subnet>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn objects_become_sites_and_subnets() {
        let object = |dn: &str, class: &str, site: Option<&str>| {
            let mut entry = Entry::new(dn);
            entry.insert("objectClass", class);
            if let Some(site) = site {
                entry.insert("siteObject", site);
            }
            entry
        };
        let vienna = "CN=Vienna,CN=Sites,CN=Configuration,DC=lab";
        let subnets = "CN=Subnets,CN=Sites,CN=Configuration,DC=lab";
        let entries = [
            object(vienna, "site", None),
            object("CN=Graz\\, Süd,CN=Sites,CN=Configuration,DC=lab", "site", None),
            object(&format!("CN=10.1.0.0/16,{subnets}"), "subnet", Some(vienna)),
            object(&format!("CN=10.2.0.0/16,{subnets}"), "subnet", None),
            object(&format!("CN=somewhere,{subnets}"), "subnet", Some(vienna)),
            object(subnets, "subnetContainer", None),
        ];
        let sites = Sites::from_entries(&entries).unwrap();
        assert_eq!(sites.names, ["Vienna", "Graz, Süd"]);
        assert_eq!(sites.subnets, [("10.1.0.0/16".parse().unwrap(), "Vienna".to_owned())]);
    }

    #[test]
    fn the_only_site_is_everybodys() {
        assert_eq!(sites(&[]).only(), None);
        assert_eq!(Sites::default().only(), None);
        let one = Sites { names: vec!["Vienna".to_owned()], subnets: Vec::new() };
        assert_eq!(one.only(), Some("Vienna"));
    }
}
