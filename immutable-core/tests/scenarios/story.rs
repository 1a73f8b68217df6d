//! The log of a scenario as a person reads it.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Duration;

use immutable_core::Timestamp;
use immutable_core::plan::{Plan, WaitingOn};
use immutable_core::planner::{RolloutState, explain};

use crate::script::{Script, What};
use crate::world::image;

#[derive(Debug)]
pub(crate) struct Story<'s> {
    script: &'s Script,
    text: String,
    waits: BTreeSet<String>,
    said: Option<Duration>,
}

impl<'s> Story<'s> {
    pub(crate) fn new(script: &'s Script, plan: &Plan) -> Self {
        let plan_text = plan.to_string().replace(&plan.digest().short(), "…");
        let text = format!("{}\n\n{plan_text}\n{:>14} exist avail  new  old share\n", script.why, "at");
        Self { script, text, waits: BTreeSet::new(), said: None }
    }

    /// One line of the log: when, how things stand after it, and what it says.
    pub(crate) fn line(&mut self, now: Timestamp, state: &RolloutState, what: &str) {
        let at = now.since(self.script.start);
        let at = match self.said.replace(at) {
            Some(said) if said == at => String::new(),
            _ => self.time(now),
        };
        let (mut total, mut available, mut new, mut old) = (0, 0, 0, 0);
        for member in state.members() {
            total += 1;
            available += u32::from(member.is_available());
            new += u32::from(member.is_new && member.is_live() && !member.is_broken());
            old += u32::from(!member.is_new && member.is_live() && !member.is_broken());
        }
        let share = state.share().map_or_else(|| "–".to_owned(), |share| share.to_string());
        let what = self.readable(what);
        writeln!(self.text, "{at:>14} {total:>5} {available:>5} {new:>4} {old:>4} {share:>5}  {what}")
            .unwrap();
    }

    /// What it waits for, if that is new: what is under way says so by itself.
    pub(crate) fn waits(&mut self, now: Timestamp, state: &RolloutState) {
        let report = explain(state, now);
        let under_way = |reason: &WaitingOn| {
            matches!(
                reason,
                WaitingOn::Launch | WaitingOn::Ready { .. } | WaitingOn::MinReady { .. } | WaitingOn::Drain
            )
        };
        let reasons = report.waiting.values().filter(|reason| !under_way(reason)).map(ToString::to_string);
        let mut waits: BTreeSet<String> = reasons.collect();
        waits.extend(report.refused);
        waits.extend(report.deadlock.map(|deadlock| deadlock.to_string()));
        for reason in waits.difference(&self.waits.clone()) {
            let reason = self.readable(reason);
            writeln!(self.text, "{:>45}waits: {reason}", "").unwrap();
        }
        self.waits = waits;
    }

    pub(crate) fn end(mut self, now: Timestamp, state: &RolloutState, outcome: &str, peaks: &str) -> String {
        writeln!(self.text, "\nat {}: {}", self.time(now), self.readable(outcome)).unwrap();
        writeln!(self.text, "{peaks}").unwrap();
        let mut left: Vec<String> = Vec::new();
        for member in state.members() {
            left.push(format!("{} {} in {}", member.seat, member.image.short(), member.zone));
        }
        let left = self.readable(&left.join(", "));
        writeln!(self.text, "exist: {left}").unwrap();
        // The plan is in it too.
        self.readable(&self.text)
    }

    fn time(&self, now: Timestamp) -> String {
        time(self.script, now)
    }

    fn readable(&self, text: &str) -> String {
        readable(self.script, text)
    }
}

/// After the start, or by the calendar where there is one.
fn time(script: &Script, now: Timestamp) -> String {
    if script.calendar.is_some() {
        return now.to_string()[5..].trim_end_matches('Z').replace('T', " ");
    }
    let seconds = now.since(script.start).as_secs_f64();
    let whole = now.since(script.start).as_secs();
    match (whole / 3600, whole / 60 % 60) {
        (0, 0) => format!("+{seconds}s"),
        (0, minutes) => format!("+{minutes}m{:02}s", whole % 60),
        (hours, minutes) => format!("+{hours}h{minutes:02}m{:02}s", whole % 60),
    }
}

/// With the names of the images, and with times as the log has them.
pub(crate) fn readable(script: &Script, text: &str) -> String {
    let mut names: BTreeSet<&str> = ["v0", "v1", "v2", "v3", "v4"].into();
    names.insert(&script.target);
    names.extend(script.images.keys().map(String::as_str));
    names.extend(script.fleet.iter().flatten().map(|some| some.image.as_str()));
    names.extend(script.events.iter().filter_map(|event| match &event.what {
        What::Retarget(name) | What::Revoke(name) => Some(name.as_str()),
        What::Appear(some) => Some(some.image.as_str()),
        _ => None,
    }));
    let mut text = text.to_owned();
    for name in names {
        let digest = image(name);
        text = text.replace(&digest.to_string(), name).replace(&digest.short(), name);
    }
    let mut words: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let bare = word.trim_end_matches([',', ')', ':', '\n']);
        words.push(match bare.parse::<Timestamp>() {
            Ok(time) if bare.starts_with("20") => word.replace(bare, &self::time(script, time)),
            _ => word.to_owned(),
        });
    }
    words.join(" ")
}
