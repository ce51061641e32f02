//! The calls that differ between file systems and platforms: exchange, locks, identity, rights.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::fs::{CWD, FlockOperation, RenameFlags};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

/// Which file or folder something is, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// The device it lies on.
    pub device: u64,
    /// Its number on the device.
    pub inode: u64,
}

impl Identity {
    /// Of what `meta` was read from.
    #[must_use]
    pub fn of(meta: &Metadata) -> Self {
        Self { device: meta.dev(), inode: meta.ino() }
    }

    /// Of what lies at `path`, where something does. Links are not followed.
    ///
    /// # Errors
    /// If it cannot be looked at.
    pub fn at(path: &Path) -> io::Result<Option<Self>> {
        match std::fs::symlink_metadata(path) {
            Ok(meta) => Ok(Some(Self::of(&meta))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// When a file or folder was last renamed or otherwise changed.
///
/// # Errors
/// If it cannot be looked at.
pub fn changed(path: &Path) -> io::Result<SystemTime> {
    Ok(changed_of(&path.symlink_metadata()?))
}

/// [`changed`] of what `meta` was read from.
#[must_use]
pub fn changed_of(meta: &Metadata) -> SystemTime {
    let seconds = u64::try_from(meta.ctime()).unwrap_or_default();
    let nanos = u32::try_from(meta.ctime_nsec()).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::new(seconds, nanos)
}

/// Exchanges two names in one step.
///
/// # Errors
/// [`io::ErrorKind::Unsupported`] where the file system cannot.
pub fn exchange(a: &Path, b: &Path) -> io::Result<()> {
    rustix::fs::renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE).map_err(plain)
}

/// Renames, unless something has the new name already.
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] then; [`io::ErrorKind::Unsupported`] where the file system cannot tell.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE).map_err(plain)
}

/// Takes the lock of a file for this process alone, until the file is closed; false if another has it.
///
/// # Errors
/// If the file system knows no locks.
pub fn try_lock(file: &File) -> io::Result<bool> {
    loop {
        match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(true),
            Err(Errno::WOULDBLOCK) => return Ok(false),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Gives a lock back at once. Closing the file alone would leave it with a child process that was forked and has not yet
/// become another program.
pub fn unlock(file: &File) {
    let _ = rustix::fs::flock(file, FlockOperation::Unlock);
}

/// Whether the folder is the root of a mount, so that it cannot be exchanged.
///
/// # Errors
/// If it cannot be looked at.
pub fn is_mount_point(folder: &Path) -> io::Result<bool> {
    let Some(parent) = folder.parent() else { return Ok(true) };
    if std::fs::metadata(folder)?.dev() != std::fs::metadata(parent)?.dev() {
        return Ok(true);
    }
    // A bind mount of the same device is seen only here.
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{AtFlags, StatxAttributes, StatxFlags};
        if let Ok(stat) = rustix::fs::statx(CWD, folder, AtFlags::empty(), StatxFlags::TYPE) {
            return Ok(stat.stx_attributes.contains(StatxAttributes::MOUNT_ROOT));
        }
    }
    Ok(false)
}

/// Fails unless this process may make and remove names in a folder.
///
/// # Errors
/// The reason why not.
pub fn may_write(folder: &Path) -> io::Result<()> {
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK).map_err(io::Error::from)
}

/// Whether this process may change the content of `file`.
///
/// # Errors
/// The reason why not.
pub fn may_change(file: &Path) -> io::Result<()> {
    rustix::fs::access(file, rustix::fs::Access::WRITE_OK).map_err(io::Error::from)
}

/// Gives `fresh` the mode, and at best effort the owner and extended attributes (access lists), of `live`.
///
/// # Errors
/// If the mode cannot be read or set.
pub fn copy_rights(live: &Path, fresh: &Path) -> io::Result<()> {
    let meta = std::fs::metadata(live)?;
    if std::fs::metadata(fresh)?.uid() != meta.uid() || std::fs::metadata(fresh)?.gid() != meta.gid() {
        // Only root may give a folder away; a member of the group may give it to the group.
        if std::os::unix::fs::chown(fresh, Some(meta.uid()), Some(meta.gid())).is_err() {
            let _ = std::os::unix::fs::chown(fresh, None, Some(meta.gid()));
        }
    }
    std::fs::set_permissions(fresh, meta.permissions())?;
    copy_attributes(live, fresh);
    Ok(())
}

