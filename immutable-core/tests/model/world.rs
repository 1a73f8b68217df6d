use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use immutable_core::WriterId;
use immutable_core::journal::{Control, Record};
use immutable_core::planner::{Condition, Direction};

use crate::event::{Append, Event, Look};
use crate::platform::{Call, Life, Name, Platform};
use crate::setting::{Faults, Setting, Weakness};
use crate::view::{Draft, View, end_is_true};
use crate::writer::Writer;

/// Everything at one moment: the journal, who works on it, and what really exists.
#[derive(Clone, Debug)]
pub(crate) struct World {
    head: Arc<View>,
    /// Who claimed it last.
    owner: Option<u8>,
    writers: Vec<Writer>,
    platform: Platform,
    /// What a list may show besides the present.
    past: Option<Platform>,
    /// Calls of controllers that died or know nothing of them any more; on their way for ever.
    sent: BTreeSet<Call>,
    left: Faults,
    /// How often the clock went on for so long that who was missing counts as removed.
    clock: u32,
}

impl World {
    pub(crate) fn start(setting: &Setting) -> Self {
        Self {
            head: Arc::new(View::of(setting.open(), 0)),
            owner: None,
            writers: vec![Writer::Down; setting.writers],
            platform: Platform::full(setting.desired),
            past: None,
            sent: BTreeSet::new(),
            left: setting.faults,
            clock: 0,
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.head.is_closed()
    }

    /// What may happen next; some of it changes nothing.
    pub(crate) fn events(&self, setting: &Setting) -> Vec<Event> {
        let calls = self.calls(setting).into_iter().filter(|call| self.platform.has_effect(*call));
        let mut events: Vec<Event> = calls.map(Event::Execute).collect();
        if self.is_over() {
            return events;
        }
        self.of_writers(setting, &mut events);
        self.of_the_platform(setting, &mut events);
        if setting.stale && self.past.as_ref() != Some(&self.platform) {
            events.push(Event::Remember);
        }
        if self.left.controls > 0 && !self.head.state().is_ending() {
            events.push(Event::Abort);
            if *self.head.state().direction() == Direction::Forward {
                events.push(Event::Rollback);
            }
        }
        events
    }

    fn of_writers(&self, setting: &Setting, events: &mut Vec<Event>) {
        let mut appends = vec![Append::Answered];
        appends.extend(setting.ambiguous.then_some(Append::Ambiguous));
        appends.extend((setting.weakness == Some(Weakness::ActFirst)).then_some(Append::Never));
        let mut idle = false;
        for (writer, standing) in (0..).zip(&self.writers) {
            let Some(view) = standing.view(&self.head) else {
                // Those that do not run are all alike.
                if !std::mem::replace(&mut idle, true) {
                    events.push(Event::Start(writer));
                }
                continue;
            };
            events.push(Event::Kill(writer));
            if matches!(standing, Writer::Behind(_)) {
                events.push(Event::Notice(writer));
                // Whatever it appends is refused, and then it is where it is when it notices.
                if setting.weakness != Some(Weakness::LeaseOnly) {
                    continue;
                }
            }
            let late = self.time_helps(view);
            let mut looks = vec![Look::Present];
            looks.extend(late.then_some(Look::PresentAfterAWhile));
            if self.past.as_ref().is_some_and(|past| *past != self.platform) {
                looks.push(Look::Past);
                looks.extend(late.then_some(Look::PastAfterAWhile));
            }
            for append in &appends {
                let append = *append;
                events.extend(looks.iter().map(|look| Event::Turn { writer, look: *look, append }));
                let calls = view.calls.iter().map(|(_, call)| own(*call, writer, setting));
                events.extend(calls.map(|call| Event::Answer { writer, call, append }));
            }
        }
    }

    /// Whether something changes when nothing is heard for a while, and it is nobody's fault or one that may happen.
    fn time_helps(&self, view: &View) -> bool {
        let (suspects, launching) = view.waits_for();
        let launching: Vec<Name> = launching.collect();
        (suspects || !launching.is_empty()) && (self.left.slow > 0 || self.slow(view) == 0)
    }

    /// How many launches would be given up now though their machines exist.
    fn slow(&self, view: &View) -> usize {
        view.waits_for().1.filter(|name| self.platform.machine(*name).is_some()).count()
    }

    fn of_the_platform(&self, setting: &Setting, events: &mut Vec<Event>) {
        let Faults { refused, broken, vanished, unready, .. } = self.left;
        if refused > 0 {
            let refuse = |call| match call {
                Call::Launch { name, .. } if self.platform.has_effect(call) => Some(Event::Refuse(name)),
                Call::Launch { .. } | Call::Terminate { .. } => None,
            };
            events.extend(self.calls(setting).into_iter().filter_map(refuse));
        }
        for machine in &self.platform.machines {
            let name = machine.name;
            if matches!(machine.life, Life::Launching | Life::Unready) {
                events.push(Event::Ready(name));
            }
            if broken > 0 && machine.life != Life::Stopped {
                events.push(Event::Stops(name));
            }
            if unready > 0 && machine.life == Life::Ready {
                events.push(Event::Unready(name));
            }
            if vanished > 0 {
                events.push(Event::Vanishes(name));
            }
        }
    }

    /// Whether an event may be relied upon, without luck and without a fault.
    pub(crate) fn is_reliable(&self, event: Event, setting: &Setting) -> bool {
        match event {
            // Somebody restarts what died, as long as nobody works.
            Event::Start(_) => self.writers.iter().all(|writer| matches!(writer, Writer::Down)),
            Event::Notice(_) | Event::Ready(_) => true,
            Event::Turn { look, append, .. } => append == Append::Answered && !look.is_past(),
            Event::Answer { append, .. } => append == Append::Answered,
            Event::Execute(call) => {
                let is_owners = |(writer, standing): (u8, &Writer)| {
                    matches!(standing, Writer::Current)
                        && self.head.calls.iter().any(|(_, mine)| own(*mine, writer, setting) == call)
                };
                (0..).zip(&self.writers).any(is_owners)
            }
            Event::Kill(_)
            | Event::Refuse(_)
            | Event::Stops(_)
            | Event::Unready(_)
            | Event::Vanishes(_)
            | Event::Remember
            | Event::Abort
            | Event::Rollback => false,
        }
    }

    /// What follows; `None` if nothing changes.
    ///
    /// # Errors
    /// What must not happen, and does.
    pub(crate) fn after(&self, event: Event, setting: &Setting) -> Result<Option<Self>, String> {
        let mut next = self.clone();
        let changed = next.happen(event, setting)?;
        if changed {
            next.check(setting)?;
        }
        Ok(changed.then_some(next))
    }

    fn happen(&mut self, event: Event, setting: &Setting) -> Result<bool, String> {
        match event {
            Event::Start(writer) => self.claim(writer, setting)?,
            Event::Kill(writer) => self.stop(writer, setting),
            Event::Notice(writer) => self.notice(writer, setting),
            Event::Turn { writer, look, append } => return self.turn(writer, look, append, setting),
            Event::Answer { writer, call, append } => return self.answer(writer, call, append, setting),
            Event::Execute(call) => self.execute(call)?,
            Event::Refuse(name) => {
                self.platform.refuse(name);
                self.left.refused -= 1;
            }
            Event::Ready(name) => self.platform.set(name, Life::Ready),
            Event::Stops(name) => {
                self.platform.set(name, Life::Stopped);
                self.left.broken -= 1;
            }
            Event::Unready(name) => {
                self.platform.set(name, Life::Unready);
                self.left.unready -= 1;
            }
            Event::Vanishes(name) => {
                self.platform.remove(name);
                self.left.vanished -= 1;
            }
            Event::Remember => self.past = Some(self.platform.clone()),
            Event::Abort => self.wish(Control::Abort)?,
            Event::Rollback => self.wish(Control::Rollback)?,
        }
        Ok(true)
    }

    fn claim(&mut self, writer: u8, setting: &Setting) -> Result<(), String> {
        let mut draft = Draft::of(self.head.fold.clone());
        let epoch = self.head.fold.claim().map_or(0, |(_, epoch)| epoch) + 1;
        let name = WriterId::new(format!("w{writer}")).unwrap();
        draft.add(&Record::Claim { writer: name, epoch }, self.clock).map_err(|error| error.to_string())?;
        if setting.weakness == Some(Weakness::CancelIntents) {
            let is_launch = |call| matches!(call, Call::Launch { .. });
            draft.give_up(is_launch, self.clock).map_err(|error| error.to_string())?;
        }
        self.store(draft);
        self.owner = Some(writer);
        self.writers[usize::from(writer)] = Writer::Current;
        Ok(())
    }

    /// It is gone; what it has called is on its way.
    fn stop(&mut self, writer: u8, setting: &Setting) {
        let standing = std::mem::replace(&mut self.writers[usize::from(writer)], Writer::Down);
        if let Some(view) = standing.view(&self.head) {
            let calls = view.calls.iter().map(|(_, call)| own(*call, writer, setting));
            self.sent.extend(calls);
        }
    }

    /// It reads what it has not read yet, and stops if somebody else has claimed the rollout.
    fn notice(&mut self, writer: u8, setting: &Setting) {
        let is_owner = self.owner == Some(writer);
        self.stop(writer, setting);
        if is_owner {
            self.writers[usize::from(writer)] = Writer::Current;
        }
    }

    fn turn(&mut self, writer: u8, look: Look, append: Append, setting: &Setting) -> Result<bool, String> {
        if look.is_late() {
            self.clock += 1;
            let slow = self.writers[usize::from(writer)].view(&self.head).map_or(0, |view| self.slow(view));
            self.left.slow -= u8::from(slow > 0);
        }
        let Some(mut draft) = self.draft(writer) else { return Ok(false) };
        let list = if look.is_past() { self.past.as_ref() } else { None }.unwrap_or(&self.platform).clone();
        let clock = self.clock;
        let mut drafted = draft.look(&list, clock);
        if drafted.is_ok() && setting.weakness == Some(Weakness::AbsenceProves) {
            let is_absent = |call: Call| match call {
                Call::Launch { name, .. } | Call::Terminate { name } => list.machine(name).is_none(),
            };
            drafted = draft.give_up(is_absent, clock);
        }
        drafted.and_then(|()| draft.decide(clock)).map_err(|error| error.to_string())?;
        Ok(self.append(writer, draft, append, setting))
    }

    fn answer(&mut self, writer: u8, call: Call, append: Append, setting: &Setting) -> Result<bool, String> {
        let Some(mut draft) = self.draft(writer) else { return Ok(false) };
        let view = self.writers[usize::from(writer)].view(&self.head);
        let open = view.and_then(|view| {
            view.calls.iter().find(|(_, open)| own(*open, writer, setting) == call).copied()
        });
        let Some((op, open)) = open else { return Ok(false) };
        let clock = self.clock;
        let mut drafted = draft.answer(op, call, &self.platform, clock);
        if drafted.is_ok() && draft.is_empty && setting.weakness == Some(Weakness::TimeoutFails) {
            drafted = draft.give_up(|late| late == open && matches!(late, Call::Launch { .. }), clock);
        }
        if draft.is_empty {
            return Ok(false);
        }
        drafted.and_then(|()| draft.decide(clock)).map_err(|error| error.to_string())?;
        Ok(self.append(writer, draft, append, setting))
    }

    fn draft(&self, writer: u8) -> Option<Draft> {
        let view = self.writers[usize::from(writer)].view(&self.head)?;
        Some(Draft::of(view.fold.clone()))
    }

    /// Appends at the place after the last commit that the writer has read. Says whether anything was changed.
    fn append(&mut self, writer: u8, draft: Draft, append: Append, setting: &Setting) -> bool {
        if draft.is_empty {
            return false;
        }
        let at = usize::from(writer);
        match append {
            Append::Never => {
                let view = View::of(draft.fold, self.clock);
                self.sent.extend(view.calls.iter().map(|(_, call)| own(*call, writer, setting)));
                self.stop(writer, setting);
            }
            Append::Answered => {
                self.store(draft);
                self.writers[at] = Writer::Current;
            }
            // It goes on trying, and so finds out that what it knows is not the whole journal.
            Append::Ambiguous => self.store(draft),
        }
        true
    }

    /// The journal goes on like this; nobody has read it yet.
    fn store(&mut self, draft: Draft) {
        let old = std::mem::replace(&mut self.head, Arc::new(View::of(draft.fold, self.clock)));
        for writer in &mut self.writers {
            if matches!(writer, Writer::Current) {
                *writer = Writer::Behind(Arc::clone(&old));
            }
        }
    }

    fn wish(&mut self, control: Control) -> Result<(), String> {
        let mut draft = Draft::of(self.head.fold.clone());
        draft.add(&Record::Control(control), self.clock).map_err(|error| error.to_string())?;
        self.store(draft);
        self.left.controls -= 1;
        Ok(())
    }

    fn execute(&mut self, call: Call) -> Result<(), String> {
        match call {
            Call::Launch { name, .. } if !self.head.has_intended(name) => {
                return Err(format!("{name:?} is launched, and the journal knows nothing of it"));
            }
            Call::Terminate { name } => {
                let condition = self.head.member(name).map(|member| member.condition);
                if !matches!(condition, None | Some(Condition::Retiring { .. })) {
                    return Err(format!("{name:?} is stopped, and in the journal it is {condition:?}"));
                }
            }
            Call::Launch { .. } => {}
        }
        self.platform.execute(call);
        Ok(())
    }

    /// All calls that may still be executed.
    fn calls(&self, setting: &Setting) -> BTreeSet<Call> {
        let mut calls = self.sent.clone();
        for (writer, standing) in (0..).zip(&self.writers) {
            if let Some(view) = standing.view(&self.head) {
                calls.extend(view.calls.iter().map(|(_, call)| own(*call, writer, setting)));
            }
        }
        calls
    }

    /// What must hold at every moment.
    fn check(&self, setting: &Setting) -> Result<(), String> {
        let machines = &self.platform.machines;
        if machines.len() > setting.max_total() {
            return Err(format!("{} machines exist", machines.len()));
        }
        if !setting.faults.hurt_machines() && self.platform.ready() < setting.min_available() {
            return Err(format!("{} machines serve, and none has failed", self.platform.ready()));
        }
        for (at, machine) in machines.iter().enumerate() {
            let Name { slot, attempt, .. } = machine.name;
            if machines[..at].iter().any(|other| (other.name.slot, other.name.attempt) == (slot, attempt)) {
                return Err(format!("attempt {attempt} in slot {slot} was launched twice"));
            }
            if self.head.member(machine.name).is_none() {
                return Err(format!("{:?} exists, and the journal knows nothing of it", machine.name));
            }
        }
        let state = self.head.state();
        let (total, available) = state.members().fold((0, 0), |(total, available), member| {
            (total + 1, available + usize::from(matches!(member.condition, Condition::Available)))
        });
        if total > setting.max_total() {
            return Err(format!("the journal has {total} members"));
        }
        if !setting.faults.hurt_machines() && available < setting.min_available() {
            return Err(format!("the journal has {available} available members, and none has failed"));
        }
        if self.is_over() { end_is_true(&self.head, &self.platform, setting) } else { Ok(()) }
    }

    /// What tells worlds apart, as a hash that is wide enough for all of them.
    pub(crate) fn key(&self, setting: &Setting) -> u128 {
        let mut bytes = Vec::with_capacity(128);
        bytes.extend_from_slice(&self.head.key);
        self.platform.key(&mut bytes);
        // Which of them is which does not matter, but for who has claimed the rollout.
        let mut writers: Vec<(bool, u8, &[u8])> = (0..)
            .zip(&self.writers)
            .map(|(writer, standing)| {
                let (standing, view) = match standing {
                    Writer::Down => (0, &[][..]),
                    Writer::Current => (1, &[][..]),
                    Writer::Behind(view) => (2, &view.key[..]),
                };
                (self.owner == Some(writer) && standing > 0, standing, view)
            })
            .collect();
        if setting.weakness != Some(Weakness::FreshToken) {
            writers.sort_unstable();
        }
        if let Some(past) = self.past.as_ref().filter(|past| **past != self.platform) {
            past.key(&mut bytes);
        }
        // What was sent matters as long as it can still do something.
        let sent: Vec<&Call> = self.sent.iter().filter(|call| self.platform.has_effect(**call)).collect();
        let half = |salt: u8| {
            let mut hasher = DefaultHasher::new();
            (salt, &bytes, &writers, &sent, self.left).hash(&mut hasher);
            u128::from(hasher.finish())
        };
        half(0) << 64 | half(1)
    }
}

/// The call as this controller makes it.
fn own(call: Call, writer: u8, setting: &Setting) -> Call {
    match call {
        Call::Launch { name, is_new } if setting.weakness == Some(Weakness::FreshToken) => {
            Call::Launch { name: Name { nonce: writer + 1, ..name }, is_new }
        }
        call => call,
    }
}
