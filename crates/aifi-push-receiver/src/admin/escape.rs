//! Text that a sender wrote, as a page shows it.

use maud::{Markup, Render, html};

/// Text in which characters can be seen that have no shape, or turn others around. What means something in
/// HTML is escaped as everywhere.
pub(super) struct Shown<'a>(pub(super) &'a str);

impl Render for Shown<'_> {
    fn render(&self) -> Markup {
        html! {
            @for part in self.0.split_inclusive(is_invisible) {
                @let (text, last) = split_last(part);
                (text)
                @if let Some(last) = last {
                    span.escaped { (last.escape_unicode()) }
                }
            }
        }
    }
}

/// The same for attributes and titles, which have no elements.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if is_invisible(c) {
            plain.extend(c.escape_unicode());
        } else {
            plain.push(c);
        }
    }
    plain
}

/// Text of several lines: their breaks and tabs stay.
pub(super) struct Lines<'a>(pub(super) &'a str);

impl Render for Lines<'_> {
    fn render(&self) -> Markup {
        html! {
            @for line in self.0.split_inclusive(['\n', '\t']) {
                @if let Some(text) = line.strip_suffix(['\n', '\t']) {
                    (Shown(text)) (&line[text.len()..])
                } @else {
                    (Shown(line))
                }
            }
        }
    }
}

fn split_last(part: &str) -> (&str, Option<char>) {
    match part.chars().next_back() {
        Some(last) if is_invisible(last) => (&part[..part.len() - last.len_utf8()], Some(last)),
        _ => (part, None),
    }
}

/// Control characters, line separators, and those of Unicode's category "format": marks and overrides
/// of direction, spaces without width, tags.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}
