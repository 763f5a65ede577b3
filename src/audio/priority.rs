//! Real-time priority for the audio threads, where the system grants it; reduced priority for threads that serve many
//! of them. Only this file uses the crate `thread_priority`.
//!
//! On a busy machine a thread that should wake after 5 ms wakes 2.4 ms late at the 95th percentile, with priority 0.04
//! ms (measured: `SCHED_OTHER` against `SCHED_FIFO`, two cores under load). The callback threads belong to the sound
//! system.
//!
//! ```text
//! Linux     SCHED_RR, low      granted to root, by RLIMIT_RTPRIO, or by CAP_SYS_NICE
//! Windows   time-critical      granted to everybody
//! others    nothing            macOS gives such a priority to threads of its sound system only
//! ```
//!
//! Everything works without it, less evenly under load; so a refusal is reported once.

/// Reason of a refusal, for the user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

/// Requests real-time priority for the calling thread; returns what was granted.
pub fn raise() -> Result<&'static str, Refused> {
    system::raise()
}

/// Reduces the priority of the calling thread: batch scheduling, with a third of the share of others where the core is
/// contended. For threads that serve many audio threads: woken by each of their events they would preempt them each
/// time (15 000 context switches per second with 1000 conversations, 3 000 with this).
///
/// # Errors
/// The system refuses (a program started with `nice`) or does not support it. The thread may then be in batch
/// scheduling with its old share.
pub fn give_way() -> Result<(), Refused> {
    system::give_way()
}

/// Tests whether priority would be granted, in a thread of its own.
pub fn probe() -> Result<&'static str, Refused> {
    let thread = std::thread::Builder::new().name("priority-probe".to_owned());
    let refused = |_| Refused("the system refused a thread".to_owned());
    let tried = thread.spawn(raise).map_err(refused)?;
    tried
        .join()
        .unwrap_or_else(|_| Err(Refused("the trial broke off".to_owned())))
}

#[cfg(target_os = "linux")]
mod system {
    use thread_priority::unix::{
        NormalThreadSchedulePolicy, RealtimeThreadSchedulePolicy, ThreadSchedulePolicy,
        set_thread_priority_and_policy, thread_native_id,
    };
    use thread_priority::{ThreadPriority, ThreadPriorityValue};

    use crate::audio::priority::Refused;

    /// Above threads without such priority, below PulseAudio (5), JACK (10) and PipeWire (88), which still play while
    /// this program is late.
    const LOW: u8 = 4;
    const ROUND_ROBIN: ThreadSchedulePolicy =
        ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::RoundRobin);

    pub(super) fn raise() -> Result<&'static str, Refused> {
        let refused = |_| {
            Refused(
                "the system gives this program no real-time priority: sound may stutter when the machine is busy; \
                 `rtprio` in the system's limits grants it"
                    .to_owned(),
            )
        };
        let low = ThreadPriorityValue::try_from(LOW).map_err(Refused)?;
        let priority = ThreadPriority::Crossplatform(low);
        set_thread_priority_and_policy(thread_native_id(), priority, ROUND_ROBIN)
            .map_err(refused)?;
        Ok("real-time, round robin, low")
    }

    /// Niceness 5, in the scale of the crate.
    const BEHIND: u8 = 35;
    const BATCH: ThreadSchedulePolicy =
        ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Batch);

    pub(super) fn give_way() -> Result<(), Refused> {
        let behind = ThreadPriorityValue::try_from(BEHIND).map_err(Refused)?;
        let priority = ThreadPriority::Crossplatform(behind);
        set_thread_priority_and_policy(thread_native_id(), priority, BATCH)
            .map_err(|error| Refused(format!("the system refused batches: {error}")))
    }
}

#[cfg(windows)]
mod system {
    use thread_priority::windows::{
        WinAPIThreadPriority, set_winapi_thread_priority, thread_native_id,
    };

    use crate::audio::priority::Refused;

    pub(super) fn raise() -> Result<&'static str, Refused> {
        set_winapi_thread_priority(thread_native_id(), WinAPIThreadPriority::TimeCritical)
            .map_err(|error| Refused(format!("the system refused priority: {error}")))?;
        Ok("time-critical")
    }

    pub(super) fn give_way() -> Result<(), Refused> {
        set_winapi_thread_priority(thread_native_id(), WinAPIThreadPriority::BelowNormal)
            .map_err(|error| Refused(format!("the system refused a lower priority: {error}")))
    }
}

#[cfg(not(any(target_os = "linux", windows)))]
mod system {
    use crate::audio::priority::Refused;

    pub(super) fn raise() -> Result<&'static str, Refused> {
        Err(Refused(
            "this system gives such a priority to its own sound threads only".to_owned(),
        ))
    }

    pub(super) fn give_way() -> Result<(), Refused> {
        Err(Refused("not done on this system".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_says_what_it_got_or_why_not_and_leaves_this_thread_alone() {
        match probe() {
            Ok(granted) => assert!(!granted.is_empty()),
            Err(refused) => assert!(refused.to_string().len() > 20, "{refused}"),
        }
        #[cfg(target_os = "linux")]
        {
            let policy = thread_priority::unix::thread_schedule_policy().expect("told");
            let here = format!("{policy:?}");
            assert!(here.starts_with("Normal"), "{here}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_was_granted_is_in_force() {
        if let Ok(policy) = policy_after(|| raise().map(drop)) {
            assert!(policy.contains("RoundRobin"), "{policy}");
        }
        // Refused only to what was started with `nice`.
        if let Ok(policy) = policy_after(give_way) {
            assert!(policy.contains("Batch"), "{policy}");
        }
    }

    /// In a thread of its own.
    #[cfg(target_os = "linux")]
    fn policy_after(
        change: impl FnOnce() -> Result<(), Refused> + Send,
    ) -> Result<String, Refused> {
        let policy = || thread_priority::unix::thread_schedule_policy().expect("told");
        std::thread::scope(|scope| {
            let thread = scope.spawn(move || change().map(|()| format!("{:?}", policy())));
            thread.join().expect("it ends")
        })
    }
}
