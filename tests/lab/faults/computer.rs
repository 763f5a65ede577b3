//! Classes of `A`, `C`, `U` and `R`: devices, files, what the user does meanwhile, and a computer that stands still.

use super::{Class, Fault};

const fn device(id: &'static str, what: &'static str, microphone: bool, ms: u64) -> Class {
    Class(id, what, Fault::Unplugged { microphone, ms })
}

pub(super) const CLASSES: &[Class] = &[
    device("A2", "no microphone for 0.3 s", true, 300),
    device("A2", "no microphone for 5 s", true, 5_000),
    device("A3", "no speaker for 0.3 s", false, 300),
    device("A3", "no speaker for 5 s", false, 5_000),
    Class(
        "A6",
        "the microphone comes and goes",
        Fault::Flaps { microphone: true },
    ),
    Class(
        "A6",
        "the speaker comes and goes",
        Fault::Flaps { microphone: false },
    ),
    Class("A20", "clocks drift by 200 ppm", Fault::Drifts(200.0)),
    Class("A21", "the computer sleeps for 30 s", Fault::Stands(30_000)),
    Class("C14", "profiles change 100 times", Fault::Profiles(100)),
    Class("C10", "the state folder is removed", Fault::StateRemoved),
    Class(
        "C10",
        "the state folder becomes a file",
        Fault::StateReplaced,
    ),
    Class("U", "the volume changes 500 times", Fault::Volumes(500)),
    Class(
        "N11",
        "the program is asked to connect 100 times",
        Fault::Impatient(100),
    ),
    Class("R9", "the program stands for 0.2 s", Fault::Stands(200)),
    Class("R3", "the program stands for 2 s", Fault::Stands(2_000)),
];
