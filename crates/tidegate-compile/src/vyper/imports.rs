//! What a Vyper source imports and how it is created, by its text alone.

/// One import as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Import {
    /// How many dots are in front of it: none for a path from a search folder.
    pub(super) level: usize,
    /// Its path, with `/` between the parts and no ending.
    pub(super) path: String,
    /// What it is called in the source.
    pub(super) alias: String,
}

/// The imports of a source. What does not parse imports nothing: the compiler says what is wrong.
pub(super) fn of(text: &str) -> Vec<Import> {
    logical_lines(text).iter().flat_map(|line| statement(line)).collect()
}

/// The parameters of a source's constructor as written, and whether there is anything to call.
pub(crate) fn constructor(text: &str) -> (Vec<String>, bool) {
    let lines = logical_lines(text);
    let called = ["@external", "@deploy", "exports:"];
    let is_called = |line: &String| {
        let public = line.contains("public(") && !line.starts_with([' ', '@']);
        called.iter().any(|start| line.starts_with(start)) || public
    };
    let list = lines.iter().find_map(|line| {
        let rest = line.strip_prefix("def __init__(")?;
        Some(rest.rsplit_once(')')?.0)
    });
    let mut parameters = vec![String::new()];
    let mut depth = 0_usize;
    for c in list.unwrap_or_default().chars() {
        match c {
            ',' if depth == 0 => {
                parameters.push(String::new());
                continue;
            }
            '[' | '(' => depth += 1,
            ']' | ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        parameters.last_mut().into_iter().for_each(|parameter| parameter.push(c));
    }
    let words = |text: &String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let parameters = parameters.iter().map(words).filter(|text| !text.is_empty());
    (parameters.collect(), lines.iter().any(is_called))
}

fn statement(line: &str) -> Vec<Import> {
    if let Some(list) = line.strip_prefix("import ") {
        return names(list).filter_map(|(name, alias)| import(0, name, alias)).collect();
    }
    let Some((module, list)) = line.strip_prefix("from ").and_then(|l| l.split_once(" import "))
    else {
        return Vec::new();
    };
    let module: String = module.split_whitespace().collect();
    let plain = module.trim_start_matches('.');
    let level = module.len() - plain.len();
    let list = list.trim().trim_start_matches('(').trim_end_matches(')');
    let whole = |name: &str| match plain {
        "" => name.to_owned(),
        plain => format!("{plain}.{name}"),
    };
    names(list).filter_map(|(name, alias)| import(level, &whole(name), alias)).collect()
}

/// Names in a list, with what they are called here.
fn names(list: &str) -> impl Iterator<Item = (&str, &str)> {
    list.split(',').filter_map(|item| {
        let mut words = item.split_whitespace();
        let name = words.next()?;
        let last = name.rsplit('.').next().unwrap_or(name);
        match (words.next(), words.next()) {
            (Some("as"), Some(alias)) => Some((name, alias)),
            _ => Some((name, last)),
        }
    })
}

fn import(level: usize, dotted: &str, alias: &str) -> Option<Import> {
    let is_name =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_');
    let path = dotted.split('.').all(is_name).then(|| dotted.replace('.', "/"))?;
    Some(Import { level, path, alias: alias.to_owned() })
}

/// The lines of a source as Python counts them: without comments and what is inside strings, and
/// as one where a bracket or backslash continues them.
fn logical_lines(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut rest = text;
    let mut depth = 0_usize;
    while let Some(first) = rest.chars().next() {
        let mut used = first.len_utf8();
        let continued = rest.starts_with("\\\n") || rest.starts_with("\\\r\n");
        match first {
            '#' => used = rest.find('\n').unwrap_or(rest.len()),
            '"' | '\'' => used = string_length(rest, first),
            '\\' if continued => used = rest.find('\n').map_or(used, |at| at + 1),
            '\n' if depth == 0 => lines.push(String::new()),
            _ => {
                match first {
                    '(' | '[' | '{' => depth += 1,
                    ')' | ']' | '}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                let shown = if first.is_whitespace() { ' ' } else { first };
                lines.last_mut().into_iter().for_each(|line| line.push(shown));
            }
        }
        rest = &rest[used..];
    }
    lines
}

/// Bytes of the string that this text begins with, quotes included.
fn string_length(text: &str, quote: char) -> usize {
    let long = [quote; 3].iter().collect::<String>();
    let (open, close) = if text.starts_with(&long) { (3, long) } else { (1, String::from(quote)) };
    let mut at = open;
    while let Some(c) = text[at..].chars().next() {
        if text[at..].starts_with(&close) {
            return at + close.len();
        }
        // A short string that does not end on its line is an error, and not ours to find.
        if c == '\n' && open == 1 {
            return at;
        }
        at += c.len_utf8();
        if c == '\\' {
            at += text[at..].chars().next().map_or(0, char::len_utf8);
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_told_from_text() {
        let text = r#"""" A token.
import not_this
"""
# import nor_this
from ethereum.ercs import IERC20
import a.b as c # import neither
import plain
from . import one
from ..up import two as second
from ... import three
from .here.deep import (
    four,  # with a comment
    five as fifth,
)
import x as y, \
    z.w as v
NAME: constant(String[20]) = "it's \" import"
import late as later
@external
def f(): # from nowhere import nothing
    import_me: uint256 = 1
    x: String[9] = 'import no'
"#;
        let found = of(text);
        let shown: Vec<_> =
            found.iter().map(|i| format!("{} {} {}", i.level, i.path, i.alias)).collect();
        let expected = [
            "0 ethereum/ercs/IERC20 IERC20",
            "0 a/b c",
            "0 plain plain",
            "1 one one",
            "2 up/two second",
            "3 three three",
            "1 here/deep/four four",
            "1 here/deep/five fifth",
            "0 x y",
            "0 z/w v",
            "0 late later",
        ];
        assert_eq!(shown, expected);
        for nothing in ["", "import", "import a-b", "from x", "'''\nimport a", "\\", "import \"a\""]
        {
            assert_eq!(of(nothing), [], "{nothing}");
        }
    }
}
