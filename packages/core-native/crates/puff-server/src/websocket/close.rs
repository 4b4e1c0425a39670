//! Why sockets close.

/// A status code of a close frame (RFC 6455, section 7.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloseCode(pub u16);

impl CloseCode {
    /// The purpose of the connection has been fulfilled.
    pub const NORMAL: CloseCode = CloseCode(1000);
    /// The server goes down, or the page was left.
    pub const GOING_AWAY: CloseCode = CloseCode(1001);
    /// A frame that the protocol does not allow.
    pub const PROTOCOL_ERROR: CloseCode = CloseCode(1002);
    /// A kind of message that is not understood here.
    pub const UNSUPPORTED: CloseCode = CloseCode(1003);
    /// The peer's close frame had no code; never sent.
    pub const NO_STATUS: CloseCode = CloseCode(1005);
    /// The connection ended without a close frame; never sent.
    pub const ABNORMAL: CloseCode = CloseCode(1006);
    /// A text that is no UTF-8, or a message that cannot be inflated.
    pub const INVALID_DATA: CloseCode = CloseCode(1007);
    /// Something that is not allowed here; also a client that reads too slowly.
    pub const POLICY: CloseCode = CloseCode(1008);
    /// A message above the limit.
    pub const TOO_BIG: CloseCode = CloseCode(1009);
    /// The handler failed.
    pub const INTERNAL_ERROR: CloseCode = CloseCode(1011);
    /// The handler was replaced: connect again.
    pub const RESTART: CloseCode = CloseCode(1012);
    /// Connect again.
    pub const TRY_AGAIN: CloseCode = CloseCode(1013);

    /// Whether a close frame may have it: the codes of the registry, of libraries and of applications.
    pub fn is_sendable(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

/// How a socket ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The peer's code; where the peer was at fault, the one that it was told.
    pub code: CloseCode,
    /// The peer's reason.
    pub reason: String,
    /// Whether both sides have sent a close frame.
    pub is_clean: bool,
}

impl Closed {
    /// The connection ended without a word.
    pub(super) fn abnormally() -> Closed {
        Closed {
            code: CloseCode::ABNORMAL,
            reason: String::new(),
            is_clean: false,
        }
    }
}
