//! DS_FLAG ([MS-ADTS] 6.3.1.2): what a domain controller says it is.
//!
//! DS_10, KEY_LIST and DS_13 are not in that table; they are those of `dsgetdc.h` and of answers seen on the wire. The three
//! DNS bits are in it as facts about the server and its naming context. Here they mean what they mean in `dsgetdc.h`, where the
//! locator says with them which of its names are DNS names: Windows sends none of them (`tests/vectors/windows-server-2022`).

use std::fmt;

/// The flags of one answer.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct DsFlags(u32);

/// One bit.
struct Named {
    flag: DsFlags,
    /// As the specification names it, without DS_ and _FLAG; configuration files and JSON have this.
    name: &'static str,
    /// As `nltest` prints it.
    nltest: &'static str,
}

macro_rules! flags {
    ($($(#[$doc:meta])* $constant:ident = $bit:literal, $name:literal, $nltest:literal;)*) => {
        impl DsFlags {
            $($(#[$doc])* pub const $constant: Self = Self($bit);)*
        }

        /// All of them, in the order `nltest` prints them.
        const ALL: &[Named] = &[$(Named { flag: DsFlags::$constant, name: $name, nltest: $nltest }),*];
    };
}

flags! {
    /// Holds the primary domain controller's role.
    PDC = 0x1, "PDC", "PDC";
    /// Is a global catalog.
    GC = 0x4, "GC", "GC";
    /// Serves the directory: clients read and write objects there.
    DS = 0x10, "DS", "DS";
    /// Serves LDAP: clients send searches, group policy among them.
    LDAP = 0x8, "LDAP", "LDAP";
    /// Is a KDC.
    KDC = 0x20, "KDC", "KDC";
    /// Serves time.
    TIMESERV = 0x40, "TIMESERV", "TIMESERV";
    /// Serves time from a hardware clock or the like.
    GOOD_TIMESERV = 0x200, "GOOD_TIMESERV", "GTIMESERV";
    /// Holds a writable copy: clients join and change passwords there.
    WRITABLE = 0x100, "WRITABLE", "WRITABLE";
    /// Its name is a DNS name; set by the client's locator.
    DNS_CONTROLLER = 0x2000_0000, "DNS_CONTROLLER", "DNS_DC";
    /// The domain's name is a DNS name; likewise.
    DNS_DOMAIN = 0x4000_0000, "DNS_DOMAIN", "DNS_DOMAIN";
    /// The forest's name is a DNS name; likewise.
    DNS_FOREST = 0x8000_0000, "DNS_FOREST", "DNS_FOREST";
    /// Is in the client's site.
    CLOSEST = 0x80, "CLOSEST", "CLOSE_SITE";
    /// Serves an application partition only.
    NDNC = 0x400, "NDNC", "NDNC";
    /// Is a read-only domain controller.
    SELECT_SECRET_DOMAIN_6 = 0x800, "SELECT_SECRET_DOMAIN_6", "PARTIAL_SECRET";
    /// Holds every secret: a domain controller of Windows Server 2008 or later that is not read-only.
    FULL_SECRET_DOMAIN_6 = 0x1000, "FULL_SECRET_DOMAIN_6", "FULL_SECRET";
    /// Serves the Active Directory web service.
    WS = 0x2000, "WS", "WS";
    /// Is of Windows Server 2012 or later.
    DS_8 = 0x4000, "DS_8", "DS_8";
    /// Is of Windows Server 2012 R2 or later.
    DS_9 = 0x8000, "DS_9", "DS_9";
    /// Is of Windows Server 2016 or later.
    DS_10 = 0x1_0000, "DS_10", "DS_10";
    /// Answers key list requests: what `/keylist` asks for.
    KEY_LIST = 0x2_0000, "KEY_LIST", "KEYLIST";
    /// Is of Windows Server 2025 or later.
    DS_13 = 0x4_0000, "DS_13", "DS_13";
}

impl DsFlags {
    /// What the client's locator adds to an answer in DNS names.
    pub const OF_LOCATOR: Self = Self(Self::DNS_CONTROLLER.0 | Self::DNS_DOMAIN.0 | Self::DNS_FOREST.0);

    /// The flags of this number.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The number.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// These and those.
    #[must_use]
    pub const fn with(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Whether all of those are among these.
    #[must_use]
    pub const fn contains(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// DS_8, DS_9 and DS_10, as far as a domain's functional level (`msDS-Behavior-Version`: 5, 6, 7) says that every
    /// domain controller is as new as that.
    #[must_use]
    pub const fn of_behavior_version(version: u32) -> Self {
        match version {
            0..=4 => Self(0),
            5 => Self::DS_8,
            6 => Self::DS_8.with(Self::DS_9),
            7.. => Self::DS_8.with(Self::DS_9).with(Self::DS_10),
        }
    }

    /// The flag that the specification names so, without DS_ and _FLAG.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        ALL.iter().find(|known| known.name == name).map(|known| known.flag)
    }

    /// The specification's names of those that are set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        self.set().map(|known| known.name)
    }

    /// Those that are set as `nltest` prints them, what has no name as a number.
    #[must_use]
    pub fn nltest(self) -> String {
        let unknown = self.0 & !ALL.iter().fold(0, |bits, known| bits | known.flag.0);
        let names = self.set().map(|known| known.nltest.to_owned());
        let unknown = (unknown != 0).then(|| format!("{unknown:#x}"));
        names.chain(unknown).collect::<Vec<_>>().join(" ")
    }

    fn set(self) -> impl Iterator<Item = &'static Named> {
        ALL.iter().filter(move |known| self.contains(known.flag))
    }
}

impl fmt::Debug for DsFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010x} ({})", self.0, self.nltest())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flag_has_a_bit_and_names_of_its_own() {
        let mut bits = 0;
        for known in ALL {
            assert_eq!(known.flag.0.count_ones(), 1, "{}", known.name);
            assert_eq!(bits & known.flag.0, 0, "{}", known.name);
            bits |= known.flag.0;
            assert_eq!(DsFlags::named(known.name), Some(known.flag));
            assert_eq!(known.flag.nltest(), known.nltest);
        }
        assert_eq!(DsFlags::named("key_list"), None);
    }

    #[test]
    fn prints_the_captured_flags_as_nltest_does() {
        assert_eq!(
            DsFlags::from_bits(0x0003_f3fd).with(DsFlags::OF_LOCATOR).nltest(),
            "PDC GC DS LDAP KDC TIMESERV GTIMESERV WRITABLE DNS_DC DNS_DOMAIN DNS_FOREST CLOSE_SITE FULL_SECRET WS DS_8 \
             DS_9 DS_10 KEYLIST"
        );
        assert_eq!(DsFlags::from_bits(0x0080_0020).nltest(), "KDC 0x800000");
    }

    #[test]
    fn claims_a_version_only_where_the_domain_has_it() {
        let versions = [
            (0, ""),
            (4, ""),
            (5, "DS_8"),
            (6, "DS_8 DS_9"),
            (7, "DS_8 DS_9 DS_10"),
            (10, "DS_8 DS_9 DS_10"),
        ];
        for (version, flags) in versions {
            assert_eq!(DsFlags::of_behavior_version(version).nltest(), flags, "{version}");
        }
    }
}
