//! The folder: which name leads to which file, now and after a crash.

use std::collections::BTreeMap;

use super::inode::InodeId;
use super::persist::Persist;
use super::random::Random;

#[derive(Debug, Clone)]
enum Change {
    Add { name: String, inode: InodeId },
    Rename { from: String, to: String, inode: InodeId },
    Remove { name: String, inode: InodeId },
}

#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    live: BTreeMap<String, InodeId>,
    durable: BTreeMap<String, InodeId>,
    pending: Vec<Change>,
}

impl Names {
    pub(super) fn get(&self, name: &str) -> Option<InodeId> {
        self.live.get(name).copied()
    }

    pub(super) fn live(&self) -> &BTreeMap<String, InodeId> {
        &self.live
    }

    pub(super) fn name_of(&self, inode: InodeId) -> Option<&str> {
        self.live.iter().find(|(_, have)| **have == inode).map(|(name, _)| name.as_str())
    }

    pub(super) fn add(&mut self, name: &str, inode: InodeId) {
        self.live.insert(name.to_owned(), inode);
        self.pending.push(Change::Add { name: name.to_owned(), inode });
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> bool {
        let Some(inode) = self.live.remove(from) else { return false };
        self.live.insert(to.to_owned(), inode);
        self.pending.push(Change::Rename { from: from.to_owned(), to: to.to_owned(), inode });
        true
    }

    pub(super) fn remove(&mut self, name: &str) -> bool {
        let Some(inode) = self.live.remove(name) else { return false };
        self.pending.push(Change::Remove { name: name.to_owned(), inode });
        true
    }

    /// Adds a name past everything, as if it had always been there.
    pub(super) fn plant(&mut self, name: &str, inode: InodeId) {
        self.live.insert(name.to_owned(), inode);
        self.durable.insert(name.to_owned(), inode);
    }

    /// Removes a name past everything, as if it had never been there.
    pub(super) fn uproot(&mut self, name: &str) {
        self.live.remove(name);
        self.durable.remove(name);
    }

    pub(super) fn sync(&mut self) {
        for change in std::mem::take(&mut self.pending) {
            apply(&mut self.durable, change);
        }
    }

    /// Some changes reach the platter, in whatever order. The others stay on the way: file systems keep changes of
    /// names in their journal, or stop working altogether, but do not forget them as they do bytes.
    pub(super) fn fail_sync(&mut self, random: &mut Random) {
        let pending = self.pending.clone();
        let persist = Persist::draw(random);
        self.settle(persist, random);
        self.pending = pending;
    }

    pub(super) fn crash(&mut self, persist: Persist, random: &mut Random) {
        self.settle(persist, random);
        self.live = self.durable.clone();
    }

    fn settle(&mut self, persist: Persist, random: &mut Random) {
        let pending = std::mem::take(&mut self.pending);
        let count = pending.len();
        for (index, change) in pending.into_iter().enumerate() {
            if persist.keeps(index, count, random) {
                apply(&mut self.durable, change);
            }
        }
    }
}

fn apply(names: &mut BTreeMap<String, InodeId>, change: Change) {
    match change {
        Change::Add { name, inode } => {
            names.insert(name, inode);
        }
        Change::Rename { from, to, inode } => {
            if names.get(&from) == Some(&inode) {
                names.remove(&from);
            }
            names.insert(to, inode);
        }
        Change::Remove { name, inode } => {
            if names.get(&name) == Some(&inode) {
                names.remove(&name);
            }
        }
    }
}
