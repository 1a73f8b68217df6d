use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::{Plan, PlannedEvent};
use crate::quantity::counted;

/// How many moments of the timeline are printed; the rest of a long plan is counted.
const SHOWN_MOMENTS: usize = 40;

/// The plan as a person reads it: what is pinned, then one line for each moment at which something happens.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            schema: _,
            as_of: _,
            spec,
            initial,
            estimates,
            timeline,
            makespan,
            lower_bound,
            unfinished,
            rollbacks,
        } = self;
        writeln!(f, "plan {} of rollout {} on fleet {}", self.digest().short(), spec.rollout, spec.fleet)?;
        match spec.previous {
            Some(previous) => writeln!(f, "  from {} to {}", previous.short(), spec.target.short())?,
            None => writeln!(f, "  to {} (nothing to go back to)", spec.target.short())?,
        }
        writeln!(
            f,
            "  {} in {}, {} exist now; at most {} exist, at least {} available",
            counted(spec.budget.desired, "instance"),
            counted(spec.zones.len(), "zone"),
            initial.len(),
            spec.budget.max_total(),
            spec.budget.min_available(),
        )?;
        writeln!(f, "  strategy {}", spec.strategy)?;
        for (number, stage) in spec.stages.iter().enumerate() {
            writeln!(f, "    stage {}: {stage}", number + 1)?;
        }
        writeln!(
            f,
            "  meanwhile another size is {} (on_resize), another target {} (on_retarget)",
            spec.on_resize, spec.on_retarget
        )?;
        writeln!(
            f,
            "  {} {}, at least {} (launch to ready {}, drain to gone {})",
            if unfinished.is_some() { "stands still after" } else { "estimated" },
            shown(*makespan),
            shown(*lower_bound),
            shown(estimates.launch_to_ready),
            shown(estimates.drain_to_gone)
        )?;
        let mut moments: BTreeMap<Duration, Vec<PlannedEvent>> = BTreeMap::new();
        for step in timeline.iter() {
            moments.entry(step.at).or_default().push(step.event);
        }
        let hidden = moments.len().saturating_sub(SHOWN_MOMENTS);
        for (at, events) in moments.into_iter().take(SHOWN_MOMENTS) {
            write!(f, "  +{:<8}", shown(at))?;
            write_moment(f, &events)?;
        }
        if hidden > 0 {
            writeln!(f, "  and {} more", counted(hidden, "moment"))?;
        }
        for rollback in rollbacks {
            writeln!(f, "  {rollback}")?;
        }
        if let Some(report) = unfinished {
            writeln!(f, "  and then it waits: {}", report.to_string().replace('\n', "\n  "))?;
        }
        Ok(())
    }
}

fn shown(time: Duration) -> String {
    if time.is_zero() { "0s".to_owned() } else { format!("{time:?}") }
}

fn write_moment(f: &mut fmt::Formatter<'_>, events: &[PlannedEvent]) -> fmt::Result {
    let mut groups: [(&str, Vec<String>); 6] = [
        ("gone", Vec::new()),
        ("available", Vec::new()),
        ("stage", Vec::new()),
        ("traffic", Vec::new()),
        ("launch", Vec::new()),
        ("retire", Vec::new()),
    ];
    for event in events {
        let (group, text) = match event {
            PlannedEvent::Gone { seat } => (0, seat.to_string()),
            PlannedEvent::Available { seat } => (1, seat.to_string()),
            PlannedEvent::Stage { stage } => (2, (stage + 1).to_string()),
            PlannedEvent::Shift { share } => (3, format!("{share} to the new group")),
            PlannedEvent::Launch { seat, zone, image } => (4, format!("{seat} {} in {zone}", image.short())),
            PlannedEvent::Retire { seat } => (5, seat.to_string()),
        };
        groups[group].1.push(text);
    }
    let mut first = true;
    for (name, items) in groups.iter().filter(|(_, items)| !items.is_empty()) {
        if !first {
            write!(f, "\n  {:<9}", "")?;
        }
        first = false;
        match items.as_slice() {
            few if few.len() <= 6 => write!(f, " {name} {}", few.join(", "))?,
            many => write!(f, " {name} {}, … ({} in all)", many[..5].join(", "), many.len())?,
        }
    }
    writeln!(f)
}
