//! Changes one key of a YAML text and leaves the rest as it is.
//!
//! YAML has many notations for one value, so this only makes proposals: each differs from the text in the value of the key
//! alone, but may have another meaning than intended. The caller parses them and takes the first with the right meaning, or
//! none. Comments, order, blank lines, line ends and a byte order mark stay.

use super::Text;

/// `text` with `key` set to `value`, which is YAML on one line, in several ways; with the key taken back where there is no
/// value. `key` is dotted.
pub fn proposals(text: &str, key: &str, value: Option<&str>) -> Vec<String> {
    let (mark, bare) = match text.strip_prefix('\u{feff}') {
        Some(bare) => ("\u{feff}", bare),
        None => ("", text),
    };
    let Ok((read, _)) = Text::by_keys("", bare.as_bytes()) else {
        return Vec::new();
    };
    let editor = Editor { text: bare, read };
    let edited = match value {
        Some(value) => editor.set(key, value),
        None => editor.take_back(key),
    };
    edited
        .into_iter()
        .map(|edited| format!("{mark}{edited}"))
        .collect()
}

struct Editor<'a> {
    text: &'a str,
    /// `None` where only comments are written.
    read: Option<Text<'a>>,
}

impl Editor<'_> {
    fn set(&self, key: &str, value: &str) -> Vec<String> {
        if self.key_start(key).is_some() {
            return self.replaced(key, value);
        }
        let mut entry = format!("{key}: {value}");
        let mut parts: Vec<&str> = key.split('.').collect();
        // Into the innermost group that is there, with those within it that are not.
        while let Some(name) = parts.pop() {
            if parts.is_empty() {
                break;
            }
            entry = match entry.strip_prefix(&format!("{key}: ")) {
                Some(value) => format!("{name}: {value}"),
                None => format!("{name}: {{{entry}}}"),
            };
            let group = parts.join(".");
            if self.key_start(&group).is_some() {
                return self.added_to_group(&group, &entry);
            }
        }
        match key.split_once('.') {
            None => self.added(&entry, &entry),
            Some((group, _)) => {
                let block = format!("{group}:{}  {entry}", self.line_end());
                self.added(&block, &format!("{group}: {{{entry}}}"))
            }
        }
    }

    /// Without the key's line; where that is not possible, with an empty value.
    fn take_back(&self, key: &str) -> Vec<String> {
        let Some(start) = self.key_start(key) else {
            return vec![self.text.to_owned()];
        };
        // A group with nothing in it may mean something else than none.
        let emptied = key.rsplit_once('.').filter(|(group, _)| {
            let keys = self.read.as_ref().map(|read| read.keys(group));
            keys.is_some_and(|keys| keys.len() == 1)
        });
        let without_group = emptied.map(|(group, _)| self.take_back(group));
        let without = || {
            let value = self.value_start(key)?;
            let end = match self.end_of_lines(key, value) {
                Some(end) => end,
                None => {
                    let rest = self.line_at(value);
                    value + scalar_length(rest, false).or_else(|| braces_length(rest))?
                }
            };
            let line = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
            if !self.text[line..start].trim().is_empty() || self.text[start..end].contains('#') {
                return None;
            }
            let rest = self.line_at(end);
            let comment = rest.trim_start();
            let next = end + rest.len();
            // A comment beside the value stays, on a line of its own.
            let (from, to) = if comment.is_empty() {
                (line, next + self.break_at(next))
            } else {
                (start, next - comment.len())
            };
            Some(self.with(from, to, ""))
        };
        let without_group = without_group.into_iter().flatten();
        let without = without().into_iter();
        without_group
            .chain(without)
            .chain(self.replaced(key, "null"))
            .collect()
    }

    /// The value of a key that is written replaced by another one.
    fn replaced(&self, key: &str, value: &str) -> Vec<String> {
        let mut proposals = Vec::new();
        if let Some(start) = self.value_start(key) {
            let start = start + anchor_length(self.line_at(start));
            let rest = self.line_at(start);
            let lengths = [false, true].map(|in_braces| scalar_length(rest, in_braces));
            for length in lengths.into_iter().flatten() {
                proposals.push(self.with(start, start + length, value));
            }
            if let Some(end) = self.end_of_lines(key, start) {
                // The head of a block text may have a comment behind it.
                let head = rest.split_whitespace().next().map_or(0, str::len);
                let folded = rest.starts_with(['|', '>']);
                let head = if folded { head } else { rest.len() };
                let (from, line) = (start + head, start + rest.len());
                let kept = &self.text[from..line];
                proposals.push(self.with(start, end, &format!("{value}{kept}")));
            }
        }
        // Nothing is written behind the colon.
        if let Some(start) = self.key_start(key)
            && let Some(colon) = self.text[start..].find(':')
        {
            let at = start + colon + 1;
            proposals.push(self.with(at, at, &format!(" {value}")));
        }
        proposals
    }

    /// A line at the end of the document, or an entry at the beginning of one in braces.
    fn added(&self, block: &str, braces: &str) -> Vec<String> {
        let root = self.read.as_ref().and_then(|read| read.place(""));
        let root = root.and_then(|place| self.offset(place));
        if let Some(start) = root.filter(|start| self.text[*start..].starts_with('{')) {
            return self.in_braces(start, braces);
        }
        let first = self.read.as_ref().and_then(|read| {
            let key = read.keys("").into_iter().next()?;
            read.find(&[&key], true)
        });
        let indent = " ".repeat(first.map_or(0, |(_, column)| column - 1));
        let end = self.line_end();
        let block = block.replace(end, &format!("{end}{indent}"));
        let at = self.end_of_document();
        let before = match self.text[..at].chars().last() {
            None | Some('\n') => "",
            Some(_) => end,
        };
        vec![self.with(at, at, &format!("{before}{indent}{block}{end}"))]
    }

    fn added_to_group(&self, group: &str, line: &str) -> Vec<String> {
        let mut proposals = Vec::new();
        if let Some(start) = self.value_start(group) {
            if self.text[start..].starts_with('{') {
                return self.in_braces(start, line);
            }
            // Before the first entry, on a line of its own.
            let begin = self.text[..start].rfind('\n').map_or(0, |at| at + 1);
            let indent = &self.text[begin..start];
            if indent.trim().is_empty() {
                let entry = format!("{indent}{line}{}", self.line_end());
                proposals.push(self.with(begin, begin, &entry));
            }
        }
        // A group with nothing in it.
        proposals.extend(self.replaced(group, &format!("{{{line}}}")));
        proposals
    }

    fn in_braces(&self, start: usize, entry: &str) -> Vec<String> {
        let at = start + 1;
        let comma = if self.text[at..].trim_start().starts_with('}') {
            ""
        } else {
            ", "
        };
        vec![self.with(at, at, &format!("{entry}{comma}"))]
    }

    /// The end of a value that continues in the next lines; `None` if it does not.
    fn end_of_lines(&self, key: &str, start: usize) -> Option<usize> {
        let rest = self.line_at(start);
        let first = rest.chars().next()?;
        if matches!(first, '"' | '\'') {
            return quoted_length(&self.text[start..], first).map(|length| start + length);
        }
        let (_, column) = self.read.as_ref()?.key_place(key)?;
        let is_block = matches!(first, '|' | '>');
        let mut end = start + rest.len();
        let mut at = end + self.break_at(end);
        while at < self.text.len() {
            let line = self.line_at(at);
            let text = line.trim_start();
            let deeper = line.len() - text.len() >= column;
            if !text.is_empty() && (!deeper || (!is_block && text.starts_with('#'))) {
                break;
            }
            at += line.len();
            if !text.is_empty() {
                end = at;
            }
            at += self.break_at(at);
        }
        // Comments between the items of a list would go with them.
        let value = &self.text[start..end];
        let loses = !is_block && [" #", "\t#"].iter().any(|sign| value.contains(sign));
        (end > start + rest.len() && !loses).then_some(end)
    }

    /// Where a line can be added: before `...`, else at the end.
    fn end_of_document(&self) -> usize {
        let mut at = 0;
        for line in self.text.split_inclusive('\n') {
            let marker = line.strip_prefix("...");
            if marker
                .is_some_and(|rest| rest.trim_start().is_empty() || rest.starts_with([' ', '\t']))
            {
                return at;
            }
            at += line.len();
        }
        at
    }

    fn key_start(&self, key: &str) -> Option<usize> {
        self.offset(self.read.as_ref()?.key_place(key)?)
    }

    fn value_start(&self, key: &str) -> Option<usize> {
        let value = self.offset(self.read.as_ref()?.place(key)?)?;
        let start = self.key_start(key)?;
        if value > start {
            return Some(value);
        }
        // For an alias the parser reports the position of the other value.
        let behind = start + self.text[start..].find(':')? + 1;
        let rest = self.line_at(behind);
        let alias = rest.trim_start();
        alias
            .starts_with('*')
            .then(|| behind + rest.len() - alias.len())
    }

    fn offset(&self, (line, column): (usize, usize)) -> Option<usize> {
        let lines = self.text.split_inclusive('\n').take(line - 1);
        let start: usize = lines.map(str::len).sum();
        let rest = self.text.get(start..)?;
        let within = rest.char_indices().nth(column - 1);
        Some(start + within.map_or(rest.len(), |(at, _)| at))
    }

    /// The rest of a line, without its end.
    fn line_at(&self, at: usize) -> &str {
        let line = self.text[at..].split('\n').next().unwrap_or("");
        line.strip_suffix('\r').unwrap_or(line)
    }

    /// Length of the line end at this position.
    fn break_at(&self, at: usize) -> usize {
        let rest = &self.text[at..];
        ["\r\n", "\n"]
            .into_iter()
            .find(|end| rest.starts_with(end))
            .map_or(0, str::len)
    }

    /// How the text ends its lines.
    fn line_end(&self) -> &'static str {
        if self.text.contains("\r\n") {
            "\r\n"
        } else {
            "\n"
        }
    }

    fn with(&self, from: usize, to: usize, new: &str) -> String {
        format!("{}{new}{}", &self.text[..from], &self.text[to..])
    }
}

