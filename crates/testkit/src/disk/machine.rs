//! The disk as the log sees it: handles that live as long as the machine or the process that opened them.

use std::io;
use std::sync::{Arc, MutexGuard, PoisonError};

use tradewind_log::{File, Storage};

use super::Shared;
use super::fault::{Effect, Operation};
use super::inode::{Detour, Inode, InodeId, SECTOR};
use super::state::State;

pub(super) struct Machine {
    pub(super) shared: Arc<Shared>,
    pub(super) generation: u64,
}

struct Handle {
    machine: Machine,
    inode: InodeId,
}

struct Lock {
    shared: Arc<Shared>,
    generation: u64,
}

fn dead() -> io::Error {
    io::Error::other("the simulated machine is down")
}

impl Machine {
    /// Counts the operation, lets it hang if it should, and tells what goes wrong with it.
    fn begin(
        &self,
        operation: Operation,
        file: Option<InodeId>,
        name: Option<&str>,
    ) -> io::Result<(MutexGuard<'_, State>, Option<Effect>)> {
        let mut state = self.alive(self.shared.state())?;
        let known = file.and_then(|inode| state.names.name_of(inode).map(str::to_owned));
        let effect = state.plan.next(operation, name.or(known.as_deref()));
        match effect {
            Some(Effect::Hang) => {
                state.hanging += 1;
                let releases = state.releases;
                self.shared.changed.notify_all();
                let waited = self
                    .shared
                    .changed
                    .wait_while(state, |state| state.releases == releases && self.is_of(state))
                    .unwrap_or_else(PoisonError::into_inner);
                Ok((self.alive(waited)?, None))
            }
            Some(Effect::Fail(errno))
                if !matches!(operation, Operation::Write | Operation::Sync | Operation::SyncNames) =>
            {
                Err(io::Error::from_raw_os_error(errno))
            }
            // A change of names or lengths that the crash interrupts may still happen, as any that was not synced.
            Some(Effect::Crash) => {
                state.down = true;
                self.shared.changed.notify_all();
                Ok((state, effect))
            }
            _ => Ok((state, effect)),
        }
    }

    fn is_of(&self, state: &State) -> bool {
        state.generation == self.generation && !state.down
    }

    fn alive<'a>(&self, state: MutexGuard<'a, State>) -> io::Result<MutexGuard<'a, State>> {
        if self.is_of(&state) { Ok(state) } else { Err(dead()) }
    }

    fn handle(&self, inode: InodeId) -> Arc<dyn File> {
        let machine = Self { shared: Arc::clone(&self.shared), generation: self.generation };
        Arc::new(Handle { machine, inode })
    }
}

/// What an operation answers that was done when the power went.
fn unless_crashed<T>(effect: Option<Effect>, answer: T) -> io::Result<T> {
    if effect == Some(Effect::Crash) { Err(dead()) } else { Ok(answer) }
}

impl Storage for Machine {
    fn lock(&self) -> io::Result<Box<dyn Send + Sync>> {
        let mut state = self.alive(self.shared.state())?;
        if state.locked {
            return Err(io::Error::new(io::ErrorKind::WouldBlock, "another log has it open"));
        }
        state.locked = true;
        Ok(Box::new(Lock { shared: Arc::clone(&self.shared), generation: self.generation }))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        let (state, _) = self.begin(Operation::List, None, None)?;
        Ok(state.names.live().keys().cloned().collect())
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let (state, _) = self.begin(Operation::Open, None, Some(name))?;
        state.names.get(name).map(|inode| self.handle(inode)).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let (mut state, effect) = self.begin(Operation::Create, None, Some(name))?;
        let inode = state.create(name);
        unless_crashed(effect, self.handle(inode))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let (mut state, effect) = self.begin(Operation::Rename, None, Some(from))?;
        if !state.names.rename(from, to) {
            return Err(io::ErrorKind::NotFound.into());
        }
        unless_crashed(effect, ())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let (mut state, effect) = self.begin(Operation::Remove, None, Some(name))?;
        if !state.names.remove(name) {
            return Err(io::ErrorKind::NotFound.into());
        }
        unless_crashed(effect, ())
    }

    fn sync_names(&self) -> io::Result<()> {
        let (mut state, effect) = self.begin(Operation::SyncNames, None, None)?;
        match effect {
            Some(Effect::Crash) => return Err(dead()),
            Some(Effect::Fail(errno)) => {
                let State { names, random, .. } = &mut *state;
                names.fail_sync(random);
                return Err(io::Error::from_raw_os_error(errno));
            }
            _ => state.names.sync(),
        }
        Ok(())
    }

    fn place(&self) -> String {
        "the simulated disk".to_owned()
    }
}

impl File for Handle {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        let (mut state, _) = self.machine.begin(Operation::Read, Some(self.inode), None)?;
        let cache = state.inode_by_id(self.inode)?.cache();
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        let content = cache.get(start..).and_then(|rest| rest.get(..bytes.len()));
        bytes.copy_from_slice(content.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let (mut state, effect) = self.machine.begin(Operation::Write, Some(self.inode), None)?;
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        let room = state.room();
        state.with_random(self.inode, |inode, random| {
            let fits = inode.fits(bytes.len(), start, room);
            if fits < bytes.len() {
                inode.write(&bytes[..fits], start);
                return Err(io::ErrorKind::StorageFull.into());
            }
            if let Some(Effect::Fail(errno)) = effect {
                inode.write(&bytes[..random.index(bytes.len() + 1)], start);
                return Err(io::Error::from_raw_os_error(errno));
            }
            inode.write(bytes, start);
            match effect {
                Some(Effect::Lose) => inode.detour(bytes.len(), start, |_| Detour::Nowhere),
                Some(Effect::Tear) => {
                    let kept = random.index(bytes.len()) / SECTOR * SECTOR;
                    inode.detour(bytes.len() - kept, start + kept, |_| Detour::Nowhere);
                }
                Some(Effect::Misdirect { sectors }) => {
                    let first = (start / SECTOR) as u64;
                    let (to, stray) = (first.saturating_add_signed(sectors), self.inode);
                    inode.detour(bytes.len(), start, |index| Detour::To { inode: stray, sector: to + index });
                }
                _ => {}
            }
            unless_crashed(effect, ())
        })?
    }

    fn sync(&self) -> io::Result<()> {
        let (mut state, effect) = self.machine.begin(Operation::Sync, Some(self.inode), None)?;
        let fail = |inode: &mut Inode, random: &mut _| inode.fail_sync(random);
        let (strays, answer) = match effect {
            Some(Effect::Crash) => return Err(dead()),
            Some(Effect::Fail(errno)) => {
                (state.with_random(self.inode, fail)?, Err(io::Error::from_raw_os_error(errno)))
            }
            Some(Effect::Lose) => {
                let inode = state.inode_by_id(self.inode)?;
                inode.detour_all();
                (inode.sync(), Ok(()))
            }
            _ => (state.inode_by_id(self.inode)?.sync(), Ok(())),
        };
        state.scatter(strays);
        answer
    }

    fn len(&self) -> io::Result<u64> {
        let (mut state, _) = self.machine.begin(Operation::Read, Some(self.inode), None)?;
        Ok(state.inode_by_id(self.inode)?.cache().len() as u64)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        let (mut state, effect) = self.machine.begin(Operation::SetLen, Some(self.inode), None)?;
        let length = usize::try_from(bytes).map_err(io::Error::other)?;
        state.inode_by_id(self.inode)?.set_len(length);
        unless_crashed(effect, ())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        if state.generation == self.generation {
            state.locked = false;
        }
    }
}
