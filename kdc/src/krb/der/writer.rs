//! The writer: values are put down last octet first, so that a length is known when its turn comes and
//! nothing is measured beforehand or moved afterwards.

use super::{Der, Tag};
use crate::krb::secret::wipe;

/// Most messages without a ticket fit without growing.
const INITIAL_CAPACITY: usize = 512;

/// A buffer that fills from its end. What is written later stands in front of what was written before.
pub struct Writer {
    buffer: Vec<u8>,
    /// Octets not used yet, at the front of the buffer.
    free: usize,
}

impl Default for Writer {
    fn default() -> Self {
        Self::new()
    }
}

impl Writer {
    /// An empty writer with room for most messages.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(INITIAL_CAPACITY)
    }

    /// An empty writer with room for `capacity` octets.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self { buffer: vec![0; capacity], free: capacity }
    }

    /// How many octets have been written.
    #[must_use]
    pub fn written(&self) -> usize {
        self.buffer.len().saturating_sub(self.free)
    }

    /// What has been written.
    #[must_use]
    pub fn octets_written(&self) -> &[u8] {
        self.buffer.get(self.free..).unwrap_or_default()
    }

    /// The encoding, in a vector that keeps the writer's allocation.
    #[must_use]
    pub fn into_octets(mut self) -> Vec<u8> {
        let written = self.written();
        self.buffer.copy_within(self.free.., 0);
        self.buffer.truncate(written);
        self.buffer
    }

    /// Octets as they are.
    #[inline]
    pub fn octets(&mut self, octets: &[u8]) {
        match self.place(octets.len()) {
            Some(place) => place.copy_from_slice(octets),
            None => self.octets_after_growing(octets),
        }
    }

    #[cold]
    fn octets_after_growing(&mut self, octets: &[u8]) {
        self.grow(octets.len());
        if let Some(place) = self.place(octets.len()) {
            place.copy_from_slice(octets);
        }
    }

    /// Where the next octets go, so many of them, if there is room.
    #[inline]
    fn place(&mut self, count: usize) -> Option<&mut [u8]> {
        let start = self.free.checked_sub(count)?;
        let place = self.buffer.get_mut(start..self.free)?;
        self.free = start;
        Some(place)
    }

    /// So many zeros, to be overwritten by way of [`front_mut`](Self::front_mut).
    pub fn zeros(&mut self, count: usize) {
        if count > self.free {
            self.grow(count);
        }
        // What is free has never been written to.
        self.free = self.free.saturating_sub(count);
    }

    /// The last `count` octets written, which are the first of the encoding.
    pub fn front_mut(&mut self, count: usize) -> &mut [u8] {
        let end = self.free.saturating_add(count);
        self.buffer.get_mut(self.free..end).unwrap_or_default()
    }

    /// At least doubles the buffer. The old one may hold a session key, so it is wiped.
    #[cold]
    fn grow(&mut self, more: usize) {
        let capacity = self.buffer.len().saturating_mul(2).saturating_add(more);
        let written = self.written();
        let mut larger = vec![0; capacity];
        let free = capacity.saturating_sub(written);
        if let Some(place) = larger.get_mut(free..) {
            place.copy_from_slice(self.octets_written());
        }
        wipe(&mut self.buffer);
        self.buffer = larger;
        self.free = free;
    }

    /// A value with this tag, whose content `content` writes.
    pub fn inside(&mut self, tag: Tag, content: impl FnOnce(&mut Self)) {
        let before = self.written();
        content(self);
        self.header(tag.octet(), self.written().saturating_sub(before));
    }

    /// A SEQUENCE whose fields, the last one first, `fields` writes.
    pub fn sequence(&mut self, fields: impl FnOnce(&mut Self)) {
        self.inside(Tag::SEQUENCE, fields);
    }

    /// `[APPLICATION number] SEQUENCE` whose fields, the last one first, `fields` writes.
    pub fn application(&mut self, number: u8, fields: impl FnOnce(&mut Self)) {
        self.inside_both(Tag::application(number), Tag::SEQUENCE, fields);
    }

    /// The field `[number]`.
    pub fn field(&mut self, number: u8, value: impl FnOnce(&mut Self)) {
        self.inside(Tag::context(number), value);
    }

    /// The field `[number]` with a value of this tag in it, whose content `content` writes.
    pub fn field_of(&mut self, number: u8, tag: Tag, content: impl FnOnce(&mut Self)) {
        self.inside_both(Tag::context(number), tag, content);
    }

    /// The field `[number]` with a primitive value in it.
    pub fn primitive_field(&mut self, number: u8, tag: Tag, content: &[u8]) {
        self.octets(content);
        self.headers(Tag::context(number), tag, content.len());
    }

    /// The field `[number]` with a primitive value of as many octets as the compiler knows of.
    #[inline]
    pub fn primitive_field_of<const N: usize>(&mut self, number: u8, tag: Tag, content: [u8; N]) {
        self.front(content);
        self.headers(Tag::context(number), tag, N);
    }

    /// The field `[number]` with an OCTET STRING.
    pub fn octets_field(&mut self, number: u8, octets: &[u8]) {
        self.primitive_field(number, Tag::OCTET_STRING, octets);
    }

    /// The field `[number]` with a GeneralString.
    pub fn string_field(&mut self, number: u8, octets: &[u8]) {
        self.primitive_field(number, Tag::GENERAL_STRING, octets);
    }

    /// The field `[number]` with `KerberosFlags` of exactly 32 bits, as RFC 4120 §5.2.8 asks of senders.
    pub fn flags_field(&mut self, number: u8, flags: u32) {
        let [a, b, c, d] = flags.to_be_bytes();
        self.front([Tag::context(number).octet(), 7, Tag::BIT_STRING.octet(), 5, 0, a, b, c, d]);
    }

    /// The field `[number]` of type `Int32`. Nearly all have one octet and are written at once.
    #[inline]
    pub fn int32_field(&mut self, number: u8, value: i32) {
        match i8::try_from(value) {
            Ok(small) => {
                let octet = small.cast_unsigned();
                self.front([Tag::context(number).octet(), 3, Tag::INTEGER.octet(), 1, octet]);
            }
            Err(_) => self.field(number, |field| field.long_integer(i64::from(value))),
        }
    }

    /// The field `[number]` with a value that knows how to write itself.
    pub fn value<'a>(&mut self, number: u8, value: &impl Der<'a>) {
        value.write_field(number, self);
    }

    /// The OPTIONAL field `[number]`, if there is a value.
    pub fn optional<'a>(&mut self, number: u8, value: Option<&impl Der<'a>>) {
        if let Some(value) = value {
            self.value(number, value);
        }
    }

    /// A primitive value: tag, length and content.
    pub fn primitive(&mut self, tag: Tag, content: &[u8]) {
        self.octets(content);
        self.header(tag.octet(), content.len());
    }

    /// An INTEGER in as few octets as it needs.
    #[inline]
    pub fn integer(&mut self, value: i64) {
        if let Ok(small) = i8::try_from(value) {
            return self.front([Tag::INTEGER.octet(), 1, small.cast_unsigned()]);
        }
        self.long_integer(value);
    }

    /// Octets that only repeat the sign are left out; one sign bit must stay.
    fn long_integer(&mut self, value: i64) {
        let magnitude = if value < 0 { !value } else { value };
        let redundant = magnitude.leading_zeros().saturating_sub(1) / 8;
        let start = usize::try_from(redundant).unwrap_or_default();
        self.primitive(Tag::INTEGER, value.to_be_bytes().get(start..).unwrap_or_default());
    }

    /// A GeneralString.
    pub fn general_string(&mut self, octets: &[u8]) {
        self.primitive(Tag::GENERAL_STRING, octets);
    }

    /// A value with the tag `inner`, alone in one with the tag `outer`; `content` writes what is in it.
    fn inside_both(&mut self, outer: Tag, inner: Tag, content: impl FnOnce(&mut Self)) {
        let before = self.written();
        content(self);
        self.headers(outer, inner, self.written().saturating_sub(before));
    }

    /// Tags and minimal lengths of such a value, whose content has just been written: as a rule both at once.
    #[inline]
    fn headers(&mut self, outer: Tag, inner: Tag, length: usize) {
        let (outer, inner) = (outer.octet(), inner.octet());
        match u16::try_from(length)
            .map(|length| (length.to_be_bytes(), length.saturating_add(4).to_be_bytes()))
        {
            Ok(([0, short @ 0x00..=0x7d], _)) => self.front([outer, short.saturating_add(2), inner, short]),
            Ok(([a @ 0x01..=0xfe, b], [c, d])) => self.front([outer, 0x82, c, d, inner, 0x82, a, b]),
            _ => {
                let before = self.written();
                self.header(inner, length);
                let header = self.written().saturating_sub(before);
                self.header(outer, length.saturating_add(header));
            }
        }
    }

    /// Tag and minimal length of a value whose content has just been written.
    #[inline]
    fn header(&mut self, tag: u8, length: usize) {
        match u8::try_from(length) {
            Ok(short @ 0x00..=0x7f) => self.front([tag, short]),
            _ => self.long_header(tag, length),
        }
    }

    fn long_header(&mut self, tag: u8, length: usize) {
        match length.to_be_bytes() {
            [.., 0, 0, 0, a] => self.front([tag, 0x81, a]),
            [.., 0, 0, a, b] => self.front([tag, 0x82, a, b]),
            [.., 0, a, b, c] => self.front([tag, 0x83, a, b, c]),
            [.., a, b, c, d] => self.front([tag, 0x84, a, b, c, d]),
        }
    }

    /// As many octets as the compiler knows of, which makes them a store or two instead of a copy.
    #[inline]
    fn front<const N: usize>(&mut self, octets: [u8; N]) {
        match self.place(N).and_then(<[u8]>::first_chunk_mut) {
            Some(place) => *place = octets,
            None => self.octets_after_growing(&octets),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::krb::der::{DerError, Reader};

    #[test]
    fn lengths_are_minimal_at_every_boundary() {
        let cases: [(usize, &[u8]); 8] = [
            (0, &[0x04, 0x00]),
            (0x7f, &[0x04, 0x7f]),
            (0x80, &[0x04, 0x81, 0x80]),
            (0xff, &[0x04, 0x81, 0xff]),
            (0x100, &[0x04, 0x82, 0x01, 0x00]),
            (0xffff, &[0x04, 0x82, 0xff, 0xff]),
            (0x1_0000, &[0x04, 0x83, 0x01, 0x00, 0x00]),
            (0x100_0000, &[0x04, 0x84, 0x01, 0x00, 0x00, 0x00]),
        ];
        for (length, header) in cases {
            let content = vec![7; length];
            let mut writer = Writer::new();
            writer.primitive(Tag::OCTET_STRING, &content);
            let encoded = writer.into_octets();
            assert!(encoded.starts_with(header), "{length}");
            assert_eq!(Reader::new(&encoded).octet_string(), Ok(content.as_slice()));
        }
    }

    #[test]
    fn integers_are_minimal() {
        let cases: [(i64, &[u8]); 10] = [
            (0, &[0]),
            (0x7f, &[0x7f]),
            (0x80, &[0, 0x80]),
            (-0x80, &[0x80]),
            (-0x81, &[0xff, 0x7f]),
            (-1, &[0xff]),
            (0xffff_ffff, &[0, 0xff, 0xff, 0xff, 0xff]),
            (-0x8000_0000, &[0x80, 0, 0, 0]),
            (i64::MAX, &[0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            (i64::MIN, &[0x80, 0, 0, 0, 0, 0, 0, 0]),
        ];
        for (value, content) in cases {
            let mut writer = Writer::new();
            writer.integer(value);
            let encoded = writer.into_octets();
            assert_eq!(encoded.get(2..), Some(content), "{value}");
            assert_eq!(Reader::new(&encoded).integer(), Ok(value));
        }
    }

    #[test]
    fn a_field_of_an_int32_is_a_field_with_an_integer_in_it() {
        let cases = [0, 1, -1, 0x7f, 0x80, -0x80, -0x81, 0x8000, i32::MAX, i32::MIN];
        for value in cases {
            let (mut at_once, mut nested) = (Writer::new(), Writer::new());
            at_once.int32_field(3, value);
            nested.field(3, |field| field.integer(i64::from(value)));
            let encoded = at_once.into_octets();
            assert_eq!(encoded, nested.into_octets(), "{value}");
            let mut reader = Reader::new(&encoded);
            assert_eq!(reader.clone().int32_field(2), Err(DerError::UnexpectedTag));
            assert_eq!(reader.int32_field(3), Ok(value));
            assert!(reader.is_empty());
        }
    }

    #[test]
    fn a_value_alone_in_another_has_both_headers_minimal() {
        for length in (0..0x210).chain(0xff00..0x1_0010) {
            let content = vec![7; length];
            let (mut at_once, mut nested) = (Writer::new(), Writer::new());
            at_once.octets_field(3, &content);
            nested.field(3, |field| field.primitive(Tag::OCTET_STRING, &content));
            assert_eq!(at_once.into_octets(), nested.into_octets(), "{length}");
        }
    }

    #[test]
    fn growing_keeps_what_was_written() {
        let mut writer = Writer::with_capacity(1);
        for octet in 0..=255 {
            writer.octets(&[octet]);
        }
        assert_eq!(writer.written(), 256);
        assert!(writer.into_octets().into_iter().eq((0..=255).rev()));
    }
}
