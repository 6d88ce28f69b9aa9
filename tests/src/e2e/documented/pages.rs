//! The fenced blocks of the project's Markdown, and the commands in them.

use std::path::Path;

use libtest_mimic::Failed;
use tidegate_testkit::split_words;

/// The languages of blocks that people type or copy.
const TYPED: [&str; 4] = ["sh", "console", "toml", "solidity"];
/// What stands before a command in a block that also shows output.
const PROMPT: &str = "$ ";
/// Markdown has no block that is longer.
const BLOCK_LINES_MAX: usize = 400;

/// A fenced block.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// The file, from the repository's root.
    pub(super) page: String,
    pub(super) language: String,
    pub(super) text: String,
}

/// A command as it is printed.
#[derive(Debug, Clone)]
pub(super) struct Printed {
    /// Its words, and a double-quoted one without the quotes.
    pub(super) words: Vec<String>,
    /// What stands behind the `#` of its line.
    pub(super) comment: String,
    /// The lines of output below it.
    pub(super) output: Vec<String>,
}

impl Block {
    /// Its first line, which names it.
    pub(super) fn first(&self) -> &str {
        self.text.lines().next().unwrap_or_default()
    }

    /// Whether people type it, or copy it into a file.
    fn is_typed(&self) -> bool {
        TYPED.contains(&self.language.as_str())
            || self.text.lines().any(|line| line.starts_with(PROMPT))
    }

    /// The commands in it, in order. A line of a comment alone is one without words.
    pub(super) fn commands(&self) -> Vec<Printed> {
        let mut commands: Vec<Printed> = Vec::new();
        for line in self.text.lines().filter(|line| !line.is_empty()) {
            let typed = if self.language == "sh" { Some(line) } else { line.strip_prefix(PROMPT) };
            match (typed, commands.last_mut()) {
                (Some(line), _) => commands.push(Printed::of(line)),
                (None, Some(last)) => last.output.push(line.to_owned()),
                (None, None) => {}
            }
        }
        commands
    }
}

impl Printed {
    fn of(line: &str) -> Self {
        let (line, comment) = match line.strip_prefix('#') {
            Some(comment) => ("", comment),
            None => line.split_once(" #").unwrap_or((line, "")),
        };
        let words = split_words(&line.trim().replace('"', "'"));
        Self { words, comment: comment.trim().to_owned(), output: Vec::new() }
    }

    /// Who types it: what the comment says before its colon.
    pub(super) fn role(&self) -> &str {
        self.comment.split_once(':').map_or("", |(role, _)| role)
    }
}

/// Every page that people read: the Markdown of the root, of `docs` and of `contracts`.
pub(super) fn pages(root: &Path) -> Result<Vec<String>, Failed> {
    let mut pages = Vec::new();
    for folder in ["", "docs", "contracts"] {
        for entry in std::fs::read_dir(root.join(folder))? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name.ends_with(".md") {
                let page = Path::new(folder).join(name);
                pages.push(page.to_string_lossy().into_owned());
            }
        }
    }
    pages.sort();
    Ok(pages)
}

/// The blocks of all pages that people type or copy.
pub(super) fn typed(root: &Path) -> Result<Vec<Block>, Failed> {
    let mut blocks = Vec::new();
    for page in pages(root)? {
        let text = std::fs::read_to_string(root.join(&page))?;
        blocks.extend(fenced(&page, &text)?.into_iter().filter(Block::is_typed));
    }
    Ok(blocks)
}

fn fenced(page: &str, text: &str) -> Result<Vec<Block>, Failed> {
    let (mut blocks, mut open): (Vec<Block>, Option<Block>) = (Vec::new(), None);
    for line in text.lines() {
        let fence = line.trim_start().strip_prefix("```");
        match (&mut open, fence) {
            (None, Some(language)) => {
                let (page, language) = (page.to_owned(), language.trim().to_owned());
                open = Some(Block { page, language, text: String::new() });
            }
            (Some(_), Some("")) => blocks.extend(open.take()),
            (Some(block), _) if block.text.lines().count() < BLOCK_LINES_MAX => {
                block.text += line;
                block.text.push('\n');
            }
            (Some(block), _) => {
                return Err(format!("{page}: {} has no end", block.first()).into());
            }
            (None, None) => {}
        }
    }
    match open {
        Some(block) => Err(format!("{page}: {} has no end", block.first()).into()),
        None => Ok(blocks),
    }
}
