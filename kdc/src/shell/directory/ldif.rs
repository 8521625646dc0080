//! The LDIF back end: a whole directory in one file, for tests, labs and the demonstration.

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use pac::{FileTime, Sid};

use crate::directory::path::{Node, Reference};
use crate::directory::{ClientName, DirectoryView, Entry, Tree, ViewRules};
use crate::shell::directory::ReadError;
use crate::shell::files;

/// A directory read from LDIF text.
pub struct LdifDirectory {
    /// `None`: the text is part of the program, and never read again.
    path: Option<PathBuf>,
    tree: ArcSwap<Tree>,
}

impl LdifDirectory {
    /// The directory that `text` describes. `path` is where it came from and is read from again.
    ///
    /// # Errors
    /// [`ReadError::Data`] names the file or the object, and what is wrong with it.
    pub fn new(text: &[u8], path: Option<PathBuf>) -> Result<Self, ReadError> {
        let name = path.as_ref().map_or_else(|| "LDIF".to_owned(), |path| path.display().to_string());
        let tree = parse(text, &name)?;
        Ok(Self { path, tree: ArcSwap::from_pointee(tree) })
    }

    /// Reads the file again; what was read before stays if it is not as it should be.
    ///
    /// # Errors
    /// As [`LdifDirectory::new`], and if the file cannot be read.
    pub fn reload(&self) -> Result<(), ReadError> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        let name = path.display().to_string();
        let text =
            files::read_public(path).map_err(|error| ReadError::data(name.as_str(), error.to_string()))?;
        self.tree.store(Arc::new(parse(&text, &name)?));
        Ok(())
    }

    pub(super) fn find(&self, sid: &Sid, now: FileTime) -> Result<Option<Entry>, ReadError> {
        Ok(self.tree.load().find(sid, now)?)
    }

    pub(super) fn name_exists(&self, name: &ClientName) -> bool {
        self.tree.load().find_by_name(name).is_some()
    }

    pub(super) fn account_control(&self, name: &ClientName) -> Result<Option<u32>, ReadError> {
        Ok(self.tree.load().account_control(name)?)
    }

    pub(super) fn sid_named(&self, name: &ClientName) -> Result<Option<Sid>, ReadError> {
        let tree = self.tree.load();
        Ok(tree.find_by_name(name).map(|entry| entry.sid("objectSid")).transpose()?)
    }

    pub(super) fn nodes(&self, references: &[Reference]) -> Result<Vec<Option<Node>>, ReadError> {
        let tree = self.tree.load();
        references.iter().map(|reference| Ok(tree.node(reference)?)).collect()
    }

    /// The domain, and the tree it was read from.
    pub(super) fn view(&self, rules: &ViewRules) -> Result<(DirectoryView, Arc<Tree>), ReadError> {
        let tree = self.tree.load_full();
        Ok((tree.view(rules)?, tree))
    }

    pub(super) fn is_unchanged(&self, tree: &Arc<Tree>) -> bool {
        Arc::ptr_eq(&self.tree.load(), tree)
    }
}

fn parse(text: &[u8], name: &str) -> Result<Tree, ReadError> {
    let text =
        str::from_utf8(text).map_err(|_| ReadError::data(name, "is not UTF-8 text; save it as UTF-8"))?;
    Tree::parse(text).map_err(|error| ReadError::data(name, error.to_string()))
}
