//! Signals while JavaScript does not turn its event loop.

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};

use libc::{SIGHUP, SIGINT, SIGTERM, c_int, c_void, sigaction, siginfo_t};
use napi_derive::napi;

/// The signals that end a server.
const ENDING: [c_int; 3] = [SIGINT, SIGTERM, SIGHUP];
/// Seconds that JavaScript has to end the process itself after the second signal.
const GRACE: u32 = 2;
/// Milliseconds in which a second signal is the first one again; as in `shutdown.ts`.
const ECHO: i64 = 300;

/// The handlers that were there before, of Node.js, in the order of [`ENDING`].
static PREVIOUS: OnceLock<[sigaction; 3]> = OnceLock::new();
/// When the first signal came; 0 before.
static FIRST: AtomicI64 = AtomicI64::new(0);

/// Has a second signal that ends the process work even if JavaScript is in an endless loop: two seconds
/// later SIGALRM ends it. To be called once Node.js listens to the signals.
#[napi(catch_unwind)]
pub fn enforce_second_signal() {
    PREVIOUS.get_or_init(|| ENDING.map(previous));
    for signal in ENDING {
        // SAFETY: all zeros is a valid `sigaction`; `handle` calls nothing but what signal-safety(7) allows.
        unsafe {
            let mut action: sigaction = MaybeUninit::zeroed().assume_init();
            action.sa_sigaction = handle as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART;
            libc::sigfillset(&mut action.sa_mask);
            sigaction_of(signal, &action, ptr::null_mut());
        }
    }
}

fn previous(signal: c_int) -> sigaction {
    // SAFETY: all zeros is a valid `sigaction`, and with no new one the call only reads.
    unsafe {
        let mut action: sigaction = MaybeUninit::zeroed().assume_init();
        sigaction_of(signal, ptr::null(), &mut action);
        action
    }
}

/// # Safety
/// As sigaction(2).
unsafe fn sigaction_of(signal: c_int, new: *const sigaction, old: *mut sigaction) {
    // SAFETY: the caller's pointers are valid or null.
    unsafe { libc::sigaction(signal, new, old) };
}

/// Counts a signal and passes it on.
extern "C" fn handle(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    let now = milliseconds();
    match FIRST.load(Ordering::Relaxed) {
        0 => FIRST.store(now, Ordering::Relaxed),
        first if now - first >= ECHO => {
            // SAFETY: alarm(2) is async-signal-safe, and Node.js leaves SIGALRM alone.
            unsafe { libc::alarm(GRACE) };
        }
        _ => {}
    }
    let place = ENDING.iter().position(|known| *known == signal);
    let Some(previous) = place.and_then(|place| PREVIOUS.get()?.get(place)) else {
        return;
    };
    let handler = previous.sa_sigaction;
    if handler == libc::SIG_DFL || handler == libc::SIG_IGN {
        return;
    }
    // SAFETY: it is a handler, and the flags tell of which kind.
    unsafe {
        if previous.sa_flags & libc::SA_SIGINFO != 0 {
            let handler: extern "C" fn(c_int, *mut siginfo_t, *mut c_void) =
                std::mem::transmute(handler);
            handler(signal, info, context);
        } else {
            let handler: extern "C" fn(c_int) = std::mem::transmute(handler);
            handler(signal);
        }
    }
}

fn milliseconds() -> i64 {
    // SAFETY: all zeros is a valid `timespec`; clock_gettime(2) is async-signal-safe.
    let time = unsafe {
        let mut time: libc::timespec = MaybeUninit::zeroed().assume_init();
        libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time);
        time
    };
    time.tv_sec as i64 * 1000 + time.tv_nsec as i64 / 1_000_000 + 1
}
