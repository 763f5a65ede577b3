//! Reports of `bench` and `load`: results in, text out. Pure: no I/O, no clock.
//!
//! ```text
//! samples ─▶ stats ─▶ bench::Bench ─┐                        ┌─▶ html      one page, plots inside
//!                     load::Load  ──┴─▶ document::Document ──┴─▶ markdown
//!                          ├─▶ JSON (serde), read back for compare
//!                          └─▶ sheet: CSV, a line for each turn
//! ```

pub mod bench;
pub mod bill;
mod circumstances;
pub mod compare;
pub mod document;
pub mod failure_kind;
pub mod html;
pub mod limit_verdict;
pub mod load;
pub mod markdown;
mod plot;
pub mod results;
pub mod sheet;
pub mod stats;
