//! JSON with line breaks between its values.

use serde::de::IgnoredAny;

/// Returns a body on several lines if it is JSON. Only spaces differ: names keep their order, and numbers
/// their digits.
pub(super) fn indented(body: &str) -> String {
    let json = body.trim_start_matches('\u{feff}');
    if serde_json::from_str::<IgnoredAny>(json).is_err() {
        return body.to_owned();
    }
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    let (mut in_text, mut is_escaped) = (false, false);
    let new_line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    let mut chars = json.chars().filter({
        let (mut in_text, mut is_escaped) = (false, false);
        move |c| {
            let keep = in_text || !c.is_ascii_whitespace();
            follow(*c, &mut in_text, &mut is_escaped);
            keep
        }
    });
    let mut next = chars.next();
    while let Some(c) = next {
        next = chars.next();
        let was_in_text = in_text;
        follow(c, &mut in_text, &mut is_escaped);
        if was_in_text {
            out.push(c);
            continue;
        }
        match c {
            '{' | '[' => {
                out.push(c);
                if !matches!(next, Some('}' | ']')) {
                    depth += 1;
                    new_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                if !out.ends_with(['{', '[']) {
                    depth = depth.saturating_sub(1);
                    new_line(&mut out, depth);
                }
                out.push(c);
            }
            ',' => {
                out.push(c);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ => out.push(c),
        }
    }
    out
}

/// Keeps track of whether what comes next is within a string.
fn follow(c: char, in_text: &mut bool, is_escaped: &mut bool) {
    match c {
        _ if *is_escaped => *is_escaped = false,
        '\\' if *in_text => *is_escaped = true,
        '"' => *in_text = !*in_text,
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::indented;

    #[test]
    fn only_spaces_differ() {
        let body = r#"{"b":[1.50,{"a":"x, \"y\": {"}],"c":{},"d":[ ],
            "e" : null}"#;
        assert_snapshot!(indented(body), @r#"
        {
          "b": [
            1.50,
            {
              "a": "x, \"y\": {"
            }
          ],
          "c": {},
          "d": [],
          "e": null
        }
        "#);
        assert_eq!(indented("{no json"), "{no json");
    }
}
