//! The plan as people read it.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::time::Duration;

use immutable_core::plan::RollbackPlan;
use immutable_core::quantity::counted;
use immutable_core::strategy::Reason;
use immutable_core::{InstanceId, Slot, Zone};

use crate::duration;
use crate::output::{Action, Existing, Output, StageOut, StepOut, Unfinished, WaitsFor};

/// How many instances of one batch, and of one reason, are named; the rest is counted.
const SHOWN: usize = 8;

/// How many batches of one stage are shown; the rest is counted.
const SHOWN_BATCHES: usize = 60;

/// `strategy` is the strategy in words.
pub(crate) fn of(output: &Output, strategy: &str) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut text, output, strategy);
    text
}

fn write(text: &mut String, output: &Output, strategy: &str) -> fmt::Result {
    head(text, output, strategy)?;
    if !output.changes {
        return writeln!(text, "\nnothing to do: the fleet is what the rollout asks for");
    }
    let slots: BTreeMap<Slot, &Existing> =
        output.instances.iter().map(|existing| (existing.seat.slot, existing)).collect();
    let reached = output.unfinished.as_ref().map_or(output.stages.len(), |unfinished| unfinished.stage + 1);
    for stage in output.stages.iter().take(reached) {
        let steps: Vec<&StepOut> = output
            .steps
            .iter()
            .filter(|step| step.stage == stage.stage && step.action != Action::Stage)
            .collect();
        let entry =
            output.steps.iter().find(|step| step.stage == stage.stage && step.action == Action::Stage);
        write_stage(text, output, stage, entry, &steps, &slots)?;
    }
    if let Some(unfinished) = &output.unfinished {
        write_unfinished(text, output, unfinished)?;
    }
    tail(text, output)
}

fn head(text: &mut String, output: &Output, strategy: &str) -> fmt::Result {
    let Output { rollout, fleet, target, desired, on_resize, on_retarget, max_total, min_available, .. } =
        output;
    write!(text, "rollout {rollout} of fleet {fleet}: {}", counted(*desired, "instance"))?;
    match output.previous {
        Some(previous) => writeln!(text, ", from {} to {}", previous.short(), target.short())?,
        None => writeln!(text, " of {} (nothing to go back to)", target.short())?,
    }
    writeln!(text, "  strategy  {strategy}")?;
    writeln!(text, "  order     {}; broken and marked instances before them, leaders last", output.order)?;
    writeln!(text, "  meanwhile another size is {on_resize}, another target {on_retarget}")?;
    writeln!(text, "  limits    at most {max_total} exist, at least {min_available} are available")?;
    let zones: Vec<&str> = output.zones.iter().map(Zone::as_str).collect();
    writeln!(text, "  zones     {}", zones.join(", "))?;
    writeln!(text, "  now       {} available, {} exist ({})", output.available, output.total, output.as_of)?;
    let mut reasons: BTreeMap<Option<Reason>, Vec<&InstanceId>> = BTreeMap::new();
    for existing in &output.instances {
        reasons.entry(existing.reason).or_default().push(&existing.instance);
    }
    if let Some(stay) = reasons.remove(&None) {
        writeln!(text, "  stay      {}", how_many(&stay))?;
    }
    for (reason, instances) in reasons {
        let reason = reason.map(|reason| reason.to_string()).unwrap_or_default();
        writeln!(text, "  replace   {}: {reason}", how_many(&instances))?;
    }
    Ok(())
}

fn how_many(instances: &[&InstanceId]) -> String {
    format!("{} ({})", instances.len(), few(instances))
}

/// The first of them, and how many more there are.
fn few<T: fmt::Display>(items: &[T]) -> String {
    let mut text: Vec<String> = items.iter().take(SHOWN).map(ToString::to_string).collect();
    if items.len() > SHOWN {
        text.push(format!("… {} more", items.len() - SHOWN));
    }
    text.join(", ")
}

