//! Reads `src/` and holds it to its layout: layers, one place per outside crate, sizes, no import cycles, one type per name.
//!
//! The checker takes text and gives findings, so the tests at the bottom can hand it planted faults.

use std::collections::VecDeque;
use std::collections::btree_map::{BTreeMap, Entry};
use std::fs;
use std::path::{Path, PathBuf};

/// The layers of `src/lib.rs`: a module uses lower layers only.
const LAYERS: &[&[&str]] = &[
    &["base"],
    &["dsp", "vad", "turn", "metrics", "adapt", "report", "file"],
    &["provider"],
    &["profile"],
    &[
        "audio",
        "server",
        "settings",
        "store",
        "probe",
        "monitor",
        "control",
        "desktop",
        "global_key",
        "newer_version",
    ],
    &["telemetry"],
    &["conversation"],
    &["lab"],
    &["ui", "cli"],
];

/// Seams inside of the layers: files that begin so do not name these modules, so that a service can be added or replaced.
const SEAMS: &[(&str, &[&str])] = &[
    ("conversation/", &["gemini", "connection"]),
    ("telemetry/", &["gemini"]),
    ("ui/", &["gemini", "connection"]),
    ("lab/", &["gemini"]),
    ("provider/connection/", &["gemini", "echo"]),
    ("provider/echo", &["gemini", "connection"]),
];

/// Outside crates that only these places name, so that an upgrade or a replacement touches nothing else.
const PLACES: &[(&str, &[&str])] = &[
    ("cpal", &["audio/cpal.rs", "audio/cpal/"]),
    ("pulseaudio", &["audio/pulse.rs", "audio/pulse/"]),
    ("rubato", &["dsp/resample.rs"]),
    (
        "fearless_simd",
        &["dsp/simd.rs", "dsp/polyphase.rs", "dsp/echo_detector.rs"],
    ),
    ("sonora", &["dsp/apm.rs"]),
    ("sonora_agc2", &["dsp/agc.rs"]),
    ("nnnoiseless", &["dsp/denoise.rs"]),
    ("thread_priority", &["audio/priority.rs"]),
    ("serde_yaml", &["base/yaml.rs", "base/yaml/"]),
    ("fluent_bundle", &["base/text.rs"]),
    ("fluent_syntax", &["base/text.rs", "base/text/"]),
    ("webrtc_vad", &["vad/webrtc.rs"]),
    ("earshot", &["vad/earshot.rs"]),
    ("ringbuf", &["base/ring.rs", "base/ring/"]),
    ("egui", &["ui/"]),
    ("eframe", &["ui/"]),
    ("egui_kittest", &["ui/"]),
    ("unicode_bidi", &["ui/bidi.rs"]),
    ("rusqlite", &["store/"]),
    ("sysinfo", &["probe/"]),
    ("starship_battery", &["probe/"]),
    (
        "hyper",
        &[
            "monitor/",
            "telemetry/export/webhook.rs",
            "provider/connection/proxy/rules.rs",
            "provider/connection/get.rs",
        ],
    ),
    (
        "hyper_util",
        &[
            "monitor/",
            "telemetry/export/webhook.rs",
            "provider/connection/proxy/rules.rs",
            "provider/connection/get.rs",
        ],
    ),
    ("percent_encoding", &["provider/connection/proxy/rules.rs"]),
    ("tokio_socks", &["provider/connection/proxy.rs"]),
    ("rustls_native_certs", &["provider/connection/trust.rs"]),
    ("openssl_probe", &["provider/connection/trust.rs"]),
    ("zip", &["cli/doctor/bundle.rs"]),
    ("tungstenite", &["provider/", "server/"]),
    ("tokio_tungstenite", &["provider/", "server/"]),
    (
        "nix",
        &[
            "provider/connection/tcp_info.rs",
            "audio/pulse/connection.rs",
            "file/",
            "global_key/x11.rs",
        ],
    ),
    ("keyring", &["settings/"]),
    ("ksni", &["desktop/tray_item.rs"]),
    (
        "zbus",
        &[
            "desktop/lock.rs",
            "desktop/media_keys.rs",
            "desktop/tray_item.rs",
            "global_key/portal.rs",
        ],
    ),
    ("notify", &["settings/"]),
    ("minisign_verify", &["newer_version.rs"]),
    ("maud", &["report/"]),
    ("csv", &["report/"]),
    (
        "rlimit",
        &["lab/", "cli/room.rs", "cli/core_dumps.rs", "store/tests/"],
    ),
    ("signal_hook", &["cli/signal.rs", "store/tests/"]),
    ("tracing_subscriber", &["cli/log.rs", "cli/log/"]),
    ("winit", &["ui/"]),
    ("x11rb", &["ui/display.rs", "global_key/x11.rs"]),
];

