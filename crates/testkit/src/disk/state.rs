//! All that the disk knows, under one lock.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::fault::Plan;
use super::inode::{Inode, InodeId, Stray};
use super::names::Names;
use super::persist::Persist;
use super::random::Random;

pub(super) struct State {
    pub(super) names: Names,
    pub(super) plan: Plan,
    /// Counts the machine's starts; handles of an earlier one are dead.
    pub(super) generation: u64,
    pub(super) down: bool,
    pub(super) locked: bool,
    /// In sectors.
    pub(super) capacity: Option<u64>,
    pub(super) hanging: u64,
    /// How often what hung was let go.
    pub(super) releases: u64,
    pub(super) random: Random,
    inodes: BTreeMap<InodeId, Inode>,
    next_inode: InodeId,
}

impl State {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            names: Names::default(),
            plan: Plan::default(),
            generation: 0,
            down: false,
            locked: false,
            capacity: None,
            hanging: 0,
            releases: 0,
            random: Random::new(seed),
            inodes: BTreeMap::new(),
            next_inode: 1,
        }
    }

    pub(super) fn fork(&self, seed: u64) -> Self {
        Self {
            names: self.names.clone(),
            capacity: self.capacity,
            inodes: self.inodes.clone(),
            next_inode: self.next_inode,
            ..Self::new(seed)
        }
    }

    pub(super) fn inode(&mut self, name: &str) -> io::Result<&mut Inode> {
        let id = self.names.get(name).ok_or(io::ErrorKind::NotFound)?;
        self.inode_by_id(id)
    }

    pub(super) fn inode_by_id(&mut self, id: InodeId) -> io::Result<&mut Inode> {
        self.inodes.get_mut(&id).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn with_random<T>(
        &mut self,
        id: InodeId,
        act: impl FnOnce(&mut Inode, &mut Random) -> T,
    ) -> io::Result<T> {
        let inode = self.inodes.get_mut(&id).ok_or(io::ErrorKind::NotFound)?;
        Ok(act(inode, &mut self.random))
    }

    /// As a file is made on a real disk: one that is there under this name keeps its place and is emptied.
    pub(super) fn create(&mut self, name: &str) -> InodeId {
        if let Some(id) = self.names.get(name) {
            if let Some(inode) = self.inodes.get_mut(&id) {
                inode.set_len(0);
            }
            return id;
        }
        let id = self.add_inode(Inode::default());
        self.names.add(name, id);
        id
    }

    pub(super) fn plant(&mut self, name: &str, bytes: Vec<u8>) {
        let id = self.add_inode(Inode::durable(bytes));
        self.names.plant(name, id);
    }

    /// The sectors that the named files take.
    pub(super) fn used(&self) -> u64 {
        let named: BTreeSet<_> = self.names.live().values().collect();
        named.into_iter().filter_map(|id| self.inodes.get(id)).map(Inode::allocated).sum()
    }

    pub(super) fn room(&self) -> u64 {
        self.capacity.map_or(u64::MAX, |capacity| capacity.saturating_sub(self.used()))
    }

    /// Puts sectors that went astray where they went: in their file, or past its end in some other one.
    pub(super) fn scatter(&mut self, strays: Vec<Stray>) {
        let ids: Vec<_> = self.names.live().values().copied().collect();
        for stray in strays {
            let fits = |inode: &Inode| (stray.sector + 1) * super::SECTOR as u64 <= inode.platter().len() as u64;
            let home = self.inodes.get(&stray.inode).is_some_and(fits);
            let other = ids.get(self.random.index(ids.len())).copied();
            let target = if home { stray.inode } else { other.unwrap_or(stray.inode) };
            if let Some(inode) = self.inodes.get_mut(&target) {
                let sector = if home || fits(inode) { stray.sector } else { 0 };
                inode.take_in(sector, &stray.bytes);
            }
        }
    }

    pub(super) fn crash(&mut self, persist: Option<Persist>) {
        let mut strays = Vec::new();
        for inode in self.inodes.values_mut() {
            let persist = persist.unwrap_or_else(|| Persist::draw(&mut self.random));
            strays.extend(inode.crash(persist, &mut self.random));
        }
        let for_names = persist.unwrap_or_else(|| Persist::draw(&mut self.random));
        self.names.crash(for_names, &mut self.random);
        self.scatter(strays);
        let named: BTreeSet<_> = self.names.live().values().copied().collect();
        self.inodes.retain(|id, _| named.contains(id));
        // What strayed is on platters only; the machine starts with an empty cache.
        self.evict();
        self.kill();
    }

    pub(super) fn kill(&mut self) {
        self.generation += 1;
        self.down = false;
        self.locked = false;
        self.hanging = 0;
        self.plan.crash_at = None;
    }

    pub(super) fn evict(&mut self) {
        self.inodes.values_mut().for_each(Inode::evict);
    }

    pub(super) fn release(&mut self) {
        self.releases += 1;
        self.hanging = 0;
    }

    fn add_inode(&mut self, inode: Inode) -> InodeId {
        let id = self.next_inode;
        self.next_inode += 1;
        self.inodes.insert(id, inode);
        id
    }
}
