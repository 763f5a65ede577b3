//! The built program as users and scripts meet it: real processes, real sockets on loopback, real-time pace, in a home of their
//! own without display, sound and key. No test judges speed; limits are there so that a hang is a failure.

mod canary;
mod control;
mod conversations;
mod desk;
mod ends;
mod failures;
mod files;
mod hostile;
mod machines;
mod models;
mod network;
mod proxies;
mod secrets;
mod spellings;
mod trials;
mod typed;
