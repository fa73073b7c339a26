//! The lines of the YAML files that Raspberry Pi Imager writes: one key or one list item each.
//!
//! Imager joins these files from texts, in part against the rules of YAML: `\xHH` is a byte, a quote inside of
//! quotes is not escaped, and the second of two SSH keys may begin a line. A YAML library would misread them.

/// A line with a value, or with a key that opens a block.
#[derive(Debug, PartialEq)]
pub(super) struct Line<'a> {
    pub(super) number: usize,
    /// The value as it is written; empty for a key that opens a block.
    pub(super) value: &'a str,
}

/// Calls `each` with the keys that lead to each line, and the line. A list item has the keys of its list.
pub(super) fn for_each_line<'a>(text: &'a str, mut each: impl FnMut(&[&'a str], Line<'a>)) {
    let (mut keys, mut indents): (Vec<&str>, Vec<usize>) = (Vec::new(), Vec::new());
    // A literal block (`conf: |`) is deeper than the line that opens it.
    let mut literal = None;
    for (number, line) in (1..).zip(text.lines()) {
        let mut rest = line.trim();
        let mut indent = line.len() - line.trim_start().len();
        if rest.is_empty() || literal.is_some_and(|outside| indent > outside) {
            continue;
        }
        literal = None;
        if rest.starts_with('#') || rest == "---" {
            continue;
        }
        // An item may stand as far left as the key of its list.
        let (outer, is_item) = (indent, rest.starts_with("- "));
        while let Some(item) = rest.strip_prefix("- ").map(str::trim_start) {
            indent += rest.len() - item.len();
            rest = item;
        }
        let entry = key_and_value(rest);
        if is_item || entry.is_some() {
            let kept = indents.iter().take_while(|at| **at < outer || is_item && **at == outer);
            let kept = kept.count();
            indents.truncate(kept);
            keys.truncate(kept);
        }
        if let Some((key, value)) = entry {
            indents.push(indent);
            keys.push(key);
            let opens_literal = value.starts_with(['|', '>']);
            literal = opens_literal.then_some(indent);
            rest = if opens_literal { "" } else { value };
        }
        each(&keys, Line { number, value: rest });
    }
}

/// A key in quotes may contain anything, another no blank.
fn key_and_value(text: &str) -> Option<(&str, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        let (key, value) =
            quoted.rsplit_once("\": ").or_else(|| Some((quoted.strip_suffix("\":")?, "")))?;
        return Some((key, value.trim()));
    }
    let (key, value) = text.split_once(':')?;
    let is_key = !key.contains(char::is_whitespace) && (value.is_empty() || value.starts_with(' '));
    is_key.then_some((key, value.trim()))
}

/// A value without its quotes, or without its comment.
pub(super) fn unquote(value: &str) -> &str {
    let inside = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    let plain = || value.split(" #").next().unwrap_or(value).trim_end();
    inside('"').or_else(|| inside('\'')).unwrap_or_else(plain)
}

/// The bytes of a text with Imager's escapes. Another backslash is itself, as in versions that escape nothing.
pub(super) fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let hex = || u8::from_str_radix(str::from_utf8(after.get(1..3)?).ok()?, 16).ok();
        let (byte, length) = match (byte, after.first()) {
            (b'\\', Some(b'x')) if hex().is_some() => (hex().unwrap_or_default(), 4),
            (b'\\', Some(escaped)) => match escaped {
                b'\\' | b'"' => (*escaped, 2),
                b'n' => (b'\n', 2),
                b'r' => (b'\r', 2),
                b't' => (b'\t', 2),
                b'b' => (8, 2),
                b'f' => (12, 2),
                b'0' => (0, 2),
                _ => (b'\\', 1),
            },
            _ => (*byte, 1),
        };
        bytes.push(byte);
        rest = rest.get(length..).unwrap_or_default();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_has_the_keys_that_lead_to_it() {
        let text = "#cloud-config\nhostname: a # b\napt:\n  conf: |\n    x: {\n\n      y: 1\n  z: 2\n---\nusers:\n- name: pi\n  \
                    keys:\n    - ssh-rsa AA note: 1\n    - \"ssh-rsa BB\"\nssh-rsa CC\n- name: eu\nlist:\n  - [ a, b ]\n  \
                    - - deep: 'x'\n\"a: \"b\"\":\n  \"q\": \"v\"\n";
        let mut found = Vec::new();
        for_each_line(text, |keys, line| {
            found.push(format!("{} {}={}", line.number, keys.join("/"), unquote(line.value)));
        });
        let expected = [
            "2 hostname=a",
            "3 apt=",
            "4 apt/conf=",
            "8 apt/z=2",
            "10 users=",
            "11 users/name=pi",
            "12 users/keys=",
            "13 users/keys=ssh-rsa AA note: 1",
            "14 users/keys=ssh-rsa BB",
            "15 users/keys=ssh-rsa CC",
            "16 users/name=eu",
            "17 list=",
            "18 list=[ a, b ]",
            "19 list/deep=x",
            "20 a: \"b\"=",
            "21 a: \"b\"/q=v",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn an_escape_is_one_byte() {
        for (text, bytes) in [
            (r#"\xc3\x9cber \"x\" \\ \t\n\r\b\f\0"#, "Über \"x\" \\ \t\n\r\u{8}\u{c}\0".as_bytes()),
            (r"\xfc", b"\xfc"),
            (r"C:\qos\", br"C:\qos\"),
            (r"\x\xg1\x1", br"\x\xg1\x1"),
            ("\\x\u{fc}\u{fc}", "\\x\u{fc}\u{fc}".as_bytes()),
        ] {
            assert_eq!(unescape(text), bytes, "{text}");
        }
    }
}
