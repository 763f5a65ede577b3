//! The runtime of the program's tasks.

use std::sync::mpsc::sync_channel;
use std::time::Duration;

use crate::base::problem::Problem;
use crate::base::thread::quietly;

/// Worker threads of the runtime, as drawn in `lib.rs`.
const WORKERS: usize = 2;
/// They start within microseconds; a busy machine may take longer.
const BEGUN_WITHIN: Duration = Duration::from_secs(5);

/// The runtime of the controller, the client, the probe and the demo.
pub fn runtime() -> Result<tokio::runtime::Runtime, Problem> {
    built(|| {})
}

/// The same for many conversations: the audio threads have priority.
pub fn runtime_of_many() -> Result<tokio::runtime::Runtime, Problem> {
    built(|| {
        if let Err(refused) = crate::audio::priority::give_way() {
            tracing::info!(%refused, "priority of the sessions");
        }
    })
}

fn built(at_start: fn()) -> Result<tokio::runtime::Runtime, Problem> {
    let (begin, begun) = sync_channel(WORKERS);
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(WORKERS).enable_all();
    builder.on_thread_start(move || {
        at_start();
        begin.try_send(()).ok();
    });
    // The builder panics without a thread, and waits forever with only one of two. `room` has checked that, but the threads may
    // be taken since. So it is built on a helper thread, which is abandoned if it hangs.
    let no_threads = || std::io::Error::other("it gives no threads");
    let (hand_over, handed) = sync_channel(1);
    let build = move || {
        let built = quietly(|| builder.build());
        hand_over
            .send(built.unwrap_or_else(|| Err(no_threads())))
            .ok();
    };
    let thread = std::thread::Builder::new().name("runtime-start".to_owned());
    let whole = thread.spawn(build).and_then(|_| {
        let built = handed.recv_timeout(BEGUN_WITHIN);
        let runtime = built.unwrap_or_else(|_| Err(no_threads()))?;
        let is_whole = (0..WORKERS).all(|_| begun.recv_timeout(BEGUN_WITHIN).is_ok());
        if is_whole {
            return Ok(runtime);
        }
        runtime.shutdown_background();
        Err(no_threads())
    });
    let refused = |error| {
        let error = anyhow::Error::new(error).context("the system refuses what the program needs");
        Problem::failed(error)
            .hint("Close other programs, or raise the limits of this one (ulimit).")
    };
    whole.map_err(refused)
}
