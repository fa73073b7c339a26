//! The structure of the code: in `src` imports run downwards, and no file imports itself through other files. No file
//! of `src` or `tests` is longer than 400 lines.
//!
//! The test reads the code as tokens, so every path counts: in a `use`, in an expression, inside a macro. Modules
//! and items marked `#[cfg(test)]` do not count.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The layers, lowest first. A file may import its own layer and every lower line, but no layer beside its own.
pub(crate) const LAYERS: [&[&str]; 12] = [
    &["text.rs"],
    &["config"],
    &["decide/mod.rs", "decide/time.rs"],
    &["decide/probe"],
    &["decide/judge"],
    &["decide/track"],
    &["decide/show"],
    &["decide/report"],
    &["io"],
    &["daemon", "provision", "update"],
    &["cli"],
    &["lib.rs"],
];

/// File → the files that it imports, all relative to `src`.
type Graph = BTreeMap<PathBuf, BTreeSet<PathBuf>>;

#[test]
fn imports_run_downwards() {
    let mut wrong = Vec::new();
    for (file, imports) in &graph() {
        for imported in imports {
            let (own, other) = (layer(file), layer(imported));
            if other.0 >= own.0 && other != own {
                let (file, imported) = (file.display(), imported.display());
                let why = format!("{} is not below {}", other.1, own.1);
                wrong.push(format!("src/{file} imports src/{imported}, but {why}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_file_imports_itself_through_others() {
    let graph = graph();
    let mut known = BTreeSet::new();
    let mut wrong = Vec::new();
    for file in graph.keys() {
        let Some(circle) = circle(&graph, file) else { continue };
        if circle.iter().all(|file| known.insert(*file)) {
            let names = circle.iter().map(|file| format!("src/{} imports ", file.display()));
            wrong.push(format!("{}src/{} again", names.collect::<String>(), file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_file_is_longer_than_400_lines() {
    let mut folders = vec![PathBuf::from("src"), PathBuf::from("tests")];
    let mut wrong = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let lines = fs::read_to_string(&path).unwrap().lines().count();
                if lines > 400 {
                    wrong.push(format!("{} has {lines} lines: it is two rooms", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The position and name of the layer that a file belongs to.
fn layer(file: &Path) -> (usize, &'static str) {
    let layers = LAYERS.iter().enumerate();
    let mut names = layers.flat_map(|(n, names)| names.iter().map(move |name| (n, *name)));
    let found = names.find(|(_, name)| file.starts_with(name));
    found.unwrap_or_else(|| panic!("src/{} is in no layer of tests/structure.rs", file.display()))
}

/// The files of the shortest way from a file back to itself.
fn circle<'a>(graph: &'a Graph, start: &'a PathBuf) -> Option<Vec<&'a PathBuf>> {
    let mut ways = VecDeque::from([vec![start]]);
    let mut reached = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in graph.get(*way.last()?).into_iter().flatten() {
            if next == start {
                return Some(way);
            }
            if reached.insert(next) {
                ways.push_back([way.clone(), vec![next]].concat());
            }
        }
    }
    None
}

fn graph() -> Graph {
    let mut sources = Sources::default();
    sources.read(PathBuf::from("lib.rs"), Vec::new());
    let Sources { files, paths } = sources;
    let mut graph = Graph::new();
    for (file, path) in paths {
        let longest = (0..=path.len()).rev().find_map(|n| files.get(&path[..n]));
        let imported = longest.expect("the root is a module");
        if *imported != file {
            graph.entry(file).or_default().insert(imported.clone());
        }
    }
    graph
}

/// All of `src` but tests.
#[derive(Default)]
struct Sources {
    /// Module path → its file.
    files: BTreeMap<Vec<String>, PathBuf>,
    /// Every path that a file uses, from the root.
    paths: Vec<(PathBuf, Vec<String>)>,
}

impl Sources {
    /// Reads a file that defines a module, and the files of its children.
    fn read(&mut self, file: PathBuf, module: Vec<String>) {
        let text = fs::read_to_string(Path::new("src").join(&file)).unwrap();
        let tokens: TokenStream = text.parse().unwrap();
        let mut found = Found { module: module.clone(), ..Found::default() };
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        // A path may begin with a child that is declared further down.
        found.scan(&tokens);
        found.paths.clear();
        found.scan(&tokens);
        self.paths.extend(found.paths.into_iter().map(|path| (file.clone(), path)));
        for child in found.children {
            let folder: PathBuf = module.iter().collect();
            let flat = folder.join(format!("{child}.rs"));
            let nested = folder.join(&child).join("mod.rs");
            let file = if Path::new("src").join(&flat).exists() { flat } else { nested };
            self.read(file, [module.clone(), vec![child]].concat());
        }
        self.files.insert(module, file);
    }
}

#[derive(Default)]
struct Found {
    module: Vec<String>,
    children: BTreeSet<String>,
    paths: Vec<Vec<String>>,
}

impl Found {
    fn scan(&mut self, tokens: &[TokenTree]) {
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let rest = &tokens[at..];
            at += match (token, rest) {
                _ if starts(rest, &["#", "[cfg (test)]"]) => item(rest),
                _ if starts(rest, &["mod"]) && starts(&rest[2..], &[";"]) => {
                    self.children.insert(rest[1].to_string());
                    3
                }
                _ if starts(rest, &[":", ":"]) => 3, // what follows continues a path that is none of ours
                (TokenTree::Group(group), _) => {
                    self.scan(&group.stream().into_iter().collect::<Vec<_>>());
                    1
                }
                (TokenTree::Ident(first), _) if starts(&rest[1..], &[":", ":"]) => {
                    let first = first.to_string();
                    if ["crate", "self", "super"].contains(&&*first)
                        || self.children.contains(&first)
                    {
                        self.tree(rest, self.module.clone())
                    } else {
                        1
                    }
                }
                _ => 1,
            };
        }
    }

    /// Reads a path, or a tree of paths in braces. Returns the number of tokens read.
    fn tree(&mut self, tokens: &[TokenTree], mut path: Vec<String>) -> usize {
        let mut at = 0;
        while let Some(TokenTree::Ident(segment)) = tokens.get(at) {
            match segment.to_string().as_str() {
                "crate" => path.clear(),
                "self" => {}
                "super" => drop(path.pop()),
                name => path.push(name.to_owned()),
            }
            at += 1;
            if !starts(&tokens[at..], &[":", ":"]) {
                break;
            }
            at += 2;
            if let Some(TokenTree::Group(group)) = tokens.get(at)
                && group.delimiter() == Delimiter::Brace
            {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                for branch in inner.split(|token| token.to_string() == ",") {
                    self.tree(branch, path.clone());
                }
                return at + 1;
            }
        }
        if at > 0 {
            self.paths.push(path);
        }
        at
    }
}

/// The number of tokens of an item with its attributes: up to a semicolon or the end of its braces.
fn item(tokens: &[TokenTree]) -> usize {
    let is_end = |token: &TokenTree| match token {
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        other => other.to_string() == ";",
    };
    tokens.iter().position(is_end).map_or(tokens.len(), |end| end + 1)
}

fn starts(tokens: &[TokenTree], with: &[&str]) -> bool {
    let mut pairs = tokens.iter().zip(with);
    tokens.len() >= with.len() && pairs.all(|(token, text)| token.to_string() == *text)
}
