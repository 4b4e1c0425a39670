//! The grammar of executable documents (GraphQL specification, section 2).
//!
//! A document is read here before apollo-parser builds its tree, because that one is made for editors:
//! it goes on after errors, takes some texts that the grammar does not allow, and does not know
//! descriptions of operations yet. Here the first error ends the matter, in one pass without a tree;
//! it counts tokens and bounds how deep the tree gets, so that what comes later may use recursion.

use std::ops::Range;

use super::lexer::{Lexer, LexicalError, Token, TokenKind};

/// How deep selection sets, lists and input objects may be nested, all together.
pub(super) const MAX_NESTING: usize = 200;

/// Why a text is no executable document.
#[derive(Debug)]
pub(super) struct SyntaxError {
    pub(super) message: String,
    /// Where, in bytes.
    pub(super) offset: usize,
    pub(super) kind: SyntaxErrorKind,
}

/// What it is that a text breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SyntaxErrorKind {
    /// The grammar.
    Grammar,
    /// The limit on tokens.
    Tokens,
    /// The limit on nesting.
    Nesting,
    /// The rule that documents of a request define operations and fragments only.
    NotExecutable,
}

/// Reads a document. Returns where descriptions are: they mean nothing to execution.
///
/// `max_tokens` of 0 is no limit.
pub(super) fn read(text: &str, max_tokens: u32) -> Result<Vec<Range<usize>>, SyntaxError> {
    let mut lexer = Lexer::new(text);
    let token = lexer.next()?;
    let mut reader = Reader {
        lexer,
        token,
        tokens: 1,
        max_tokens,
        nesting: 0,
        descriptions: Vec::new(),
    };
    reader.document()?;
    Ok(reader.descriptions)
}

impl From<LexicalError> for SyntaxError {
    fn from(error: LexicalError) -> SyntaxError {
        SyntaxError {
            message: format!("Syntax Error: {}", error.message),
            offset: error.offset,
            kind: SyntaxErrorKind::Grammar,
        }
    }
}

struct Reader<'a> {
    lexer: Lexer<'a>,
    /// The next token.
    token: Token<'a>,
    tokens: u32,
    max_tokens: u32,
    nesting: usize,
    descriptions: Vec<Range<usize>>,
}

type Read = Result<(), SyntaxError>;

