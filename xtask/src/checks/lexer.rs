use std::iter::Peekable;
use std::str::CharIndices;

/// A word or a mark of Rust source, with its line. Comments, literals and white space are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    pub(super) text: &'a str,
    pub(super) line: usize,
}

/// Splits Rust source into words and marks; `::` is one mark.
///
/// Just enough of the language for the checks of this crate: what a path is, not what it means.
pub(super) fn tokens(source: &str) -> Vec<Token<'_>> {
    Lexer { source, chars: source.char_indices().peekable(), line: 1, found: Vec::new() }.run()
}

struct Lexer<'a> {
    source: &'a str,
    chars: Peekable<CharIndices<'a>>,
    line: usize,
    found: Vec<Token<'a>>,
}

impl<'a> Lexer<'a> {
    fn run(mut self) -> Vec<Token<'a>> {
        while let Some((at, c)) = self.next() {
            match c {
                '/' if self.peek() == Some('/') => self.skip_while(|c| c != '\n'),
                '/' if self.peek() == Some('*') => self.skip_block_comment(),
                '"' => self.skip_string(),
                '\'' => self.skip_char_or_lifetime(),
                c if c.is_alphabetic() || c == '_' => self.word(at),
                c if c.is_ascii_digit() => self.skip_while(|c| c.is_alphanumeric() || c == '_'),
                ':' if self.peek() == Some(':') => {
                    self.next();
                    self.push(at, at + 2);
                }
                c if c.is_whitespace() => {}
                c => self.push(at, at + c.len_utf8()),
            }
        }
        self.found
    }

    fn next(&mut self) -> Option<(usize, char)> {
        let next = self.chars.next();
        self.line += usize::from(next.is_some_and(|(_, c)| c == '\n'));
        next
    }

    fn peek(&mut self) -> Option<char> {
        self.chars.peek().map(|(_, c)| *c)
    }

    fn push(&mut self, from: usize, to: usize) {
        if let Some(text) = self.source.get(from..to) {
            self.found.push(Token { text, line: self.line });
        }
    }

    fn skip_while(&mut self, condition: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&condition) {
            self.next();
        }
    }

    fn word(&mut self, from: usize) {
        self.skip_while(|c| c.is_alphanumeric() || c == '_');
        let to = self.chars.peek().map_or(self.source.len(), |(at, _)| *at);
        let text = self.source.get(from..to).unwrap_or_default();
        match (text, self.peek()) {
            ("r" | "br" | "cr", Some('"' | '#')) => self.skip_raw(from, to),
            ("b" | "c", Some('"')) => {
                self.next();
                self.skip_string();
            }
            ("b", Some('\'')) => {
                self.next();
                self.skip_char_or_lifetime();
            }
            _ => self.push(from, to),
        }
    }

    /// A raw string, or a raw identifier (`r#type`), whose prefix is dropped.
    fn skip_raw(&mut self, from: usize, to: usize) {
        let mut hashes = 0;
        while self.peek() == Some('#') {
            self.next();
            hashes += 1;
        }
        if self.peek() != Some('"') {
            if hashes == 0 {
                self.push(from, to);
            }
            return;
        }
        self.next();
        while let Some((_, c)) = self.next() {
            if c == '"' {
                let mut closing = 0;
                while closing < hashes && self.peek() == Some('#') {
                    self.next();
                    closing += 1;
                }
                if closing == hashes {
                    return;
                }
            }
        }
    }

    fn skip_string(&mut self) {
        while let Some((_, c)) = self.next() {
            match c {
                '\\' => drop(self.next()),
                '"' => return,
                _ => {}
            }
        }
    }

    fn skip_char_or_lifetime(&mut self) {
        match self.next() {
            Some((_, '\\')) => {
                self.next();
                self.skip_while(|c| c != '\'');
                self.next();
            }
            // `'a'` is a character; `'a` a lifetime, which no check cares for.
            Some((_, c)) if c.is_alphabetic() || c == '_' => {
                self.skip_while(|c| c.is_alphanumeric() || c == '_');
                if self.peek() == Some('\'') {
                    self.next();
                }
            }
            Some(_) => drop(self.next()),
            None => {}
        }
    }

    fn skip_block_comment(&mut self) {
        self.next();
        let mut depth = 1;
        while depth > 0 {
            match (self.next().map(|(_, c)| c), self.peek()) {
                (Some('/'), Some('*')) => {
                    self.next();
                    depth += 1;
                }
                (Some('*'), Some('/')) => {
                    self.next();
                    depth -= 1;
                }
                (None, _) => return,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<&str> {
        tokens(source).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn words_and_marks_with_their_lines() {
        let found = tokens("use crate::a;\n\nfn b() {}");
        assert_eq!(found[1], Token { text: "crate", line: 1 });
        assert_eq!(found[2], Token { text: "::", line: 1 });
        assert_eq!(found[5], Token { text: "fn", line: 3 });
    }

    #[test]
    fn comments_and_literals_are_left_out() {
        assert_eq!(texts("/* a /* b */ c */ x // y\n/// z\n"), ["x"]);
        assert_eq!(
            texts(r####"a("b::c", r#"d"e"#, b"f", 'g', '\'', b'"', 1_0u8)"####).join(" "),
            "a ( , , , , , , )"
        );
        assert_eq!(texts("fn f<'a>(x: &'a str) {}").join(" "), "fn f < > ( x : & str ) { }");
    }
}
