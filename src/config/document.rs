//! The walk over TOML: values and keys, each with its place in the file.
//!
//! Nothing here knows of nameservers. Reading goes on after a problem: a value that is missing or wrong
//! reads as `None`, and the [`Document`] has the reason. (serde's derive stops at the first wrong type.)

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::hash::Hash;
use std::ops::{Range, RangeInclusive};

use toml::de::{DeTable, DeValue};

use crate::text::has_token;

use super::problem::{MOST_PROBLEMS, Problem, Problems, Rejection, quoted};

/// The text of a file, and its problems so far.
pub(super) struct Document<'a> {
    file: &'a str,
    text: &'a str,
    /// Each after the line of the configuration that it belongs to.
    problems: RefCell<Vec<(Option<usize>, Problem)>>,
    /// How many others there are.
    more: Cell<usize>,
}

impl<'a> Document<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text, problems: RefCell::default(), more: Cell::default() }
    }

    /// The whole file, a table of the `known` keys.
    pub(super) fn root(&'a self, value: &'a DeValue<'a>, known: &str) -> Node<'a> {
        Node { document: self, at: None, path: String::new(), value: Some(value) }.table(known)
    }

    /// `value`, or all problems in the order of their lines; those of the file as a whole come last.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, Problems> {
        let mut list = self.problems.into_inner();
        list.sort_by_key(|(line, _)| line.unwrap_or(usize::MAX));
        let list: Vec<Problem> = list.into_iter().map(|(_, problem)| problem).collect();
        value.filter(|_| list.is_empty()).ok_or(Problems { list, more: self.more.get() })
    }

    /// Adds a problem that belongs to the place `at`, or counts it; `problem` gets the line.
    fn add(&self, at: Option<usize>, problem: impl FnOnce(Option<usize>) -> Problem) {
        let mut problems = self.problems.borrow_mut();
        if problems.len() == MOST_PROBLEMS {
            return self.more.set(self.more.get() + 1);
        }
        let line = at.map(|at| self.line(at));
        problems.push((line, problem(line)));
    }

    /// The file is not TOML. Nothing after that place can be trusted, so it is the only problem.
    pub(super) fn not_toml(&self, error: &toml::de::Error) {
        let at = error.span().map(|span| span.start);
        let line = at.and_then(|at| self.text.lines().nth(self.line(at) - 1)).unwrap_or_default();
        let why = match at.and_then(|at| self.unquoted(at)) {
            _ if has_token(line) => token(),
            Some(fixed) => Rejection::new(
                "has text without quotes",
                format!("put the value in quotes: {fixed}"),
            ),
            None if error.message() == "duplicate key" => Rejection::new(
                "is not TOML: duplicate key",
                "write each key and each [table] once; only [[nameserver]], [[zone]], [[endpoint]] and [[notify]] may repeat",
            ),
            None => Rejection::new(
                format!("is not TOML: {}", error.message()),
                "correct this line; text stands in double quotes, as in name = \"home\"",
            ),
        };
        let value = if line.is_empty() { String::new() } else { quoted(line.trim()) };
        self.add(at, |line| Problem::new(self.file, line, value, why));
    }

    /// What to write, if quotes around the value of the line, or around the word, at this place mend the file up to
    /// there.
    fn unquoted(&self, at: usize) -> Option<String> {
        let start = self.text.get(..at)?.rfind('\n').map_or(0, |end| end + 1);
        let line = self.text[start..].lines().next()?;
        let (key, rest) = line.split_once('=').unwrap_or(("", line));
        let value = rest.split('#').next().unwrap_or(rest).trim();
        let from = start + line.len() - rest.trim_start().len();
        let whole = (from..from + value.len(), format!("{} = {value:?}", key.trim()));
        // TOML's blanks, each one byte long.
        let ends = |c: char| c.is_ascii_whitespace() || "=,[]{}#".contains(c);
        let from = self.text[..at].rfind(ends).map_or(0, |end| end + 1);
        let length = self.text[from..].find(ends)?;
        let word = (from..from + length, format!("{:?}", &self.text[from..from + length]));
        let mends = |(place, _): &(Range<usize>, String)| {
            let value = &self.text[place.clone()];
            let (before, after) = (&self.text[..place.start], &self.text[place.end..]);
            let error = DeTable::parse(&format!("{before}{value:?}{after}")).err();
            let error = error.map_or(usize::MAX, |error| error.span().map_or(0, |span| span.start));
            let plain = !value.is_empty() && !value.contains(['"', '\'', '[', '{']);
            plain && !["true", "false"].contains(&&*value.to_lowercase()) && error > place.end + 1
        };
        [whole, word].into_iter().find(mends).map(|(_, fixed)| fixed)
    }

    fn line(&self, at: usize) -> usize {
        let before = self.text.get(..at).unwrap_or(self.text);
        before.matches('\n').count() + 1
    }
}