fn write_stage(
    text: &mut String,
    output: &Output,
    stage: &StageOut,
    entry: Option<&StepOut>,
    steps: &[&StepOut],
    slots: &BTreeMap<Slot, &Existing>,
) -> fmt::Result {
    write!(text, "\nstage {} of {}", stage.stage + 1, output.stages.len())?;
    if let Some(entry) = entry {
        write!(text, " at +{}", duration::text(entry.at))?;
        for wait in entry.waits_for.iter().filter_map(outside) {
            write!(text, ", {wait}")?;
        }
    }
    writeln!(text, ": {} new, {} old", stage.new, stage.old)?;
    if !steps.is_empty() {
        writeln!(text, "  {:<12} {:<10} {:<66} {:>9} {:>6}", "at", "what", "", "available", "total")?;
    }
    let batches: Vec<&[&StepOut]> = steps.chunk_by(|a, b| a.at == b.at && a.action == b.action).collect();
    let mut last = None;
    for batch in batches.iter().take(SHOWN_BATCHES) {
        let begins = batch.first().filter(|step| last != Some(step.at));
        for wait in begins.into_iter().flat_map(|step| &step.waits_for).filter_map(outside) {
            writeln!(text, "  {:<12} {wait}", "")?;
        }
        write_batch(text, batch, last, slots)?;
        last = batch.first().map(|step| step.at);
    }
    if batches.len() > SHOWN_BATCHES {
        writeln!(text, "  and {} more; --json shows all", counted(batches.len() - SHOWN_BATCHES, "batch"))?;
    }
    let gates: Vec<String> = stage.gates.iter().filter_map(gate).collect();
    if !gates.is_empty() {
        let next = if stage.stage + 1 == output.stages.len() {
            "before it is done"
        } else {
            "before the next stage"
        };
        writeln!(text, "  then, {next}: {}", gates.join(", "))?;
    }
    for back in output.rollbacks.iter().filter(|back| back.stage == stage.stage) {
        write_back(text, back)?;
    }
    Ok(())
}

fn write_back(text: &mut String, back: &RollbackPlan) -> fmt::Result {
    let RollbackPlan { launches, retirements, traffic_back, makespan, waits, .. } = back;
    text.push_str("  back from here: ");
    if *launches + *retirements == 0 {
        text.push_str("nothing to launch or to retire");
    } else {
        write!(text, "{}, {}", counted(*launches, "launch"), counted(*retirements, "retirement"))?;
    }
    match traffic_back {
        None => {}
        Some(Duration::ZERO) => text.push_str(", traffic at once"),
        Some(time) => write!(text, ", traffic after {}", duration::text(*time))?,
    }
    match *makespan {
        Duration::ZERO => writeln!(text),
        time if *waits => writeln!(text, ", then after {} it waits for somebody", duration::text(time)),
        time => writeln!(text, ", complete after {}", duration::text(time)),
    }
}

fn write_batch(
    text: &mut String,
    batch: &[&StepOut],
    last: Option<Duration>,
    slots: &BTreeMap<Slot, &Existing>,
) -> fmt::Result {
    for (index, step) in batch.iter().take(SHOWN).enumerate() {
        let at = if index == 0 && last != Some(step.at) {
            format!("+{}", duration::text(step.at))
        } else {
            String::new()
        };
        let action = if index == 0 { word(step.action) } else { "" };
        let what = subject(step, slots);
        writeln!(text, "  {at:<12} {action:<10} {what:<66} {:>9} {:>6}", step.available, step.total)?;
    }
    if let Some(step) = batch.last().filter(|_| batch.len() > SHOWN) {
        let more = format!("and {} more", batch.len() - SHOWN);
        writeln!(text, "  {:<12} {:<10} {more:<66} {:>9} {:>6}", "", "", step.available, step.total)?;
    }
    Ok(())
}

