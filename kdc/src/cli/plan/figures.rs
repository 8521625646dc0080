//! What one exchange costs.

/// Costs of an exchange, and where they are from.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Figures {
    /// Processor time of the daemon.
    pub(super) cpu_seconds: f64,
    /// Searches in the directory.
    pub(super) searches: f64,
    /// Length of a TGS-REP.
    pub(super) reply_octets: f64,
    /// The share of clients that UDP has no room for, and that ask again over TCP: 0 to 1.
    pub(super) too_big: f64,
    /// For people.
    pub(super) source: String,
}

/// Octets of a TGS-REQ with a partial TGT, as a Windows client sends it.
pub(super) const REQUEST_OCTETS: f64 = 1_350.0;

/// Octets of KRB_ERR_RESPONSE_TOO_BIG.
pub(super) const TOO_BIG_OCTETS: f64 = 110.0;

impl Figures {
    /// Measured (docs/plan.md): clients that come one at a time, ask over UDP, have to ask again over TCP, and whose account is
    /// read from the directory over TLS. An exchange that needs no reading takes a tenth of it (docs/performance.md).
    pub(super) fn built_in() -> Self {
        Self {
            cpu_seconds: 1_250e-6,
            searches: 1.0,
            reply_octets: 1_800.0,
            too_big: 1.0,
            source: "built in, measured as docs/plan.md says".to_owned(),
        }
    }

    /// Octets both ways, without the headers of UDP, TCP and IP.
    pub(super) fn octets(&self) -> f64 {
        REQUEST_OCTETS + self.reply_octets + self.too_big * (REQUEST_OCTETS + TOO_BIG_OCTETS)
    }
}
