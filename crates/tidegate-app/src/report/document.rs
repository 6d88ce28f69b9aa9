//! A report as blocks, as Markdown and as a page.

use pulldown_cmark::{Options, Parser, html};

use crate::text::is_deceptive;

/// A part of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// The title of a section.
    Heading(String),
    /// The title of a part of one.
    Part(String),
    /// A paragraph.
    Text(String),
    /// Sentences of equal weight.
    List(Vec<String>),
    /// Rows under named columns; the first column names the row.
    Table {
        /// The names of the columns.
        columns: &'static [&'static str],
        /// The rows, with a cell for each column.
        rows: Vec<Vec<String>>,
    },
}

/// A report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    pub title: String,
    /// What it says, in order.
    pub blocks: Vec<Block>,
}

impl Document {
    pub(crate) fn new(title: String) -> Self {
        Self { title, blocks: Vec::new() }
    }

    pub(crate) fn heading(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Heading(text.into()));
    }

    pub(crate) fn part(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Part(text.into()));
    }

    pub(crate) fn text(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Text(text.into()));
    }

    /// A list; nothing where there is nothing to list.
    pub fn list(&mut self, items: Vec<String>) {
        if !items.is_empty() {
            self.blocks.push(Block::List(items));
        }
    }

    /// A table; nothing where it has no row.
    pub fn table(&mut self, columns: &'static [&'static str], rows: Vec<Vec<String>>) {
        if !rows.is_empty() {
            self.blocks.push(Block::Table { columns, rows });
        }
    }

    /// GitHub's Markdown.
    pub fn markdown(&self) -> String {
        let mut out = format!("# {}\n", escaped(&self.title));
        for block in &self.blocks {
            out.push('\n');
            match block {
                Block::Heading(text) => out += &format!("## {}\n", escaped(text)),
                Block::Part(text) => out += &format!("### {}\n", escaped(text)),
                Block::Text(text) => out += &format!("{}\n", escaped(text)),
                Block::List(items) => {
                    items.iter().for_each(|item| out += &format!("- {}\n", escaped(item)));
                }
                Block::Table { columns, rows } => {
                    out += &format!(
                        "| {} |\n|{}\n",
                        columns.join(" | "),
                        "---|".repeat(columns.len())
                    );
                    for row in rows {
                        let cells: Vec<_> = row.iter().map(|text| cell(text)).collect();
                        out += &format!("| {} |\n", cells.join(" | "));
                    }
                }
            }
        }
        out
    }

    /// One page that loads nothing.
    pub fn html(&self) -> String {
        let markdown = self.markdown();
        let mut body = String::new();
        html::push_html(&mut body, Parser::new_ext(&markdown, Options::ENABLE_TABLES));
        let title = html_text(&self.title);
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n\
             <meta http-equiv=\"Content-Security-Policy\" \
             content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <title>{title}</title>\n<style>\n{STYLE}</style>\n<main>\n{body}</main>\n</html>\n"
        )
    }
}

const STYLE: &str = "\
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; }
main { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #ccc; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
th, td { border: 1px solid #ccc; padding: .25rem .5rem; text-align: left; vertical-align: top; }
code { font-size: .8rem; overflow-wrap: anywhere; }
@media (prefers-color-scheme: dark) { body { color: #eee; background: #111; } }
";

/// What is one hexadecimal word is set as code, so that it can be read and copied.
fn cell(text: &str) -> String {
    let hex = text.strip_prefix("0x");
    if hex.is_some_and(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit())) {
        return format!("`{text}`");
    }
    escaped(text)
}

/// Text from outside as text: nothing in it is markup, in Markdown or in the page made of it.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // These mean something only where a line begins: a list, a heading, a line under one.
    let number = text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    for (index, c) in text.char_indices() {
        let first = index == 0 && "#-+=".contains(c);
        let numbered = index > 0 && index == text.len() - number && ".)".contains(c);
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' => out.extend(['\\', c]),
            c if first || numbered => out.extend(['\\', c]),
            c if c.is_control() || is_deceptive(c) => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

fn html_text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Document {
        let mut document = Document::new(text.to_owned());
        document.heading(text);
        document.text(text);
        document.list(vec![text.to_owned()]);
        document.table(&["what", "value"], vec![vec![text.to_owned(), "0x12".to_owned()]]);
        document
    }

    #[test]
    fn text_from_outside_is_no_markup() {
        for text in [
            "<script>alert(1)</script>",
            "![x](https://example.org/pixel)",
            "[x](javascript:alert(1))",
            "`</code>` | **b**\n# h\u{202e}",
            "https://example.org <https://example.org>",
            "# one",
            "- one",
            "1. one",
            "12) one",
        ] {
            let page = document(text).html();
            let body = page.split_once("<main>").unwrap().1;
            for tag in ["<script", "<img", "<a ", "<strong", "<ol", "<ul>\n<li>\n<ul", "\u{202e}"] {
                assert!(!body.contains(tag), "{text}: {body}");
            }
            assert_eq!(body.matches("<h1>").count(), 1, "{body}");
            assert_eq!(body.matches("<td>").count(), 2, "{body}");
        }
    }

    #[test]
    fn words_come_out_as_they_went_in() {
        let text = "5 of 14d on sepolia (2026-01-20): a_b*c #1, 50 % < 60 %";
        let page = document(text).html();
        assert!(page.contains(&format!("<p>{}</p>", html_text(text))), "{page}");
        assert!(page.contains("<code>0x12</code>"), "{page}");
    }
}