/// Which instance, where, and why.
fn subject(step: &StepOut, slots: &BTreeMap<Slot, &Existing>) -> String {
    let mut text = String::new();
    if let Some(share) = step.share {
        return format!("{share} to the new group");
    }
    if let Some(instance) = &step.instance {
        text.push_str(instance.as_str());
        text.push(' ');
    }
    if let Some(seat) = step.seat {
        text.push_str(&seat.to_string());
    }
    if let Some(zone) = &step.zone {
        text.push_str(&format!(" in {zone}"));
    }
    let why = match (step.action, step.reason, step.seat) {
        (Action::Retire, Some(reason), _) => Some(reason.to_string()),
        (Action::Retire, None, _) => Some("more than there shall be".to_owned()),
        (Action::Launch, _, Some(seat)) => match (slots.get(&seat.slot), step.image) {
            (Some(Existing { instance, reason: Some(reason), .. }), Some(image)) => {
                Some(format!("{} for {instance} ({reason})", image.short()))
            }
            (Some(Existing { instance, .. }), Some(image)) => {
                Some(format!("{} for {instance}", image.short()))
            }
            (None, Some(image)) => Some(format!("{} for an empty slot", image.short())),
            (_, None) => None,
        },
        _ => None,
    };
    if let Some(why) = why {
        text.push_str(&format!(": {why}"));
    }
    text
}

const fn word(action: Action) -> &'static str {
    match action {
        Action::Launch => "launch",
        Action::Available => "available",
        Action::Retire => "retire",
        Action::Gone => "gone",
        Action::Shift => "traffic",
        Action::Stage => "stage",
    }
}

/// What comes neither from another step nor from the gates of a stage.
fn outside(wait: &WaitsFor) -> Option<String> {
    match wait {
        WaitsFor::Window(opens) => Some(format!("when the calendar opens at {opens}")),
        WaitsFor::LaunchRate(time) => Some(format!("when the launch rate allows it at {time}")),
        WaitsFor::Step(_)
        | WaitsFor::Ready(_)
        | WaitsFor::MinReady(_)
        | WaitsFor::Drain(_)
        | WaitsFor::Bake(_)
        | WaitsFor::Approval(_)
        | WaitsFor::Check(_) => None,
    }
}

fn gate(wait: &WaitsFor) -> Option<String> {
    match wait {
        WaitsFor::Bake(time) => Some(format!("stands for {}", duration::text(*time))),
        WaitsFor::Approval(name) => Some(format!("needs the approval `{name}`")),
        WaitsFor::Check(name) => Some(format!("needs the check `{name}`")),
        WaitsFor::Step(_)
        | WaitsFor::Ready(_)
        | WaitsFor::MinReady(_)
        | WaitsFor::Drain(_)
        | WaitsFor::Window(_)
        | WaitsFor::LaunchRate(_) => None,
    }
}

fn write_unfinished(text: &mut String, output: &Output, unfinished: &Unfinished) -> fmt::Result {
    let Unfinished { stage, updated, waiting } = unfinished;
    writeln!(
        text,
        "\nit cannot finish: in stage {} of {} it stands still with {updated} of {} as they shall be, and waits",
        stage + 1,
        output.stages.len(),
        counted(output.desired, "instance")
    )?;
    let mut reasons: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for waiting in waiting {
        let slot = match &waiting.instance {
            Some(instance) => format!("{} ({instance})", waiting.slot),
            None => waiting.slot.to_string(),
        };
        reasons.entry(&waiting.text).or_default().push(slot);
    }
    for (reason, slots) in reasons {
        writeln!(text, "  {}: {reason}", few(&slots))?;
    }
    Ok(())
}

fn tail(text: &mut String, output: &Output) -> fmt::Result {
    let Output { predicted, lower_bound, estimates, steps, .. } = output;
    let count = |action: Action| steps.iter().filter(|step| step.action == action).count();
    let what = if output.unfinished.is_some() { "stands still after" } else { "done after" };
    writeln!(
        text,
        "\n{}, {}; {what} {}; no schedule within these limits is done before {}",
        counted(count(Action::Launch), "launch"),
        counted(count(Action::Retire), "retirement"),
        duration::text(*predicted),
        duration::text(*lower_bound),
    )?;
    writeln!(
        text,
        "assumed: launch to ready {}, drain to gone {}, nothing fails, approvals and checks pass at once",
        duration::text(estimates.launch_to_ready),
        duration::text(estimates.drain_to_gone),
    )?;
    writeln!(text, "plan {}", output.plan)
}
