//! Text from outside (DNS, web servers, GitHub, files), made fit for a line of a log, a terminal or an issue.

use std::borrow::Cow;

/// The largest number of characters of one text from outside in one line.
pub const LONGEST: usize = 1_000;

/// The largest number of lines of one text.
pub const LINES: usize = 100;

/// One line: control characters, line ends, bidirectional controls and other invisible characters become visible
/// (`\n`, `\u{1b}`, `\u{202e}`), and tokens are [`redacted`]. What exceeds [`LONGEST`] is counted.
#[must_use]
pub fn printable(text: &str) -> String {
    printable_up_to(text, LONGEST)
}

/// The same with another bound.
#[must_use]
pub fn printable_up_to(text: &str, longest: usize) -> String {
    let text = redacted(text);
    let mut line = String::with_capacity(text.len().min(longest));
    for c in text.chars().take(longest) {
        match c {
            '"' | '\'' | '\\' => line.push(c),
            _ => line.extend(c.escape_debug()),
        }
    }
    if let left @ 1.. = text.chars().skip(longest).count() {
        line.push_str(&format!("… and {}", count(left, "more character")));
    }
    line
}

/// How GitHub's tokens begin.
const TOKENS: [&str; 6] = ["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"];

/// A shorter word is no token: GitHub's have 36 characters and more.
const SHORTEST_SECRET: usize = 16;

/// The same with `ghp_…` in the place of each GitHub token.
#[must_use]
pub fn redacted(text: &str) -> Cow<'_, str> {
    let word = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
    let (mut shown, mut from) = (String::new(), 0);
    for (at, _) in text.match_indices('_') {
        let Some(before) = text.as_bytes().get(from..=at) else { continue };
        let begins = |token: &str| {
            let start = before.len().checked_sub(token.len());
            start.is_some_and(|start| before[start..].eq_ignore_ascii_case(token.as_bytes()))
        };
        let secret = text[at + 1..].chars().take_while(word).take(SHORTEST_SECRET).count();
        if secret == SHORTEST_SECRET && TOKENS.iter().any(|token| begins(token)) {
            shown.push_str(&text[from..=at]);
            shown.push('…');
            let rest = text[at + 1..].trim_start_matches(|c| word(&c) || matches!(c, '-' | '.'));
            from = text.len() - rest.len();
        }
    }
    if from == 0 {
        return Cow::Borrowed(text);
    }
    shown.push_str(&text[from..]);
    Cow::Owned(shown)
}

#[must_use]
pub fn has_token(text: &str) -> bool {
    matches!(redacted(text), Cow::Owned(_))
}

/// `1 query`, `2 queries`, `0 addresses`, `200,000 problems`.
#[must_use]
pub fn count(n: usize, thing: &str) -> String {
    let things = match thing.strip_suffix('y') {
        _ if n == 1 => thing.to_owned(),
        Some(stem) => format!("{stem}ies"),
        None if thing.ends_with('s') => format!("{thing}es"),
        None => format!("{thing}s"),
    };
    format!("{} {things}", grouped(n))
}

/// `199,950`.
#[must_use]
pub fn grouped(n: usize) -> String {
    if n < 1_000 { n.to_string() } else { format!("{},{:03}", grouped(n / 1_000), n % 1_000) }
}

/// The same for a text whose line ends are wanted: each line is printable. What exceeds [`LINES`] is counted.
#[must_use]
pub fn printable_lines(text: &str) -> String {
    let mut lines: Vec<String> = text.lines().take(LINES).map(printable).collect();
    if let left @ 1.. = text.lines().skip(LINES).count() {
        lines.push(format!("… and {}", count(left, "more line")));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_singular_or_plural() {
        let texts = [0, 1, 2].map(|n| ["line", "query", "address"].map(|thing| count(n, thing)));
        assert_eq!(
            texts,
            [
                ["0 lines", "0 queries", "0 addresses"],
                ["1 line", "1 query", "1 address"],
                ["2 lines", "2 queries", "2 addresses"],
            ]
        );
        assert_eq!(printable_up_to("ab", 1), "a… and 1 more character");
        assert_eq!(printable_up_to("abc", 1), "a… and 2 more characters");
        let lines = printable_lines(&"\n".repeat(LINES + 1));
        assert!(lines.ends_with("… and 1 more line"), "{lines}");
    }

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
    fn a_token_is_never_shown() {
        let secret = "A1b2".repeat(9);
        for start in TOKENS {
            let text = format!("x{start}{secret}_{secret} y,\"{}{secret}\"", start.to_uppercase());
            let expected = format!("x{start}… y,\"{}…\"", start.to_uppercase());
            assert_eq!((&*redacted(&text), printable(&text)), (&*expected, expected.clone()));
        }
        let long = format!("{}ghp_{secret}", "a".repeat(990));
        assert_eq!(printable(&long), format!("{}ghp_…", "a".repeat(990)));
        for text in
            ["", "_", "ghp_", "/etc/pilotlight/ghp_token", "weight_of_something_long_x", "ü_ghp_ü"]
        {
            assert_eq!(redacted(text), text);
        }
    }

    #[test]
    fn numbers_have_groups_and_things_a_plural() {
        assert_eq!([0, 1, 2].map(|n| count(n, "zone")), ["0 zones", "1 zone", "2 zones"]);
        assert_eq!([999, 1_000, 1_234_056].map(grouped), ["999", "1,000", "1,234,056"]);
    }

    #[test]
    fn a_line_has_a_bound() {
        assert_eq!(
            printable(&"ü".repeat(1_007)),
            format!("{}… and 7 more characters", "ü".repeat(1_000))
        );
        assert_eq!(printable(&"\0".repeat(1_000)).len(), 2_000);
        assert_eq!(printable_lines("a\nb\u{1b}\r\nc"), "a\nb\\u{1b}\nc");
        assert_eq!(
            printable_lines(&"\n".repeat(1_000)),
            format!("{}… and 900 more lines", "\n".repeat(100))
        );
    }
}
