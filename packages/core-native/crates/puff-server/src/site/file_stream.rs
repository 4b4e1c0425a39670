//! A part of a file, read while it is sent.

use std::fs::File;
use std::future::Future;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use tokio::task::{JoinHandle, spawn_blocking};

use crate::http::BodyError;

const CHUNK_BYTES: u64 = 64 * 1024;

/// A body that is read on the runtime's threads for blocking work, a chunk at a time and none
/// ahead.
pub(super) struct FileStream {
    position: Position,
    remaining: u64,
}

enum Position {
    /// Nothing has been read.
    Start(File, u64),
    Idle(File),
    Reading(JoinHandle<io::Result<(File, Bytes)>>),
    Ended,
}

impl FileStream {
    /// So many bytes from an offset on.
    pub(super) fn new(file: File, offset: u64, length: u64) -> FileStream {
        FileStream {
            position: Position::Start(file, offset),
            remaining: length,
        }
    }
}

impl Body for FileStream {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.remaining == 0 {
            self.position = Position::Ended;
        }
        loop {
            let length = self.remaining.min(CHUNK_BYTES);
            match std::mem::replace(&mut self.position, Position::Ended) {
                Position::Ended => return Poll::Ready(None),
                Position::Start(file, offset) => {
                    self.position =
                        Position::Reading(spawn_blocking(move || read(file, Some(offset), length)));
                }
                Position::Idle(file) => {
                    self.position =
                        Position::Reading(spawn_blocking(move || read(file, None, length)));
                }
                Position::Reading(mut reading) => {
                    let Poll::Ready(result) = Pin::new(&mut reading).poll(context) else {
                        self.position = Position::Reading(reading);
                        return Poll::Pending;
                    };
                    return Poll::Ready(Some(match result.map_err(io::Error::other).flatten() {
                        Ok((file, bytes)) => {
                            self.remaining -= bytes.len() as u64;
                            self.position = Position::Idle(file);
                            Ok(Frame::data(bytes))
                        }
                        Err(error) => Err(error.into()),
                    }));
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.remaining == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.remaining)
    }
}

fn read(mut file: File, offset: Option<u64>, length: u64) -> io::Result<(File, Bytes)> {
    if let Some(offset) = offset {
        file.seek(SeekFrom::Start(offset))?;
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).map_err(io::Error::other)?);
    file.by_ref().take(length).read_to_end(&mut bytes)?;
    if bytes.is_empty() {
        // The response has promised more.
        return Err(io::Error::new(
            ErrorKind::UnexpectedEof,
            "the file became shorter while it was sent",
        ));
    }
    Ok((file, bytes.into()))
}
