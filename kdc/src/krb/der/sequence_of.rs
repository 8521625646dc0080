//! SEQUENCE OF: read lazily from octets that were checked once, or written from a slice.

use super::{Der, DerError, Reader, Tag, Writer};
use std::{fmt, marker::PhantomData, slice};

/// `SEQUENCE OF T`. Read from the wire it is the content octets, every element of which has been checked;
/// made with [`of`](Self::of) it is a slice to be written. Neither allocates.
pub struct SequenceOf<'a, T> {
    elements: Elements<'a, T>,
}

enum Elements<'a, T> {
    /// Content octets in which `count` elements have been read without error.
    Checked {
        content: &'a [u8],
        count: usize,
        element: PhantomData<T>,
    },
    Listed(&'a [T]),
}

impl<'a, T: Der<'a> + Copy> SequenceOf<'a, T> {
    /// A sequence of these elements, to be written.
    #[must_use]
    pub const fn of(elements: &'a [T]) -> Self {
        Self { elements: Elements::Listed(elements) }
    }

    /// Reads a sequence that fills the whole input, or `None` if it has more than `most` elements: then the rest of it
    /// is not looked at.
    ///
    /// # Errors
    /// [`DerError`] names the first rule the octets break.
    pub fn parse_at_most(most: usize, input: &'a [u8]) -> Result<Option<Self>, DerError> {
        let mut reader = Reader::new(input);
        let content = reader.content(Tag::SEQUENCE)?;
        let mut elements = Reader::new(content);
        let count = count::<T>(&mut elements, most)?;
        if !elements.is_empty() {
            return Ok(None);
        }
        reader.finish()?;
        Ok(Some(Self { elements: Elements::Checked { content, count, element: PhantomData } }))
    }

    /// How many elements there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self.elements {
            Elements::Checked { count, .. } => count,
            Elements::Listed(list) => list.len(),
        }
    }

    /// Whether there is no element.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The elements in order.
    #[must_use]
    pub fn iter(&self) -> Iter<'a, T> {
        Iter(match self.elements {
            Elements::Checked { content, .. } => Remaining::Octets(Reader::new(content)),
            Elements::Listed(list) => Remaining::Elements(list.iter()),
        })
    }
}

impl<'a, T: Der<'a> + Copy> Der<'a> for SequenceOf<'a, T> {
    type Encoded = T::Encoded;

    fn read(reader: &mut Reader<'a>) -> Result<Self, DerError> {
        let content = reader.content(Tag::SEQUENCE)?;
        let mut elements = Reader::new(content);
        let count = count::<T>(&mut elements, usize::MAX)?;
        Ok(Self { elements: Elements::Checked { content, count, element: PhantomData } })
    }

    fn write(&self, writer: &mut Writer) {
        match self.elements {
            Elements::Checked { content, .. } => writer.primitive(Tag::SEQUENCE, content),
            Elements::Listed(list) => writer.sequence(|elements| {
                for element in list.iter().rev() {
                    element.write(elements);
                }
            }),
        }
    }
}

/// Reads elements until there is none left, but no more than `most`, and counts them.
fn count<'a, T: Der<'a>>(elements: &mut Reader<'a>, most: usize) -> Result<usize, DerError> {
    let mut count = 0_usize;
    while !elements.is_empty() && count < most {
        T::read(elements)?;
        count = count.saturating_add(1);
    }
    Ok(count)
}

/// The elements of a [`SequenceOf`].
pub struct Iter<'a, T>(Remaining<'a, T>);

enum Remaining<'a, T> {
    Octets(Reader<'a>),
    Elements(slice::Iter<'a, T>),
}

impl<'a, T: Der<'a> + Copy> Iterator for Iter<'a, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        match &mut self.0 {
            // The octets were read once when the sequence was, so an error is the end and nothing else.
            Remaining::Octets(reader) => T::read(reader).ok(),
            Remaining::Elements(list) => list.next().copied(),
        }
    }
}

impl<'a, T: Der<'a> + Copy> IntoIterator for SequenceOf<'a, T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T> Clone for SequenceOf<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for SequenceOf<'_, T> {}

impl<T> Clone for Elements<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Elements<'_, T> {}

impl<'a, T: Der<'a> + Copy + PartialEq> PartialEq for SequenceOf<'a, T> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<'a, T: Der<'a> + Copy + Eq> Eq for SequenceOf<'a, T> {}

/// Shows elements, never content octets: the elements know what to keep to themselves.
impl<'a, T: Der<'a> + Copy + fmt::Debug> fmt::Debug for SequenceOf<'a, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.iter()).finish()
    }
}
