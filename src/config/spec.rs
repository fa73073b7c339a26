//! The file as written: tables, keys and values, each of which knows its line.
//!
//! It knows TOML and the types of TOML, and nothing of nameservers. Reading goes on after a mistake:
//! whoever asks for a value gets `None` where there is none worth having, and the reason is in the
//! [`Document`]. (serde's derive would stop at the first wrong type and hide the rest.)

use std::cell::RefCell;
use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::problem::{Problem, Wrong, wrong};

/// Longer values are cut where a problem shows them: enough to find a DKIM key, not all of it.
const SHOWN: usize = 60;

/// The text of the file, and what was found wrong with it so far.
pub(super) struct Document<'a> {
    text: &'a str,
    /// Each after the line that led to it.
    problems: RefCell<Vec<(Option<usize>, Problem)>>,
}

impl<'a> Document<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, problems: RefCell::default() }
    }

    /// All problems, in the order of their lines; those of the file as a whole come last.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        let mut list = self.problems.into_inner();
        list.sort_by_key(|(line, _)| line.unwrap_or(usize::MAX));
        list.into_iter().map(|(_, problem)| problem).collect()
    }

    /// The file is not TOML: nothing after that can be trusted, so it is the only problem.
    pub(super) fn not_toml(&self, error: &toml::de::Error) {
        let at = error.span().map(|span| span.start);
        let line = at.and_then(|at| self.text.lines().nth(self.line(at) - 1));
        let value = line.map_or_else(String::new, |line| quoted(line.trim()));
        let next = if error.message() == "duplicate key" {
            "write each key and each [table] once; only [[nameserver]], [[zone]] and [[endpoint]] may repeat"
        } else {
            "correct this line; text stands in double quotes, as in name = \"home\""
        };
        let wrong = wrong(format!("is not TOML: {}", error.message()), next);
        self.add(at, "", value, wrong);
    }

    fn add(&self, at: Option<usize>, key: &str, value: String, wrong: Wrong) {
        let line = at.map(|at| self.line(at));
        let Wrong { reason, next } = wrong;
        let problem = Problem { file: None, line, key: key.to_owned(), value, reason, next };
        self.problems.borrow_mut().push((line, problem));
    }

    fn line(&self, at: usize) -> usize {
        let before = self.text.get(..at).unwrap_or(self.text);
        before.matches('\n').count() + 1
    }
}

/// A value, and where it stands.
#[derive(Clone)]
pub(super) struct Node<'a> {
    document: &'a Document<'a>,
    at: usize,
    path: String,
    value: &'a DeValue<'a>,
}

impl<'a> Node<'a> {
    /// Such as `zone[0].name`.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Notes what is wrong with this value.
    pub(super) fn refuse(&self, wrong: Wrong) {
        self.refuse_as(shown(self.value), wrong);
    }

    /// Notes what is wrong with this value, and calls it something else.
    pub(super) fn refuse_as(&self, value: String, wrong: Wrong) {
        self.document.add(Some(self.at), &self.path, value, wrong);
    }

    /// Notes what is wrong on a line of the file that this value names.
    pub(super) fn refuse_in(&self, file: &Path, line: Option<usize>, value: &str, wrong: Wrong) {
        let Wrong { reason, next } = wrong;
        let value = if value.is_empty() { String::new() } else { quoted(value) };
        let file = Some(file.display().to_string());
        let problem = Problem { file, line, key: String::new(), value, reason, next };
        let led = Some(self.document.line(self.at));
        self.document.problems.borrow_mut().push((led, problem));
    }

    fn refuse_type(&self, wanted: &str, next: impl Into<String>) {
        let kind = match self.value {
            DeValue::String(_) => "text",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.refuse(wrong(format!("is {kind}, not {wanted}"), next));
    }

    /// The text, if it is one.
    pub(super) fn text(&self, example: &str) -> Option<&'a str> {
        let text = self.value.as_str();
        if text.is_none() {
            self.refuse_type("text", format!("write text in quotes, such as {example:?}"));
        }
        text
    }

