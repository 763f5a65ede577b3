//! Questions to the desktop.

use std::io;
use std::time::Duration;

use tokio::time::timeout;

/// A desktop answers within milliseconds.
const LIMIT: Duration = Duration::from_secs(5);

/// The answer of the desktop; `None` where it does not answer in time.
///
/// # Errors
/// The system refuses what a question needs.
pub(super) fn ask_desktop<T>(question: impl Future<Output = T>) -> io::Result<Option<T>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let answer = runtime.block_on(async { timeout(LIMIT, question).await });
    runtime.shutdown_background();
    Ok(answer.ok())
}
