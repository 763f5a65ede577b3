//! Chooses a face and turns its end into an exit status.

fn main() {}
