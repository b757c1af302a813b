use std::time::Duration;

/// How a projection, reaction or process manager goes about what it cannot handle. Of a projection it only bounds how
/// much is set aside: what it cannot apply it does not try again by itself, but for once at each start.
#[derive(Debug, Clone)]
pub struct ParkingOptions {
    /// The most keys that have failed and are parked, or wait to be tried again, of one follower. At one more it stops.
    pub keys_max: u64,
    /// The most events that are set aside of one follower: parked, waiting, delayed. At one more it stops.
    pub events_max: u64,
    /// How often an event may fail while others succeed before its key is parked.
    pub attempts_max: u32,
    /// The pause after its first failure; it doubles from one to the next, and up to half of each is cut off by chance.
    pub pause_first: Duration,
    /// No pause is longer.
    pub pause_most: Duration,
    /// While nothing works one event is tried after 100 ms, and then after pauses that double up to this.
    pub probe_pause_most: Duration,
}

impl Default for ParkingOptions {
    /// With 20 attempts and pauses up to five minutes, an event is tried for about 40 minutes.
    fn default() -> Self {
        Self {
            keys_max: 10_000,
            events_max: 100_000,
            attempts_max: 20,
            pause_first: Duration::from_millis(50),
            pause_most: Duration::from_secs(300),
            probe_pause_most: Duration::from_secs(15),
        }
    }
}
