//! DER taken apart and put together wrongly. Deliberately not the daemon's codec: it could not write most of this.

/// An element: its tag octet, and what is in it.
#[derive(Clone, Debug)]
pub struct Node {
    /// The tag octet.
    pub tag: u8,
    /// What is in it.
    pub content: Content,
}

/// What is in an element.
#[derive(Clone, Debug)]
pub enum Content {
    /// Of a primitive one.
    Octets(Vec<u8>),
    /// Of a constructed one.
    Elements(Vec<Node>),
    /// In place of the element, its tag included.
    Raw(Vec<u8>),
}

impl Node {
    /// The only element in these octets.
    ///
    /// # Panics
    /// Where they are cut short or have more behind them.
    #[must_use]
    pub fn parse(octets: &[u8]) -> Self {
        let (node, rest) = Self::take(octets);
        assert!(rest.is_empty());
        node
    }

    fn take(octets: &[u8]) -> (Self, &[u8]) {
        let (tag, first) = (octets[0], octets[1]);
        let (length, header) = match first {
            0..0x80 => (usize::from(first), 2),
            _ => {
                let count = usize::from(first & 0x7f);
                let length = octets[2..2 + count].iter().fold(0, |sum, octet| sum << 8 | usize::from(*octet));
                (length, 2 + count)
            }
        };
        let (mut inside, rest) = octets[header..].split_at(length);
        let content = if tag & 0x20 == 0 {
            Content::Octets(inside.to_vec())
        } else {
            let mut elements = Vec::new();
            while !inside.is_empty() {
                let (element, after) = Self::take(inside);
                elements.push(element);
                inside = after;
            }
            Content::Elements(elements)
        };
        (Self { tag, content }, rest)
    }

    /// The element's octets.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        match &self.content {
            Content::Octets(octets) => tlv(self.tag, octets),
            Content::Elements(elements) => {
                tlv(self.tag, &elements.iter().flat_map(Self::to_der).collect::<Vec<_>>())
            }
            Content::Raw(octets) => octets.clone(),
        }
    }

    /// Puts any octets in its place.
    pub fn replace(&mut self, octets: Vec<u8>) {
        self.content = Content::Raw(octets);
    }

    /// The elements in it.
    ///
    /// # Panics
    /// Where it is primitive.
    pub fn elements(&mut self) -> &mut Vec<Self> {
        match &mut self.content {
            Content::Elements(elements) => elements,
            Content::Octets(_) | Content::Raw(_) => panic!("a primitive element"),
        }
    }

    /// The element that the context tags lead to, each a field of the SEQUENCE before.
    ///
    /// # Panics
    /// Where there is no such field.
    pub fn at(&mut self, fields: &[u8]) -> &mut Self {
        let mut node = &mut self.elements()[0];
        for field in fields {
            let found = node.elements().iter_mut().find(|element| element.tag == 0xa0 | field);
            node = &mut found.expect("a field").elements()[0];
        }
        node
    }
}

/// Tag, shortest length, content.
#[must_use]
pub fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut octets = vec![tag];
    match length {
        0..0x80 => octets.push(length as u8),
        0x80..0x100 => octets.extend([0x81, length as u8]),
        0x100..0x1_0000 => octets.extend([0x82, (length >> 8) as u8, length as u8]),
        _ => octets.extend([0x83, (length >> 16) as u8, (length >> 8) as u8, length as u8]),
    }
    octets.extend(content);
    octets
}

/// SEQUENCEs in each other.
#[must_use]
pub fn nested(depth: usize) -> Vec<u8> {
    (0..depth).fold(Vec::new(), |inside, _| tlv(0x30, &inside))
}
