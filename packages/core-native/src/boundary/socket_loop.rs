//! Sockets that JavaScript's event loop reads itself.
//!
//! An epoll instance has the sockets; any thread may add and remove them. The event loop watches the
//! instance by one `uv_poll_t`, which lives as long as the environment.

use std::cell::Cell;
use std::collections::HashMap;
use std::ffi::{c_int, c_void};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::{Arc, Mutex, Weak};
use std::thread::{self, ThreadId};

use napi::{Error, Result, check_status, sys};
use puff_core::event_loop::{EventLoop, Readable};

use super::isolate::lock;
use super::uv::{self, Poll, uv};

thread_local! {
    /// Whether this thread is reading sockets, and will drain what that brings.
    static IS_READING: Cell<bool> = const { Cell::new(false) };
    /// Whether it brought something.
    static HAS_ANSWERS: Cell<bool> = const { Cell::new(false) };
}

/// Sockets that are read in one turn; the others are in the next.
const MAX_EVENTS: usize = 16;

/// The event loop of an isolate, as a reader of sockets.
pub(crate) struct SocketLoop {
    thread: ThreadId,
    epoll: OwnedFd,
    sockets: Mutex<Sockets>,
}

#[derive(Default)]
struct Sockets {
    by_watch: HashMap<u32, Socket>,
    last_watch: u32,
    /// Whether the event loop watches.
    is_open: bool,
}

struct Socket {
    /// Open while it is here.
    descriptor: RawFd,
    readable: Weak<dyn Readable>,
}

/// What belongs to the `uv_poll_t`; only the isolate's thread touches it.
struct Watcher {
    sockets: Arc<SocketLoop>,
    env: sys::napi_env,
    /// The function that drains answers.
    drain: sys::napi_ref,
    context: sys::napi_async_context,
    cleanup: sys::napi_async_cleanup_hook_handle,
}

impl SocketLoop {
    /// The loop of the thread that calls; it watches nothing until `begin`.
    pub(super) fn new() -> Result<SocketLoop> {
        // SAFETY: the call has no preconditions.
        let epoll = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if epoll < 0 {
            let error = io::Error::last_os_error();
            return Err(Error::from_reason(format!(
                "PUFF_INTERNAL: the operating system refused an epoll instance: {error}"
            )));
        }
        Ok(SocketLoop {
            thread: thread::current().id(),
            // SAFETY: it is new and nobody else has it.
            epoll: unsafe { OwnedFd::from_raw_fd(epoll) },
            sockets: Mutex::default(),
        })
    }

    /// Lets the environment's event loop watch, until the environment ends. Where the host has no libuv,
    /// nothing is ever watched.
    pub(super) fn begin(
        self: &Arc<Self>,
        env: sys::napi_env,
        drain: sys::napi_value,
    ) -> Result<()> {
        let Some(uv) = uv() else {
            return Ok(());
        };
        let mut event_loop = ptr::null_mut();
        let mut name = ptr::null_mut();
        let mut context = ptr::null_mut();
        let mut reference = ptr::null_mut();
        // SAFETY: we are on the environment's thread, in a call of JavaScript; the results are ours.
        unsafe {
            check_status!(sys::napi_get_uv_event_loop(env, &mut event_loop))?;
            let text = c"next-puff";
            check_status!(sys::napi_create_string_utf8(
                env,
                text.as_ptr(),
                9,
                &mut name
            ))?;
            check_status!(sys::napi_async_init(
                env,
                ptr::null_mut(),
                name,
                &mut context
            ))?;
            check_status!(sys::napi_create_reference(env, drain, 1, &mut reference))?;
        }
        let watcher = Box::into_raw(Box::new(Watcher {
            sockets: self.clone(),
            env,
            drain: reference,
            context,
            cleanup: ptr::null_mut(),
        }));
        // SAFETY: libuv gets memory of the size it asks for, which `on_closed` frees, and an open
        // descriptor; the watcher lives until then.
        unsafe {
            let poll = libc::calloc(1, (uv.handle_size)(uv::POLL));
            let status = (uv.poll_init)(event_loop.cast(), poll, self.epoll.as_raw_fd());
            if status != 0 {
                libc::free(poll);
                drop(Box::from_raw(watcher));
                return Ok(());
            }
            (uv.handle_set_data)(poll, watcher.cast());
            (uv.poll_start)(poll, uv::READABLE, on_readable);
            // Waiting calls keep the process alive, not their sockets.
            (uv.unref)(poll);
            check_status!(sys::napi_add_async_cleanup_hook(
                env,
                Some(on_environment_end),
                poll,
                &mut (*watcher).cleanup,
            ))?;
        }
        lock(&self.sockets).is_open = true;
        Ok(())
    }

    /// Whether the calling thread is reading sockets for this isolate, and drains answers when it has.
    pub(super) fn drains_soon(&self) -> bool {
        let is_reading = IS_READING.get() && self.is_current();
        if is_reading {
            HAS_ANSWERS.set(true);
        }
        is_reading
    }

