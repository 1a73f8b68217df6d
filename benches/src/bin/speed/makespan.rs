//! How long whole rollouts take by our kernel and by the policies of others, all with the same draws, against the time
//! that no schedule within the limits can beat.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Duration;

use immutable_core::limits::Limits;
use immutable_core::plan::{Plan, Seat, Step};
use immutable_core::planner::{Cause, Decision, Observation, OpId, RolloutState, decide};
use immutable_core::{InstanceId, Quantity, Seed, Timestamp};

use crate::figures::Figures;
use crate::fleets;

/// How many may be on the way at once.
const WIDTH: u32 = 10;
const MEAN_LAUNCH: f64 = 30.0;
const DRAIN: Duration = Duration::from_secs(10);
/// One that is not ready by then is replaced: five times the mean, which one of 150 sound exponential launches exceeds.
const DEADLINE: Duration = Duration::from_secs(150);
/// Ten times the mean.
const PATIENT: Duration = Duration::from_secs(300);

/// How launch times are spread around the same mean.
#[derive(Clone, Copy, Debug)]
enum Spread {
    Exponential,
    /// With a standard deviation of the logarithm of 1.
    Lognormal,
    /// Exponential, but one of a hundred never becomes ready.
    ///
    /// How long it takes to find that out is the limits' and not the policy's: until the healthy deadline nobody knows which
    /// launch hangs, and when one of the last ones does, everybody waits for it, whatever the policy. The bound has the
    /// deadline of every hanging attempt in it, but not that this time may come at the end, with nothing left to do beside
    /// it. So the deadline is a part of the case. Five times the mean is the one that has a limit; beside it stands twice as
    /// much, at which such an end takes up to 15 % of a rollout of 50 times the width.
    Hanging,
    /// The same with a deadline that is twice as long.
    HangingLong,
}

impl Spread {
    const ALL: [Self; 4] = [Self::Exponential, Self::Lognormal, Self::Hanging, Self::HangingLong];

    const fn name(self) -> &'static str {
        match self {
            Self::Exponential => "exponential",
            Self::Lognormal => "lognormal",
            Self::Hanging => "exponential, 1 % hang",
            Self::HangingLong => "exponential, 1 % hang for 300 s",
        }
    }

    const fn deadline(self) -> Duration {
        match self {
            Self::Exponential | Self::Lognormal | Self::Hanging => DEADLINE,
            Self::HangingLong => PATIENT,
        }
    }

    /// How long an attempt takes to become ready; `None` if it never does.
    fn draw(self, seed: Seed, slot: u32, attempt: u32) -> Option<Duration> {
        let number = u64::from(slot) << 16 | u64::from(attempt) << 4;
        // Never 0, of which there is no logarithm.
        let uniform = |which: u64| (seed.rank_number(number | which) as f64 + 1.0) / (u64::MAX as f64 + 2.0);
        let exponential = -uniform(0).ln();
        let time = match self {
            Self::Exponential => exponential,
            Self::Lognormal => {
                let normal = (-2.0 * uniform(0).ln()).sqrt() * (std::f64::consts::TAU * uniform(1)).cos();
                (normal - 0.5).exp()
            }
            Self::Hanging | Self::HangingLong if uniform(2) < 0.01 => return None,
            Self::Hanging | Self::HangingLong => exponential,
        };
        let time = Duration::from_millis((MEAN_LAUNCH * 1_000.0 * time).ceil() as u64);
        (time < self.deadline()).then_some(time)
    }
}

/// What a slot needs, whoever decides: all its launches, and the retirements of those that failed.
#[derive(Clone, Copy)]
struct Need {
    launches: Duration,
    failed: u32,
}

#[derive(Default)]
struct Ratios {
    sum: f64,
    worst: f64,
}

impl Ratios {
    fn add(&mut self, ratio: f64) {
        self.sum += ratio;
        self.worst = self.worst.max(ratio);
    }
}

pub(crate) fn measure(figures: &mut Figures, seeds: u64) {
    let mut rows = Vec::new();
    for spread in Spread::ALL {
        for times in [10, 50, 100, 500] {
            let plan = plan(times * WIDTH, spread);
            let mut ratios: [Ratios; 4] = Default::default();
            // The larger the fleet, the less the seeds differ.
            let seeds = (seeds * 50 / u64::from(times.max(50))).max(2);
            for seed in 0..seeds {
                run(&plan, spread, Seed::new(seed).child("makespan"), &mut ratios);
            }
            let mean = |ratios: &Ratios| ratios.sum / seeds as f64;
            figures.add(format!("makespan / bound, {}, {times}", spread.name()), mean(&ratios[0]));
            let shown = ratios.iter().map(|ratios| format!("{:.3} ({:.2})", mean(ratios), ratios.worst));
            rows.push(
                [spread.name().to_owned(), times.to_string(), seeds.to_string()]
                    .into_iter()
                    .chain(shown)
                    .collect(),
            );
        }
    }
    figures.table(
        &[
            "makespan / lower bound, mean (worst)",
            "N/(s+u)",
            "seeds",
            "ours",
            "barrier batches (instance refresh)",
            "workers (Swarm)",
            "Kubernetes",
        ],
        &rows,
    );
    figures.note(
        "Launches take 30 s on average, a drain 10 s, and who is not ready within 150 s (300 s in the last rows, which have \
         no limit) is replaced, by every policy. \
         Kubernetes does not count what is terminating, so it keeps more instances than the limit that the bound is for.",
    );
}

