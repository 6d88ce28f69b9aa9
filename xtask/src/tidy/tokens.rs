//! Paths and calls in what a macro or an attribute is given. That is no Rust yet: it is read token
//! by token.

use proc_macro2::{TokenStream, TokenTree};

use super::module::{ANYTHING, ModulePath};

/// What tokens say.
pub(super) enum Word {
    /// Names with `::` between them, or one name.
    Path(ModulePath),
    /// The name after a dot: a method's, or a field's.
    Called(String),
}

/// Goes through tokens, and on request through the paths in their texts, where `serde` has them.
pub(super) fn scan(tokens: TokenStream, texts: bool, each: &mut dyn FnMut(Word)) {
    below(&[], tokens, texts, each);
}

/// The same, where every path begins with one that stands before these tokens: `a::{b, c}`.
fn below(before: &[String], tokens: TokenStream, texts: bool, each: &mut dyn FnMut(Word)) {
    let whole = |path: ModulePath| [before, &path].concat();
    let mut path = ModulePath::new();
    let (mut colons, mut is_after_dot) = (0, false);
    for token in tokens {
        let goes_on = colons == 2 && !path.is_empty();
        match token {
            TokenTree::Punct(punct) if punct.as_char() == ':' => {
                colons += 1;
                continue;
            }
            TokenTree::Ident(name) if goes_on => path.push(name.to_string()),
            TokenTree::Group(group) if goes_on => {
                below(&whole(std::mem::take(&mut path)), group.stream(), texts, each);
            }
            other => {
                let ended = std::mem::take(&mut path);
                if !ended.is_empty() {
                    each(Word::Path(whole(ended)));
                }
                let is_dot = matches!(&other, TokenTree::Punct(punct) if punct.as_char() == '.');
                match other {
                    TokenTree::Ident(name) if is_after_dot => each(Word::Called(name.to_string())),
                    TokenTree::Ident(name) => path.push(name.to_string()),
                    TokenTree::Group(group) => below(&[], group.stream(), texts, each),
                    TokenTree::Literal(literal) if texts => text(&literal.to_string(), each),
                    _ => {}
                }
                is_after_dot = is_dot;
            }
        }
        colons = 0;
    }
    if !path.is_empty() {
        each(Word::Path(whole(path)));
    }
}

/// A path in a text. Of a module named so, something in it is meant.
fn text(literal: &str, each: &mut dyn FnMut(Word)) {
    if let Ok(path) = syn::parse_str::<syn::Path>(literal.trim_matches('"'))
        && path.segments.len() > 1
    {
        let names = path.segments.iter().map(|segment| segment.ident.to_string());
        each(Word::Path(names.chain([ANYTHING.to_owned()]).collect()));
    }
}