/// A file with more lines of non-test code wants to be two.
const FILE_LINES: usize = 500;
/// Files that may be longer, each with its limit and the reason.
const LONGER: &[(&str, usize, &str)] = &[(
    "server/dialogue.rs",
    520,
    "one conversation from setup to close, read as a whole",
)];
/// A struct of the conversation with more fields does too much: its parts own their state.
const FIELDS: usize = 15;
/// Plain data may have more, each with its reason.
const MORE_FIELDS: &[(&str, &str)] = &[
    ("Snapshot", "everything that a user can see"),
    (
        "TurnNotes",
        "what is noted of a turn until its record is made",
    ),
];
/// No function is longer (a test's table may be).
const FUNCTION_LINES: usize = 80;

#[test]
fn the_source_keeps_to_its_layout() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files: Vec<(String, String)> = rust_files(&root)
        .iter()
        .map(|path| {
            let name = path.strip_prefix(&root).expect("found below src");
            let name = name.to_string_lossy().replace('\\', "/");
            let text = fs::read_to_string(path).expect("a source file is readable text");
            (name, text)
        })
        .collect();
    let count = files.len();
    assert!(count > 10, "only {count} files found in {}", root.display());
    let mut findings: Vec<String> = files
        .iter()
        .flat_map(|(name, text)| check_file(name, text))
        .collect();
    findings.extend(check_files(&files));
    assert!(findings.is_empty(), "\n{}\n", findings.join("\n"));
}

/// Everything wrong with one file, each as `name:line: what`.
fn check_file(name: &str, text: &str) -> Vec<String> {
    let code = blank_comments_and_strings(text);
    let mut findings = layer_faults(name, &code);
    findings.extend(seam_faults(name, &code));
    findings.extend(place_faults(name, &code));
    findings.extend(size_faults(name, &code));
    findings
}

/// Everything wrong between files, given as (name, text); tests do not count.
fn check_files(files: &[(String, String)]) -> Vec<String> {
    let code: Vec<(&str, String)> = files
        .iter()
        .filter(|(name, _)| !is_test_file(name) && !matches!(top_module(name), "main" | "window"))
        .map(|(name, text)| (name.as_str(), blank_comments_and_strings(text)))
        .collect();
    let mut findings = cycle_faults(&code);
    findings.extend(name_faults(&code));
    findings
}

// -- layers --

fn layer_faults(name: &str, code: &str) -> Vec<String> {
    let own = top_module(name);
    // `main.rs` and `window.rs` are the program: above all layers.
    if matches!(own, "main" | "window" | "lib") {
        return Vec::new();
    }
    let Some(own_layer) = layer_of(own) else {
        return vec![format!(
            "{name}:1: module `{own}` has no layer: add it to src/lib.rs and to this test"
        )];
    };
    let mut findings = Vec::new();
    for (line, used) in used_modules(name, code) {
        if used == own {
            continue;
        }
        // What is no module of ours (a re-export, a macro) has no layer.
        let Some(layer) = layer_of(&used) else {
            continue;
        };
        if layer > own_layer {
            findings.push(format!(
                "{name}:{line}: `{own}` (layer {own_layer}) uses `{used}` above it (layer {layer})"
            ));
        } else if layer == own_layer {
            findings.push(format!(
                "{name}:{line}: `{own}` uses its sibling `{used}` (both layer {layer})"
            ));
        }
    }
    findings
}

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// `audio` of `audio/cpal.rs`, `main` of `main.rs`.
fn top_module(name: &str) -> &str {
    let first = name.split('/').next().unwrap_or(name);
    first.strip_suffix(".rs").unwrap_or(first)
}

