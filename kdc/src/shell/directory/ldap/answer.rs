//! From a search result entry on the wire to an [`Entry`], ranges put together.
//!
//! `ldap3::SearchEntry` is not used: it panics on entries that are not well-formed, and sorts values into two
//! maps by whether they happen to be UTF-8.

use std::collections::BTreeMap;

use ldap3::ResultEntry;
use ldap3::asn1::StructureTag;

use crate::directory::Entry;
use crate::shell::directory::ReadError;

/// Octets of one entry, its pieces together, beyond which it is refused, so that no answer fills the memory.
const ENTRY_LIMIT: usize = 16 << 20;

/// A search result entry (RFC 4511 §4.5.2), attribute descriptions as the server wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) dn: String,
    pub(super) attributes: Vec<(String, Vec<Vec<u8>>)>,
    /// Octets of name and values.
    size: usize,
}

impl Answer {
    /// `SearchResultEntry ::= [APPLICATION 4] SEQUENCE { objectName LDAPDN, attributes PartialAttributeList }`.
    /// `None` if it is anything else.
    pub(super) fn decode(entry: ResultEntry) -> Option<Self> {
        let mut parts = entry.0.match_id(4)?.expect_constructed()?.into_iter();
        let dn = text(parts.next()?)?;
        let mut size = dn.len();
        let mut attributes = Vec::new();
        for attribute in parts.next()?.expect_constructed()? {
            let mut parts = attribute.expect_constructed()?.into_iter();
            let description = text(parts.next()?)?;
            let values = parts.next()?.expect_constructed()?;
            let values =
                values.into_iter().map(StructureTag::expect_primitive).collect::<Option<Vec<_>>>()?;
            size = values.iter().fold(size, |size, value| size.saturating_add(value.len()));
            attributes.push((description, values));
        }
        (size <= ENTRY_LIMIT).then_some(Self { dn, attributes, size })
    }

    /// The first attribute of which only a piece came, and not the last piece.
    pub(super) fn unfinished(&self) -> Option<Piece<'_>> {
        let pieces = self.attributes.iter();
        pieces
            .filter_map(|(description, values)| Piece::parse(description, values.len()))
            .find(|piece| piece.high.is_some())
    }

    /// Puts the next piece of an attribute, from an answer to [`Piece::rest`], behind what is already here.
    ///
    /// # Errors
    /// If the answer is of another object, has no such piece, the pieces do not join without gap or overlap, or they
    /// are too large together.
    pub(super) fn append(&mut self, name: &str, next: Self) -> Result<(), ReadError> {
        let refuse = |problem| Err(ReadError::data(self.dn.clone(), format!("attribute {name} {problem}")));
        if next.dn != self.dn {
            return refuse("is continued by another object");
        }
        self.size = self.size.saturating_add(next.size);
        if self.size > ENTRY_LIMIT {
            return refuse("has more values than are read");
        }
        let is_piece = |description: &str| {
            Piece::parse(description, 0).is_some_and(|piece| piece.name.eq_ignore_ascii_case(name))
        };
        let Some((new_description, new_values)) =
            next.attributes.into_iter().find(|(text, _)| is_piece(text))
        else {
            return refuse("ends in the middle of its values");
        };
        let Some((description, values)) = self.attributes.iter_mut().find(|(text, _)| is_piece(text)) else {
            return refuse("is continued but never began");
        };
        let joins = Piece::parse(&new_description, new_values.len())
            .filter(|piece| piece.low == values.len() && piece.count > 0 && piece.is_exact());
        let Some(piece) = joins else {
            return refuse("comes in pieces that do not join");
        };
        *description = match piece.high {
            Some(high) => format!("{name};range=0-{high}"),
            None => format!("{name};range=0-*"),
        };
        values.extend(new_values);
        Ok(())
    }

    /// The value of an attribute with one value.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let (_, values) =
            self.attributes.iter().find(|(description, _)| description.eq_ignore_ascii_case(name))?;
        match values.as_slice() {
            [value] => str::from_utf8(value).ok(),
            _ => None,
        }
    }

    /// The values of an attribute; none if it is absent.
    pub(super) fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.attributes
            .iter()
            .filter(move |(description, _)| description.eq_ignore_ascii_case(name))
            .flat_map(|(_, values)| values)
            .filter_map(|value| str::from_utf8(value).ok())
    }

    /// The object as the pure half reads it. What came complete under a range is the attribute itself; what did
    /// not, or has values under another description too, keeps its option, so that reading it is an error.
    pub(super) fn into_entry(self) -> Entry {
        let mut descriptions = BTreeMap::<String, usize>::new();
        // Beside a range, the bare attribute comes without values ([MS-ADTS] 3.1.1.3.1.3.3).
        for (description, _) in self.attributes.iter().filter(|(_, values)| !values.is_empty()) {
            let count = descriptions.entry(bare(description).to_ascii_lowercase()).or_default();
            *count = count.saturating_add(1);
        }
        let mut entry = Entry::new(self.dn);
        for (description, values) in self.attributes {
            let is_alone = descriptions.get(&bare(&description).to_ascii_lowercase()) == Some(&1);
            let name = match Piece::parse(&description, values.len()) {
                Some(Piece { name, low: 0, high: None, .. }) if is_alone => name,
                _ => &description,
            };
            for value in values {
                entry.insert(name, value);
            }
        }
        entry
    }
}