/// A key or a list item, with or without a value.
#[derive(Clone)]
pub(super) struct Node<'a> {
    document: &'a Document<'a>,
    /// Without a value, the place of the table that should have it; `None`: the whole file.
    at: Option<usize>,
    /// Such as `zone[0].name`.
    pub(super) path: String,
    value: Option<&'a DeValue<'a>>,
}

impl<'a> Node<'a> {
    /// The same key without its value.
    pub(super) fn absent(&self) -> Self {
        Self { value: None, ..self.clone() }
    }

    pub(super) fn exists(&self) -> bool {
        self.value.is_some()
    }

    /// Notes a problem of this value. `reason` and `next` as in [`Problem`].
    pub(super) fn reject(&self, reason: impl Into<String>, next: impl Into<String>) {
        self.reject_as(&self.value.map_or_else(String::new, shown), Rejection::new(reason, next));
    }

    /// Notes a problem of this value, shown as `value`.
    pub(super) fn reject_as(&self, value: &str, why: Rejection) {
        self.document.add(self.at, |line| Problem {
            key: self.path.clone(),
            ..Problem::new(self.document.file, line, value.to_owned(), why)
        });
    }

    /// Notes problems that belong to this value, such as those of the file that it names.
    pub(super) fn note(&self, problems: Problems) {
        self.document.more.set(self.document.more.get() + problems.more);
        for problem in problems.list {
            self.document.add(self.at, |_| problem);
        }
    }

    /// What `get` finds in the value; else a problem, that it is not a `wanted`.
    fn typed<T>(
        &self,
        get: impl FnOnce(&'a DeValue<'a>) -> Option<T>,
        wanted: &str,
        next: &str,
    ) -> Option<T> {
        let value = self.value?;
        let typed = get(value);
        if typed.is_none() {
            let kind = match value {
                DeValue::String(_) => "text",
                DeValue::Integer(_) => "a whole number",
                DeValue::Float(_) => "a fraction",
                DeValue::Boolean(_) => "true or false",
                DeValue::Datetime(_) => "a date or time",
                DeValue::Array(_) => "a list",
                DeValue::Table(_) => "a table",
            };
            self.reject(format!("is {kind}, not {wanted}"), next);
        }
        typed
    }