/// (line, top-level module) of each path that starts at the crate's root, spelt `crate::` or with enough `super::`.
fn used_modules(name: &str, code: &str) -> Vec<(usize, String)> {
    let tokens = tokenize(code);
    let depth_of_file = module_depth(name);
    let mut inline = Vec::new(); // brace depths at which inline modules opened
    let mut depth = 0_usize;
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match tokens[at].text {
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                if inline.last() == Some(&depth) {
                    inline.pop();
                }
            }
            "mod" if text_at(&tokens, at + 2) == "{" => inline.push(depth),
            "crate" if text_at(&tokens, at + 1) == "::" && text_before(&tokens, at) != "$" => {
                found.extend(heads(&tokens, at + 2));
            }
            "super" if text_before(&tokens, at) != "::" => {
                let mut steps = 0;
                while text_at(&tokens, at) == "super" && text_at(&tokens, at + 1) == "::" {
                    steps += 1;
                    at += 2;
                }
                if steps > 0 && steps == depth_of_file + inline.len() {
                    found.extend(heads(&tokens, at));
                }
                if steps > 0 {
                    continue; // the token behind `super::` is looked at like any other
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// How many `super::` lead from this file to the crate's root.
fn module_depth(name: &str) -> usize {
    let parts = name.split('/').count();
    if name.ends_with("/mod.rs") {
        parts - 1
    } else {
        parts
    }
}

/// The first names of a path, or of each path in a group: `a::B` and `{a::B, c}`.
fn heads(tokens: &[Token<'_>], at: usize) -> Vec<(usize, String)> {
    let name = |i: usize| (tokens[i].line, tokens[i].text.to_owned());
    if text_at(tokens, at) != "{" {
        return if at < tokens.len() {
            vec![name(at)]
        } else {
            Vec::new()
        };
    }
    let mut found = Vec::new();
    let mut depth = 0;
    for i in at..tokens.len() {
        match tokens[i].text {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ if depth == 1 && matches!(tokens[i - 1].text, "{" | ",") => found.push(name(i)),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    found
}

// -- cycles --

/// Files that import each other, directly or through others: the shortest such circle of each knot.
fn cycle_faults(files: &[(&str, String)]) -> Vec<String> {
    let by_module: BTreeMap<Vec<&str>, usize> = (0..files.len())
        .map(|file| (module_path(files[file].0), file))
        .collect();
    let imports: Vec<BTreeMap<usize, usize>> = files
        .iter()
        .map(|(name, code)| imported_files(name, code, &by_module))
        .collect();
    let mut findings = Vec::new();
    for first in 0..files.len() {
        let Some(circle) = shortest_circle(first, &imports) else {
            continue;
        };
        // The same circle is found from each of its files; it is reported of the first one.
        if circle.iter().all(|file| first <= *file) {
            let line = imports[first][circle.get(1).unwrap_or(&first)];
            let names: Vec<&str> = circle.iter().map(|file| files[*file].0).collect();
            findings.push(format!(
                "{}:{line}: import cycle: {} -> {}",
                names[0],
                names.join(" -> "),
                names[0]
            ));
        }
    }
    findings
}

/// The files on the shortest way from a file back to it.
fn shortest_circle(first: usize, imports: &[BTreeMap<usize, usize>]) -> Option<Vec<usize>> {
    let mut came_from = BTreeMap::new();
    let mut waiting = VecDeque::from([first]);
    while let Some(file) = waiting.pop_front() {
        for next in imports[file].keys().copied() {
            if next == first {
                let mut circle = vec![file];
                while let Some(before) = came_from.get(&circle[circle.len() - 1]) {
                    circle.push(*before);
                }
                circle.reverse();
                return Some(circle);
            }
            if let Entry::Vacant(unseen) = came_from.entry(next) {
                unseen.insert(file);
                waiting.push_back(next);
            }
        }
    }
    None
}

/// The other files that this one imports from or names in a path, each with the first line that does.
fn imported_files(
    name: &str,
    code: &str,
    by_module: &BTreeMap<Vec<&str>, usize>,
) -> BTreeMap<usize, usize> {
    let own = by_module.get(&module_path(name));
    let tests = test_modules(code);
    let mut found = BTreeMap::new();
    for (line, path) in inner_paths(name, code) {
        let file = (0..=path.len())
            .rev()
            .find_map(|length| by_module.get(&path[..length]));
        if let Some(file) = file
            && Some(file) != own
            && !is_within(&tests, line)
        {
            found.entry(*file).or_insert(line);
        }
    }
    found
}

/// `[audio, cpal]` of `audio/cpal.rs`, `[audio]` of `audio/mod.rs`, `[]` of `lib.rs`.
fn module_path(name: &str) -> Vec<&str> {
    let mut path: Vec<&str> = name.trim_end_matches(".rs").split('/').collect();
    path.pop_if(|last| matches!(*last, "mod" | "lib"));
    path
}

/// (line, path from the root of the crate) of each path that begins with `crate`, `super`, `self` or a child of the file.
fn inner_paths<'a>(name: &'a str, code: &'a str) -> Vec<(usize, Vec<&'a str>)> {
    let tokens = tokenize(code);
    let children: Vec<&str> = tokens
        .windows(3)
        .filter(|three| three[0].text == "mod" && three[2].text == ";")
        .map(|three| three[1].text)
        .collect();
    let file = module_path(name);
    let mut inline = Vec::new(); // (brace depth, name) of the open inline modules
    let mut depth = 0_usize;
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match tokens[at].text {
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                inline.pop_if(|(opened, _)| *opened == depth);
            }
            "mod" if text_at(&tokens, at + 2) == "{" => {
                inline.push((depth, text_at(&tokens, at + 1)));
            }
            _ => {}
        }
        let first = tokens[at].text;
        let before = text_before(&tokens, at);
        let is_path = is_path_part(first)
            && text_at(&tokens, at + 1) == "::"
            && !matches!(before, "::" | "$");
        // `pub(in super::super)` imports nothing.
        let is_visibility = before == "in" && at > 1 && tokens[at - 2].text == "(";
        if is_path && !is_visibility {
            let mut module = file.clone();
            module.extend(inline.iter().map(|(_, name)| *name));
            let (mut paths, end) = path_tree(&tokens, at);
            if matches!(first, "crate" | "super" | "self")
                || (inline.is_empty() && children.contains(&first))
            {
                found.extend(
                    paths
                        .drain(..)
                        .map(|(line, path)| (line, from_root(&module, &path))),
                );
            }
            at = end;
        } else {
            at += 1;
        }
    }
    found
}

/// The paths of a tree such as `a::{b, c::{self, D}}`, each with its line, and the token behind it.
fn path_tree<'a>(tokens: &[Token<'a>], mut at: usize) -> (Vec<(usize, Vec<&'a str>)>, usize) {
    let mut path = Vec::new();
    let line = tokens[at].line;
    while is_path_part(text_at(tokens, at)) {
        path.push(tokens[at].text);
        at += 1;
        if text_at(tokens, at) != "::" {
            break;
        }
        at += 1;
    }
    if text_at(tokens, at) != "{" || text_before(tokens, at) != "::" {
        return (vec![(line, path)], at);
    }
    let mut paths = Vec::new();
    at += 1;
    while at < tokens.len() && tokens[at].text != "}" {
        if !is_path_part(tokens[at].text) || text_before(tokens, at) == "as" {
            at += 1;
            continue;
        }
        let (inner, end) = path_tree(tokens, at);
        paths.extend(inner.into_iter().map(|(line, rest)| {
            let mut whole = path.clone();
            whole.extend(rest);
            (line, whole)
        }));
        at = end;
    }
    (paths, at + 1)
}

/// A path as written in this module, from the root of the crate.
fn from_root<'a>(module: &[&'a str], path: &[&'a str]) -> Vec<&'a str> {
    let mut whole = module.to_vec();
    for part in path {
        match *part {
            "crate" => whole.clear(),
            "super" => drop(whole.pop()),
            "self" => {}
            part => whole.push(part),
        }
    }
    whole
}

// -- names of types --

/// Types that more than one file can see, and that share their name with one of another file.
fn name_faults(files: &[(&str, String)]) -> Vec<String> {
    let mut places: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, code) in files {
        // Those of the same name in one file are for different systems.
        let types: BTreeMap<&str, usize> = shared_types(code)
            .into_iter()
            .rev()
            .map(|(line, defined)| (defined, line))
            .collect();
        for (defined, line) in types {
            let place = format!("{name}:{line}");
            places.entry(defined).or_default().push(place);
        }
    }
    places.retain(|_, places| places.len() > 1);
    places
        .iter()
        .map(|(name, places)| {
            let (first, others) = (&places[0], places[1..].join(", "));
            format!("{first}: type `{name}` is defined at {others} too")
        })
        .collect()
}

/// (line, name) of each struct, enum, trait and type with a `pub` of any kind.
fn shared_types(code: &str) -> Vec<(usize, &str)> {
    let tokens = tokenize(code);
    let tests = test_modules(code);
    (0..tokens.len())
        .filter(|&at| matches!(tokens[at].text, "struct" | "enum" | "trait" | "type"))
        .filter(|&at| {
            let before = tokens[..at].iter().rev();
            before
                .take_while(|token| !matches!(token.text, ";" | "{" | "}" | "]"))
                .any(|token| token.text == "pub")
        })
        .map(|at| (tokens[at].line, text_at(&tokens, at + 1)))
        // `r#type` names a field.
        .filter(|(_, name)| name.starts_with(char::is_uppercase))
        .filter(|(line, _)| !is_within(&tests, *line))
        .collect()
}

// -- seams --

fn seam_faults(name: &str, code: &str) -> Vec<String> {
    let tokens = tokenize(code);
    let mut findings = Vec::new();
    for (_, hidden) in SEAMS.iter().filter(|(files, _)| name.starts_with(files)) {
        for (i, token) in tokens.iter().enumerate() {
            let in_path = text_before(&tokens, i) == "::" || text_at(&tokens, i + 1) == "::";
            if in_path && hidden.contains(&token.text) {
                let (line, module) = (token.line, token.text);
                findings.push(format!("{name}:{line}: `{module}` is behind a seam"));
            }
        }
    }
    findings
}

/// Tests and measurements that `docs/acceptance.md` names must exist.
#[test]
fn what_the_acceptance_table_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = fs::read_to_string(root.join("docs/acceptance.md")).expect("the table");
    let mut files = rust_files(&root.join("src"));
    files.extend(rust_files(&root.join("tests")));
    let cases = fs::read_dir(root.join("tests/stage")).expect("the cases of the rig");
    let cases = cases.map(|entry| entry.expect("an entry").path());
    files.extend(cases.filter(|path| path.extension().is_some_and(|end| end == "py")));
    let texts = files
        .iter()
        .map(|path| fs::read_to_string(path).expect("a source"));
    let sources: String = texts.collect();
    let named: Vec<&str> = table.split('`').skip(1).step_by(2).collect();
    let is_there = |name: &str| {
        if name.contains('/') {
            root.join(name).exists()
        } else {
            sources.contains(&format!("fn {name}(")) || sources.contains(&format!("def {name}("))
        }
    };
    let is_test = |name: &&str| name.contains('_') || name.contains('/');
    let missing: Vec<_> = named
        .into_iter()
        .filter(is_test)
        .filter(|name| !is_there(name))
        .collect();
    assert!(
        missing.is_empty(),
        "named in docs/acceptance.md and not there: {missing:?}"
    );
}

