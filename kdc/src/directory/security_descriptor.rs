//! Who is granted what on an object: the self-relative form of a security descriptor ([MS-DTYP] 2.4.6).
//!
//! Only what grants is read: the owner and the entries of the DACL that allow something on the object itself. Entries
//! that deny are left out, so that whoever asks finds rather too many than too few.

use pac::{Sid, SidError};

/// SE_DACL_PRESENT and SE_SELF_RELATIVE of the control bits.
const DACL_PRESENT: u16 = 0x0004;
const SELF_RELATIVE: u16 = 0x8000;

/// Types of entries that allow ([MS-DTYP] 2.4.4.1), the conditional ones among them: their condition may hold.
const ALLOWED: u8 = 0x00;
const ALLOWED_OBJECT: u8 = 0x05;
const ALLOWED_CALLBACK: u8 = 0x09;
const ALLOWED_CALLBACK_OBJECT: u8 = 0x0b;

/// INHERIT_ONLY_ACE: not about the object itself.
const INHERIT_ONLY: u8 = 0x08;

/// ACE_OBJECT_TYPE_PRESENT and ACE_INHERITED_OBJECT_TYPE_PRESENT.
const OBJECT_TYPE_PRESENT: u32 = 0x1;
const INHERITED_OBJECT_TYPE_PRESENT: u32 = 0x2;

/// Rights of an entry ([MS-ADTS] 5.1.3.2, [MS-DTYP] 2.4.3).
pub(super) mod rights {
    /// RIGHT_DS_WRITE_PROPERTY.
    pub(in crate::directory) const WRITE_PROPERTY: u32 = 0x0000_0020;
    /// RIGHT_DS_CONTROL_ACCESS: extended rights.
    pub(in crate::directory) const CONTROL_ACCESS: u32 = 0x0000_0100;
    /// RIGHT_WRITE_DAC.
    pub(in crate::directory) const WRITE_DAC: u32 = 0x0004_0000;
    /// RIGHT_WRITE_OWNER.
    pub(in crate::directory) const WRITE_OWNER: u32 = 0x0008_0000;
    /// RIGHT_GENERIC_ALL.
    pub(in crate::directory) const GENERIC_ALL: u32 = 0x1000_0000;
    /// RIGHT_GENERIC_WRITE.
    pub(in crate::directory) const GENERIC_WRITE: u32 = 0x4000_0000;
}

/// The owner of an object, and what its DACL grants on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityDescriptor {
    /// Who owns it, and may therefore change its DACL.
    pub owner: Sid,
    /// In the order of the DACL.
    pub grants: Vec<Grant>,
}

/// An entry of the DACL that allows something on the object itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// To whom.
    pub trustee: Sid,
    /// Which rights ([MS-ADTS] 5.1.3.2).
    pub mask: u32,
    /// The attribute, property set, class or extended right it is about, as a GUID in the order it is stored;
    /// `None`: all of them.
    pub object_type: Option<[u8; 16]>,
}

/// Why octets are no descriptor that could be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DescriptorError {
    /// An offset or a length leads beyond the end.
    #[error("is cut off, or has an offset that leads nowhere")]
    Truncated,
    /// The revision, or a control bit, is not that of the self-relative form.
    #[error("is not in self-relative form")]
    NotSelfRelative,
    /// There is no owner, though it was asked for.
    #[error("has no owner")]
    NoOwner,
    /// There is no DACL, or it is null: everybody is granted everything.
    #[error("has no DACL, which grants everybody everything")]
    NoDacl,
    /// A SID in it is none.
    #[error("has a malformed SID: {0}")]
    Sid(#[from] SidError),
}

