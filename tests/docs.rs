//! The manuals: links lead somewhere, commands parse, every key of the configuration is described.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use pilotlight::config::Config;
use serde_json::Value;

use crate::config::completed;
use crate::json_schema::fits;
use crate::program::PROGRAM;

/// Every file of these folders that ends in `.md`, and the front page.
fn manuals() -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|end| end == "md") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = vec![root.join("README.md")];
    for folder in [".github", "image", "src", "systemd", "tests"] {
        walk(&root.join(folder), &mut found);
    }
    found
}

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// What stands between two marks, each time.
fn between<'a>(text: &'a str, open: &'a str, close: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(open).skip(1).filter_map(move |rest| Some(rest.split_once(close)?.0))
}

/// The anchors that GitHub gives the headings of a page.
fn anchors(page: &str) -> BTreeSet<String> {
    let mut fenced = false;
    let mut found = BTreeSet::new();
    for line in page.lines() {
        fenced ^= line.trim_start().starts_with("```");
        let Some(heading) = line.strip_prefix('#').filter(|_| !fenced) else { continue };
        let kept = |c: &char| c.is_alphanumeric() || " -_".contains(*c);
        let heading: String = heading.trim_start_matches('#').trim().chars().filter(kept).collect();
        found.insert(heading.to_lowercase().replace(' ', "-"));
    }
    found
}

#[test]
fn the_front_page_has_at_most_900_words() {
    let words = read("README.md").split_whitespace().count();
    assert!(words <= 900, "{words} words");
}

#[test]
fn every_relative_link_leads_to_a_file_and_a_heading() {
    let mut links = 0;
    for manual in manuals() {
        let page = fs::read_to_string(&manual).unwrap();
        for link in between(&page, "](", ")").filter(|link| !link.contains("://")) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let file = if file.is_empty() { &manual } else { &manual.with_file_name(file) };
            assert!(file.exists(), "{}: ({link}) leads to no file", manual.display());
            let known =
                anchor.is_empty() || anchors(&fs::read_to_string(file).unwrap()).contains(anchor);
            assert!(known, "{}: ({link}) leads to no heading", manual.display());
            links += 1;
        }
    }
    assert!(links > 20, "{links} links found");
}

/// The commands in the code of a page, without `pilotlight`: in blocks, indented lines and spans.
fn commands(page: &str) -> BTreeSet<String> {
    let mut fenced = false;
    let mut code = Vec::new();
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if fenced || line.starts_with("    ") {
            code.push(line);
        } else {
            code.extend(line.split('`').skip(1).step_by(2));
        }
    }
    let before = ["", "$", "until", "GITHUB_TOKEN=…", "sudo"];
    let ours = code.iter().filter_map(|line| {
        let (first, args) = line
            .rsplit_once(" pilotlight ")
            .or_else(|| Some(("", line.strip_prefix("pilotlight ")?)))?;
        let args = args.split(['#', '>', '|', ';']).next()?.trim_end();
        before
            .contains(&first.trim())
            .then(|| args.split_whitespace().collect::<Vec<_>>().join(" "))
    });
    ours.collect()
}

#[test]
fn every_command_of_the_manuals_is_a_command_of_the_program() {
    let all: BTreeSet<String> =
        manuals().iter().flat_map(|page| commands(&fs::read_to_string(page).unwrap())).collect();
    assert!(all.len() > 15, "{all:?}");
    for args in all {
        let ran = Command::new(PROGRAM).args(args.split(' ')).arg("--help").output().unwrap();
        assert!(ran.status.success(), "{args}: {}", String::from_utf8_lossy(&ran.stderr));
    }
}

/// The keys of a table, from the parser's own answer to a key that no table has.
fn keys(text: &str) -> Vec<String> {
    let problems = Config::parse("pilotlight.toml", text).unwrap_err().to_string();
    let (_, known) = problems.split_once("known here: ").unwrap_or_else(|| panic!("{problems}"));
    known.lines().next().unwrap().split(", ").map(str::to_owned).collect()
}

/// Every key of the configuration, such as `github.repository`.
fn all_keys() -> BTreeSet<String> {
    let unknown = "qqqqqqqqqqqqqqqq = 1\n";
    let mut known = BTreeSet::new();
    for table in keys(unknown) {
        let list = ["nameserver", "zone", "endpoint", "notify"].contains(&&*table);
        let header = if list { format!("[[{table}]]") } else { format!("[{table}]") };
        known.extend(
            keys(&format!("{header}\n{unknown}")).iter().map(|key| format!("{table}.{key}")),
        );
    }
    known
}

#[test]
fn every_key_of_the_parser_has_its_row_in_the_manual() {
    let manual = read("src/config/README.md");
    let mut described = BTreeSet::new();
    for row in manual.lines().filter_map(|line| line.strip_prefix("| `")) {
        let mut table = "";
        for name in row.split('|').next().unwrap().split(", ") {
            let name = name.trim().trim_matches('`');
            let (before, key) = name.split_once('.').unwrap();
            table = if before.is_empty() { table } else { before };
            described.insert(format!("{table}.{key}"));
        }
    }
    assert_eq!(described, all_keys());
}

#[test]
fn the_schema_has_the_keys_of_the_parser() {
    let schema: Value = serde_json::from_str(&read("src/config/pilotlight.schema.json")).unwrap();
    let mut found = BTreeSet::new();
    for (table, shape) in schema["properties"].as_object().unwrap() {
        let shape = shape.get("items").unwrap_or(shape);
        assert_eq!(shape["additionalProperties"], Value::Bool(false), "{table}");
        for key in shape["properties"].as_object().unwrap().keys() {
            found.insert(format!("{table}.{key}"));
        }
    }
    assert_eq!(found, all_keys());
}

/// What an editor says about a configuration with our schema, or `None` if it is not TOML.
fn by_schema(schema: &Value, text: &str) -> Option<Result<(), String>> {
    let table: toml::Table = toml::from_str(text).ok()?;
    Some(fits(schema, schema, &serde_json::to_value(table).unwrap(), ""))
}

#[test]
fn the_schema_accepts_every_good_configuration_and_rejects_every_wrong_form() {
    // The rest needs more than a schema: what is listed twice, files, addresses, names, records.
    let forms = [
        "there is no such key",
        ", not text",
        ", not a whole number",
        ", not a list",
        ", not a table",
        "is out of range",
        "is missing",
        "is empty",
        "is not a driver",
        "is not a length of time",
    ];
    let schema: Value = serde_json::from_str(&read("src/config/pilotlight.schema.json")).unwrap();
    assert_eq!(by_schema(&schema, pilotlight::config::EXAMPLE), Some(Ok(())));
    let (mut rejected, mut wrong) = (0, String::new());
    for file in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/configs")).unwrap() {
        let cases = fs::read_to_string(file.unwrap().path()).unwrap();
        for case in cases.split("=== ").skip(1) {
            let (config, printed) = case.split_once("---\n").unwrap();
            let (title, config) = config.split_once('\n').unwrap();
            let Some(verdict) = by_schema(&schema, &completed(config)) else { continue };
            let good = printed.trim_end() == "no problem at all";
            let form = |line: &str| {
                !line.contains(".values") && forms.iter().any(|form| line.contains(form))
            };
            if verdict.is_ok() && !good && printed.lines().any(form) || verdict.is_err() && good {
                wrong += &format!("{title}: {verdict:?}, and the program prints\n{printed}");
            }
            rejected += usize::from(verdict.is_err());
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(rejected > 40, "{rejected}");
}