// -- places of outside crates --

fn place_faults(name: &str, code: &str) -> Vec<String> {
    let tokens = tokenize(code);
    let mut findings = Vec::new();
    for (krate, places) in PLACES {
        let at_home = places
            .iter()
            .any(|place| name == *place || (place.ends_with('/') && name.starts_with(place)));
        // `mod notify;` makes the bare name a module of ours.
        let own_module = tokens
            .windows(2)
            .any(|pair| pair[0].text == "mod" && pair[1].text == *krate);
        if at_home {
            continue;
        }
        for (i, token) in tokens.iter().enumerate() {
            if token.text == *krate && names_a_crate(&tokens, i, own_module) {
                findings.push(format!(
                    "{name}:{}: `{krate}` is named outside {}",
                    token.line,
                    places.join(", ")
                ));
            }
        }
    }
    findings
}

/// Whether the name at this token begins a path (`cpal::`, `::cpal::`) or is imported (`use cpal`).
fn names_a_crate(tokens: &[Token<'_>], at: usize, own_module: bool) -> bool {
    let before = text_before(tokens, at);
    let used = before == "use" || text_at(tokens, at + 1) == "::";
    if before == "::" {
        // `::cpal::X` is the crate; `audio::cpal::X` a module of that name.
        let leads = at < 2 || !is_path_part(tokens[at - 2].text);
        return used && leads;
    }
    used && !own_module && before != "."
}

fn is_path_part(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphanumeric() || c == '_') && text != "use"
}

