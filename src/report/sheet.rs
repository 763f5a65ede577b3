//! The turns of a run as CSV (RFC 4180), one line each.

use super::results::{LATENCIES, TurnRow};
use crate::base::printable::cell;

/// A head and a line for each turn; times in milliseconds, unknown ones empty.
pub fn turns(turns: &[TurnRow]) -> Result<String, csv::Error> {
    let mut lines = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::new());
    let mut head = [
        "profile",
        "conversation",
        "turn",
        "at_s",
        "outcome",
        "error",
    ]
    .join(",");
    for name in LATENCIES {
        head.push_str(&format!(",{name}_ms"));
    }
    head.push_str(",underruns,cut_offs,capture_dropped,prompt_tokens,response_tokens,other_tokens");
    head.push_str(",thought_tokens,model,cost_usd,cost_is_upper_bound");
    lines.write_record(head.split(','))?;
    for turn in turns {
        let number =
            |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:.1}"));
        let mut line = vec![
            cell(&turn.profile).into_owned(),
            turn.conversation.to_string(),
            turn.number.to_string(),
            format!("{:.3}", turn.at_s),
            cell(&turn.outcome).into_owned(),
            cell(turn.error.as_deref().unwrap_or_default()).into_owned(),
        ];
        line.extend(turn.latency_ms.iter().map(|value| number(*value)));
        line.extend([turn.underruns, turn.cut_offs, turn.capture_dropped].map(|n| n.to_string()));
        let tokens = turn
            .tokens
            .map(|counts| [counts.prompt.sum(), counts.written()]);
        line.extend(tokens.map_or_else(Default::default, |both| both.map(|n| n.to_string())));
        line.push(turn.other_tokens.sum().to_string());
        let thoughts = turn.tokens.map(|counts| counts.thoughts.to_string());
        line.push(thoughts.unwrap_or_default());
        line.push(cell(&turn.model).into_owned());
        let cost = turn.cost;
        line.push(cost.map_or_else(String::new, |cost| format!("{:.6}", cost.rounded(6))));
        line.push(cost.map_or_else(String::new, |cost| cost.at_most.to_string()));
        lines.write_record(line)?;
    }
    let bytes = lines.into_inner().map_err(|error| error.into_error())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::cost::Cost;
    use crate::base::tokens::TokenCounts;

    #[test]
    fn a_line_reads_back_and_no_cell_is_a_formula() {
        let mut latency_ms = [None; 9];
        latency_ms[5] = Some(20.62);
        let mut counts = TokenCounts::default();
        (counts.prompt.audio, counts.response.audio, counts.thoughts) = (45, 20, 10);
        let turn = TurnRow {
            profile: "=cmd|' /C calc'!A0".into(),
            conversation: 2,
            number: 7,
            at_s: 1.5,
            outcome: "failed".into(),
            error: Some("he said \"no\", twice\r\nand left".into()),
            latency_ms,
            tokens: Some(counts),
            model: "gemini-3.8-live".into(),
            cost: Some(Cost {
                usd: 0.002_955,
                at_most: true,
            }),
            ..TurnRow::default()
        };
        let text = turns(&[turn.clone(), TurnRow::default()]).expect("memory");
        assert!(text.lines().next().is_some_and(|head| {
            head.ends_with("other_tokens,thought_tokens,model,cost_usd,cost_is_upper_bound")
        }));
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let rows: Vec<csv::StringRecord> =
            reader.records().map(|row| row.expect("a row")).collect();
        assert_eq!(rows.len(), 2);
        assert_eq!(&rows[0][0], "'=cmd|' /C calc'!A0");
        assert_eq!(&rows[0][5], turn.error.as_deref().expect("given"));
        assert_eq!((&rows[0][11], &rows[0][10]), ("20.6", ""));
        assert_eq!((&rows[0][18], &rows[0][19], &rows[1][19]), ("45", "30", ""));
        let found = [21, 22, 23, 24].map(|nth| rows[0][nth].to_owned());
        assert_eq!(found, ["10", "gemini-3.8-live", "0.002955", "true"]);
    }
}
