//! A directory server over the objects of an LDIF file, in plaintext, that holds values back as a Windows domain
//! controller does: of an attribute with more than [`MAX_VAL_RANGE`] values comes the bare name without a value and,
//! under a range option, as many as fit; the rest is for the client to ask for ([MS-ADTS] 3.1.1.3.1.3.3).

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use kdc::config::{Bind, HostPort, Ldap, LdapSecurity, LdapUrl, SecretFile};
use kdc::directory::path::Reference;
use kdc::directory::{Entry, Tree};
use kdc::shell::directory::{LdapDirectory, tls};
use pac::{FileTime, Sid};

use crate::der::{Content, Node, tlv};
use crate::folder::Folder;
use crate::scene::{NOW, REALM};

/// MaxValRange of every Windows since 2003 ([MS-ADTS] 3.1.1.3.4.6).
pub const MAX_VAL_RANGE: usize = 1500;

/// What comes of these values from this one on: the range option that says so, and the values.
pub type Cut = fn(values: &[Vec<u8>], low: usize) -> (String, Vec<Vec<u8>>);

/// The piece of at most `most` values from `low` on, as it should be. Nothing where there is none.
#[must_use]
pub fn piece(values: &[Vec<u8>], low: usize, most: usize) -> (String, Vec<Vec<u8>>) {
    let rest = values.get(low..).unwrap_or_default();
    let high = if rest.len() <= most {
        "*".to_owned()
    } else {
        low.saturating_add(most).saturating_sub(1).to_string()
    };
    (format!("range={low}-{high}"), rest.iter().take(most).cloned().collect())
}

/// A running server; dropping it leaves its thread to the end of the test.
#[derive(Debug)]
pub struct DirectoryServer {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    reads_by_sid: Arc<AtomicUsize>,
}

struct Served {
    /// Tells the SID of a name.
    tree: Tree,
    /// Every object as a domain controller shows it.
    objects: Vec<Entry>,
    cut: Cut,
    /// Done before anything is answered on a connection.
    admit: Box<dyn Fn() + Send + Sync>,
    /// Done before each read by SID is answered.
    pace: Box<dyn Fn() + Send + Sync>,
    asked: Arc<Mutex<Vec<String>>>,
    reads_by_sid: Arc<AtomicUsize>,
}

impl DirectoryServer {
    /// Serves this directory as it should be served.
    ///
    /// # Panics
    /// Where the text describes none, or there is no port.
    pub fn start(ldif: &str) -> Self {
        Self::cutting(ldif, |values, low| piece(values, low, MAX_VAL_RANGE))
    }

    /// Serves this directory with another way of holding values back.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub fn cutting(ldif: &str, cut: Cut) -> Self {
        Self::launch(ldif, cut, || {}, || {})
    }

    /// Serves this directory, and does this before it answers a read by SID, one after the other on a connection.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub fn pacing(ldif: &str, pace: impl Fn() + Send + Sync + 'static) -> Self {
        Self::launch(ldif, |values, low| piece(values, low, MAX_VAL_RANGE), || {}, pace)
    }

    /// Serves this directory, and does this before it answers anything on a connection.
    ///
    /// # Panics
    /// As [`Self::start`].
    pub fn admitting(ldif: &str, admit: impl Fn() + Send + Sync + 'static) -> Self {
        Self::launch(ldif, |values, low| piece(values, low, MAX_VAL_RANGE), admit, || {})
    }

    fn launch(
        ldif: &str,
        cut: Cut,
        admit: impl Fn() + Send + Sync + 'static,
        pace: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (asked, reads_by_sid) = (Arc::default(), Arc::default());
        let tree = Tree::parse(ldif).expect("LDIF");
        let objects = tree.entries().iter().map(|entry| shown(&tree, entry)).collect();
        let (told, counted) = (Arc::clone(&asked), Arc::clone(&reads_by_sid));
        let (admit, pace) = (Box::new(admit), Box::new(pace));
        let served = Arc::new(Served { tree, objects, cut, admit, pace, asked: told, reads_by_sid: counted });
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let served = Arc::clone(&served);
                // A client that goes away ends its thread.
                thread::spawn(move || served.serve(stream).err());
            }
        });
        Self { address, asked, reads_by_sid }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The daemon's client, connecting to this server, with the password file that it reads for each connection.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    #[must_use]
    pub fn client(&self, connections: NonZeroUsize, search_timeout: Duration) -> (LdapDirectory, Folder) {
        let folder = Folder::new();
        let server = HostPort { host: self.address.ip().to_string(), port: self.address.port() };
        let settings = Ldap {
            urls: vec![LdapUrl { security: LdapSecurity::Plaintext, server }],
            bind: Bind::Simple {
                dn: "CN=tgtx".to_owned(),
                password: SecretFile::Path(folder.write("password", "a password", 0o600)),
            },
            ca_file: None,
            connections,
            connect_timeout: Duration::from_secs(5),
            search_timeout,
        };
        let tls = tls::client_config(None).expect("the system's certificates");
        (LdapDirectory::start(REALM, settings, tls), folder)
    }

    /// How often an object was asked for by its SID.
    #[must_use]
    pub fn reads_by_sid(&self) -> usize {
        self.reads_by_sid.load(Ordering::SeqCst)
    }

    /// The descriptions with a range option that clients have asked for, in order.
    #[must_use]
    pub fn ranges_asked(&self) -> Vec<String> {
        lock(&self.asked).clone()
    }
}

