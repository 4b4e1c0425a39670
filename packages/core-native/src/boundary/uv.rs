//! What is needed of libuv, the event loop of Node.js.
//!
//! Node.js exports libuv's functions to addons. They are looked up when first needed: another host of
//! Node-API may not have them.

use std::ffi::{CStr, c_int, c_void};
use std::sync::OnceLock;

/// A `uv_poll_t`; libuv says how large it is.
pub(super) type Poll = c_void;
pub(super) type PollCallback = unsafe extern "C" fn(*mut Poll, c_int, c_int);
pub(super) type CloseCallback = unsafe extern "C" fn(*mut Poll);

/// `UV_POLL` of `uv_handle_type`.
pub(super) const POLL: c_int = 8;
/// `UV_READABLE` of `uv_poll_event`.
pub(super) const READABLE: c_int = 1;

/// Functions of libuv, as its manual describes them.
pub(super) struct Uv {
    pub(super) handle_size: unsafe extern "C" fn(c_int) -> usize,
    pub(super) handle_get_data: unsafe extern "C" fn(*const Poll) -> *mut c_void,
    pub(super) handle_set_data: unsafe extern "C" fn(*mut Poll, *mut c_void),
    pub(super) poll_init: unsafe extern "C" fn(*mut c_void, *mut Poll, c_int) -> c_int,
    pub(super) poll_start: unsafe extern "C" fn(*mut Poll, c_int, PollCallback) -> c_int,
    pub(super) unref: unsafe extern "C" fn(*mut Poll),
    pub(super) close: unsafe extern "C" fn(*mut Poll, CloseCallback),
}

/// libuv, if the process has it.
pub(super) fn uv() -> Option<&'static Uv> {
    static UV: OnceLock<Option<Uv>> = OnceLock::new();
    UV.get_or_init(find).as_ref()
}

#[allow(
    clippy::missing_transmute_annotations,
    reason = "the types are those of the fields"
)]
fn find() -> Option<Uv> {
    // SAFETY: each type is that of the function in uv.h; libuv keeps both while its major version is 1.
    unsafe {
        Some(Uv {
            handle_size: std::mem::transmute(symbol(c"uv_handle_size")?),
            handle_get_data: std::mem::transmute(symbol(c"uv_handle_get_data")?),
            handle_set_data: std::mem::transmute(symbol(c"uv_handle_set_data")?),
            poll_init: std::mem::transmute(symbol(c"uv_poll_init")?),
            poll_start: std::mem::transmute(symbol(c"uv_poll_start")?),
            unref: std::mem::transmute(symbol(c"uv_unref")?),
            close: std::mem::transmute(symbol(c"uv_close")?),
        })
    }
}

fn symbol(name: &CStr) -> Option<*mut c_void> {
    // SAFETY: the name ends with a zero byte; the process's own symbols stay where they are.
    let address = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    (!address.is_null()).then_some(address)
}