/// An attribute description without its options.
fn bare(description: &str) -> &str {
    description.split_once(';').map_or(description, |(name, _)| name)
}

fn text(tag: StructureTag) -> Option<String> {
    String::from_utf8(tag.expect_primitive()?).ok()
}

/// A description with a range option, `member;range=0-1499` ([MS-ADTS] 3.1.1.3.1.3.3). The last piece has no
/// upper end: `member;range=1500-*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    pub(super) name: &'a str,
    low: usize,
    high: Option<usize>,
    /// How many values came.
    count: usize,
}

impl<'a> Piece<'a> {
    fn parse(description: &'a str, count: usize) -> Option<Self> {
        let (name, option) = description.split_once(';')?;
        let (low, high) = strip_range(option)?.split_once('-')?;
        let high = if high == "*" { None } else { Some(high.parse().ok()?) };
        Some(Self { name, low: low.parse().ok()?, high, count })
    }

    /// Whether it holds as many values as its ends say.
    fn is_exact(&self) -> bool {
        self.high.is_none_or(|high| {
            high.checked_sub(self.low).and_then(|gap| gap.checked_add(1)) == Some(self.count)
        })
    }

    /// What to ask for to get the values that follow; `None` if those before it are not all here.
    pub(super) fn rest(&self) -> Option<String> {
        let is_whole = self.low == 0 && self.is_exact();
        is_whole.then(|| format!("{};range={}-*", self.name, self.count))
    }
}

fn strip_range(option: &str) -> Option<&str> {
    let (prefix, rest) = option.split_at_checked("range=".len())?;
    prefix.eq_ignore_ascii_case("range=").then_some(rest)
}

#[cfg(test)]
mod tests {
    use ldap3::asn1::{PL, TagClass};

    use super::*;

    fn octets(value: &[u8]) -> StructureTag {
        StructureTag { class: TagClass::Universal, id: 4, payload: PL::P(value.to_vec()) }
    }

    fn sequence(id: u64, parts: Vec<StructureTag>) -> StructureTag {
        StructureTag { class: TagClass::Universal, id, payload: PL::C(parts) }
    }

    fn answer(dn: &str, attributes: &[(&str, &[&str])]) -> Answer {
        let attributes = attributes.iter().map(|(name, values)| {
            ((*name).to_owned(), values.iter().map(|value| value.as_bytes().to_vec()).collect())
        });
        Answer { dn: dn.to_owned(), attributes: attributes.collect(), size: dn.len() }
    }

    #[test]
    fn values_keep_their_octets_whether_or_not_they_are_text() {
        let attribute =
            sequence(16, vec![octets(b"objectSid"), sequence(17, vec![octets(&[0xff, 1]), octets(b"a")])]);
        let entry = sequence(4, vec![octets(b"CN=a"), sequence(16, vec![attribute])]);
        let decoded = Answer::decode(ResultEntry::new(entry)).unwrap().into_entry();
        assert_eq!(decoded.dn(), "CN=a");
        assert_eq!(decoded.values("objectsid").unwrap(), [vec![0xff, 1], b"a".to_vec()]);
    }

