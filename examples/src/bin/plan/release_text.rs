//! The plan of a release as people read it.

use std::fmt::{self, Write as _};

use immutable_core::release::OnGroupFailure;

use crate::duration;
use crate::release_output::{BarrierOut, GroupOut, ReleaseOutput};

pub(crate) fn of(output: &ReleaseOutput) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut text, output);
    text
}

fn write(text: &mut String, output: &ReleaseOutput) -> fmt::Result {
    writeln!(text, "release {}: {} groups", output.release, output.groups.len())?;
    let failure = match output.on_failure {
        OnGroupFailure::Stop => "begins no further group; those that run finish",
        OnGroupFailure::Rollback => "takes back all that began",
        OnGroupFailure::Continue => "holds only what depends on it",
        _ => "has its own policy",
    };
    writeln!(text, "  a failed group {failure}")?;
    if let Some(max) = output.max_running {
        writeln!(text, "  at most {max} groups run at a time")?;
    }
    if let Some(max) = output.max_returning {
        writeln!(text, "  at most {max} groups go back at a time")?;
    }
    for service in &output.services {
        writeln!(text, "  service {}: at least {} serves at every moment", service.name, service.min_share)?;
    }
    if !output.changes {
        return writeln!(text, "\nnothing to do: every fleet is what its rollout asks for");
    }
    writeln!(text)?;
    let mut barriers = output.barriers.iter().peekable();
    for group in &output.groups {
        while let Some(barrier) = barriers.next_if(|barrier| barrier.passed <= group.begin) {
            write_barrier(text, barrier)?;
        }
        write_group(text, output, group)?;
    }
    for barrier in barriers {
        write_barrier(text, barrier)?;
    }
    let (predicted, bound) = (duration::text(output.predicted), duration::text(output.lower_bound));
    writeln!(text, "\npredicted {predicted}; no schedule in this order takes less than {bound}")?;
    writeln!(text, "plan {}", output.plan.short())
}

fn write_barrier(text: &mut String, barrier: &BarrierOut) -> fmt::Result {
    writeln!(text, "{:>8}  ── {}", duration::text(barrier.passed), barrier.barrier)
}

fn write_group(text: &mut String, output: &ReleaseOutput, group: &GroupOut) -> fmt::Result {
    let GroupOut { fleet, rollout, target, launches, retirements, .. } = group;
    write!(text, "{:>8}  {fleet}: {rollout} ", duration::text(group.begin))?;
    match group.previous {
        Some(previous) => write!(text, "from {} to {}", previous.short(), target.short())?,
        None => write!(text, "of {}", target.short())?,
    }
    write!(text, ", {launches} launches, {retirements} retirements, done at {}", duration::text(group.end))?;
    if let Some(service) = &group.service {
        write!(text, ", in service {service}")?;
    }
    if output.unfinished.contains(fleet) {
        text.push_str("; cannot finish by itself: see its own plan");
    }
    writeln!(text)
}