impl SecurityDescriptor {
    /// Reads a descriptor: revision 1 (1 octet), a zero octet, the control bits (2 octets), then the offsets of owner,
    /// group, SACL and DACL (4 octets each); all numbers little-endian, offsets from the start.
    ///
    /// # Errors
    /// [`DescriptorError`]; also if owner or DACL is absent, because then nobody can be told who is granted what.
    pub fn parse(octets: &[u8]) -> Result<Self, DescriptorError> {
        let mut header = Reader(octets);
        let [revision, _zero] = header.take()?;
        let control = u16::from_le_bytes(header.take()?);
        if revision != 1 || control & SELF_RELATIVE == 0 {
            return Err(DescriptorError::NotSelfRelative);
        }
        let [owner, _group, _sacl, dacl] =
            [header.u32()?, header.u32()?, header.u32()?, header.u32()?].map(|at| usize::try_from(at).ok());
        let part = |at: Option<usize>| at.and_then(|at| octets.get(at..)).map(Reader);
        if owner == Some(0) {
            return Err(DescriptorError::NoOwner);
        }
        if control & DACL_PRESENT == 0 || dacl == Some(0) {
            return Err(DescriptorError::NoDacl);
        }
        Ok(Self {
            owner: part(owner).ok_or(DescriptorError::Truncated)?.sid()?,
            grants: grants(part(dacl).ok_or(DescriptorError::Truncated)?)?,
        })
    }
}

/// An ACL ([MS-DTYP] 2.4.5): revision and a zero octet, size (2 octets), number of entries (2 octets), two zero octets.
fn grants(mut acl: Reader<'_>) -> Result<Vec<Grant>, DescriptorError> {
    const HEADER: usize = 8;
    let [_revision, _zero] = acl.take()?;
    let size = usize::from(u16::from_le_bytes(acl.take()?));
    let count = u16::from_le_bytes(acl.take()?);
    let [_, _] = acl.take()?;
    let mut entries = acl.part(size.checked_sub(HEADER).ok_or(DescriptorError::Truncated)?)?;
    let mut grants = Vec::new();
    for _ in 0..count {
        grants.extend(grant(&mut entries)?);
    }
    Ok(grants)
}

/// An ACE ([MS-DTYP] 2.4.4): type, flags, size (2 octets, of the whole), mask (4 octets), with the object types flags
/// and GUIDs where they say so, and the trustee. What may follow, a condition, is not read.
fn grant(entries: &mut Reader<'_>) -> Result<Option<Grant>, DescriptorError> {
    const HEADER: usize = 4;
    let [kind, flags] = entries.take()?;
    let size = usize::from(u16::from_le_bytes(entries.take()?));
    let mut entry = entries.part(size.checked_sub(HEADER).ok_or(DescriptorError::Truncated)?)?;
    let has_object = match kind {
        _ if flags & INHERIT_ONLY != 0 => return Ok(None),
        ALLOWED | ALLOWED_CALLBACK => false,
        ALLOWED_OBJECT | ALLOWED_CALLBACK_OBJECT => true,
        _ => return Ok(None),
    };
    let mask = entry.u32()?;
    let present = if has_object { entry.u32()? } else { 0 };
    let mut guid = |flag| if present & flag != 0 { entry.take().map(Some) } else { Ok(None) };
    let object_type = guid(OBJECT_TYPE_PRESENT)?;
    let _inherited = guid(INHERITED_OBJECT_TYPE_PRESENT)?;
    Ok(Some(Grant { trustee: entry.sid()?, mask, object_type }))
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], DescriptorError> {
        let (first, rest) = self.0.split_first_chunk().ok_or(DescriptorError::Truncated)?;
        self.0 = rest;
        Ok(*first)
    }

    fn u32(&mut self) -> Result<u32, DescriptorError> {
        self.take().map(u32::from_le_bytes)
    }

    fn part(&mut self, length: usize) -> Result<Self, DescriptorError> {
        let (part, rest) = self.0.split_at_checked(length).ok_or(DescriptorError::Truncated)?;
        self.0 = rest;
        Ok(Reader(part))
    }

    /// A SID in packet form, whatever comes behind it.
    fn sid(&self) -> Result<Sid, DescriptorError> {
        const HEADER: usize = 8;
        let [_revision, count, ..] = self.0 else { return Err(DescriptorError::Truncated) };
        let length = usize::from(*count).saturating_mul(4).saturating_add(HEADER);
        Ok(Sid::from_bytes(self.0.get(..length).ok_or(DescriptorError::Truncated)?)?)
    }
}

#[cfg(test)]
pub(super) mod tests;
