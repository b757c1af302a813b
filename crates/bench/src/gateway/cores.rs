//! Which core does what: one for whoever is measured, another for those who ask and answer.

use std::io;
use std::mem;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::BenchError;

/// The cores of a measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cores {
    /// Of whoever is measured.
    pub(super) measured: usize,
    /// Of the load and the service.
    pub(super) others: usize,
}

impl Cores {
    /// The first and the last core that this process may use.
    ///
    /// # Errors
    /// [`BenchError::Option`] if there is only one.
    pub(super) fn here() -> Result<Self, BenchError> {
        // SAFETY: zeros are an empty set.
        let mut set: libc::cpu_set_t = unsafe { mem::zeroed() };
        // SAFETY: the call writes a set of the size that it is told, and nothing else.
        if unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut set) } != 0 {
            return Err(io::Error::last_os_error().into());
        }
        // SAFETY: no number is beyond the set's size.
        let is_ours = |core: &usize| unsafe { libc::CPU_ISSET(*core, &set) };
        let ours: Vec<usize> = (0..libc::CPU_SETSIZE as usize).filter(is_ours).collect();
        match *ours {
            [first, .., last] => Ok(Self { measured: last, others: first }),
            _ => {
                Err(BenchError::Option("it takes two cores: one is measured, and the load is on the other".to_owned()))
            }
        }
    }
}

/// Keeps the thread that calls, and those that it starts, on a core.
///
/// # Errors
/// As the operating system says.
pub(super) fn pin_to(core: usize) -> io::Result<()> {
    // SAFETY: zeros are an empty set.
    let mut set: libc::cpu_set_t = unsafe { mem::zeroed() };
    if core >= libc::CPU_SETSIZE as usize {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    // SAFETY: the number is within the set, as was just seen.
    unsafe { libc::CPU_SET(core, &mut set) };
    // SAFETY: the call reads a set of the size that it is told.
    match unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Has a command run on a core, and end when the thread ends that starts it.
pub(super) fn confine(command: &mut Command, core: usize) {
    let prepare = move || {
        // SAFETY: the call has no effect but that this process gets a signal one day.
        if unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM) } != 0 {
            return Err(io::Error::last_os_error());
        }
        pin_to(core)
    };
    // SAFETY: between fork and exec it makes two system calls and allocates nothing.
    unsafe { command.pre_exec(prepare) };
}
