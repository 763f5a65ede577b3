//! Echo.
use crate::room::{Room, RoomSettings, Speaker, frames, talk};
use sovereign::dsp::leak::Leak;

#[test]
fn explore() {
    for (label, loss, noise, user, drift) in [
        ("headset quiet", 200.0, -70.0, None, 0.0),
        ("headset noisy", 200.0, -45.0, None, 0.0),
        ("headset + user", 200.0, -70.0, Some(1), 0.0),
        ("headset + same voice", 200.0, -70.0, Some(0), 0.0),
        ("loud", 6.0, -70.0, None, 0.0),
        ("loud+user", 6.0, -70.0, Some(1), 0.0),
        ("laptop 20", 20.0, -60.0, None, 0.0),
        ("20+user", 20.0, -60.0, Some(1), 0.0),
        ("30", 30.0, -60.0, None, 0.0),
        ("40", 40.0, -65.0, None, 0.0),
        ("40+user", 40.0, -65.0, Some(1), 0.0),
        ("loud 300ppm", 6.0, -70.0, None, 300.0),
    ] {
        let mut room = Room::new(RoomSettings {
            loss_db: loss,
            noise_dbfs: noise,
            drift_ppm: drift,
            delay_ms: 80.0,
            speaker: Speaker::Soft,
            ..RoomSettings::default()
        });
        let far = talk(20.0, -26.0, 0);
        let user_talk = user.map(|u| talk(20.0 - 0.3, -26.0, u));
        let mut leak = Leak::new();
        let mut out = format!("{label:22}");
        let mut news = String::new();
        for (i, f) in frames(&far).enumerate() {
            let mut near = room.push(f);
            if let Some(u) = &user_talk {
                for (k, s) in near.iter_mut().enumerate() {
                    let at = i * 160 + k;
                    if at >= 4800 {
                        *s += u[at - 4800];
                    }
                }
            }
            if let Some(v) = leak.push(&near, f) {
                news += &format!(" [{}: {v:?}]", i * 10);
            }
            if i % 100 == 99 {
                out += &format!(" {:.1}", leak.prominence());
            }
        }
        println!("{out}{news} {:?}", leak.verdict());
    }
}