// -- sizes --

fn size_faults(name: &str, code: &str) -> Vec<String> {
    let mut findings = Vec::new();
    if is_test_file(name) {
        return findings;
    }
    let tests = test_modules(code);
    let test_lines: usize = tests.iter().map(|(first, last)| last - first + 1).sum();
    let lines = code.lines().count() - test_lines;
    let limit = LONGER
        .iter()
        .find(|(file, ..)| *file == name)
        .map_or(FILE_LINES, |(_, limit, _)| *limit);
    if lines > limit {
        findings.push(format!(
            "{name}:1: {lines} lines of code beside its tests, {limit} are the limit"
        ));
    }
    if name.starts_with("conversation/") {
        findings.extend(field_faults(name, code));
    }
    for (line, function, length) in functions(code) {
        if length > FUNCTION_LINES && !is_within(&tests, line) {
            findings.push(format!(
                "{name}:{line}: fn {function} has {length} lines, {FUNCTION_LINES} are the limit"
            ));
        }
    }
    findings
}

/// Structs with too many named fields.
fn field_faults(name: &str, code: &str) -> Vec<String> {
    let tokens = tokenize(code);
    let mut findings = Vec::new();
    for at in 0..tokens.len() {
        if tokens[at].text != "struct" || text_at(&tokens, at + 2) != "{" {
            continue;
        }
        let (mut depth, mut fields) = (0_usize, 0);
        for token in &tokens[at + 2..] {
            match token.text {
                "{" | "(" | "[" | "<" => depth += 1,
                "}" | ")" | "]" | ">" => depth = depth.saturating_sub(1),
                ":" if depth == 1 => fields += 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        let name_of = text_at(&tokens, at + 1);
        let is_data = MORE_FIELDS.iter().any(|(data, _)| *data == name_of);
        if fields > FIELDS && !is_data {
            findings.push(format!(
                "{name}:{}: struct {name_of} has {fields} fields, {FIELDS} are the limit",
                tokens[at].line
            ));
        }
    }
    findings
}

fn is_test_file(name: &str) -> bool {
    let stem = name
        .rsplit('/')
        .next()
        .unwrap_or(name)
        .trim_end_matches(".rs");
    stem == "tests" || stem.ends_with("_tests") || name.contains("/tests/")
}

/// First and last lines of the `#[cfg(test)]` modules.
fn test_modules(code: &str) -> Vec<(usize, usize)> {
    let tokens = tokenize(code);
    (0..tokens.len())
        .filter(|&i| starts_test_module(&tokens, i))
        .filter_map(|i| Some((tokens[i].line, block_end(&tokens, i)?)))
        .collect()
}

fn is_within(blocks: &[(usize, usize)], line: usize) -> bool {
    blocks
        .iter()
        .any(|(first, last)| (first..=last).contains(&&line))
}

/// `#[cfg(test)] mod name {` begins at this token.
fn starts_test_module(tokens: &[Token<'_>], at: usize) -> bool {
    let texts = ["#", "[", "cfg", "(", "test", ")", "]"];
    texts
        .iter()
        .enumerate()
        .all(|(k, text)| text_at(tokens, at + k) == *text)
        && (at + 7..(at + 60).min(tokens.len()))
            .find(|&i| {
                matches!(
                    tokens[i].text,
                    "mod" | "fn" | "use" | "struct" | "impl" | ";"
                )
            })
            .is_some_and(|i| tokens[i].text == "mod" && text_at(tokens, i + 2) == "{")
}

/// (line, name, lines) of each function with a body.
fn functions(code: &str) -> Vec<(usize, String, usize)> {
    let tokens = tokenize(code);
    (0..tokens.len())
        .filter(|&i| tokens[i].text == "fn" && text_at(&tokens, i + 1) != "(")
        .filter_map(|i| {
            let end = block_end(&tokens, i)?;
            Some((
                tokens[i].line,
                text_at(&tokens, i + 1).to_owned(),
                end - tokens[i].line + 1,
            ))
        })
        .collect()
}

/// The line of the brace that closes the next block, or none where `;` ends the item first.
fn block_end(tokens: &[Token<'_>], from: usize) -> Option<usize> {
    let (mut braces, mut others) = (0_usize, 0_usize);
    for token in &tokens[from..] {
        match token.text {
            "(" | "[" => others += 1,
            ")" | "]" => others = others.saturating_sub(1),
            "{" => braces += 1,
            "}" => {
                braces = braces.saturating_sub(1);
                if braces == 0 {
                    return Some(token.line);
                }
            }
            ";" if braces == 0 && others == 0 => return None,
            _ => {}
        }
    }
    None
}

// -- reading Rust, as far as the above needs it --

struct Token<'a> {
    line: usize,
    text: &'a str,
}

fn text_at<'a>(tokens: &[Token<'a>], at: usize) -> &'a str {
    tokens.get(at).map_or("", |token| token.text)
}

