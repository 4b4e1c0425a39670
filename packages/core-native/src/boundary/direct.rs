//! Functions that are called so often that napi-derive's conversions would cost more than what they do.
//!
//! [`export`] gives them to JavaScript under their names; `native.ts` has their types.

use std::cell::RefCell;
use std::ffi::{CString, c_char};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{null, null_mut};

use napi::{Env, Error, JsValue, Result, Status, bindgen_prelude::Object, check_status, sys};

/// A function as Node-API calls it.
pub(crate) type Callback =
    unsafe extern "C" fn(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value;

/// Room that is kept for the texts of the next call.
const KEPT_ROOM: usize = 64 * 1024;

/// Room in which most texts fit: those that do not are read twice.
const LIKELY_ROOM: usize = 4 * 1024;

/// The longest character in UTF-8.
const LONGEST_CHARACTER: usize = 4;

thread_local! {
    static TEXTS: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The arguments of a call; those that are missing are undefined.
pub(crate) struct Arguments<const COUNT: usize> {
    env: sys::napi_env,
    values: [sys::napi_value; COUNT],
}

/// Gives JavaScript a function.
///
/// # Errors
/// JavaScript does not take it.
pub(crate) fn export(
    exports: &mut Object<'_>,
    env: Env,
    name: &str,
    callback: Callback,
) -> Result<()> {
    let mut function = null_mut();
    let raw = env.raw();
    let name = CString::new(name)?;
    // SAFETY: the environment is the one that loads the addon, on its thread; the name ends with NUL.
    unsafe {
        let length = name.as_bytes().len() as isize;
        let status = sys::napi_create_function(
            raw,
            name.as_ptr(),
            length,
            Some(callback),
            null_mut(),
            &mut function,
        );
        check_status!(status)?;
        check_status!(sys::napi_set_named_property(
            raw,
            exports.raw(),
            name.as_ptr(),
            function
        ))
    }
}

/// Runs the body of a [`Callback`] with the call's arguments and room for their texts; what it fails with is thrown.
///
/// # Safety
/// `env` and `info` are those that Node-API gave the callback. The body must not run JavaScript.
pub(crate) unsafe fn call<const COUNT: usize>(
    env: sys::napi_env,
    info: sys::napi_callback_info,
    body: impl FnOnce(&Arguments<COUNT>, &mut Vec<u8>) -> Result<u32>,
) -> sys::napi_value {
    let run = || {
        // SAFETY: as the caller promises.
        let arguments = unsafe { Arguments::of(env, info) }?;
        let mut texts = TEXTS.take();
        texts.clear();
        let answer = body(&arguments, &mut texts);
        if texts.capacity() <= KEPT_ROOM {
            TEXTS.set(texts);
        }
        answer
    };
    let answer = catch_unwind(AssertUnwindSafe(run))
        .unwrap_or_else(|_| Err(Error::from_reason("the native core panicked")));
    let mut value = null_mut();
    match answer {
        // SAFETY: as the caller promises.
        Ok(number) => unsafe {
            sys::napi_create_uint32(env, number, &mut value);
        },
        Err(error) => {
            let message = CString::new(error.reason.replace('\0', " ")).unwrap_or_default();
            // SAFETY: as the caller promises; the message ends with NUL.
            unsafe { sys::napi_throw_error(env, null(), message.as_ptr()) };
        }
    }
    value
}

impl<const COUNT: usize> Arguments<COUNT> {
    unsafe fn of(env: sys::napi_env, info: sys::napi_callback_info) -> Result<Arguments<COUNT>> {
        let mut values = [null_mut(); COUNT];
        let mut count = COUNT;
        // SAFETY: `values` has room for so many; those that were not given become undefined.
        check_status!(unsafe {
            sys::napi_get_cb_info(
                env,
                info,
                &mut count,
                values.as_mut_ptr(),
                null_mut(),
                null_mut(),
            )
        })?;
        Ok(Arguments { env, values })
    }

    /// A number.
    pub(crate) fn number(&self, index: usize) -> Result<u32> {
        let mut number = 0;
        // SAFETY: the value is an argument of the call that is being answered.
        let status =
            unsafe { sys::napi_get_value_uint32(self.env, self.values[index], &mut number) };
        expect(status, index, "a number")?;
        Ok(number)
    }

    /// Whether there is one.
    pub(crate) fn is_given(&self, index: usize) -> Result<bool> {
        let mut kind = 0;
        // SAFETY: as in `number`.
        check_status!(unsafe { sys::napi_typeof(self.env, self.values[index], &mut kind) })?;
        Ok(kind != sys::ValueType::napi_undefined)
    }

    /// Appends a string in UTF-8 and tells where it is.
    pub(crate) fn text(&self, index: usize, texts: &mut Vec<u8>) -> Result<Range<usize>> {
        texts.reserve(LIKELY_ROOM);
        let room = texts.capacity() - texts.len();
        let mut written = self.write_text(index, texts)?;
        if written + LONGEST_CHARACTER >= room {
            // It may have been cut.
            let mut length = 0;
            // SAFETY: as in `number`; without a buffer it only counts.
            let status = unsafe {
                let value = self.values[index];
                sys::napi_get_value_string_utf8(self.env, value, null_mut(), 0, &mut length)
            };
            expect(status, index, "a string")?;
            texts.reserve(length + 1);
            written = self.write_text(index, texts)?;
        }
        let start = texts.len();
        // SAFETY: so many bytes were written behind the end.
        unsafe { texts.set_len(start + written) };
        Ok(start..start + written)
    }

    /// Writes as much of a string as there is room for behind the end of `texts`.
    fn write_text(&self, index: usize, texts: &mut Vec<u8>) -> Result<usize> {
        let room = texts.spare_capacity_mut();
        let mut written = 0;
        let start: *mut c_char = room.as_mut_ptr().cast();
        // SAFETY: as in `number`; it writes into the room alone, with a NUL behind the text.
        let status = unsafe {
            let value = self.values[index];
            sys::napi_get_value_string_utf8(self.env, value, start, room.len(), &mut written)
        };
        expect(status, index, "a string")?;
        Ok(written)
    }

    /// The bytes of a `Uint8Array`.
    pub(crate) fn bytes(&self, index: usize) -> Result<&[u8]> {
        let (mut kind, mut length, mut data) = (0, 0, null_mut());
        // SAFETY: as in `number`.
        let mut status = unsafe {
            sys::napi_get_typedarray_info(
                self.env,
                self.values[index],
                &mut kind,
                &mut length,
                &mut data,
                null_mut(),
                null_mut(),
            )
        };
        if kind != sys::TypedarrayType::uint8_array {
            status = sys::Status::napi_invalid_arg;
        }
        expect(status, index, "a Uint8Array")?;
        if length == 0 {
            return Ok(&[]);
        }
        // SAFETY: the array is an argument, so that it lives as long as the call, and no JavaScript changes it meanwhile.
        Ok(unsafe { std::slice::from_raw_parts(data.cast(), length) })
    }
}

/// Fails with what an argument has to be.
fn expect(status: sys::napi_status, index: usize, what: &str) -> Result<()> {
    match status {
        sys::Status::napi_ok => Ok(()),
        other => {
            let reason = format!("argument {} has to be {what}", index + 1);
            Err(Error::new(Status::from(other), reason))
        }
    }
}

/// A text that [`Arguments::text`] has read.
pub(crate) fn text_at(texts: &[u8], at: Range<usize>) -> &str {
    // SAFETY: Node-API writes UTF-8, with U+FFFD for what is none.
    unsafe { std::str::from_utf8_unchecked(&texts[at]) }
}
