//! A pipe that nobody waits at for longer than the run goes on.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;

use hygge_core::context::Cancellation;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// How long a wait lasts before it is looked whether the run goes on.
const A_WHILE: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };

/// One end of a pipe. Reading and writing block, but end with an error when the run is told to stop.
pub struct Pipe<T> {
    inner: T,
    cancel: Cancellation,
}

impl<T: AsFd> Pipe<T> {
    /// Our end of a pipe; the other one is not touched.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn new(inner: T, cancel: &Cancellation) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&inner, true)?;
        Ok(Self { inner, cancel: cancel.clone() })
    }

    /// From now on it heeds this cancellation.
    pub fn heed(&mut self, cancel: &Cancellation) {
        self.cancel = cancel.clone();
    }

    fn wait(&self, flags: PollFlags) -> io::Result<()> {
        loop {
            if self.cancel.is_asked() {
                return Err(io::Error::other("the run is told to stop"));
            }
            match poll(&mut [PollFd::new(&self.inner, flags)], Some(&A_WHILE)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl<T: AsFd + Read> Pipe<T> {
    /// What is there to be read at this moment; none if that is nothing yet.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn read_now(&mut self, into: &mut [u8]) -> io::Result<Option<usize>> {
        match self.inner.read(into) {
            Ok(n) => Ok(Some(n)),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl<T: AsFd + Read> Read for Pipe<T> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(n) = self.read_now(into)? {
                return Ok(n);
            }
            self.wait(PollFlags::IN)?;
        }
    }
}

impl<T: AsFd + Write> Write for Pipe<T> {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        loop {
            match self.inner.write(from) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.wait(PollFlags::OUT)?,
                done => return done,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}
