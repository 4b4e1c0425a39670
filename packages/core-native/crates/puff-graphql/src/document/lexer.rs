//! The tokens of a document (GraphQL specification, section 2.1 "Source Text").

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// The end of the text.
    Eof,
    /// One of `! $ & ( ) ... : = @ [ ] { | }`.
    Punctuator,
    Name,
    Int,
    Float,
    String,
    BlockString,
}

/// A token; ignored ones are left out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token<'a> {
    pub(super) kind: TokenKind,
    /// How it is written.
    pub(super) text: &'a str,
    /// Where it begins, in bytes.
    pub(super) start: usize,
}

/// Text that is no token: what is wrong and where. The messages are those of graphql-js.
#[derive(Debug)]
pub(super) struct LexicalError {
    pub(super) message: String,
    pub(super) offset: usize,
}

/// Reads tokens one after the other.
#[derive(Clone)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    position: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Lexer<'a> {
        Lexer { text, position: 0 }
    }

    pub(super) fn next(&mut self) -> Result<Token<'a>, LexicalError> {
        self.skip_ignored();
        let start = self.position;
        let kind = match self.byte(0) {
            None => TokenKind::Eof,
            Some(
                b'!' | b'$' | b'&' | b'(' | b')' | b':' | b'=' | b'@' | b'[' | b']' | b'{' | b'|'
                | b'}',
            ) => {
                self.position += 1;
                TokenKind::Punctuator
            }
            Some(b'.') if self.rest().starts_with("...") => {
                self.position += 3;
                TokenKind::Punctuator
            }
            Some(b'"') if self.rest().starts_with("\"\"\"") => self.block_string()?,
            Some(b'"') => self.string()?,
            Some(byte) if byte == b'-' || byte.is_ascii_digit() => self.number()?,
            Some(byte) if is_name_start(byte) => {
                while self.byte(0).is_some_and(is_name_continue) {
                    self.position += 1;
                }
                TokenKind::Name
            }
            Some(b'\'') => {
                return Err(self.error(
                    "Unexpected single quote character ('), did you mean to use a double quote (\")?"
                        .to_owned(),
                ));
            }
            Some(_) => {
                return Err(self.error(format!("Unexpected character: {}.", self.character())));
            }
        };
        Ok(Token {
            kind,
            text: &self.text[start..self.position],
            start,
        })
    }

    fn rest(&self) -> &'a str {
        &self.text[self.position..]
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.position + ahead).copied()
    }

    fn skip_ignored(&mut self) {
        loop {
            match self.byte(0) {
                Some(b' ' | b'\t' | b'\n' | b'\r' | b',') => self.position += 1,
                Some(b'#') => {
                    let rest = &self.text.as_bytes()[self.position..];
                    let length = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
                    self.position += length.unwrap_or(rest.len());
                }
                Some(0xef) if self.rest().starts_with('\u{feff}') => self.position += 3,
                _ => return,
            }
        }
    }

    fn number(&mut self) -> Result<TokenKind, LexicalError> {
        let mut kind = TokenKind::Int;
        if self.byte(0) == Some(b'-') {
            self.position += 1;
        }
        if self.byte(0) == Some(b'0') {
            self.position += 1;
            if self.byte(0).is_some_and(|byte| byte.is_ascii_digit()) {
                return Err(self.error(format!(
                    "Invalid number, unexpected digit after 0: {}.",
                    self.character()
                )));
            }
        } else {
            self.digits()?;
        }
        if self.byte(0) == Some(b'.') {
            kind = TokenKind::Float;
            self.position += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.byte(0) {
            kind = TokenKind::Float;
            self.position += 1;
            if let Some(b'+' | b'-') = self.byte(0) {
                self.position += 1;
            }
            self.digits()?;
        }
        match self.byte(0) {
            Some(byte) if byte == b'.' || is_name_start(byte) => Err(self.no_digit()),
            _ => Ok(kind),
        }
    }

    fn digits(&mut self) -> Result<(), LexicalError> {
        if !self.byte(0).is_some_and(|byte| byte.is_ascii_digit()) {
            return Err(self.no_digit());
        }
        while self.byte(0).is_some_and(|byte| byte.is_ascii_digit()) {
            self.position += 1;
        }
        Ok(())
    }

    fn no_digit(&self) -> LexicalError {
        self.error(format!(
            "Invalid number, expected digit but got: {}.",
            self.character()
        ))
    }

    fn string(&mut self) -> Result<TokenKind, LexicalError> {
        self.position += 1;
        loop {
            match self.byte(0) {
                None | Some(b'\n' | b'\r') => {
                    return Err(self.error("Unterminated string.".to_owned()));
                }
                Some(b'"') => {
                    self.position += 1;
                    return Ok(TokenKind::String);
                }
                Some(b'\\') => self.escape()?,
                // Bytes of longer characters included.
                Some(_) => self.position += 1,
            }
        }
    }

    fn escape(&mut self) -> Result<(), LexicalError> {
        match self.byte(1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.position += 2;
                Ok(())
            }
            Some(b'u') => self.unicode_escape(),
            _ => Err(self.error(format!(
                "Invalid character escape sequence: \"{}\".",
                self.shown(2)
            ))),
        }
    }

    fn unicode_escape(&mut self) -> Result<(), LexicalError> {
        if self.byte(2) == Some(b'{') {
            // The longest that can be right is `\u{00000000}`.
            let digits = self.rest()[3..].bytes().take(9);
            let length = digits.take_while(u8::is_ascii_hexdigit).count();
            let point = u32::from_str_radix(&self.rest()[3..3 + length], 16);
            let is_scalar = point.is_ok_and(|point| char::from_u32(point).is_some());
            if self.byte(3 + length) != Some(b'}') || !is_scalar {
                return Err(self.no_unicode(4 + length));
            }
            self.position += 4 + length;
            return Ok(());
        }
        let Some(code) = self.hexadecimal(2) else {
            return Err(self.no_unicode(6));
        };
        match code {
            0xd800..=0xdbff => {
                // A pair of surrogates is one character.
                let is_pair = self.byte(6) == Some(b'\\')
                    && self.byte(7) == Some(b'u')
                    && matches!(self.hexadecimal(8), Some(0xdc00..=0xdfff));
                if !is_pair {
                    return Err(self.no_unicode(6));
                }
                self.position += 12;
            }
            0xdc00..=0xdfff => return Err(self.no_unicode(6)),
            _ => self.position += 6,
        }
        Ok(())
    }

    /// Four hexadecimal digits.
    fn hexadecimal(&self, ahead: usize) -> Option<u32> {
        let digits = self.rest().get(ahead..ahead + 4)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        u32::from_str_radix(digits, 16).ok()
    }

    fn no_unicode(&self, length: usize) -> LexicalError {
        self.error(format!(
            "Invalid Unicode escape sequence: \"{}\".",
            self.shown(length)
        ))
    }

    fn block_string(&mut self) -> Result<TokenKind, LexicalError> {
        self.position += 3;
        loop {
            let rest = self.rest();
            let Some(length) = rest.bytes().position(|byte| matches!(byte, b'"' | b'\\')) else {
                self.position = self.text.len();
                return Err(self.error("Unterminated string.".to_owned()));
            };
            self.position += length;
            if self.rest().starts_with("\"\"\"") {
                self.position += 3;
                return Ok(TokenKind::BlockString);
            }
            self.position += if self.rest().starts_with("\\\"\"\"") {
                4
            } else {
                1
            };
        }
    }

    fn error(&self, message: String) -> LexicalError {
        LexicalError {
            message,
            offset: self.position,
        }
    }

    /// The characters in the next so many bytes.
    fn shown(&self, length: usize) -> &'a str {
        let rest = self.rest();
        &rest[..rest.ceil_char_boundary(length)]
    }

    /// The next character for a message.
    fn character(&self) -> String {
        match self.rest().chars().next() {
            None => "<EOF>".to_owned(),
            Some('"') => "'\"'".to_owned(),
            Some(char @ ' '..='~') => format!("\"{char}\""),
            Some(char) => format!("U+{:04X}", u32::from(char)),
        }
    }
}

fn is_name_start(byte: u8) -> bool {
    byte == b'_' || byte.is_ascii_alphabetic()
}

fn is_name_continue(byte: u8) -> bool {
    is_name_start(byte) || byte.is_ascii_digit()
}