    /// The text here, if there is one.
    pub(super) fn as_str(&self) -> Option<&'a str> {
        self.value.and_then(DeValue::as_str)
    }

    /// What `read` makes of the text here, unless it contains a token.
    pub(super) fn text<T>(
        &self,
        example: &str,
        read: impl FnOnce(&'a str) -> Result<T, Rejection>,
    ) -> Option<T> {
        self.any_text(example, |text| if has_token(text) { Err(token()) } else { read(text) })
    }

    /// The same for text that may contain a token, and that nothing shows.
    pub(super) fn any_text<T>(
        &self,
        example: &str,
        read: impl FnOnce(&'a str) -> Result<T, Rejection>,
    ) -> Option<T> {
        let next = format!("write text in quotes, such as {example:?}");
        let text = self.typed(DeValue::as_str, "text", &next)?;
        read(text).map_err(|why| self.reject(why.reason, why.next)).ok()
    }

    /// What `read` makes of each text in the list here; `None` where it is rejected.
    pub(super) fn texts<T>(
        &self,
        example: &str,
        read: impl Fn(&'a str) -> Result<T, Rejection>,
    ) -> Option<Vec<(Self, Option<T>)>> {
        let key = self.path.rsplit('.').next().unwrap_or_default();
        let items = self.items(&format!("write a list: {key} = [{example:?}]"))?.into_iter();
        let text = |item: Self| (item.clone(), item.text(example, &read));
        Some(items.map(text).collect())
    }

    pub(super) fn number(&self, range: RangeInclusive<u32>) -> Option<u32> {
        let next = format!("write a number from {} to {}", range.start(), range.end());
        self.number_or(range, &next)
    }

    /// The whole number here; `next` is the advice without one.
    pub(super) fn number_or(&self, range: RangeInclusive<u32>, next: &str) -> Option<u32> {
        let integer = self.typed(DeValue::as_integer, "a whole number", next)?;
        let number = u32::from_str_radix(integer.as_str(), integer.radix()).ok();
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            self.reject("is out of range", next);
        }
        number
    }

    /// The whole numbers here: one, or a list of them.
    pub(super) fn numbers(&self, range: RangeInclusive<u32>) -> Vec<(Self, Option<u32>)> {
        let nodes = match self.value {
            Some(DeValue::Array(_)) => self.items("").unwrap_or_default(),
            _ => vec![self.clone()],
        };
        nodes.into_iter().map(|node| (node.clone(), node.number(range.clone()))).collect()
    }

    pub(super) fn flag(&self) -> Option<bool> {
        self.typed(DeValue::as_bool, "true or false", "write true or false, without quotes")
    }

    fn items(&self, next: &str) -> Option<Vec<Self>> {
        let count = self.typed(DeValue::as_array, "a list", next)?.len();
        Some((0..count).filter_map(|n| self.item(n)).collect())
    }

    /// The item of a list.
    pub(super) fn item(&self, n: usize) -> Option<Self> {
        let item = self.value?.as_array()?.get(n)?;
        Some(Self {
            document: self.document,
            at: Some(item.span().start),
            path: format!("{}[{n}]", self.path),
            value: Some(item.get_ref()),
        })
    }

    /// The tables in the list here; none without a list.
    pub(super) fn tables(&self, known: &str, next: &str) -> Vec<Self> {
        let items = self.items(next).unwrap_or_default().into_iter();
        items.map(|item| item.table_or(known, next)).filter(Self::exists).collect()
    }

    /// The keys and values of the table here, whatever they are.
    pub(super) fn entries(&self, next: &str) -> Vec<(&'a str, Self)> {
        let table = self.typed(DeValue::as_table, "a table", next);
        let entries = table.into_iter().flatten().map(|(key, value)| {
            let key: &'a str = key.get_ref();
            let (path, at) = (format!("{}.{key}", self.path), Some(value.span().start));
            (key, Self { document: self.document, at, path, value: Some(value.get_ref()) })
        });
        entries.collect()
    }

    /// The table here; without one, a table without values, so that the defaults stand.
    pub(super) fn table(&self, known: &str) -> Self {
        self.table_or(known, &format!("write its keys below a line [{}]", self.path))
    }

    /// Notes the keys that are not among the `known`, which have a blank between them.
    fn table_or(&self, known: &str, next: &str) -> Self {
        let Some(map) = self.typed(DeValue::as_table, "a table", next) else {
            return self.absent();
        };
        for key in map.keys() {
            let name = key.get_ref().as_ref();
            if !known.split(' ').any(|known| known == name) {
                let key = Self { at: Some(key.span().start), ..self.get(name).absent() };
                key.reject("there is no such key in this version", instead(name, known));
            }
        }
        self.clone()
    }

    /// The key of this table.
    pub(super) fn get(&self, key: &str) -> Self {
        let value = self.value.and_then(DeValue::as_table).and_then(|table| table.get(key));
        let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let bare = !key.is_empty() && key.chars().all(bare);
        let name = if bare { key.to_owned() } else { format!("{key:?}") };
        let dot = if self.path.is_empty() { "" } else { "." };
        Self {
            document: self.document,
            at: value.map_or(self.at, |value| Some(value.span().start)),
            path: format!("{}{dot}{name}", self.path),
            value: value.map(toml::Spanned::get_ref),
        }
    }

    /// The key of this table; without it, or with an empty list, a problem.
    pub(super) fn require(&self, key: &str, next: &str) -> Self {
        let node = self.get(key);
        if !node.exists() {
            node.reject("is missing", next);
        }
        node.reject_empty(next);
        node
    }

    /// Notes an empty list.
    pub(super) fn reject_empty(&self, next: &str) {
        if self.value.and_then(DeValue::as_array).is_some_and(|list| list.is_empty()) {
            self.reject("is empty", next);
        }
    }
}

/// The values of a list, each once.
pub(super) fn distinct<T: Clone + Eq + Hash>(list: Vec<(Node<'_>, Option<T>)>) -> Vec<T> {
    let (mut values, mut known) = (Vec::new(), HashSet::new());
    for (node, value) in list {
        let Some(value) = value else { continue };
        if known.insert(value.clone()) {
            values.push(value);
        } else {
            node.reject("is listed twice", "remove one of the two");
        }
    }
    values
}

const NO_TOKEN: &str =
    "remove the token from this file: it comes as the credential github-token, or in GITHUB_TOKEN";

fn token() -> Rejection {
    Rejection::new("contains a GitHub token, which everybody who reads this file can use", NO_TOKEN)
}

/// What to do about an unknown key.
fn instead(name: &str, known: &str) -> String {
    if name == "token" || has_token(name) {
        return NO_TOKEN.to_owned();
    }
    let nearest = known.split(' ').min_by_key(|known| distance(known, name));
    let similar = nearest.filter(|known| distance(known, name) * 3 <= known.len());
    let next = similar.map_or_else(|| "remove it".to_owned(), |known| format!("write {known}"));
    format!("{next}; known here: {}", known.replace(' ', ", "))
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

/// The letters to add, remove or change between two words (Levenshtein).
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
}
