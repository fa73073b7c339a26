//! Issues as GitHub renders them, from the texts that the tests of `decide` hold the program to.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

const WIDTH: usize = 760;
const MARGIN: usize = 20;
const LINE: usize = 21;
const SQUARE: f64 = 15.0;

/// Parts of one look, without a blank in between.
type Word = Vec<(&'static str, String)>;

struct Page {
    body: String,
    y: usize,
}

#[test]
fn the_pictures_of_issues_show_what_the_program_writes() {
    let style = ".b { font-weight: 600 } .i { font-style: italic } .h { font-size: 20px; font-weight: 600 }\n\
                 .c { font: 12px ui-monospace, monospace } .page { fill: #ffffff } .edge { stroke: #d1d9e0; fill: none }\n\
                 .white { fill: #e6eaef }\n\
                 @media (prefers-color-scheme: dark) { .page { fill: #0d1117 } .edge { stroke: #3d444d } }\n";
    for (sample, picture, title) in [
        ("down", "issue.svg", "An issue: ns1.example.net is down"),
        (
            "vantages",
            "vantages.svg",
            "An issue that two vantages see, with the comment of the second",
        ),
        ("life", "heartbeat.svg", "The heartbeat: an issue with the figures of 30 days"),
    ] {
        let file = format!("src/decide/testing/{sample}.md");
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        let mut page = Page { body: String::new(), y: 48 };
        let (title_line, text) = text.split_once('\n').unwrap();
        page.line(MARGIN, &[vec![("h", title_line.to_owned())]]);
        page.y += 30;
        page.text(text);
        let edge =
            format!("x=\"1\" y=\"1\" width=\"{}\" height=\"{}\" rx=\"8\"", WIDTH - 2, page.y - 2);
        let body =
            format!("<rect {edge} class=\"page\"/>\n<rect {edge} class=\"edge\"/>\n{}", page.body);
        super::compare(picture, (WIDTH, page.y), title, style, &body);
    }
}

impl Page {
    fn text(&mut self, text: &str) {
        let shown: Vec<&str> = text.lines().filter(|line| !line.starts_with("<!-- /")).collect();
        for block in shown.split(|line| line.is_empty()) {
            let comment = |line: &&&str| line.starts_with("<!--");
            // A comment of another vantage.
            if block.first().is_some_and(|line| line.contains("\"comment\"")) {
                writeln!(self.body, "<path d=\"M0 {} H{WIDTH}\" class=\"edge\"/>", self.y - 8)
                    .unwrap();
                self.y += LINE;
            }
            let block: Vec<&str> = block.iter().filter(|line| !comment(line)).copied().collect();
            if block.first().is_some_and(|line| line.starts_with('|')) {
                self.table(&block);
            } else if !block.is_empty() {
                for line in wrapped(&words(&block.join(" "), false), WIDTH - 2 * MARGIN) {
                    self.line(MARGIN, &line);
                    self.y += LINE;
                }
                self.y += 12;
            }
        }
    }

    fn table(&mut self, rows: &[&str]) {
        let cells = |(number, row): (usize, &&str)| -> Vec<Vec<Word>> {
            row.trim_matches('|').split('|').map(|cell| words(cell, number == 0)).collect()
        };
        let rows: Vec<Vec<Vec<Word>>> =
            rows.iter().enumerate().filter(|(number, _)| *number != 1).map(cells).collect();
        let widths = widths(&rows);
        let top = self.y - 16;
        for row in rows {
            writeln!(
                self.body,
                "<path d=\"M{MARGIN} {} H{}\" class=\"edge\"/>",
                self.y - 16,
                MARGIN + widths.iter().sum::<usize>()
            )
            .unwrap();
            self.y += 6;
            let (first, mut last, mut x) = (self.y, self.y, MARGIN);
            for (cell, width) in row.iter().zip(&widths) {
                self.y = first;
                for line in wrapped(cell, width - 16) {
                    self.line(x + 8, &line);
                    self.y += LINE;
                }
                last = last.max(self.y);
                x += width;
            }
            self.y = last.max(first + LINE) + 3;
        }
        let (bottom, mut x) = (self.y - 16, MARGIN);
        writeln!(
            self.body,
            "<path d=\"M{MARGIN} {bottom} H{}\" class=\"edge\"/>",
            MARGIN + widths.iter().sum::<usize>()
        )
        .unwrap();
        for width in widths.iter().chain([&0]) {
            writeln!(self.body, "<path d=\"M{x} {top} V{bottom}\" class=\"edge\"/>").unwrap();
            x += width;
        }
        self.y += 18;
    }

    /// One line of words; squares are drawn, as not every machine has them in a font.
    fn line(&mut self, x: usize, words: &[Word]) {
        let mut spans = String::new();
        let mut at = x as f64;
        for word in words {
            let class = word.first().map_or("", |(_, text)| text.chars().next().map_or("", square));
            if class.is_empty() {
                for (look, text) in word {
                    let text = text.replace('&', "&amp;").replace('<', "&lt;");
                    write!(spans, "<tspan class=\"{look}\">{text}</tspan>").unwrap();
                }
                spans.push(' ');
            } else {
                let mut x = at;
                for square in word[0].1.chars() {
                    let class = self::square(square);
                    writeln!(self.body, "<rect x=\"{x:.0}\" y=\"{}\" width=\"12\" height=\"12\" rx=\"2\" class=\"{class}\"/>", self.y - 11).unwrap();
                    x += SQUARE;
                }
                // What follows is placed behind the squares.
                write!(spans, "</text>\n<text x=\"{:.0}\" y=\"{}\">", at + length(word), self.y)
                    .unwrap();
            }
            at += length(word);
        }
        let text = format!("<text x=\"{x}\" y=\"{}\">{}</text>\n", self.y, spans.trim_end());
        self.body += &text.replace(&format!("<text x=\"{x}\" y=\"{}\"></text>\n", self.y), "");
    }
}

/// The colour of a square, or nothing.
fn square(c: char) -> &'static str {
    match c {
        '🟩' => "green",
        '🟨' => "amber",
        '🟥' => "red",
        '⬜' => "white",
        _ => "",
    }
}

