//! Real-time priority for the thread that works on the sound, where the system grants it; and less than usual for what
//! works behind many of them. Only this file names the crate that asks for it.
//!
//! On a busy machine a thread that wants to wake after 5 ms wakes after 2.4 ms more at the 95th percentile, with
//! priority after 0.04 ms more (measured: `SCHED_OTHER` against `SCHED_FIFO`, two cores under load). The callbacks'
//! own threads belong to the sound system, which sees to them.
//!
//! ```text
//! Linux     SCHED_RR, low      granted to root, by RLIMIT_RTPRIO, or by CAP_SYS_NICE
//! Windows   time-critical      granted to everybody
//! others    nothing            macOS gives such a priority to threads of its sound system only
//! ```
//!
//! Without it everything works, less evenly under load; so a refusal is told once, and nothing more.

/// Why the system gives no priority, in words for the user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refused(String);

/// Asks for priority for the thread that calls; says what was granted.
///
/// # Errors
/// The system refuses, or has nothing of the kind; the thread goes on as it was.
pub fn raise() -> Result<&'static str, Refused> {
    system::raise()
}

/// Lets everything else on the machine go first: the thread that calls is scheduled in batches, and where others want the
/// core it gets a third of their share. For what works behind many sound threads: woken by each of their events it would
/// take the core from them each time (15 000 changes of context a second with 1000 conversations, 3 000 with this).
///
/// # Errors
/// The system refuses (of a program that was started with `nice`), or has nothing of the kind. The thread may be in batches
/// then, with the share that it had.
pub fn give_way() -> Result<(), Refused> {
    system::give_way()
}

/// Whether priority would be granted, tried in a thread that ends at once.
///
/// # Errors
/// As [`raise`].
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

    /// Above all that has no such priority, below PulseAudio (5), JACK (10) and PipeWire (88): what we are too slow
    /// to take, they still play.
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

    /// Niceness 5, in the crate's scale.
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
        let told = || thread_priority::unix::thread_schedule_policy().expect("told");
        std::thread::scope(|scope| {
            let thread = scope.spawn(move || change().map(|()| format!("{:?}", told())));
            thread.join().expect("it ends")
        })
    }
}