    /// The whole number, if it is one in this range.
    pub(super) fn number(&self, range: RangeInclusive<u32>, next: String) -> Option<u32> {
        let Some(integer) = self.value.as_integer() else {
            self.refuse_type("a whole number", next);
            return None;
        };
        let number = u32::from_str_radix(integer.as_str(), integer.radix()).ok();
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            self.refuse(wrong("is out of range", next));
        }
        number
    }

    fn list(&self, next: impl Into<String>) -> Option<Vec<Node<'a>>> {
        let Some(array) = self.value.as_array() else {
            self.refuse_type("a list", next);
            return None;
        };
        let node = |(i, item): (usize, &'a toml::Spanned<DeValue<'a>>)| Node {
            document: self.document,
            at: item.span().start,
            path: format!("{}[{i}]", self.path),
            value: item.get_ref(),
        };
        Some(array.iter().enumerate().map(node).collect())
    }

    /// The table, if it is one; keys other than the `known` are noted.
    fn table(&self, known: &'static [&'static str], next: &str) -> Option<Table<'a>> {
        let Some(map) = self.value.as_table() else {
            self.refuse_type("a table", next);
            return None;
        };
        let table = Table {
            document: self.document,
            at: Some(self.at),
            path: self.path.clone(),
            map: Some(map),
            known,
        };
        table.refuse_unknown();
        Some(table)
    }
}

/// A table whose keys have been compared with the known ones.
pub(super) struct Table<'a> {
    document: &'a Document<'a>,
    at: Option<usize>,
    path: String,
    map: Option<&'a DeTable<'a>>,
    known: &'static [&'static str],
}