    /// Reads the sockets that have something; true if JavaScript has to drain answers.
    fn read(&self) -> bool {
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; MAX_EVENTS];
        // SAFETY: the array has as many places as are announced.
        let count = unsafe {
            libc::epoll_wait(
                self.epoll.as_raw_fd(),
                events.as_mut_ptr(),
                MAX_EVENTS as c_int,
                0,
            )
        };
        IS_READING.set(true);
        for event in &events[..count.max(0) as usize] {
            let watch = event.u64 as u32;
            let readable = lock(&self.sockets)
                .by_watch
                .get(&watch)
                .and_then(|socket| socket.readable.upgrade());
            if let Some(readable) = readable {
                readable.read_here();
            }
        }
        IS_READING.set(false);
        HAS_ANSWERS.take()
    }

    /// Gives all sockets back: the environment ends.
    fn close(&self) {
        let sockets: Vec<_> = {
            let mut sockets = lock(&self.sockets);
            sockets.is_open = false;
            let readable = |socket: &Socket| socket.readable.upgrade();
            sockets.by_watch.values().filter_map(readable).collect()
        };
        for readable in sockets {
            readable.return_to_runtime();
        }
    }
}

impl EventLoop for SocketLoop {
    fn is_current(&self) -> bool {
        thread::current().id() == self.thread
    }

    fn watch(&self, socket: BorrowedFd<'_>, readable: Weak<dyn Readable>) -> Option<u32> {
        let mut sockets = lock(&self.sockets);
        if !sockets.is_open {
            return None;
        }
        let watch = sockets.last_watch.wrapping_add(1);
        let mut event = libc::epoll_event {
            events: libc::EPOLLIN as u32,
            u64: watch.into(),
        };
        let (epoll, descriptor) = (self.epoll.as_raw_fd(), socket.as_raw_fd());
        // SAFETY: both descriptors are open.
        let status = unsafe { libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, descriptor, &mut event) };
        if status != 0 {
            return None;
        }
        sockets.last_watch = watch;
        let socket = Socket {
            descriptor,
            readable,
        };
        sockets.by_watch.insert(watch, socket);
        Some(watch)
    }

    fn unwatch(&self, watch: u32) {
        let mut sockets = lock(&self.sockets);
        let Some(socket) = sockets.by_watch.remove(&watch) else {
            return;
        };
        // SAFETY: the socket is open until its watch has ended. There is nothing to do about an error.
        unsafe {
            libc::epoll_ctl(
                self.epoll.as_raw_fd(),
                libc::EPOLL_CTL_DEL,
                socket.descriptor,
                ptr::null_mut(),
            );
        }
    }
}

impl Watcher {
    /// Calls the function that drains answers, as the event loop calls any callback.
    ///
    /// # Safety
    /// On the environment's thread, outside of JavaScript.
    unsafe fn drain(&self) {
        let env = self.env;
        let mut scope = ptr::null_mut();
        let mut global = ptr::null_mut();
        let mut drain = ptr::null_mut();
        let mut result = ptr::null_mut();
        // SAFETY: the environment, the reference and the context live until the cleanup hook has run.
        unsafe {
            if sys::napi_open_handle_scope(env, &mut scope) != sys::Status::napi_ok {
                return;
            }
            sys::napi_get_global(env, &mut global);
            sys::napi_get_reference_value(env, self.drain, &mut drain);
            let status = sys::napi_make_callback(
                env,
                self.context,
                global,
                drain,
                0,
                ptr::null(),
                &mut result,
            );
            if status == sys::Status::napi_pending_exception {
                let mut exception = ptr::null_mut();
                sys::napi_get_and_clear_last_exception(env, &mut exception);
                sys::napi_fatal_exception(env, exception);
            }
            sys::napi_close_handle_scope(env, scope);
        }
    }
}

unsafe extern "C" fn on_readable(poll: *mut Poll, _status: c_int, _events: c_int) {
    let Some(uv) = uv() else { return };
    // SAFETY: libuv calls on the environment's thread, between `poll_start` and `close`; the data is a
    // watcher until `on_closed`.
    unsafe {
        let watcher = &*(uv.handle_get_data)(poll).cast::<Watcher>();
        if watcher.sockets.read() {
            watcher.drain();
        }
    }
}

unsafe extern "C" fn on_environment_end(
    _handle: sys::napi_async_cleanup_hook_handle,
    poll: *mut c_void,
) {
    let Some(uv) = uv() else { return };
    // SAFETY: called once, on the environment's thread, with the handle that `begin` has started.
    unsafe {
        let watcher = &*(uv.handle_get_data)(poll).cast::<Watcher>();
        watcher.sockets.close();
        sys::napi_async_destroy(watcher.env, watcher.context);
        (uv.close)(poll, on_closed);
    }
}

unsafe extern "C" fn on_closed(poll: *mut Poll) {
    let Some(uv) = uv() else { return };
    // SAFETY: libuv is done with the handle; nobody else has the watcher.
    unsafe {
        let watcher = Box::from_raw((uv.handle_get_data)(poll).cast::<Watcher>());
        libc::free(poll);
        sys::napi_remove_async_cleanup_hook(watcher.cleanup);
    }
}
