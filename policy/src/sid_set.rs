//! A set of SIDs in little room: the groups of an account, of which a cache holds a hundred thousand.

use std::fmt;

use pac::Sid;

/// A set of SIDs, ascending. What those of one domain have in common is held once: 4 octets for each group, where a
/// [`Sid`] takes 68.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SidSet {
    /// Runs of SIDs that differ only in their last sub-authority, ascending by what comes before it, their `domain`:
    /// `S-1-5-21-…` of the groups of a domain, `S-1-5-32` of BUILTIN ones. Each is the authority in two words, the
    /// higher first; how many sub-authorities the domain has, and how many RIDs follow; those; these, ascending. A run
    /// of none stands for its domain itself, which then has no sub-authority at all.
    words: Box<[u32]>,
}

impl SidSet {
    /// Whether the SID is one of them.
    #[must_use]
    pub fn contains(&self, sid: &Sid) -> bool {
        self.first_on(std::slice::from_ref(sid)).is_some()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.iter().count()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// Each of them, ascending.
    pub fn iter(&self) -> impl Iterator<Item = Sid> {
        self.runs().flat_map(|(domain, rids)| {
            let itself = rids.is_empty().then_some(domain);
            itself.into_iter().chain(rids.iter().filter_map(move |rid| domain.with_rid(*rid)))
        })
    }

    /// The first of them, ascending, that stands on `list`, which is sorted. Takes time by the shorter of the two.
    pub(crate) fn first_on(&self, list: &[Sid]) -> Option<Sid> {
        if list.is_empty() {
            return None;
        }
        self.runs().find_map(|(domain, rids)| {
            if rids.is_empty() {
                return list.binary_search(&domain).is_ok().then_some(domain);
            }
            let listed = of_domain(list, &domain);
            if listed.len() < rids.len() {
                let is_ours = |sid: &&Sid| sid.rid().is_some_and(|rid| rids.binary_search(&rid).is_ok());
                listed.iter().find(is_ours).copied()
            } else {
                let at = |rid: &u32| listed.binary_search_by_key(&Some(*rid), Sid::rid).ok();
                rids.iter().find_map(at).and_then(|at| listed.get(at)).copied()
            }
        })
    }

    fn runs(&self) -> impl Iterator<Item = (Sid, &[u32])> {
        let mut words = &*self.words;
        std::iter::from_fn(move || {
            let [high, low, sub_authorities, rids, rest @ ..] = words else { return None };
            let (domain, rest) = rest.split_at_checked(usize::try_from(*sub_authorities).ok()?)?;
            let (rids, rest) = rest.split_at_checked(usize::try_from(*rids).ok()?)?;
            words = rest;
            Some((Sid::new((u64::from(*high) << 32) | u64::from(*low), domain).ok()?, rids))
        })
    }
}

/// The accounts and groups of `domain` on a sorted list: within the order of SIDs they lie together.
fn of_domain<'l>(list: &'l [Sid], domain: &Sid) -> &'l [Sid] {
    let (Some(lowest), Some(highest)) = (domain.with_rid(0), domain.with_rid(u32::MAX)) else { return &[] };
    let from = list.partition_point(|sid| *sid < lowest);
    let rest = list.get(from..).unwrap_or_default();
    rest.get(..rest.partition_point(|sid| *sid <= highest)).unwrap_or_default()
}

impl FromIterator<Sid> for SidSet {
    fn from_iter<I: IntoIterator<Item = Sid>>(sids: I) -> Self {
        let mut sids: Vec<Sid> = sids.into_iter().collect();
        sids.sort_unstable();
        sids.dedup();
        let mut words = Vec::new();
        for run in
            sids.chunk_by(|left, right| left.domain().is_some_and(|domain| right.domain() == Some(domain)))
        {
            let Some(first) = run.first() else { continue };
            let domain = first.domain().unwrap_or(*first);
            let rids = run.iter().filter_map(Sid::rid);
            let [_, _, a, b, c, d, e, f] = domain.authority().to_be_bytes();
            let [high, low] = [[0, 0, a, b], [c, d, e, f]].map(u32::from_be_bytes);
            let lens = [domain.sub_authorities().len(), rids.clone().count()];
            words.extend(
                [high, low].into_iter().chain(lens.map(|len| u32::try_from(len).unwrap_or(u32::MAX))),
            );
            words.extend(domain.sub_authorities().iter().copied().chain(rids));
        }
        Self { words: words.into_boxed_slice() }
    }
}

impl fmt::Debug for SidSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sid(text: &str) -> Sid {
        text.parse().expect("a SID")
    }

    /// Ascending; domains with and without others beside them, a SID without sub-authorities, one with 15.
    fn all() -> Vec<Sid> {
        let longest = format!("S-1-5{}", "-7".repeat(15));
        let texts = [
            "S-1-1-0",
            "S-1-5",
            "S-1-5-9",
            "S-1-5-11",
            "S-1-5-32-544",
            "S-1-5-32-545",
            "S-1-5-21-1-2-3",
            "S-1-5-21-1-2-3-0",
            "S-1-5-21-1-2-3-513",
            "S-1-5-21-1-2-3-4294967295",
            "S-1-5-21-1-2-4-513",
            &longest,
            "S-1-6",
            "S-1-7",
            "S-1-18-1",
            "S-1-0xFFFFFFFFFFFF-7",
        ];
        texts.map(sid).to_vec()
    }

    #[test]
    fn gives_back_what_it_was_made_of_in_order_and_once() {
        let backwards = all().into_iter().rev().chain(all());
        let set: SidSet = backwards.collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), all());
        assert_eq!(set.len(), all().len());
        assert!(!set.is_empty() && SidSet::default().is_empty());
        assert!(SidSet::default().iter().next().is_none());
    }

    #[test]
    fn has_every_sid_it_was_made_of_and_no_other() {
        for left_out in all() {
            let set: SidSet = all().into_iter().filter(|sid| *sid != left_out).collect();
            for sid in all() {
                assert_eq!(set.contains(&sid), sid != left_out, "{sid} of {set:?}");
            }
        }
    }

    #[test]
    fn finds_the_first_that_is_on_a_list_whichever_is_longer() {
        let domain = sid("S-1-5-21-1-2-3");
        let members = |rids: &[u32]| rids.iter().filter_map(|rid| domain.with_rid(*rid)).collect::<Vec<_>>();
        let thousand: Vec<u32> = (1_000..2_000).collect();
        let rows: [(&[u32], &[u32], Option<u32>); 6] = [
            (&[513, 1500], &thousand, Some(1500)),
            (&thousand, &[513, 1500, 1700], Some(1500)),
            (&[1700, 1500], &[1500, 1700], Some(1500)),
            (&[513], &thousand, None),
            (&thousand, &[513], None),
            (&thousand, &[], None),
        ];
        for (set, list, expected) in rows {
            let set: SidSet = members(set).into_iter().chain([sid("S-1-5-32-545")]).collect();
            // Neighbours in the order of SIDs on both sides.
            let mut list = members(list);
            list.insert(0, sid("S-1-5-21-1-2-2-1500"));
            list.push(sid("S-1-5-21-1-2-4-1500"));
            assert_eq!(set.first_on(&list), expected.and_then(|rid| domain.with_rid(rid)), "{list:?}");
        }
    }
}
