//! Figures for other programs: the monitor's page, CSV files, posts to a webhook.

pub mod csv;
pub(super) mod prometheus;
pub(super) mod webhook;
