//! What a slice says of the link and of the target, derived from its counts.

use std::time::Duration;

use super::Slice;

impl Slice {
    /// The share of the time that the program ran with a connection, 0.0 to 1.0; `None` if it did not run.
    pub fn availability(&self) -> Option<f64> {
        ratio(self.connected_seconds, self.observed_seconds)
    }

    /// Mean time from the loss of a connection to the next one; `None` without a loss.
    pub fn time_to_recovery(&self) -> Option<Duration> {
        ratio(self.outage_seconds, self.outages as f64).map(Duration::from_secs_f64)
    }

    /// Mean time with a connection from one loss to the next; `None` without a loss.
    pub fn time_between_failures(&self) -> Option<Duration> {
        ratio(self.connected_seconds, self.outages as f64).map(Duration::from_secs_f64)
    }

    /// The share of responses within the target of the profile of their time, 0.0 to 1.0.
    pub fn on_target_share(&self) -> Option<f64> {
        ratio(self.on_target as f64, self.judged as f64)
    }

    /// Percentage of the segments that had to be sent again.
    pub fn loss_percent(&self) -> Option<f64> {
        ratio(
            self.segments_resent as f64 * 100.0,
            self.segments_sent as f64,
        )
    }

    /// Bytes both ways for each minute with a connection.
    pub fn bytes_per_minute(&self) -> Option<f64> {
        let bytes = (self.bytes_sent + self.bytes_received) as f64;
        ratio(bytes * 60.0, self.connected_seconds)
    }
}

fn ratio(part: f64, all: f64) -> Option<f64> {
    (all > 0.0).then(|| part / all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_did_not_happen_has_no_figures_and_what_did_has_means() {
        let none = Slice::default();
        assert_eq!(none.availability(), None);
        assert_eq!(
            (none.time_to_recovery(), none.time_between_failures()),
            (None, None)
        );
        assert_eq!((none.on_target_share(), none.loss_percent()), (None, None));
        let slice = Slice {
            observed_seconds: 3_600.0,
            connected_seconds: 3_564.0,
            outages: 3,
            outage_seconds: 36.0,
            judged: 8,
            on_target: 6,
            segments_sent: 400,
            segments_resent: 10,
            bytes_sent: 59_400,
            ..Slice::default()
        };
        assert_eq!(slice.availability(), Some(0.99));
        assert_eq!(slice.time_to_recovery(), Some(Duration::from_secs(12)));
        assert_eq!(
            slice.time_between_failures(),
            Some(Duration::from_secs(1_188))
        );
        assert_eq!(
            (slice.on_target_share(), slice.loss_percent()),
            (Some(0.75), Some(2.5))
        );
        assert_eq!(slice.bytes_per_minute(), Some(1_000.0));
    }
}