fn run(plan: &Plan, spread: Spread, seed: Seed, ratios: &mut [Ratios; 4]) {
    let desired = plan.spec.budget.desired;
    let needs: Vec<Need> = (0..desired).map(|slot| need(spread, seed, slot)).collect();
    let work: Duration = needs.iter().map(|need| need.launches + DRAIN * (need.failed + 1)).sum();
    // Without slack in the other direction, an old one leaves after the last new one has come.
    let chain = needs.iter().map(|need| need.launches + DRAIN).max().unwrap_or_default();
    let bound = (work / WIDTH).max(chain).as_secs_f64();
    let all = [
        ours(plan, spread, seed),
        needs.chunks(WIDTH as usize).map(|batch| batch.iter().map(through).max().unwrap_or_default()).sum(),
        workers(needs.iter().map(through)),
        workers(needs.iter().map(|need| need.launches)) + DRAIN,
    ];
    for (ratios, time) in ratios.iter_mut().zip(all) {
        ratios.add(time.as_secs_f64() / bound);
    }
}

fn need(spread: Spread, seed: Seed, slot: u32) -> Need {
    let mut need = Need { launches: Duration::ZERO, failed: 0 };
    for attempt in 1.. {
        if let Some(time) = spread.draw(seed, slot, attempt) {
            need.launches += time;
            break;
        }
        need.launches += spread.deadline();
        need.failed += 1;
    }
    need
}

/// One after the other: what failed, the new one, and the old one's end.
fn through(need: &Need) -> Duration {
    need.launches + DRAIN
}

/// As many workers as may be on the way; each takes the next slot when it is done with one.
fn workers(times: impl Iterator<Item = Duration>) -> Duration {
    let mut free: BinaryHeap<Reverse<Duration>> = (0..WIDTH).map(|_| Reverse(Duration::ZERO)).collect();
    let mut last = Duration::ZERO;
    for time in times {
        let Reverse(at) = free.pop().unwrap();
        last = last.max(at + time);
        free.push(Reverse(at + time));
    }
    last
}

fn plan(size: u32, spread: Spread) -> Plan {
    let limits = Limits {
        max_surge: Quantity::Count(WIDTH),
        max_failures: Quantity::Percent(100),
        max_retries: None,
        poison: None,
        retry_delay: Duration::ZERO,
        healthy_deadline: spread.deadline(),
        progress_deadline: Duration::from_secs(30_000),
        ..Limits::default()
    };
    let snapshot = &fleets::groups(1, size)[0];
    fleets::request(snapshot)
        .limits(limits)
        .plan(snapshot, &immutable_core::strategy::Rolling::new())
        .unwrap()
}

enum Coming {
    Ready(Seat),
    Hung(Seat),
    Gone(OpId),
}

/// The real kernel, driven through a world in which every launch takes its own time.
fn ours(plan: &Plan, spread: Spread, seed: Seed) -> Duration {
    let mut now = fleets::start();
    let mut state = RolloutState::open(plan.spec.clone(), &plan.initial, now).unwrap();
    let mut coming: BTreeMap<(Timestamp, u64), Coming> = BTreeMap::new();
    loop {
        match decide(&state, now) {
            Decision::Act(steps) => {
                for step in steps {
                    let op = state.next_op();
                    let (after, event) =
                        begin(&mut state, step, now, |seat| spread.draw(seed, seat.slot.0, seat.attempt.0));
                    coming.insert((now + after, op.0), event);
                }
            }
            Decision::Wait => {
                now = coming.first_key_value().unwrap().0.0;
                // What comes at one moment is decided upon together.
                while let Some(entry) = coming.first_entry().filter(|entry| entry.key().0 == now) {
                    happen(&mut state, entry.remove(), now);
                }
            }
            Decision::Done(_) => return now.since(fleets::start()),
            other => unreachable!("{other:?}"),
        }
        state.settle(now);
    }
}

fn begin(
    state: &mut RolloutState,
    step: Step,
    now: Timestamp,
    launch: impl Fn(Seat) -> Option<Duration>,
) -> (Duration, Coming) {
    let op = state.next_op();
    match step {
        Step::Launch { seat, zone, image } => {
            state.launch_intended(op, seat, zone, image, now).unwrap();
            state.launched(op, InstanceId::new(format!("new-{op}")).unwrap(), now).unwrap();
            match launch(seat) {
                Some(time) => (time, Coming::Ready(seat)),
                None => (state.limits().healthy_deadline, Coming::Hung(seat)),
            }
        }
        Step::Retire { seat } => {
            state.retire_intended(op, seat, now).unwrap();
            (DRAIN, Coming::Gone(op))
        }
        other => unreachable!("{other:?}"),
    }
}

fn happen(state: &mut RolloutState, event: Coming, now: Timestamp) {
    match event {
        Coming::Ready(seat) => {
            state.observed(seat, Observation::Ready { endpoint: None }, now).unwrap();
            state.observed(seat, Observation::Available, now).unwrap();
        }
        Coming::Hung(seat) => state.observed(seat, Observation::Broken(Cause::HealthyDeadline), now).unwrap(),
        Coming::Gone(op) => state.retired(op).unwrap(),
    }
    state.settle(now);
}
