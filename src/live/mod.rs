//! The Live protocol as data: messages, audio in messages, models and voices, and the state of a link. No I/O.

pub mod message;