impl<'a> Table<'a> {
    /// The whole file.
    pub(super) fn root(
        document: &'a Document<'a>,
        map: &'a DeTable<'a>,
        known: &'static [&'static str],
    ) -> Self {
        let table = Table { document, at: None, path: String::new(), map: Some(map), known };
        table.refuse_unknown();
        table
    }

    /// Such as `zone[0]`.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Notes what is wrong with the table as a whole.
    pub(super) fn refuse(&self, wrong: Wrong) {
        self.document.add(self.at, &self.path, String::new(), wrong);
    }

    fn value(&self, key: &str) -> Option<&'a toml::Spanned<DeValue<'a>>> {
        debug_assert!(self.known.contains(&key), "{key} would be refused");
        self.map?.get(key)
    }

    /// The value at `key`, if the file has one.
    pub(super) fn get(&self, key: &str) -> Option<Node<'a>> {
        let value = self.value(key)?;
        Some(Node {
            document: self.document,
            at: value.span().start,
            path: self.path_of(key),
            value: value.get_ref(),
        })
    }

    /// Notes a key that is missing, or an empty list.
    pub(super) fn require(&self, key: &str, next: &str) {
        if self.value(key).is_none() {
            let wrong = wrong("is missing", next);
            self.document.add(self.at, &self.path_of(key), String::new(), wrong);
        }
        self.require_items(key, next);
    }

    /// Notes an empty list.
    pub(super) fn require_items(&self, key: &str, next: &str) {
        let list = self.value(key).and_then(|value| value.get_ref().as_array());
        if list.is_some_and(|list| list.is_empty())
            && let Some(node) = self.get(key)
        {
            node.refuse(wrong("is empty", next));
        }
    }

    /// What `read` makes of the text at `key`.
    pub(super) fn text<T>(
        &self,
        key: &str,
        example: &str,
        read: impl FnOnce(&'a str) -> Result<T, Wrong>,
    ) -> Option<T> {
        let node = self.get(key)?;
        read(node.text(example)?).map_err(|e| node.refuse(e)).ok()
    }

    /// What `read` makes of each text in the list at `key`; `None` for those refused.
    pub(super) fn texts<T>(
        &self,
        key: &str,
        example: &str,
        read: impl Fn(&'a str) -> Result<T, Wrong>,
    ) -> Option<Vec<(Node<'a>, Option<T>)>> {
        let next = format!("write a list: {key} = [{example:?}]");
        let each = |node: Node<'a>| {
            let value =
                node.text(example).and_then(|text| read(text).map_err(|e| node.refuse(e)).ok());
            (node, value)
        };
        let list = self.get(key)?.list(next)?;
        Some(list.into_iter().map(each).collect())
    }

    /// The whole number at `key`.
    pub(super) fn number(&self, key: &str, range: RangeInclusive<u32>) -> Option<u32> {
        let next = format!("write a number from {} to {}", range.start(), range.end());
        self.get(key)?.number(range, next)
    }

    /// The whole numbers at `key`: one, or a list of them.
    pub(super) fn numbers(&self, key: &str, range: RangeInclusive<u32>) -> Vec<(Node<'a>, u32)> {
        let next = format!("write a number from {} to {}", range.start(), range.end());
        let node = self.get(key);
        let nodes = node.map(|node| match node.value.as_array() {
            Some(_) => node.list("").unwrap_or_default(),
            None => vec![node],
        });
        let number =
            |node: Node<'a>| Some((node.clone(), node.number(range.clone(), next.clone())?));
        nodes.unwrap_or_default().into_iter().filter_map(number).collect()
    }

    /// The `true` or `false` at `key`.
    pub(super) fn flag(&self, key: &str) -> Option<bool> {
        let node = self.get(key)?;
        let flag = node.value.as_bool();
        if flag.is_none() {
            node.refuse_type("true or false", "write true or false, without quotes");
        }
        flag
    }

    /// The table at `key`, if the file has one.
    pub(super) fn table(&self, key: &str, known: &'static [&'static str]) -> Option<Table<'a>> {
        let next = format!("write its keys below a line [{key}]");
        self.get(key)?.table(known, &next)
    }

    /// The table at `key`; an empty one if there is none, so that the defaults stand.
    pub(super) fn section(&self, key: &str, known: &'static [&'static str]) -> Table<'a> {
        self.table(key, known).unwrap_or(Table {
            document: self.document,
            at: self.at,
            path: self.path_of(key),
            map: None,
            known,
        })
    }

    /// The tables in the list at `key`; none if there is no list.
    pub(super) fn tables(
        &self,
        key: &str,
        known: &'static [&'static str],
        next: &str,
    ) -> Vec<Table<'a>> {
        let list = self.get(key).and_then(|node| node.list(next));
        let tables = list.unwrap_or_default().into_iter();
        tables.filter_map(|node| node.table(known, next)).collect()
    }

    /// Notes what is wrong with the table at this place of a list of tables, which is known to be there.
    pub(super) fn refuse_nth(&self, key: &str, n: usize, wrong: Wrong) {
        let list = self.get(key).and_then(|node| node.list(""));
        if let Some(node) = list.and_then(|list| list.into_iter().nth(n)) {
            node.refuse_as(String::new(), wrong);
        }
    }

    fn path_of(&self, key: &str) -> String {
        let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let mut path = self.path.clone();
        if !path.is_empty() {
            path.push('.');
        }
        if !key.is_empty() && key.chars().all(bare) {
            path.push_str(key);
        } else {
            write!(path, "{key:?}").expect("a String takes everything");
        }
        path
    }

    fn refuse_unknown(&self) {
        for key in self.map.into_iter().flat_map(|map| map.keys()) {
            let name = key.get_ref().as_ref();
            if !self.known.contains(&name) {
                let wrong = wrong("there is no such key in this version", self.instead(name));
                let path = self.path_of(name);
                self.document.add(Some(key.span().start), &path, String::new(), wrong);
            }
        }
    }

    fn instead(&self, name: &str) -> String {
        if name == "token" {
            return "take the token out of this file: it comes as the credential github-token, or in \
                    GITHUB_TOKEN"
                .to_owned();
        }
        let all = format!("known here: {}", self.known.join(", "));
        let nearest = self.known.iter().min_by_key(|known| distance(known, name));
        match nearest {
            Some(known) if distance(known, name) * 3 <= known.len() => {
                format!("write {known}; {all}")
            }
            _ => format!("take it out; {all}"),
        }
    }
}

/// A value as a problem shows it; empty for lists and tables.
fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => quoted(text),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(_) | DeValue::Table(_) => String::new(),
    }
}

fn quoted(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}", format!("{}…", &text[..end])),
        None => format!("{text:?}"),
    }
}

/// How many letters must be added, taken away or changed to make one word of the other (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, a) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, b) in b.iter().enumerate() {
            let changed = corner + usize::from(a != *b);
            corner = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_of_words_counts_letters() {
        assert_eq!(distance("interval", "interval"), 0);
        assert_eq!(distance("interval", "intervall"), 1);
        assert_eq!(distance("open-after", "open_after"), 1);
        assert_eq!(distance("green", ""), 5);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn a_long_value_is_cut_between_letters() {
        assert_eq!(quoted("short"), r#""short""#);
        let long = "ü".repeat(SHOWN + 1);
        assert_eq!(quoted(&long), format!("\"{}…\"", "ü".repeat(SHOWN)));
    }
}
