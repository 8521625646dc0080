//! Entra's copy of a Kerberos server: the Cloud* fields of what Get-AzureADKerberosServer returned, exported as JSON.

use std::path::Path;

use pac::FileTime;
use serde::Deserialize;
use serde_json::Value;

use super::error::CloudError;
use super::report::{Server, time};
use crate::cli::failure::Failure;
use crate::cli::files;
use crate::cli::findings::About;
use crate::krb::messages::KerberosTime;

/// The longest file that is read; one of the cmdlet's is less than a page.
const LONGEST: usize = 1 << 20;

/// What Entra says. The other fields of the export are the directory's own.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CloudServer {
    cloud_id: Option<u64>,
    cloud_display_name: Option<String>,
    cloud_domain_dns_name: Option<String>,
    cloud_key_version: Option<u64>,
    #[serde(default)]
    cloud_key_updated_on: Value,
}

impl CloudServer {
    /// Reads a file that ConvertTo-Json wrote.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        Self::parse(&files::read(path)?).map_err(|error| Failure::Cloud { path: path.to_owned(), error })
    }

    fn parse(octets: &[u8]) -> Result<Self, CloudError> {
        let not = |why: String| CloudError::NotExport(why);
        let mut value: Value =
            serde_json::from_str(&text(octets)?).map_err(|error| not(error.to_string()))?;
        // A list of one, where the cmdlet was piped.
        if let Value::Array(servers) = &mut value {
            value = match (servers.pop(), servers.len()) {
                (Some(only), 0) => only,
                _ => return Err(not("it is a list, and not of one server".to_owned())),
            };
        }
        if value.get("CloudId").is_none() {
            return Err(not("it has no CloudId".to_owned()));
        }
        Self::deserialize(value).map_err(|error| not(error.to_string()))
    }

    /// Field by field.
    pub(super) fn compare(&self, server: &Server, found: &mut About<'_>) {
        if self.cloud_id.is_none() {
            return found.error(&"Entra has no such server for this domain; run Set-AzureADKerberosServer");
        }
        let other = "the two are of different servers: look at the export and at --branch";
        let rotate = "Entra issues tickets under another key than the directory's: wait until Entra has it, or run \
                      Set-AzureADKerberosServer -RotateServerKey and load the new key";
        let change = server.change.as_ref().map(|(change, _)| change);
        let number = |number: u64| number.to_string();
        let fields = [
            ("Id", Some(number(server.branch.number.into())), self.cloud_id.map(number), other),
            ("DisplayName", Some(server.branch.krbtgt_name.clone()), self.cloud_display_name.clone(), other),
            ("DomainDnsName", Some(server.domain.clone()), self.cloud_domain_dns_name.clone(), other),
            (
                "KeyVersion",
                change.map(|change| number(change.usn)),
                self.cloud_key_version.map(number),
                rotate,
            ),
            (
                "KeyUpdatedOn",
                change.and_then(|change| time(change.at)),
                instant(&self.cloud_key_updated_on).and_then(|at| time(FileTime::from_unix_seconds(at))),
                rotate,
            ),
        ];
        for (name, ours, theirs, mend) in fields {
            match (ours, theirs) {
                (Some(ours), Some(theirs)) if ours.eq_ignore_ascii_case(&theirs) => {
                    found.ok(&format!("Cloud{name} is {name}, {}", ours.escape_debug()));
                }
                (Some(ours), Some(theirs)) => found.error(&format!(
                    "Cloud{name} is {} and {name} is {}: {mend}",
                    theirs.escape_debug(),
                    ours.escape_debug()
                )),
                (_, None) => {
                    found.note(&format!("Cloud{name} is not told, or in no form that can be compared"))
                }
                (None, Some(_)) => found.note(&format!("Cloud{name} has nothing to be compared with")),
            }
        }
    }
}

/// UTF-8, or UTF-16 with a mark, which is what `>` writes in Windows PowerShell.
fn text(octets: &[u8]) -> Result<String, CloudError> {
    if octets.len() > LONGEST {
        return Err(CloudError::TooLong);
    }
    let text = match octets {
        [0xff, 0xfe, units @ ..] => {
            let (units, rest) = units.as_chunks::<2>();
            let units: Vec<u16> = units.iter().copied().map(u16::from_le_bytes).collect();
            String::from_utf16(&units).ok().filter(|_| rest.is_empty())
        }
        [0xef, 0xbb, 0xbf, text @ ..] | text => str::from_utf8(text).ok().map(str::to_owned),
    };
    text.ok_or(CloudError::NotText)
}

/// Seconds since 1970 of a time as ConvertTo-Json writes it: `/Date(1645693395000)/` in Windows PowerShell,
/// `2022-02-24T09:03:15.25+01:00` since version 6. One without a zone could be anywhere's.
fn instant(value: &Value) -> Option<i64> {
    let text = value.as_str()?;
    if let Some(rest) = text.strip_prefix("/Date(") {
        return rest.strip_suffix(")/")?.parse::<i64>().ok()?.checked_div_euclid(1000);
    }
    let (date_time, rest) = text.split_at_checked("0000-00-00T00:00:00".len())?;
    let form = date_time.bytes().map(|octet| if octet.is_ascii_digit() { b'0' } else { octet });
    if !form.eq(*b"0000-00-00T00:00:00") {
        return None;
    }
    let digits = format!("{}Z", date_time.replace(['-', ':', 'T'], ""));
    let local = KerberosTime::from_digits(digits.as_bytes())?.unix_seconds();
    let zone = rest.strip_prefix('.').unwrap_or(rest).trim_start_matches(|sign: char| sign.is_ascii_digit());
    local.checked_sub(offset(zone)?)
}

