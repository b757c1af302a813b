//! What goes wrong, and when.

/// What the log asks of a disk, by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// A file's names are asked for.
    List,
    /// A file is opened.
    Open,
    /// Bytes are read.
    Read,
    /// A file is made.
    Create,
    /// Bytes are written.
    Write,
    /// A file's length is set: preallocation, or a cut.
    SetLen,
    /// A file's bytes are made durable.
    Sync,
    /// A file gets another name.
    Rename,
    /// A file is removed.
    Remove,
    /// Names are made durable.
    SyncNames,
}

impl Operation {
    /// Those that change something, and at each of which a crash is interesting.
    #[must_use]
    pub fn changes(self) -> bool {
        !matches!(self, Self::List | Self::Open | Self::Read)
    }
}

/// How an operation goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It answers with this `errno`. A write may have written a part; after a failed sync nobody knows what is
    /// on the platter, and a further sync does not write it again.
    Fail(i32),
    /// A write or its sync answers that all is well, and the bytes never reach the platter.
    Lose,
    /// A write answers that all is well, and only its first sectors reach the platter.
    Tear,
    /// A write's bytes reach the platter at another place: in the same file, so many sectors further (or
    /// before), or in another file.
    Misdirect {
        /// How many sectors further.
        sectors: i64,
    },
    /// It waits until [`super::SimulatedDisk::release`], and then goes well.
    Hang,
    /// The power goes in the middle of it.
    Crash,
}

/// One thing that goes wrong, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which kind of operation.
    pub operation: Operation,
    /// Only for files whose name begins so. Empty: for all. Kinds without a file have no name.
    pub name: String,
    /// Which of those that come from now on: 1 is the next.
    pub nth: u64,
    /// What happens then.
    pub effect: Effect,
}

impl Fault {
    /// The `nth` operation of a kind from now on, whatever file it concerns.
    #[must_use]
    pub fn new(operation: Operation, nth: u64, effect: Effect) -> Self {
        Self { operation, name: String::new(), nth, effect }
    }

    /// The same, only for files whose name begins so.
    #[must_use]
    pub fn only(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }
}

#[derive(Debug, Clone, Default)]
pub(super) struct Plan {
    faults: Vec<Fault>,
    /// Operations that change something, since the disk was made.
    pub(super) operations: u64,
    pub(super) crash_at: Option<u64>,
}

impl Plan {
    pub(super) fn add(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    pub(super) fn clear(&mut self) {
        self.faults.clear();
        self.crash_at = None;
    }

    pub(super) fn pending(&self) -> usize {
        self.faults.len()
    }

    /// Counts an operation and tells what goes wrong with it.
    pub(super) fn next(&mut self, operation: Operation, name: Option<&str>) -> Option<Effect> {
        if operation.changes() {
            self.operations += 1;
            if self.crash_at == Some(self.operations) {
                self.crash_at = None;
                return Some(Effect::Crash);
            }
        }
        let mut effect = None;
        self.faults.retain_mut(|fault| {
            let meant = fault.operation == operation && name.unwrap_or_default().starts_with(&fault.name);
            if !meant {
                return true;
            }
            fault.nth = fault.nth.saturating_sub(1);
            if fault.nth == 0 && effect.is_none() {
                effect = Some(fault.effect);
                return false;
            }
            true
        });
        effect
    }
}