    #[test]
    fn refuses_what_is_no_entry() {
        let entries = [
            octets(b"x"),
            sequence(5, vec![]),
            sequence(4, vec![]),
            sequence(4, vec![octets(b"CN=a")]),
            sequence(4, vec![octets(&[0xff]), sequence(16, vec![])]),
            sequence(4, vec![octets(b"CN=a"), sequence(16, vec![octets(b"name")])]),
            sequence(
                4,
                vec![octets(b"CN=a"), sequence(16, vec![sequence(16, vec![octets(b"name"), octets(b"v")])])],
            ),
        ];
        for entry in entries {
            assert_eq!(Answer::decode(ResultEntry::new(entry.clone())), None, "{entry:?}");
        }
    }

    #[test]
    fn pieces_join_into_the_whole_attribute() {
        let mut whole = answer("CN=g", &[("member", &[]), ("member;Range=0-1", &["a", "b"])]);
        assert_eq!(whole.unfinished().unwrap().rest().unwrap(), "member;range=2-*");
        whole.append("member", answer("CN=g", &[("member;range=2-3", &["c", "d"])])).unwrap();
        assert_eq!(whole.unfinished().unwrap().rest().unwrap(), "member;range=4-*");
        whole.append("member", answer("CN=g", &[("member;range=4-*", &["e"])])).unwrap();
        assert_eq!(whole.unfinished(), None);
        let entry = whole.into_entry();
        assert_eq!(entry.texts("member").unwrap(), ["a", "b", "c", "d", "e"]);
    }

    #[test]
    fn pieces_that_do_not_join_are_refused() {
        let nexts = [
            answer("CN=other", &[("member;range=2-*", &["c"])]),
            answer("CN=g", &[]),
            answer("CN=g", &[("member", &["c"])]),
            answer("CN=g", &[("member;range=1-*", &["c"])]),
            answer("CN=g", &[("member;range=3-*", &["c"])]),
            answer("CN=g", &[("member;range=2-*", &[])]),
            answer("CN=g", &[("member;range=0-1", &["a", "b"])]),
            answer("CN=g", &[("member;range=2-3", &["c"])]),
            answer("CN=g", &[("member;range=2-2", &["c", "d"])]),
            answer("CN=g", &[("member;range=2-1", &["c"])]),
            Answer { size: ENTRY_LIMIT, ..answer("CN=g", &[("member;range=2-*", &["c"])]) },
        ];
        for next in nexts {
            let mut whole = answer("CN=g", &[("member;range=0-1", &["a", "b"])]);
            assert!(whole.append("member", next.clone()).is_err(), "{next:?}");
        }
    }

    #[test]
    fn a_first_piece_that_is_not_what_it_says_is_not_continued() {
        let cases = [
            ("member;range=0-1", Some("member;range=2-*")),
            ("member;range=0-2", None),
            ("member;range=0-0", None),
            ("member;range=1-2", None),
            ("member;range=0-18446744073709551615", None),
        ];
        for (description, expected) in cases {
            let first = answer("CN=g", &[("member", &[]), (description, &["a", "b"])]);
            assert_eq!(first.unfinished().unwrap().rest().as_deref(), expected, "{description}");
        }
    }

    #[test]
    fn an_unfinished_attribute_cannot_be_read() {
        let entry = answer("CN=g", &[("member;range=0-1", &["a", "b"])]).into_entry();
        assert!(entry.values("member").is_err());
        let others: [&[(&str, &[&str])]; 4] = [
            &[("member;range=1-*", &["b"])],
            &[("member;range=0-*", &["a"]), ("Member", &["b"])],
            &[("member", &["b"]), ("member;range=0-*", &["a"])],
            &[("member;binary;range=0-*", &["a"])],
        ];
        for attributes in others {
            let entry = answer("CN=g", attributes).into_entry();
            assert!(entry.values("member").is_err(), "{attributes:?}");
        }
    }
}