/// Markdown's `**bold**`, `*italic*` and code.
fn words(text: &str, heading: bool) -> Vec<Word> {
    let mut words: Vec<Word> = vec![Vec::new()];
    let (mut bold, mut italic, mut code) = (heading, false, false);
    let mut rest = text.trim();
    while let Some(c) = rest.chars().next() {
        let mark = ["**", "*", "`"].into_iter().find(|mark| rest.starts_with(mark));
        if let Some(mark) = mark.filter(|mark| !code || *mark == "`") {
            match mark {
                "**" => bold = !bold,
                "*" => italic = !italic,
                _ => code = !code,
            }
            rest = &rest[mark.len()..];
            continue;
        }
        let look = match (bold, italic, code) {
            (_, _, true) => "c",
            (true, true, _) => "b i",
            (true, ..) => "b",
            (_, true, _) => "i",
            _ => "",
        };
        let word = words.last_mut().unwrap();
        if c == ' ' {
            words.push(Vec::new());
        } else if let Some((_, text)) = word.last_mut().filter(|(last, _)| *last == look) {
            text.push(c);
        } else {
            word.push((look, c.to_string()));
        }
        rest = &rest[c.len_utf8()..];
    }
    words
}

/// At least as wide as common fonts draw it.
fn length(word: &Word) -> f64 {
    let wide = |look: &str, c: char| match (square(c), look) {
        ("", "c") => 7.3,
        ("", "b" | "b i") => 9.2,
        ("", _) => 8.1,
        _ => SQUARE,
    };
    let part = |(look, text): &(&str, String)| text.chars().map(|c| wide(look, c)).sum::<f64>();
    word.iter().map(part).sum::<f64>() + 4.5
}

fn wrapped(words: &[Word], width: usize) -> Vec<Vec<Word>> {
    let mut lines: Vec<Vec<Word>> = vec![Vec::new()];
    let mut used = 0.0;
    for word in words {
        if used + length(word) > width as f64 && used > 0.0 {
            lines.push(Vec::new());
            used = 0.0;
        }
        used += length(word);
        lines.last_mut().unwrap().push(word.clone());
    }
    lines
}

/// A column is as wide as its content; the widest shrink until the table fits the page.
fn widths(rows: &[Vec<Vec<Word>>]) -> Vec<usize> {
    let natural = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.iter().map(length).sum::<f64>() as usize + 20).max().unwrap_or(20)
    };
    let mut widths: Vec<usize> = (0..rows[0].len()).map(natural).collect();
    while widths.iter().sum::<usize>() > WIDTH - 2 * MARGIN {
        let widest = widths.iter_mut().max().unwrap();
        *widest -= 1;
    }
    widths
}