fn lock(asked: &Mutex<Vec<String>>) -> MutexGuard<'_, Vec<String>> {
    asked.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The parts of a SearchRequest (RFC 4511 §4.5.1) that matter here.
struct Search {
    base: String,
    is_base: bool,
    filter: Node,
    attributes: Vec<String>,
    /// LDAP_SERVER_EXTENDED_DN_OID was among the controls.
    extended_names: bool,
}

impl Served {
    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        (self.admit)();
        loop {
            let message = read(&mut stream)?;
            let [id, operation, controls @ ..] = elements(&message) else { panic!("{message:?}") };
            let answers = match operation.tag {
                0x60 => vec![result(0x61, 0)],
                0x63 => {
                    let mut answers = self.answer(&Search::read(operation, controls));
                    answers.push(result(0x65, 0));
                    answers
                }
                _ => return Ok(()),
            };
            let message = |answer: Vec<u8>| tlv(0x30, &[id.to_der(), answer].concat());
            // In one write: a second one would wait for the acknowledgement of the first.
            stream.write_all(&answers.into_iter().flat_map(message).collect::<Vec<_>>())?;
        }
    }

    fn answer(&self, search: &Search) -> Vec<Vec<u8>> {
        if search.base.is_empty() {
            return vec![self.root_dse()];
        }
        let is_wanted: Box<dyn Fn(&Entry) -> bool> = if search.is_base {
            match search.base.strip_prefix("<SID=").and_then(|rest| rest.strip_suffix('>')) {
                Some(sid) => {
                    self.reads_by_sid.fetch_add(1, Ordering::SeqCst);
                    (self.pace)();
                    let sid: Sid = sid.parse().expect("a SID");
                    Box::new(move |entry| entry.sid("objectSid").is_ok_and(|own| own == sid))
                }
                None => Box::new(|entry| entry.dn().eq_ignore_ascii_case(&search.base)),
            }
        } else {
            Box::new(|entry| matches(entry, &search.filter))
        };
        let found = self.objects.iter().filter(|entry| is_wanted(entry));
        found.map(|entry| self.entry(entry, search)).collect()
    }

    /// `SearchResultEntry` with the attributes that are asked for and there.
    fn entry(&self, entry: &Entry, search: &Search) -> Vec<u8> {
        // Distinguished names are what the lists of a branch hold.
        let is_extended = |name: &str| search.extended_names && name.ends_with("Group");
        let attribute = |description: &str, mut values: Vec<Vec<u8>>| {
            if description.split(';').next().is_some_and(is_extended) {
                for value in &mut values {
                    *value = self.extended(str::from_utf8(value).expect("a name")).into_bytes();
                }
            }
            attribute(description, &values)
        };
        let attributes = search.attributes.iter().flat_map(|description| {
            let (name, low) = match description.split_once(";range=") {
                Some((name, range)) => (name, range.split('-').next().and_then(|low| low.parse().ok())),
                None => (description.as_str(), None),
            };
            let values = entry.values(name).expect("values");
            match low {
                Some(_) => lock(&self.asked).push(description.clone()),
                None if values.is_empty() => return Vec::new(),
                None if values.len() <= MAX_VAL_RANGE => return attribute(name, values.to_vec()),
                None => {}
            }
            let (option, values) = (self.cut)(values, low.unwrap_or(0));
            [attribute(name, Vec::new()), attribute(&format!("{name};{option}"), values)].concat()
        });
        let attributes = attributes.collect::<Vec<_>>();
        let dn = if search.extended_names { self.extended(entry.dn()) } else { entry.dn().to_owned() };
        tlv(0x64, &[tlv(0x04, dn.as_bytes()), tlv(0x30, &attributes)].concat())
    }

    fn root_dse(&self) -> Vec<u8> {
        let domain = self.objects.iter().find(|entry| entry.is_a("domainDNS")).expect("a domain").dn();
        let says = [
            ("defaultNamingContext", domain),
            ("configurationNamingContext", &format!("CN=Configuration,{domain}")),
            ("dNSHostName", "dc1.lab.example"),
            ("isSynchronized", "TRUE"),
        ];
        let attributes: Vec<_> =
            says.iter().map(|(name, value)| attribute(name, &[value.as_bytes().to_vec()])).collect();
        tlv(0x64, &[tlv(0x04, b""), tlv(0x30, &attributes.concat())].concat())
    }

    /// `<GUID=…>;<SID=…>;DN` ([MS-ADTS] 3.1.1.3.4.1.5).
    fn extended(&self, dn: &str) -> String {
        let sid = self.tree.sid_of(dn).map_or(String::new(), |sid| format!("<SID={sid}>;"));
        format!("<GUID=00000000-0000-0000-0000-000000000000>;{sid}{dn}")
    }
}

