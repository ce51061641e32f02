//! LZ4 frames one behind the other, of which a cut one is never taken for a whole one.

use std::fmt;
use std::io::{self, BufRead, Read};

use lz4_flex::frame::FrameDecoder;

/// How frames begin; those that are to be passed over differ in the low four bits.
const FRAME: u32 = 0x184d_2204;
pub(super) const PASSED_OVER: u32 = 0x184d_2a50;
pub(super) const LEGACY: u32 = 0x184c_2102;

/// What is wrong with a file beside damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The kind of before the frames, which has no mark at its end.
    Legacy,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the legacy format")
    }
}

impl std::error::Error for Trouble {}

/// What the frames of a file hold.
///
/// The decoder ends alike after a frame's end mark and where the bytes end before a block; so the end of the bytes is
/// watched for, and is one of the frames only between two of them.
pub(super) struct Lz4Frames<R: BufRead> {
    state: State<R>,
    only_first: bool,
}

enum State<R: BufRead> {
    Between(R),
    Inside(Box<FrameDecoder<Watched<R>>>),
    Over,
}

impl<R: BufRead> Lz4Frames<R> {
    /// Reads all frames.
    pub(super) fn new(from: R) -> Self {
        Self { state: State::Between(from), only_first: false }
    }

    /// Reads the first frame.
    pub(super) fn first(from: R) -> Self {
        Self { only_first: true, ..Self::new(from) }
    }
}

impl<R: BufRead> Read for Lz4Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            self.state = match std::mem::replace(&mut self.state, State::Over) {
                State::Over => return Ok(0),
                State::Between(mut from) => {
                    if from.fill_buf()?.is_empty() {
                        return Ok(0);
                    }
                    let mut magic = [0; 4];
                    from.read_exact(&mut magic)?;
                    match u32::from_le_bytes(magic) {
                        LEGACY => return Err(io::Error::new(io::ErrorKind::InvalidData, Trouble::Legacy)),
                        other if other & !0xf == PASSED_OVER => {
                            pass_over(&mut from)?;
                            State::Between(from)
                        }
                        FRAME => {
                            // Each frame has a decoder of its own: they differ in the size of blocks.
                            let watched = Watched { magic, given: 0, inner: from, ended: false };
                            State::Inside(Box::new(FrameDecoder::new(watched)))
                        }
                        _ => return Err(io::ErrorKind::InvalidData.into()),
                    }
                }
                State::Inside(mut decoder) => match decoder.read(buffer)? {
                    0 if decoder.get_ref().ended => return Err(io::ErrorKind::UnexpectedEof.into()),
                    0 if self.only_first => return Ok(0),
                    0 => State::Between(decoder.into_inner().inner),
                    n => {
                        self.state = State::Inside(decoder);
                        return Ok(n);
                    }
                },
            };
        }
    }
}

/// Reads past a frame that is not for the reader, its first four bytes read.
fn pass_over(from: &mut impl BufRead) -> io::Result<()> {
    let mut len = [0; 4];
    from.read_exact(&mut len)?;
    let len = u64::from(u32::from_le_bytes(len));
    match io::copy(&mut from.take(len), &mut io::sink())? {
        passed if passed == len => Ok(()),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Gives a frame's first bytes again, and knows whether the bytes have ended.
struct Watched<R> {
    magic: [u8; 4],
    given: usize,
    inner: R,
    ended: bool,
}

impl<R: BufRead> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given < self.magic.len() {
            let n = (&self.magic[self.given..]).read(buffer)?;
            self.given += n;
            return Ok(n);
        }
        let n = self.inner.read(buffer)?;
        self.ended |= n == 0 && !buffer.is_empty();
        Ok(n)
    }
}