#[cfg(any(target_os = "linux", target_os = "macos"))]
fn copy_attributes(live: &Path, fresh: &Path) {
    use rustix::fs::XattrFlags;
    let mut names = vec![0_u8; 64 << 10];
    let Ok(len) = rustix::fs::listxattr(live, &mut names[..]) else { return };
    for name in names[..len].split(|b| *b == 0).filter(|n| !n.is_empty()) {
        let mut value = vec![0_u8; 64 << 10];
        if let Ok(len) = rustix::fs::getxattr(live, name, &mut value[..]) {
            let _ = rustix::fs::setxattr(fresh, name, &value[..len], XattrFlags::empty());
        }
    }
}

/// Whether the file system is of a kind that is known to exchange folders and link files; where it is not, the probe
/// under the lock decides.
#[must_use]
pub fn likely_exchanges(path: &Path) -> bool {
    #[cfg(target_os = "linux")]
    {
        // FUSE, NFS, SMB, CIFS, 9p, FAT, exFAT.
        const OTHERS: [i64; 7] = [0x6573_5546, 0x6969, 0xFE53_4D42, 0xFF53_4D42, 0x0102_1997, 0x4d44, 0x2011_BAB0];
        rustix::fs::statfs(path).is_ok_and(|stat| !OTHERS.contains(&stat.f_type))
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = path;
        true
    }
}

/// The name of this machine, for people.
#[must_use]
pub fn host_name() -> String {
    #[cfg(target_os = "linux")]
    if let Ok(name) = std::fs::read_to_string("/proc/sys/kernel/hostname") {
        return name.trim().to_owned();
    }
    std::env::var("HOSTNAME").unwrap_or_else(|_| "this machine".to_owned())
}

fn plain(error: Errno) -> io::Error {
    if [Errno::INVAL, Errno::NOSYS, Errno::NOTSUP, Errno::OPNOTSUPP].contains(&error) {
        io::Error::new(io::ErrorKind::Unsupported, io::Error::from(error))
    } else {
        error.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_exchanged_and_names_not_overwritten() {
        let dir = tempfile::tempdir().expect("a folder");
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        std::fs::create_dir(&a).expect("a folder");
        std::fs::create_dir(&b).expect("a folder");
        let was = Identity::at(&a).expect("looks");
        exchange(&a, &b).expect("exchanges");
        assert_eq!(Identity::at(&b).expect("looks"), was);
        assert_eq!(rename_new(&a, &b).expect_err("taken").kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(exchange(&a, &dir.path().join("c")).expect_err("missing").kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_lock_is_granted_once() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("lock");
        let one = File::create(&path).expect("creates");
        let two = File::open(&path).expect("opens");
        assert!(try_lock(&one).expect("locks"));
        assert!(!try_lock(&two).expect("asks"));
        drop(one);
        assert!(try_lock(&two).expect("locks"));
    }

    #[test]
    fn mounts_are_told_from_folders() {
        let dir = tempfile::tempdir().expect("a folder");
        assert!(!is_mount_point(dir.path()).expect("looks"));
        assert!(is_mount_point(Path::new("/proc")).expect("looks"));
    }

    #[test]
    fn a_fresh_folder_takes_the_mode_of_the_live_one() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().expect("a folder");
        let (a, b) = (dir.path().join("a"), dir.path().join("b"));
        std::fs::create_dir(&a).expect("a folder");
        std::fs::create_dir(&b).expect("a folder");
        std::fs::set_permissions(&a, std::fs::Permissions::from_mode(0o2750)).expect("sets");
        copy_rights(&a, &b).expect("copies");
        assert_eq!(std::fs::metadata(&b).expect("looks").permissions().mode() & 0o7777, 0o2750);
    }
}