impl Search {
    fn read(operation: &Node, controls: &[Node]) -> Self {
        let [base, scope, _, _, _, _, filter, attributes] = elements(operation) else {
            panic!("{operation:?}")
        };
        let oid = b"1.2.840.113556.1.4.529";
        Self {
            base: text(base),
            is_base: octets(scope) == [0],
            filter: filter.clone(),
            attributes: elements(attributes).iter().map(text).collect(),
            extended_names: controls
                .iter()
                .any(|all| all.to_der().windows(oid.len()).any(|part| part == oid)),
        }
    }
}

/// The object with the attributes that a domain controller constructs.
fn shown(tree: &Tree, entry: &Entry) -> Entry {
    let mut shown = entry.clone();
    if let Ok(sid) = entry.sid("objectSid") {
        let constructed = tree.find(&sid, FileTime::from_unix_seconds(NOW)).expect("attributes");
        shown = constructed.expect("an object");
        let node = tree.node(&Reference::Sid(sid)).expect("attributes").expect("an object");
        node.member_of.into_iter().for_each(|group| shown.insert("memberOf", group));
    }
    shown.insert("uSNChanged", "1");
    shown
}

/// `Filter` (RFC 4511 §4.5.1.7), as far as our searches use it.
fn matches(entry: &Entry, filter: &Node) -> bool {
    match filter.tag {
        0xa0 => elements(filter).iter().all(|part| matches(entry, part)),
        0xa1 => elements(filter).iter().any(|part| matches(entry, part)),
        0xa3 => {
            let [name, wanted] = elements(filter) else { panic!("{filter:?}") };
            let values = entry.values(&text(name)).expect("values");
            values.iter().any(|value| value.eq_ignore_ascii_case(octets(wanted)))
        }
        other => panic!("a filter of tag {other:#x}"),
    }
}

/// `PartialAttribute ::= SEQUENCE { type, vals SET OF }`.
fn attribute(description: &str, values: &[Vec<u8>]) -> Vec<u8> {
    let values = values.iter().map(|value| tlv(0x04, value)).collect::<Vec<_>>().concat();
    tlv(0x30, &[tlv(0x04, description.as_bytes()), tlv(0x31, &values)].concat())
}

/// `LDAPResult` under this tag.
fn result(tag: u8, code: u8) -> Vec<u8> {
    tlv(tag, &[tlv(0x0a, &[code]), tlv(0x04, b""), tlv(0x04, b"")].concat())
}

fn elements(node: &Node) -> &[Node] {
    match &node.content {
        Content::Elements(elements) => elements,
        other => panic!("{other:?}"),
    }
}

fn octets(node: &Node) -> &[u8] {
    match &node.content {
        Content::Octets(octets) => octets,
        other => panic!("{other:?}"),
    }
}

fn text(node: &Node) -> String {
    String::from_utf8(octets(node).to_vec()).expect("text")
}

/// One LDAPMessage.
fn read(stream: &mut TcpStream) -> io::Result<Node> {
    let mut octets = vec![0; 2];
    stream.read_exact(&mut octets)?;
    let mut length = usize::from(octets[1]);
    if length >= 0x80 {
        let mut more = vec![0; length & 0x7f];
        stream.read_exact(&mut more)?;
        length = more.iter().fold(0, |sum, octet| sum << 8 | usize::from(*octet));
        octets.extend(more);
    }
    let mut content = vec![0; length];
    stream.read_exact(&mut content)?;
    octets.extend(content);
    Ok(Node::parse(&octets))
}
