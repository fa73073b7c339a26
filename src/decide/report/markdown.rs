//! Text from the network, made fit for GitHub's Markdown: it stays in its place, and links to nothing.

use crate::text::{printable, printable_up_to};

/// Text from a server may be long (a TXT record): this many characters of it are shown.
const DETAIL: usize = 300;

/// A space of no width. Neither a backslash nor a character reference keeps GitHub from making a mention of what
/// follows an `@` (<https://github.com/github/cmark-gfm/issues/181>); this does.
const BREAK: &str = "&#8203;";

/// Text in a table: it stays in its cell, and mentions no person, no issue and no page.
#[must_use]
pub(super) fn cell(text: &str) -> String {
    let text: Vec<char> = printable_up_to(text, DETAIL).chars().collect();
    let mut safe = String::new();
    for (index, c) in text.iter().enumerate() {
        if links_here(&text, index) {
            safe.push_str(BREAK);
        }
        match c {
            '\\' | '|' | '`' | '*' | '_' | '<' | '>' | '[' | ']' | '~' | '$' => {
                safe.push('\\');
                safe.push(*c);
            }
            '@' | '#' => {
                safe.push(*c);
                safe.push_str(BREAK);
            }
            '&' => safe.push_str("&amp;"),
            c => safe.push(*c),
        }
    }
    safe
}

/// Text as code in a table. A bar would end its cell; after a backslash it does not.
#[must_use]
pub(super) fn code(text: &str) -> String {
    let text = printable(text).replace('|', "\\|");
    let runs = text.split(|c| c != '`').map(str::len);
    match runs.max().unwrap_or(0) {
        0 => format!("`{text}`"),
        longest => {
            let fence = "`".repeat(longest + 1);
            format!("{fence} {text} {fence}")
        }
    }
}

/// Whether GitHub would make a link of what surrounds this place: `://`, `www.`, `GH-7` and other references with a
/// prefix, the hash of a commit.
///
/// <https://docs.github.com/en/get-started/writing-on-github/working-with-advanced-formatting/autolinked-references-and-urls>
fn links_here(text: &[char], at: usize) -> bool {
    let (before, c) = (&text[..at], text[at]);
    let letter = |back: usize| before.iter().rev().nth(back).copied().unwrap_or(' ');
    match c {
        '/' => letter(0) == ':',
        '.' => (0..3).all(|back| letter(back).eq_ignore_ascii_case(&'w')),
        '0'..='9' if letter(0) == '-' => letter(1).is_ascii_alphanumeric() && prefixed(before),
        // Six hexadecimal digits are no commit. A number in decimal digits, such as a serial, stays whole.
        c if c.is_ascii_hexdigit() => {
            let digit = |c: &&char| c.is_ascii_hexdigit();
            let run = before.iter().rev().take_while(digit).count();
            let rest = text[at..].iter().take_while(digit);
            let whole = text[at - run..at].iter().chain(rest);
            run > 0 && run.is_multiple_of(6) && whole.into_iter().any(char::is_ascii_alphabetic)
        }
        _ => false,
    }
}

/// Whether the word before the last hyphen has a letter, as in `GH-` or `T2-`, and not as in a date.
fn prefixed(before: &[char]) -> bool {
    let word = before.iter().rev().skip(1).take_while(|c| c.is_ascii_alphanumeric());
    word.into_iter().any(char::is_ascii_alphabetic)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_the_network_cannot_leave_its_cell_or_link_to_anything() {
        for (text, safe) in [
            ("a|b\n<b>", "a\\|b\\\\n\\<b\\>"),
            ("@octocat", "@&#8203;octocat"),
            ("&#64;octocat", "&amp;#&#8203;64;octocat"),
            ("owner/infra#7", "owner/infra#&#8203;7"),
            ("https://github.com/o/r/issues/1", "https:&#8203;//github.com/o/r/issues/1"),
            ("WWW.example.net", "WWW&#8203;.example.net"),
            ("GH-7 TICKET-12 T2-3", "GH-&#8203;7 TICKET-&#8203;12 T2-&#8203;3"),
            ("0123abcdef", "0123ab&#8203;cdef"),
            ("serial 2026112901 since 2026-11-29", "serial 2026112901 since 2026-11-29"),
            ("a\u{202e}b\u{1b}[1m", "a\\\\u{202e}b\\\\u{1b}\\[1m"),
            ("<!-- /pilotlight -->", "\\<!-- /pilotlight --\\>"),
        ] {
            assert_eq!(cell(text), safe);
        }
        assert_eq!(cell(&"é".repeat(301)), format!("{}… and 1 more character", "é".repeat(300)));
    }

    #[test]
    fn code_stays_in_its_fence_and_its_cell() {
        for (text, safe) in [
            ("dig a.example.", "`dig a.example.`"),
            ("a|b", "`a\\|b`"),
            ("a`b``c", "``` a`b``c ```"),
            ("`", "`` ` ``"),
            ("a\u{202e}\nb", "`a\\u{202e}\\nb`"),
        ] {
            assert_eq!(code(text), safe);
        }
    }
}