/// An anchor and the blanks behind it: other lines may refer to it.
fn anchor_length(rest: &str) -> usize {
    let Some(name) = rest.strip_prefix('&') else {
        return 0;
    };
    let end = name.find(char::is_whitespace).unwrap_or(name.len());
    let value = name[end..].trim_start();
    rest.len() - value.len()
}

/// How many bytes of `rest`, the end of a line, are the value that it begins with, in braces or not; `None` for anything but
/// an alias, a list in brackets, or a plain or quoted scalar that ends on this line.
fn scalar_length(rest: &str, in_braces: bool) -> Option<usize> {
    let first = rest.chars().next()?;
    match first {
        '"' | '\'' => quoted_length(rest, first),
        '[' => rest.find(']').map(|end| end + 1),
        '|' | '>' | '{' | '&' | '!' | '#' => None,
        _ => {
            let rest = rest.find(" #").map_or(rest, |comment| &rest[..comment]);
            let rest = rest.find("\t#").map_or(rest, |comment| &rest[..comment]);
            let end = rest.find([',', '}']).filter(|_| in_braces);
            Some(end.map_or(rest, |end| &rest[..end]).trim_end().len())
        }
    }
}

/// How many bytes a group in braces has that ends on this line and holds plain values alone.
fn braces_length(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix('{')?;
    let end = inner.find('}')?;
    let is_plain = !inner[..end].contains(['{', '"', '\'', '#']);
    is_plain.then_some(end + 2)
}

/// How many bytes a quoted text has, with its quotes.
fn quoted_length(rest: &str, quote: char) -> Option<usize> {
    let mut within = rest.char_indices().skip(1).peekable();
    while let Some((at, c)) = within.next() {
        match (quote, c) {
            ('"', '\\') => drop(within.next()),
            ('\'', '\'') if within.peek().is_some_and(|(_, next)| *next == '\'') => {
                within.next();
            }
            (quote, c) if quote == c => return Some(at + 1),
            _ => {}
        }
    }
    None
}