fn text_before<'a>(tokens: &[Token<'a>], at: usize) -> &'a str {
    at.checked_sub(1)
        .map_or("", |before| text_at(tokens, before))
}

/// Names, `::`, and single characters, each with its line (from 1).
fn tokenize(code: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    for (number, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let word = |c: char| c.is_alphanumeric() || c == '_';
            let length = if word(first) {
                rest.find(|c| !word(c)).unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            tokens.push(Token {
                line: number + 1,
                text: &rest[..length],
            });
            rest = rest[length..].trim_start();
        }
    }
    tokens
}

/// The same text with comments, strings and characters made spaces; lines stay where they are.
fn blank_comments_and_strings(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < bytes.len() {
        let length = blank_length(&text[at..], bytes[..at].last().copied());
        if length == 0 {
            let next = text[at..].chars().next().map_or(1, char::len_utf8);
            out.push_str(&text[at..at + next]);
            at += next;
        } else {
            out.extend(
                text[at..at + length]
                    .chars()
                    .map(|c| if c == '\n' { '\n' } else { ' ' }),
            );
            at += length;
        }
    }
    out
}

/// How many bytes from here are a comment, a string or a character; 0 where code begins.
fn blank_length(rest: &str, before: Option<u8>) -> usize {
    let after_word = before.is_some_and(|b| b.is_ascii_alphanumeric() || b == b'_');
    if rest.starts_with("//") {
        rest.find('\n').unwrap_or(rest.len())
    } else if rest.starts_with("/*") {
        block_comment(rest)
    } else if rest.starts_with('"') {
        quoted(rest, 1, '"')
    } else if rest.starts_with('\'') {
        character(rest)
    } else if !after_word && rest.starts_with(['r', 'b', 'c']) {
        prefixed_string(rest)
    } else {
        0
    }
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// `b"…"`, `r#"…"#`, `br"…"`, `b'…'`.
fn prefixed_string(rest: &str) -> usize {
    let prefix = rest
        .find(|c| !matches!(c, 'r' | 'b' | 'c'))
        .unwrap_or(rest.len());
    let raw = rest[..prefix].contains('r');
    let hashes = rest[prefix..].len() - rest[prefix..].trim_start_matches('#').len();
    let body = prefix + hashes;
    if prefix > 2 || !rest[body..].starts_with(['"', '\'']) || (hashes > 0 && !raw) {
        return 0;
    }
    if raw && rest[body..].starts_with('"') {
        let close = format!("\"{}", "#".repeat(hashes));
        return rest[body + 1..]
            .find(&close)
            .map_or(rest.len(), |end| body + 1 + end + close.len());
    }
    if rest[body..].starts_with('"') {
        quoted(rest, body + 1, '"')
    } else {
        body + character(&rest[body..])
    }
}

fn quoted(rest: &str, from: usize, close: char) -> usize {
    let mut escaped = false;
    for (offset, c) in rest[from..].char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == close => return from + offset + close.len_utf8(),
            _ => {}
        }
    }
    rest.len()
}

