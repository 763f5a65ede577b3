//! Rows that nothing leads to any more: where the upper page of a table is torn, its leaves are found by reading all pages.
//! (<https://sqlite.org/fileformat2.html>)

use std::io::{Read, Seek, SeekFrom};

use rusqlite::types::Value;

/// Our files have pages of this size, without reserved bytes.
const PAGE: usize = 4_096;
/// The first page begins with the header of the file.
const FILE_HEADER: usize = 100;
/// A page with rows of a table.
const LEAF: u8 = 13;
/// Longer rows are not real.
const MOST: usize = 1 << 30;

/// Gives the rows in the leaves of all tables, in no order. What makes no sense is left out.
pub(super) fn each_row(mut file: impl Read + Seek, mut each: impl FnMut(&[Value])) {
    let mut number = 1;
    while let Some(page) = page(&mut file, number) {
        let start = if number == 1 { FILE_HEADER } else { 0 };
        if page.get(start) == Some(&LEAF) {
            let cells = big_endian(&page, start + 3, 2).unwrap_or(0);
            for cell in 0..cells {
                let row = big_endian(&page, start + 8 + 2 * cell, 2)
                    .and_then(|at| payload(&mut file, &page, at))
                    .and_then(|payload| values(&payload));
                if let Some(row) = row {
                    each(&row);
                }
            }
        }
        number += 1;
    }
}

fn page(file: &mut (impl Read + Seek), number: usize) -> Option<Vec<u8>> {
    let start = number.checked_sub(1)?.checked_mul(PAGE)?;
    file.seek(SeekFrom::Start(start.try_into().ok()?)).ok()?;
    let mut page = vec![0; PAGE];
    file.read_exact(&mut page).ok()?;
    Some(page)
}

/// The bytes of a row, with those on other pages.
fn payload(file: &mut (impl Read + Seek), page: &[u8], mut at: usize) -> Option<Vec<u8>> {
    let length = usize::try_from(varint(page, &mut at)?).ok()?;
    varint(page, &mut at)?;
    let most = PAGE - 35;
    if length <= most {
        return Some(page.get(at..at + length)?.to_vec());
    }
    if length > MOST {
        return None;
    }
    let least = (PAGE - 12) * 32 / 255 - 23;
    let fitting = least + (length - least) % (PAGE - 4);
    let here = if fitting <= most { fitting } else { least };
    let mut payload = page.get(at..at + here)?.to_vec();
    let mut next = big_endian(page, at + here, 4)?;
    while payload.len() < length {
        let further = self::page(file, next)?;
        next = big_endian(&further, 0, 4)?;
        let rest = (length - payload.len()).min(PAGE - 4);
        payload.extend_from_slice(&further[4..4 + rest]);
    }
    Some(payload)
}

/// The columns of a row.
fn values(payload: &[u8]) -> Option<Vec<Value>> {
    let mut head = 0;
    let head_length = usize::try_from(varint(payload, &mut head)?).ok()?;
    let mut at = head_length;
    let mut values = Vec::new();
    while head < head_length {
        let kind = varint(payload, &mut head)?;
        let length = match kind {
            0 | 8 | 9 => 0,
            1..=4 => usize::try_from(kind).ok()?,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return None,
            _ => usize::try_from((kind - 12) / 2).ok()?,
        };
        let bytes = payload.get(at..at.checked_add(length)?)?;
        at += length;
        values.push(match kind {
            0 => Value::Null,
            8 | 9 => Value::Integer(kind.cast_signed() - 8),
            1..=6 => Value::Integer(signed(bytes)),
            7 => Value::Real(f64::from_be_bytes(bytes.try_into().ok()?)),
            _ if kind % 2 == 0 => Value::Blob(bytes.to_vec()),
            _ => Value::Text(String::from_utf8(bytes.to_vec()).ok()?),
        });
    }
    Some(values)
}

/// Seven bits a byte, the highest first; the ninth byte has eight.
fn varint(bytes: &[u8], at: &mut usize) -> Option<u64> {
    let mut number = 0;
    for count in 1..=9 {
        let byte = *bytes.get(*at)?;
        *at += 1;
        if count == 9 {
            return Some(number << 8 | u64::from(byte));
        }
        number = number << 7 | u64::from(byte & 0x7f);
        if byte < 0x80 {
            break;
        }
    }
    Some(number)
}

/// A number of at most eight bytes.
fn signed(bytes: &[u8]) -> i64 {
    let sign = if bytes.first().is_some_and(|byte| *byte >= 0x80) {
        -1
    } else {
        0
    };
    bytes
        .iter()
        .fold(sign, |number, byte| number << 8 | i64::from(*byte))
}

fn big_endian(bytes: &[u8], at: usize, length: usize) -> Option<usize> {
    let bytes = bytes.get(at..at + length)?;
    Some(
        bytes
            .iter()
            .fold(0, |number, byte| number << 8 | usize::from(*byte)),
    )
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;
    use rusqlite::{Connection, MAIN_DB};

    use super::*;

    #[test]
    fn all_rows_of_a_whole_file_are_found() {
        let mut made = Connection::open_in_memory().expect("made");
        made.execute_batch("CREATE TABLE t(a, b, c)").expect("made");
        let numbers = [
            0,
            1,
            -1,
            127,
            -128,
            300,
            1 << 20,
            -(1 << 28),
            1 << 40,
            i64::MAX,
            i64::MIN,
        ];
        let mut expected = Vec::new();
        for (number, length) in numbers.into_iter().zip(
            [0, 1, 4_000, 4_061, 4_062, 9_000, 100_000]
                .into_iter()
                .cycle(),
        ) {
            let (text, blob) = ("x".repeat(length), vec![7; length / 2]);
            made.execute("INSERT INTO t VALUES(?, ?, ?)", (number, &text, &blob))
                .expect("kept");
            expected.push(vec![
                Value::Integer(number),
                Value::Text(text),
                Value::Blob(blob),
            ]);
        }
        let bytes = made.serialize(MAIN_DB).expect("bytes");
        let mut found = Vec::new();
        each_row(Cursor::new(&*bytes), |row| {
            if row.len() == 3 {
                found.push(row.to_vec());
            }
        });
        assert!(
            found == expected,
            "{} rows of {}",
            found.len(),
            expected.len()
        );
    }

    proptest! {
        #[test]
        fn no_bytes_are_a_fault(mut bytes in prop::collection::vec(any::<u8>(), 3 * PAGE), cells in any::<u8>()) {
            for page in 1..3 {
                bytes[page * PAGE..page * PAGE + 5].copy_from_slice(&[LEAF, 0, 0, 0, cells]);
            }
            each_row(Cursor::new(&bytes), |_| {});
        }
    }
}