impl Reader<'_> {
    fn document(&mut self) -> Read {
        self.definition()?;
        while self.token.kind != TokenKind::Eof {
            self.definition()?;
        }
        Ok(())
    }

    fn definition(&mut self) -> Read {
        if self.is("{") {
            return self.selection_set();
        }
        let description = self.token.start;
        let is_described = self.description()?;
        let no_description = |reason: &str| SyntaxError {
            message: format!("Syntax Error: Unexpected description, {reason}."),
            offset: description,
            kind: SyntaxErrorKind::Grammar,
        };
        if is_described && self.is("{") {
            return Err(no_description(
                "descriptions are not supported on shorthand queries",
            ));
        }
        if self.token.kind != TokenKind::Name {
            return Err(self.unexpected());
        }
        match self.token.text {
            "query" | "mutation" | "subscription" => self.operation(),
            "fragment" => self.fragment(),
            "schema" | "scalar" | "type" | "interface" | "union" | "enum" | "input"
            | "directive" => Err(self.not_executable()?),
            _ if is_described => Err(no_description(
                "only GraphQL definitions support descriptions",
            )),
            "extend" => Err(self.not_executable()?),
            _ => Err(self.unexpected()),
        }
    }

    /// A description, if there is one.
    fn description(&mut self) -> Result<bool, SyntaxError> {
        let is_string = matches!(self.token.kind, TokenKind::String | TokenKind::BlockString);
        if is_string {
            let Token { start, text, .. } = self.token;
            self.descriptions.push(start..start + text.len());
            self.advance()?;
        }
        Ok(is_string)
    }

    fn not_executable(&mut self) -> Result<SyntaxError, SyntaxError> {
        let offset = self.token.start;
        if self.token.text == "extend" {
            self.advance()?;
        }
        let name = if self.token.text == "schema" {
            "schema".to_owned()
        } else {
            self.advance()?;
            if self.is("@") {
                self.advance()?;
            }
            if self.token.kind != TokenKind::Name {
                return Err(self.expected("Name"));
            }
            format!("\"{}\"", self.token.text)
        };
        Ok(SyntaxError {
            message: format!("The {name} definition is not executable."),
            offset,
            kind: SyntaxErrorKind::NotExecutable,
        })
    }

    fn operation(&mut self) -> Read {
        self.advance()?;
        if self.token.kind == TokenKind::Name {
            self.advance()?;
        }
        if self.takes("(")? {
            self.variable_definition()?;
            while !self.takes(")")? {
                self.variable_definition()?;
            }
        }
        self.directives(false)?;
        self.selection_set()
    }

    fn variable_definition(&mut self) -> Read {
        self.description()?;
        self.expect("$")?;
        self.name()?;
        self.expect(":")?;
        self.type_reference()?;
        if self.takes("=")? {
            self.value(true)?;
        }
        self.directives(true)
    }

    fn type_reference(&mut self) -> Read {
        if self.is("[") {
            self.enter()?;
            self.advance()?;
            self.type_reference()?;
            self.expect("]")?;
            self.nesting -= 1;
        } else {
            self.name()?;
        }
        self.takes("!")?;
        Ok(())
    }

    fn fragment(&mut self) -> Read {
        self.advance()?;
        if self.token.text == "on" {
            return Err(self.unexpected());
        }
        self.name()?;
        if self.token.text != "on" {
            return Err(self.expected("\"on\""));
        }
        self.advance()?;
        self.name()?;
        self.directives(false)?;
        self.selection_set()
    }

    fn selection_set(&mut self) -> Read {
        if !self.is("{") {
            return Err(self.expected("\"{\""));
        }
        self.enter()?;
        self.advance()?;
        self.selection()?;
        while !self.is("}") {
            self.selection()?;
        }
        self.nesting -= 1;
        self.advance()
    }

    fn selection(&mut self) -> Read {
        if self.takes("...")? {
            if self.token.kind == TokenKind::Name && self.token.text != "on" {
                self.advance()?;
                return self.directives(false);
            }
            if self.token.kind == TokenKind::Name {
                self.advance()?;
                self.name()?;
            }
            self.directives(false)?;
            return self.selection_set();
        }
        self.name()?;
        if self.takes(":")? {
            self.name()?;
        }
        self.arguments(false)?;
        self.directives(false)?;
        if self.is("{") {
            self.selection_set()?;
        }
        Ok(())
    }

    fn arguments(&mut self, is_constant: bool) -> Read {
        if !self.takes("(")? {
            return Ok(());
        }
        self.argument(is_constant)?;
        while !self.takes(")")? {
            self.argument(is_constant)?;
        }
        Ok(())
    }

    fn argument(&mut self, is_constant: bool) -> Read {
        self.name()?;
        self.expect(":")?;
        self.value(is_constant)
    }

    fn directives(&mut self, is_constant: bool) -> Read {
        while self.takes("@")? {
            self.name()?;
            self.arguments(is_constant)?;
        }
        Ok(())
    }

    fn value(&mut self, is_constant: bool) -> Read {
        match (self.token.kind, self.token.text) {
            (TokenKind::Punctuator, "[") => {
                self.enter()?;
                self.advance()?;
                while !self.is("]") {
                    self.value(is_constant)?;
                }
                self.nesting -= 1;
                self.advance()
            }
            (TokenKind::Punctuator, "{") => {
                self.enter()?;
                self.advance()?;
                while !self.is("}") {
                    self.argument(is_constant)?;
                }
                self.nesting -= 1;
                self.advance()
            }
            (TokenKind::Punctuator, "$") => {
                if is_constant {
                    let dollar = self.unexpected();
                    self.advance()?;
                    return Err(if self.token.kind == TokenKind::Name {
                        let name = self.token.text;
                        SyntaxError {
                            message: format!(
                                "Syntax Error: Unexpected variable \"${name}\" in constant value."
                            ),
                            ..dollar
                        }
                    } else {
                        dollar
                    });
                }
                self.advance()?;
                self.name()
            }
            (TokenKind::Punctuator | TokenKind::Eof, _) => Err(self.unexpected()),
            _ => self.advance(),
        }
    }

    fn name(&mut self) -> Read {
        if self.token.kind != TokenKind::Name {
            return Err(self.expected("Name"));
        }
        self.advance()
    }

    fn is(&self, punctuator: &str) -> bool {
        self.token.kind == TokenKind::Punctuator && self.token.text == punctuator
    }

    /// Goes past a punctuator if it is next.
    fn takes(&mut self, punctuator: &str) -> Result<bool, SyntaxError> {
        let is_next = self.is(punctuator);
        if is_next {
            self.advance()?;
        }
        Ok(is_next)
    }

    fn expect(&mut self, punctuator: &str) -> Read {
        if self.takes(punctuator)? {
            Ok(())
        } else {
            Err(self.expected(&format!("\"{punctuator}\"")))
        }
    }

    fn advance(&mut self) -> Read {
        self.token = self.lexer.next()?;
        if self.token.kind != TokenKind::Eof {
            self.tokens += 1;
            if self.max_tokens != 0 && self.tokens > self.max_tokens {
                return Err(SyntaxError {
                    message: format!(
                        "The document has more than {} tokens, which is the limit. Make it shorter: use fragments for what repeats, and variables for long values.",
                        self.max_tokens
                    ),
                    offset: self.token.start,
                    kind: SyntaxErrorKind::Tokens,
                });
            }
        }
        Ok(())
    }

    /// One level deeper; the caller comes back up by itself.
    fn enter(&mut self) -> Read {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return Err(SyntaxError {
                message: format!(
                    "The document is nested more than {MAX_NESTING} levels deep, which is the limit. Use variables for deep values, and ask for what is deeper in another operation."
                ),
                offset: self.token.start,
                kind: SyntaxErrorKind::Nesting,
            });
        }
        Ok(())
    }

    fn unexpected(&self) -> SyntaxError {
        self.error(&format!("Unexpected {}.", describe(self.token)))
    }

    fn expected(&self, what: &str) -> SyntaxError {
        self.error(&format!("Expected {what}, found {}.", describe(self.token)))
    }

    fn error(&self, message: &str) -> SyntaxError {
        SyntaxError {
            message: format!("Syntax Error: {message}"),
            offset: self.token.start,
            kind: SyntaxErrorKind::Grammar,
        }
    }
}

/// A token for a message; what is long is cut off.
fn describe(token: Token<'_>) -> String {
    let (name, text) = match token.kind {
        TokenKind::Eof => return "<EOF>".to_owned(),
        TokenKind::Punctuator => return format!("\"{}\"", token.text),
        TokenKind::Name => ("Name", token.text),
        TokenKind::Int => ("Int", token.text),
        TokenKind::Float => ("Float", token.text),
        TokenKind::String => ("String", token.text.trim_matches('"')),
        TokenKind::BlockString => ("BlockString", token.text.trim_matches('"')),
    };
    let end = text.floor_char_boundary(100);
    let more = if end < text.len() { "..." } else { "" };
    format!("{name} \"{}{more}\"", &text[..end])
}
