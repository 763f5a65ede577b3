//! Figures for other programs: the monitor's page, CSV files, posts to a webhook.

mod exposition;
pub(super) mod prometheus;
pub mod turn_csv;
pub(super) mod webhook;
