//! A report at a terminal.

use tidegate_app::report::{Block, Document};

use crate::text::{COLUMNS, wrap};
use crate::ui::Ui;

/// For a terminal of 80 columns, where no row of hashes fits: each cell has its own line.
pub(crate) fn show(document: &Document, ui: &Ui) {
    let indented = |indent: usize, mark: &str, text: &str| {
        let width = COLUMNS - indent - mark.len();
        for (index, line) in wrap(text, width).into_iter().enumerate() {
            let mark = if index == 0 { mark.to_owned() } else { " ".repeat(mark.len()) };
            ui.line(format!("{:indent$}{mark}{line}", ""));
        }
    };
    ui.line(&document.title);
    for block in &document.blocks {
        match block {
            Block::Heading(text) => ui.line(format!("\n{}", text.to_uppercase())),
            Block::Part(text) => ui.line(format!("\n{text}")),
            Block::Text(text) => indented(0, "", text),
            Block::List(items) => items.iter().for_each(|item| indented(2, "- ", item)),
            Block::Table { columns, rows } => {
                let width = columns.iter().skip(1).map(|column| column.len()).max();
                let width = width.unwrap_or(0);
                for row in rows {
                    indented(2, "", row.first().map_or("", String::as_str));
                    for (column, cell) in columns.iter().zip(row).skip(1) {
                        indented(4, &format!("{column:width$} "), cell);
                    }
                }
            }
        }
    }
}
