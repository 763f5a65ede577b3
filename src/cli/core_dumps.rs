//! Keeps the key out of core dumps.
//!
//! After a crash, or a signal such as SIGQUIT, the system may write the memory of the process to a file or pass it to a crash
//! collector. The memory holds the key, the words of the conversation, and the environment.
//!
//! The process stays "dumpable" (`PR_SET_DUMPABLE`) nevertheless: otherwise its entries in `/proc` belong to root, and rtkit,
//! which grants real-time priority, and the portals of desktops refuse to serve it.

/// Disables core dumps of this process and its children. Call it first.
pub fn forbid() {
    #[cfg(unix)]
    rlimit::setrlimit(rlimit::Resource::CORE, 0, 0).ok();
    // Linux hands a dump to a collector whatever the limit says. This leaves nothing in it: no heap, no stack, no
    // environment (core(5), "Controlling which mappings are written").
    #[cfg(target_os = "linux")]
    std::fs::write("/proc/self/coredump_filter", "0").ok();
}
