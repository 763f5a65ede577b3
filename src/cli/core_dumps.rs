//! Keeps the key out of core dumps.
//!
//! A crash, or a signal such as SIGQUIT, lets the system write the memory of a process into a file or hand it to a
//! collector of crashes. The memory holds the key, the words of the conversation, and the environment.
//!
//! The process stays "dumpable" (`PR_SET_DUMPABLE`) nevertheless: without that its entries in `/proc` belong to root, and
//! rtkit, which lets sound go first, and the portals of desktops refuse to serve it.

/// Forbids core dumps to this process and to those that it starts. To be called first of all.
pub fn forbid() {
    #[cfg(unix)]
    rlimit::setrlimit(rlimit::Resource::CORE, 0, 0).ok();
    // Linux hands a dump to a collector whatever the limit says. This leaves nothing in it: no heap, no stack, no
    // environment (core(5), "Controlling which mappings are written").
    #[cfg(target_os = "linux")]
    std::fs::write("/proc/self/coredump_filter", "0").ok();
}
