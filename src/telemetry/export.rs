//! Exports: Prometheus page, CSV files, webhook.

pub mod exposition;
pub(super) mod prometheus;
pub mod turn_csv;
pub(super) mod webhook;
