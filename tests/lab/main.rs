//! The laboratory: rooms, noise, talkers and networks made of arithmetic with fixed seeds, and what the program makes of
//! them. Every file is a theme; its tests hold the figures to limits, and print them as tables.
//!
//! `scripts/measure` runs all at full length and keeps the tables in `tests/measured/`; plain test runs take a short
//! version of each.

mod adaptation;
mod arrivals;
mod day;
mod detection;
mod detection_detectors;
mod detection_hangover;
mod detection_noise;
mod detection_onset;
mod early_endpoint;
mod echo;
mod faults;
mod gain;
mod interruption;
mod leak;
mod listen;
mod noise;
mod noises;
mod parallel;
mod patience;
mod patience_adaptive;
mod playout;
mod questions;
mod reconnect;
mod room;
mod roulette;
mod runs;
mod soundcheck;
#[expect(
    dead_code,
    reason = "shared by test files, each of which is a crate and uses its part"
)]
#[path = "../support/mod.rs"]
mod support;
mod table;
mod talk;
mod utterances;
mod voices;
