//! How often somebody may try an unknown token.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How many tokens that are unknown may be tried within [`PERIOD`].
const MAX_FAILURES: u32 = 10;

const PERIOD: Duration = Duration::from_secs(60);

/// How many addresses are remembered. Beyond, those give way that failed first.
const MAX_ADDRESSES: usize = 10_000;

/// Counts unknown tokens by address, so that the log of who guesses is short.
#[derive(Default)]
pub(super) struct SignInLimit(Mutex<HashMap<Option<IpAddr>, Failures>>);

struct Failures {
    since: Instant,
    count: u32,
}

impl SignInLimit {
    fn addresses(&self) -> MutexGuard<'_, HashMap<Option<IpAddr>, Failures>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns how long an address has to wait before it hears of another, if it has to.
    pub(super) fn wait(&self, peer: Option<IpAddr>) -> Option<Duration> {
        let addresses = self.addresses();
        let failures = addresses.get(&network(peer))?;
        let left = PERIOD.checked_sub(failures.since.elapsed())?;
        (failures.count >= MAX_FAILURES).then_some(left)
    }

    /// Notes that an address tried a token that is unknown.
    pub(super) fn failed(&self, peer: Option<IpAddr>) {
        let mut addresses = self.addresses();
        if addresses.len() >= MAX_ADDRESSES {
            addresses.retain(|_, failures| failures.since.elapsed() < PERIOD);
            let oldest = addresses.iter().min_by_key(|(_, failures)| failures.since);
            let oldest = oldest.map(|(address, _)| *address);
            if let Some(oldest) = oldest.filter(|_| addresses.len() >= MAX_ADDRESSES) {
                addresses.remove(&oldest);
            }
        }
        let failures = addresses.entry(network(peer)).or_insert(Failures {
            since: Instant::now(),
            count: 0,
        });
        if failures.since.elapsed() >= PERIOD {
            failures.since = Instant::now();
            failures.count = 0;
        }
        failures.count += 1;
    }
}

/// Who has an address of IPv6 has all of its network.
fn network(peer: Option<IpAddr>) -> Option<IpAddr> {
    Some(match peer? {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let bits = address.to_bits() >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from_bits(bits))
        }
    })
}
