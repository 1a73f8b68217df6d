use super::{Scheduled, Simulation};

/// How many runs are worth it.
const MOST: usize = 600;

/// Delta debugging over the faults (Zeller and Hildebrandt, *Simplifying and Isolating Failure-Inducing Input*, 2002):
/// leaves out parts, larger ones first, as long as the same property still breaks.
pub(super) fn shrink(simulation: &Simulation) -> Simulation {
    let Some(violation) = simulation.run_with_oracle().violation else { return simulation.clone() };
    let mut runs = 0;
    let mut breaks = |faults: &[Scheduled]| {
        runs += 1;
        let smaller = simulation.clone().faults(faults.to_vec().into());
        let found = (runs <= MOST).then(|| smaller.run_with_oracle().violation).flatten();
        found.is_some_and(|found| found.property == violation.property)
    };
    let mut faults = simulation.schedule().faults().to_vec();
    let mut part = faults.len().div_ceil(2);
    while part > 0 {
        let before = faults.len();
        let mut at = 0;
        while at < faults.len() {
            let mut fewer = faults.clone();
            fewer.drain(at..(at + part).min(faults.len()));
            if breaks(&fewer) { faults = fewer } else { at += part }
        }
        // Once more with single ones until none can go.
        part = if part > 1 { part / 2 } else { usize::from(faults.len() < before) };
    }
    simulation.clone().faults(faults.into())
}