/// A character literal; 0 for a lifetime.
fn character(rest: &str) -> usize {
    let mut chars = rest.chars().skip(1);
    match (chars.next(), chars.next()) {
        (Some('\\'), _) => quoted(rest, 1, '\''),
        (Some(c), Some('\'')) => 2 + c.len_utf8(),
        _ => 0,
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("src is readable") {
        let path = entry.expect("an entry of src is readable").path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

// -- the checker finds what is planted --

#[test]
fn upward_and_sideways_paths_are_found() {
    for (name, code, wanted) in [
        (
            "turn/machine.rs",
            "use crate::conversation::Command;",
            "turn/machine.rs:1: `turn` (layer 1) uses `conversation` above it",
        ),
        (
            "settings/watch.rs",
            "\nfn f() { crate::server::start() }",
            "settings/watch.rs:2: `settings` uses its sibling `server`",
        ),
        (
            "dsp/mod.rs",
            "use crate::{base::Frame,\n    vad::{Detector, x}};",
            "dsp/mod.rs:2: `dsp` uses its sibling `vad`",
        ),
        (
            "dsp/level.rs",
            "use super::super::audio::X;",
            "`dsp` (layer 1) uses `audio` above it",
        ),
        (
            "dsp/mod.rs",
            "use super::audio::X;",
            "`dsp` (layer 1) uses `audio` above it",
        ),
        (
            "dsp/level.rs",
            "mod tests { use super::super::super::ui; }",
            "`dsp` (layer 1) uses `ui` above it",
        ),
        (
            "base/ring.rs",
            "pub(crate) use crate::turn;",
            "`base` (layer 0) uses `turn` above it",
        ),
        ("novel/mod.rs", "", "module `novel` has no layer"),
    ] {
        finds(name, code, wanted);
    }
}

#[test]
fn downward_paths_and_mere_words_pass() {
    for (name, code) in [
        (
            "conversation/mod.rs",
            "use crate::{audio::X, base::Y, provider};\nuse super::server;",
        ),
        (
            "turn/machine.rs",
            "// crate::conversation is told\n/* crate::ui */ const S: &str = \"crate::ui::x\";",
        ),
        (
            "turn/machine.rs",
            "const S: &str = r#\"a \" crate::ui\"#; const C: char = '\"'; use crate::base::X;",
        ),
        (
            "turn/machine.rs",
            "use super::timeline; mod tests { use super::super::Mark; }",
        ),
        (
            "turn/machine.rs",
            "fn f<'a>(x: &'a str) -> char { 'x' } use crate::turn::Mark;",
        ),
        ("main.rs", "use sovereign::ui; use crate::ui;"),
    ] {
        assert_eq!(
            check_file(name, code),
            Vec::<String>::new(),
            "{name}: {code}"
        );
    }
}

#[test]
fn what_is_behind_a_seam_is_found_before_it() {
    for (name, code, wanted) in [
        (
            "conversation/on_provider.rs",
            "\nuse crate::provider::{Event, gemini::message::ServerMessage};",
            "conversation/on_provider.rs:2: `gemini` is behind a seam",
        ),
        (
            "provider/connection/socket.rs",
            "use super::super::gemini::close;",
            "`gemini` is behind a seam",
        ),
    ] {
        finds(name, code, wanted);
    }
    let code = "use crate::provider::{Event, gemini};";
    assert_eq!(
        check_file("cli/start_conversation.rs", code),
        Vec::<String>::new()
    );
}

#[test]
fn outside_crates_are_found_away_from_their_place() {
    for (name, code, wanted) in [
        (
            "audio/mod.rs",
            "use cpal::Device;",
            "`cpal` is named outside audio/cpal.rs",
        ),
        (
            "audio/stream_manager.rs",
            "fn f() -> ::cpal::Host {}",
            "audio/stream_manager.rs:1: `cpal` is named",
        ),
        (
            "audio/mod.rs",
            "mod cpal; fn f(x: ::cpal::X) {}",
            "`cpal` is named",
        ),
        (
            "conversation/mod.rs",
            "fn f(c: egui::Context) {}",
            "`egui` is named outside ui/",
        ),
        (
            "conversation/mod.rs",
            "use tokio_tungstenite::connect;",
            "`tokio_tungstenite` is named outside provider/, server/",
        ),
        (
            "profile/raw.rs",
            "let v: serde_yaml::Value = x;",
            "`serde_yaml` is named outside base/yaml.rs",
        ),
    ] {
        finds(name, code, wanted);
    }
    for (name, code) in [
        ("audio/cpal.rs", "use cpal::Device;"),
        (
            "audio/mod.rs",
            "mod cpal; use self::cpal::Cpal; fn f() { cpal::open() }",
        ),
        (
            "audio/stream_manager.rs",
            "use crate::audio::cpal::Cpal; fn f(x: super::cpal::Cpal) { wake.notify() }",
        ),
    ] {
        assert_eq!(
            check_file(name, code),
            Vec::<String>::new(),
            "{name}: {code}"
        );
    }
}

#[test]
fn long_files_and_functions_are_found() {
    let body = "    x();\n".repeat(79);
    let long = format!(
        "fn short() {{}}\n\n/// Doc {{\nfn long(s: [u8; 2]) -> bool\nwhere\n    X: Y,\n{{\n{body}}}\n"
    );
    finds(
        "dsp/level.rs",
        &long,
        "dsp/level.rs:4: fn long has 84 lines",
    );
    finds(
        "dsp/level.rs",
        &"const X: u8 = 1;\n".repeat(501),
        "dsp/level.rs:1: 501 lines of code",
    );

    let tested = format!(
        "{}#[cfg(test)]\nmod tests {{\n{}}}\n",
        "type X = u8;\n".repeat(400),
        "type Y = u8;\n".repeat(400)
    );
    assert_eq!(check_file("dsp/level.rs", &tested), Vec::<String>::new());
    assert_eq!(
        check_file("dsp/level_tests.rs", &"type X = u8;\n".repeat(900)),
        Vec::<String>::new()
    );
    let table = format!(
        "fn a() {{}}\n#[cfg(test)]\nmod tests {{\n    #[test]\n    fn table() {{\n{body}{body}    }}\n}}\n"
    );
    assert_eq!(check_file("dsp/level.rs", &table), Vec::<String>::new());
    finds(
        "dsp/level.rs",
        &table.replace("#[cfg(test)]", "#[cfg(unix)]"),
        "fn table has 160 lines",
    );
    let trait_only = format!(
        "trait T {{ fn f(&self); }}\n{}",
        "type X = u8;\n".repeat(200)
    );
    assert_eq!(
        check_file("dsp/level.rs", &trait_only),
        Vec::<String>::new()
    );
}

#[test]
fn structs_of_the_conversation_with_many_fields_are_found() {
    let fields: String = (0..16).map(|n| format!("    a{n}: Map<A, B>,\n")).collect();
    let many = format!("/// Doc.\npub(super) struct Many {{\n{fields}}}\n");
    finds(
        "conversation/turns.rs",
        &many,
        "conversation/turns.rs:2: struct Many has 16 fields",
    );
    let fewer = many.replace("    a3: Map<A, B>,\n", "");
    for (name, code) in [
        ("conversation/turns.rs", &fewer),
        ("dsp/level.rs", &many),
        ("conversation/turns.rs", &many.replace("Many", "TurnNotes")),
    ] {
        assert_eq!(check_file(name, code), Vec::<String>::new(), "{name}");
    }
}

/// What is wrong between these files.
fn between(files: &[(&str, &str)]) -> Vec<String> {
    let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    check_files(&files.iter().map(owned).collect::<Vec<_>>())
}

#[test]
fn import_cycles_are_found() {
    for (files, wanted) in [
        (
            // Through `use super::…`.
            vec![
                ("dsp/mod.rs", "mod level;\npub use level::Level;"),
                ("dsp/level.rs", "\nuse super::Rate;"),
            ],
            "dsp/mod.rs:2: import cycle: dsp/mod.rs -> dsp/level.rs -> dsp/mod.rs",
        ),
        (
            // Through groups of paths, over three files.
            vec![
                ("turn/a.rs", "use crate::{base::X, turn::{b::{self, B}}};"),
                ("turn/b.rs", "use super::{d, c::C as D};"),
                ("turn/c.rs", "\nuse crate::{turn::{a::{A}}};"),
                ("turn/d.rs", ""),
            ],
            "turn/a.rs:1: import cycle: turn/a.rs -> turn/b.rs -> turn/c.rs -> turn/a.rs",
        ),
        (
            // By paths in a body: of a child, and from within a module of the file.
            vec![
                ("vad/rise.rs", "mod find;\nfn f() { find::best::<u8>() }"),
                (
                    "vad/rise/find.rs",
                    "mod inner { fn g(x: super::super::Rise) {} }",
                ),
            ],
            "vad/rise.rs:2: import cycle: vad/rise.rs -> vad/rise/find.rs -> vad/rise.rs",
        ),
    ] {
        assert_eq!(between(&files), [wanted]);
    }
}

#[test]
fn imports_that_lead_back_to_no_file_pass() {
    let files = [
        ("dsp/mod.rs", "mod level;\npub use level::Level;"),
        // Tests may look at anything, visibility and comments import nothing, `mod` alone is no use.
        (
            "dsp/level.rs",
            "mod rate;\nmod inner { use super::*; pub(in super::super) fn f() {} }\n// super::Level\n\
             #[cfg(test)]\nmod tests {\n    use super::super::Level;\n}",
        ),
        (
            "dsp/level/rate.rs",
            "use super::super::level; fn f(x: &str) {}",
        ),
        ("dsp/level/tests.rs", "use crate::dsp::Level;"),
    ];
    assert_eq!(between(&files), Vec::<String>::new());
}

#[test]
fn types_with_the_name_of_another_are_found() {
    let files = [
        ("dsp/mod.rs", "pub struct Level(pub f32);\nstruct Own;"),
        (
            "vad/mod.rs",
            "\n#[derive(Debug)]\npub(super) enum Level { A }\nenum Own { A }",
        ),
        (
            "turn/mod.rs",
            "struct Level { pub r#type: Own }\n#[cfg(test)]\nmod tests {\n    pub struct Level;\n}",
        ),
        (
            "cli/signal.rs",
            "#[cfg(unix)]\nmod unix { pub struct Stop; }\n#[cfg(windows)]\nmod windows { pub struct Stop; }",
        ),
    ];
    assert_eq!(
        between(&files),
        ["dsp/mod.rs:1: type `Level` is defined at vad/mod.rs:3 too"]
    );
}

fn finds(name: &str, code: &str, wanted: &str) {
    let found = check_file(name, code);
    assert!(
        found.iter().any(|line| line.contains(wanted)),
        "{name}: {code:.60}: wanted {wanted:?}, found {found:?}"
    );
}
