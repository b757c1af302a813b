//! What the log asks of a disk, narrow enough that a simulated one can stand in and fail in every way that a real
//! one does.

use std::io;
use std::sync::Arc;

use bytes::Bytes;

pub use disk::DiskStorage;

mod disk;

/// A folder of files. The only thing through which the log touches a disk.
///
/// Names are plain file names. A file that was created, renamed or removed is so for certain only after
/// [`Storage::sync_names`]; bytes that were written are there for certain only after [`File::sync`].
pub trait Storage: Send + Sync + 'static {
    /// Takes the folder for this process alone, until the answer is dropped.
    ///
    /// # Errors
    /// `WouldBlock` with a text that says who holds it, if another has it.
    fn lock(&self) -> io::Result<Box<dyn Send + Sync>>;

    /// The files that are there, in no order.
    ///
    /// # Errors
    /// As the operating system says.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Opens a file for reading and writing.
    ///
    /// # Errors
    /// `NotFound` if it is not there.
    fn open(&self, name: &str) -> io::Result<Arc<dyn File>>;

    /// Makes an empty file, in place of one that may be there.
    ///
    /// # Errors
    /// As the operating system says.
    fn create(&self, name: &str) -> io::Result<Arc<dyn File>>;

    /// Renames a file, in place of one that may have the new name.
    ///
    /// # Errors
    /// As the operating system says.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    /// `NotFound` if it is not there.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes creations, renames and removals durable.
    ///
    /// # Errors
    /// As the operating system says; whether the names are durable is then unknown.
    fn sync_names(&self) -> io::Result<()>;

    /// Where this is, for messages.
    fn place(&self) -> String;
}

/// An open file. Reads and writes name their offset, so that a file may be shared.
#[expect(clippy::len_without_is_empty, reason = "nobody asks a file whether it is empty")]
pub trait File: Send + Sync {
    /// Fills `bytes` from an offset.
    ///
    /// # Errors
    /// `UnexpectedEof` if the file ends before.
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()>;

    /// Writes all bytes at an offset.
    ///
    /// # Errors
    /// `StorageFull` if there is no room; what has been written by then is unknown.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Makes the bytes that were written durable, and the length, if it changed.
    ///
    /// # Errors
    /// As the operating system says. Afterwards nothing is known of any byte written since the last success, and
    /// a second call that succeeds proves nothing.
    fn sync(&self) -> io::Result<()>;

    /// Sends bytes that were written on their way to the disk without waiting for them: a later [`File::sync`] is
    /// sooner done. Promises nothing.
    fn begin_sync(&self, _offset: u64, _bytes: u64) {}

    /// The length in bytes.
    ///
    /// # Errors
    /// As the operating system says.
    fn len(&self) -> io::Result<u64>;

    /// Cuts or extends the file with zeros.
    ///
    /// # Errors
    /// As the operating system says.
    fn set_len(&self, bytes: u64) -> io::Result<()>;

    /// The file as memory, where the storage can do that, for a file that no longer changes. An I/O error is then
    /// a signal that ends the process, and not an answer.
    fn map(&self) -> Option<Bytes> {
        None
    }
}
