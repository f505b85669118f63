//! Tables that become cards where there is no room for columns.

use maud::{Markup, html};

/// A table whose rows are made by [`row`]. The roles keep it a table where it is laid out as cards.
pub(super) struct Table<'a> {
    pub(super) id: &'a str,
    pub(super) caption: &'a str,
    pub(super) columns: &'a [&'a str],
    /// What is said if there is no row.
    pub(super) empty: &'a str,
}

impl Table<'_> {
    pub(super) fn render(&self, rows: &[Markup]) -> Markup {
        html! {
            div.table-frame {
                table id=(self.id) role="table" {
                    caption.visually-hidden { (self.caption) }
                    thead role="rowgroup" {
                        tr role="row" {
                            @for column in self.columns {
                                th scope="col" role="columnheader" { (column) }
                            }
                        }
                    }
                    tbody role="rowgroup" id=(format!("{}-rows", self.id)) {
                        @for row in rows { (row) }
                    }
                }
            }
            @if rows.is_empty() {
                p.empty id=(format!("{}-empty", self.id)) { (self.empty) }
            }
        }
    }
}

/// A row with a cell for each column.
pub(super) fn row(columns: &[&str], cells: &[Markup]) -> Markup {
    html! {
        tr role="row" {
            @for (column, cell) in columns.iter().zip(cells) {
                td role="cell" data-label=(column) { div { (cell) } }
            }
        }
    }
}