/// Seconds that a zone is ahead: `Z`, `+01:00`.
fn offset(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let (sign, rest) = zone.split_at_checked(1)?;
    let (hours, minutes) = rest.split_once(':')?;
    let number = |text: &str| text.parse::<u8>().map(i64::from).ok();
    let seconds = number(hours)?.saturating_mul(60).saturating_add(number(minutes)?).saturating_mul(60);
    match sign {
        "+" => Some(seconds),
        "-" => Some(seconds.saturating_neg()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::findings::{Findings, Subject};
    use crate::cli::kerberos_server::report::tests::server;

    /// As Windows PowerShell exports it.
    const EXPORT: &str = r#"{
    "Id":  30775, "UserAccount":  "CN=krbtgt_AzureAD,CN=Users,DC=lab,DC=example", "DisplayName":  "krbtgt_30775",
    "DomainDnsName":  "lab.example", "KeyVersion":  3771, "KeyUpdatedOn":  "\/Date(1795279878000)\/",
    "KeyUpdatedFrom":  "dc1.lab.example", "CloudDisplayName":  "krbtgt_30775", "CloudDomainDnsName":  "Lab.Example",
    "CloudId":  30775, "CloudKeyVersion":  3771, "CloudKeyUpdatedOn":  "\/Date(1795279878000)\/",
    "CloudTrustDisplay":  "Microsoft.AzureAD.Kdc.Service.TrustDisplay"
}"#;

    fn lines(export: &str) -> String {
        let mut findings = Findings::default();
        CloudServer::parse(export.as_bytes())
            .unwrap()
            .compare(&server(), &mut findings.about(Subject::Cloud, ""));
        findings.lines()
    }

    #[test]
    fn what_agrees_is_told_field_by_field() {
        let expected = "\
ok       CloudId is Id, 30775
ok       CloudDisplayName is DisplayName, krbtgt_30775
ok       CloudDomainDnsName is DomainDnsName, lab.example
ok       CloudKeyVersion is KeyVersion, 3771
ok       CloudKeyUpdatedOn is KeyUpdatedOn, 2026-11-21T16:51:18Z
";
        assert_eq!(lines(EXPORT), expected);
        assert_eq!(lines(&format!("[{EXPORT}]")), expected);
        let newer = EXPORT.replace(r"\/Date(1795279878000)\/", "2026-11-21T17:51:18.0000000+01:00");
        assert_eq!(lines(&newer), expected);
    }

    #[test]
    fn what_differs_names_both_and_the_mend() {
        let cases = [
            (
                "\"CloudKeyVersion\":  3771",
                "\"CloudKeyVersion\":  3770",
                "error    CloudKeyVersion is 3770 and KeyVersion is 3771: Entra issues",
            ),
            (
                "\"CloudId\":  30775",
                "\"CloudId\":  1",
                "error    CloudId is 1 and Id is 30775: the two are of different servers",
            ),
            ("\"CloudId\":  30775", "\"CloudId\":  null", "error    Entra has no such server"),
            (
                "\"CloudKeyUpdatedOn\":  \"\\/Date(1795279878000)",
                "\"CloudKeyUpdatedOn\":  \"\\/Date(1795279000000)",
                "error    CloudKeyUpdatedOn is 2026-11-21T16:36:40Z",
            ),
            (
                "\"CloudKeyUpdatedOn\":  \"\\/Date(1795279878000)\\/\"",
                "\"CloudKeyUpdatedOn\":  \"11/21/2026 4:51:18 PM\"",
                "note     CloudKeyUpdatedOn is not told",
            ),
            ("\"CloudDisplayName\":  \"krbtgt_30775\",", "", "note     CloudDisplayName is not told"),
        ];
        for (what, with, expected) in cases {
            assert!(EXPORT.contains(what), "{what}");
            let lines = lines(&EXPORT.replace(what, with));
            assert!(lines.contains(expected), "{expected}: {lines}");
        }
    }

    #[test]
    fn what_is_no_export_is_one_line() {
        let utf16 =
            |text: &str| [0xfeff].into_iter().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        let whole: Vec<u8> = utf16(EXPORT);
        assert!(CloudServer::parse(&whole).is_ok());
        assert!(CloudServer::parse(&[b"\xef\xbb\xbf", EXPORT.as_bytes()].concat()).is_ok());
        let broken = [
            Vec::new(),
            b"{".to_vec(),
            b"{}".to_vec(),
            b"[]".to_vec(),
            b"3".to_vec(),
            format!("[{EXPORT},{EXPORT}]").into_bytes(),
            EXPORT.replace("\"CloudKeyVersion\":  3771", "\"CloudKeyVersion\":  -1").into_bytes(),
            EXPORT
                .replace("\"CloudDisplayName\":  \"krbtgt_30775\"", "\"CloudDisplayName\":  3")
                .into_bytes(),
            vec![0xff; 16],
            whole[..whole.len() - 1].to_vec(),
            vec![b' '; LONGEST + 1],
        ];
        for octets in broken {
            let error = CloudServer::parse(&octets).unwrap_err().to_string();
            assert!(!error.contains('\n'), "{error}");
        }
    }

    #[test]
    fn times_have_a_zone_or_are_none() {
        let cases = [
            ("/Date(1645693395000)/", Some(1_645_693_395)),
            ("2022-02-24T09:03:15Z", Some(1_645_693_395)),
            ("2022-02-24T10:03:15.25+01:00", Some(1_645_693_395)),
            ("2022-02-24T03:33:15-05:30", Some(1_645_693_395)),
            ("2022-02-24T09:03:15", None),
            ("2022-02-30T09:03:15Z", None),
            ("/Date(x)/", None),
            ("2/24/2022 9:03:15 AM", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(instant(&Value::from(text)), expected, "{text}");
        }
        assert_eq!(instant(&Value::Null), None);
    }
}
