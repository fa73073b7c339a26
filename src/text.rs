//! Text from outside (DNS, web servers, GitHub, files), made fit for a line of a log, a terminal or an issue.

/// The largest number of characters of one text from outside in one line.
pub const LONGEST: usize = 1_000;

/// The largest number of lines of one text.
pub const LINES: usize = 100;

/// One line: control characters, line ends, bidirectional controls and other invisible characters become visible
/// (`\n`, `\u{1b}`, `\u{202e}`). What exceeds [`LONGEST`] is counted.
#[must_use]
pub fn printable(text: &str) -> String {
    printable_up_to(text, LONGEST)
}

/// The same with another bound.
#[must_use]
pub fn printable_up_to(text: &str, longest: usize) -> String {
    let mut line = String::with_capacity(text.len().min(longest));
    for c in text.chars().take(longest) {
        match c {
            '"' | '\'' | '\\' => line.push(c),
            _ => line.extend(c.escape_debug()),
        }
    }
    if let left @ 1.. = text.chars().skip(longest).count() {
        line.push_str(&format!("… and {left} more characters"));
    }
    line
}

/// The same for a text whose line ends are wanted: each line is printable. What exceeds [`LINES`] is counted.
#[must_use]
pub fn printable_lines(text: &str) -> String {
    let mut lines: Vec<String> = text.lines().take(LINES).map(printable).collect();
    if let left @ 1.. = text.lines().skip(LINES).count() {
        lines.push(format!("… and {left} more lines"));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_becomes_visible() {
        assert_eq!(printable("a\u{1b}[2Jb\r\nc\0"), r"a\u{1b}[2Jb\r\nc\0");
        assert_eq!(printable("\u{9b}31m\u{7f}\u{85}\u{2028}"), r"\u{9b}31m\u{7f}\u{85}\u{2028}");
        assert_eq!(
            printable("\u{202e}txt\u{2066}\u{200b}\u{feff}"),
            r"\u{202e}txt\u{2066}\u{200b}\u{feff}"
        );
    }

    #[test]
    fn what_people_read_stays() {
        let text = r#"Küche: "it's" C:\x, 漢字 🟩 … – |`*"#;
        assert_eq!(printable(text), text);
    }

    #[test]
    fn a_line_has_a_bound() {
        assert_eq!(
            printable(&"ü".repeat(1_007)),
            format!("{}… and 7 more characters", "ü".repeat(1_000))
        );
        assert_eq!(printable(&"\0".repeat(1_000)).len(), 2_000);
        assert_eq!(printable_up_to("abc", 1), "a… and 2 more characters");
        assert_eq!(printable_lines("a\nb\u{1b}\r\nc"), "a\nb\\u{1b}\nc");
        assert_eq!(
            printable_lines(&"\n".repeat(1_000)),
            format!("{}… and 900 more lines", "\n".repeat(100))
        );
    }
}
