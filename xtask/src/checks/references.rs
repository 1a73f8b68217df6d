use super::lexer::{Token, tokens};

/// A name that a file takes from the root of its crate: `a` in `crate::a::B`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) name: String,
    pub(super) line: usize,
}

/// Every name that `source` takes from its crate's root, by `crate::` or by enough `super::`.
///
/// `depth` is how many modules the file is below the root: 0 for `lib.rs`, 1 for `a.rs` and `a/mod.rs`.
pub(super) fn references(source: &str, depth: usize) -> Vec<Reference> {
    let tokens = tokens(source);
    let text = |at: usize| tokens.get(at).map_or("", |token| token.text);
    let mut found = Vec::new();
    let mut braces = 0;
    // The brace depths at which inline modules began.
    let mut modules: Vec<usize> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match text(at) {
            "{" => braces += 1,
            "}" => {
                braces -= 1_usize.min(braces);
                if modules.last() == Some(&braces) {
                    modules.pop();
                }
            }
            "mod" if text(at + 2) == "{" => modules.push(braces),
            "crate" if text(at + 1) == "::" => collect(&tokens, at + 2, &mut found),
            "super" if text(at.wrapping_sub(1)) != "::" => {
                let mut climbed = 0;
                while text(at) == "super" && text(at + 1) == "::" {
                    climbed += 1;
                    at += 2;
                }
                if climbed == depth + modules.len() && climbed > 0 {
                    collect(&tokens, at, &mut found);
                }
                if climbed > 0 {
                    // `at` is on the token after the chain, which may be a brace.
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// The first segments of the path or the group of paths that begins at `at`.
fn collect(tokens: &[Token<'_>], at: usize, found: &mut Vec<Reference>) {
    let Some(first) = tokens.get(at) else { return };
    if first.text != "{" {
        found.push(Reference { name: first.text.to_owned(), line: first.line });
        return;
    }
    let mut depth = 0_usize;
    let mut expects_name = false;
    for token in tokens.get(at..).unwrap_or_default() {
        match token.text {
            "{" => {
                depth += 1;
                expects_name = depth == 1;
            }
            "}" => {
                depth -= 1;
                if depth == 0 {
                    return;
                }
            }
            "," => expects_name = depth == 1,
            name if expects_name => {
                expects_name = false;
                found.push(Reference { name: name.to_owned(), line: token.line });
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(source: &str, depth: usize) -> Vec<(String, usize)> {
        references(source, depth).into_iter().map(|reference| (reference.name, reference.line)).collect()
    }

    fn pair(name: &str, line: usize) -> (String, usize) {
        (name.to_owned(), line)
    }

    #[test]
    fn paths_in_uses_and_in_code() {
        let source = "use crate::a::B;\npub(crate) fn f() {\n    crate::c::d();\n}\n";
        assert_eq!(names(source, 1), [pair("a", 1), pair("c", 3)]);
    }

    #[test]
    fn groups_name_each_of_their_members_once() {
        let source = "use crate::{\n    a::{B, c::D},\n    e,\n    F,\n};\nuse crate::*;";
        assert_eq!(names(source, 1), [pair("a", 2), pair("e", 3), pair("F", 4), pair("*", 6)]);
    }

    #[test]
    fn enough_supers_reach_the_root() {
        let source = "use super::x;\nuse super::super::y;\nmod tests {\n    use super::super::super::z;\n    use super::super::w;\n}\nuse super::super::{v};";
        assert_eq!(names(source, 2), [pair("y", 2), pair("z", 4), pair("v", 7)]);
        assert_eq!(names("use super::x;", 1), [pair("x", 1)]);
    }

    #[test]
    fn comments_and_macro_crates_are_no_surprise() {
        assert_eq!(names("//! [`crate::a`]\n// crate::b\n", 1), []);
        assert_eq!(names("$crate::c::d()", 1), [pair("c", 1)]);
    }
}
