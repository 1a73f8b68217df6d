//! The real decision kernel against every order of events on small fleets: the counterpart of the design's counter
//! model. Breadth first over all worlds that the events can lead to.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use immutable_core::fleet::{Health, Instance, Phase, Snapshot};
use immutable_core::limits::Limits;
use immutable_core::plan::{Seat, Step};
use immutable_core::planner::{
    Cause, Conclusion, Condition, Decision, Direction, Member, Observation, OpId, OpenOp, PlanRequest,
    RolloutState, decide, explain,
};
use immutable_core::strategy::{RolloutStrategy, Stage, StrategyContext, StrategyError};
use immutable_core::{FleetId, InstanceId, Quantity, RolloutId, Timestamp, Zone};

use crate::scenario::v;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const NEVER: Duration = Duration::from_secs(1_000_000);

/// What is explored: a fleet, its limits, and which misfortunes may happen.
#[derive(Clone, Copy, Debug)]
struct Setting {
    desired: u32,
    surge: u32,
    unavailable: u32,
    /// How many new instances the first of two stages has; 0 for one stage.
    canaries: u32,
    /// `None`: failures are tolerated without end, and nobody and no deadline interferes.
    tolerated: Option<u32>,
    /// How many instances somebody else may launch.
    strangers: u32,
    alike: Alike,
}

/// Which worlds are explored only once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Alike {
    /// Those in which every slot holds instances of the same images in the same conditions: nothing a decision reads
    /// tells them apart but names and times.
    Slots,
    /// Those with as many instances of each image in each condition: takes every slot for every other one, which the
    /// numbers of the limits do and the choice of slots does not.
    Counts,
}

impl Setting {
    fn all(alike: Alike) -> impl Iterator<Item = Self> {
        let sizes = (1..=3).flat_map(|desired| (0..=2).map(move |surge| (desired, surge)));
        let limits = sizes.flat_map(|(desired, surge)| {
            (0..=desired.min(2)).map(move |unavailable| (desired, surge, unavailable))
        });
        limits.filter(|(_, surge, unavailable)| surge + unavailable > 0).flat_map(
            move |(desired, surge, unavailable)| {
                [0, (desired / 3).max(1)].map(|canaries| Self {
                    desired,
                    surge,
                    unavailable,
                    canaries,
                    tolerated: None,
                    strangers: 0,
                    alike,
                })
            },
        )
    }

    const fn max_total(&self) -> usize {
        (self.desired + self.surge + self.strangers) as usize
    }

    const fn min_available(&self) -> usize {
        (self.desired - self.unavailable) as usize
    }

    /// All desired instances of the old image are available.
    fn start(&self) -> World {
        let fleet = FleetId::new("web").unwrap();
        let zone = Zone::new("a").unwrap();
        let instance = |number: u32| {
            let id = InstanceId::new(format!("i-{number}")).unwrap();
            Instance::new(id, v(1), zone.clone(), Phase::Running(Health::Ready), NOW)
        };
        let snapshot = Snapshot::new(fleet, NOW, 0, (0..self.desired).map(instance).collect());
        let limits = Limits {
            max_surge: Quantity::Count(self.surge),
            max_unavailable: Quantity::Count(self.unavailable),
            max_failures: Quantity::Count(self.tolerated.unwrap_or(u32::MAX)),
            healthy_deadline: NEVER,
            progress_deadline: NEVER * 3,
            ..Limits::default()
        };
        let request = PlanRequest::new(RolloutId::new("r").unwrap(), v(2), self.desired)
            .limits(limits)
            .zones(vec![zone.clone()]);
        let plan = request.plan(&snapshot, self).unwrap();
        let state = RolloutState::open(plan.spec, &plan.initial, NOW).unwrap();
        World { state, used: BTreeSet::new(), found: 0 }
    }
}

impl RolloutStrategy for Setting {
    fn name(&self) -> &'static str {
        "every order of events"
    }

    fn stages(&self, _: &StrategyContext) -> Result<Vec<Stage>, StrategyError> {
        let first = (self.canaries > 0).then(|| Stage::new(self.canaries, self.desired - self.canaries));
        Ok(first.into_iter().chain([Stage::new(self.desired, 0)]).collect())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    /// The kernel is asked, and what it says is recorded.
    Decide,
    /// The same, with the progress deadline over.
    DecideLate,
    Confirm(OpId),
    LaunchFails(OpId),
    Gone(OpId),
    Ready(Seat),
    Available(Seat),
    Suspect(Seat),
    Break(Seat),
    Stranger,
    Rollback,
    Abort,
}

#[derive(Clone)]
struct World {
    state: RolloutState,
    /// Every seat that was ever launched on the way here.
    used: BTreeSet<Seat>,
    found: u32,
}

impl World {
    fn available(&self) -> usize {
        self.state.members().filter(|member| member.condition == Condition::Available).count()
    }

    /// Members of the wanted image in the desired slots, or all others, that are neither leaving nor given up.
    fn staying(&self, wanted: bool, setting: &Setting) -> usize {
        let stays =
            |member: &Member<'_>| !matches!(member.condition, Condition::Retiring { .. } | Condition::Broken);
        self.state
            .members()
            .filter(stays)
            .filter(|member| {
                let is_desired = member.seat.slot.0 < setting.desired;
                (member.image == self.state.wanted() && is_desired) == wanted
            })
            .count()
    }

    /// What may happen next.
    fn events(&self, setting: &Setting) -> Vec<Event> {
        let mut events = vec![Event::Decide];
        for (op, open) in self.state.open_ops() {
            match open {
                OpenOp::Launch { .. } => events.extend([Event::Confirm(op), Event::LaunchFails(op)]),
                OpenOp::Retire { .. } => events.push(Event::Gone(op)),
                other => unreachable!("{other:?}"),
            }
        }
        for member in self.state.members().filter(|member| member.instance.is_some()) {
            let seat = member.seat;
            match member.condition {
                Condition::Launching { .. } => events.extend([Event::Ready(seat), Event::Break(seat)]),
                Condition::Ready { .. } => {
                    events.extend([Event::Available(seat), Event::Suspect(seat), Event::Break(seat)]);
                }
                Condition::Available => events.extend([Event::Suspect(seat), Event::Break(seat)]),
                Condition::Suspect { .. } => events.extend([Event::Ready(seat), Event::Break(seat)]),
                Condition::Broken | Condition::Retiring { .. } => {}
            }
        }
        if self.found < setting.strangers {
            events.push(Event::Stranger);
        }
        if setting.tolerated.is_some() && !self.state.is_ending() {
            events.push(Event::DecideLate);
            events.push(Event::Abort);
            if *self.state.direction() == Direction::Forward {
                events.push(Event::Rollback);
            }
        }
        events
    }

    /// Whether an event may be relied upon: no fault, and no luck needed. A suspect one is given up in the end.
    fn is_reliable(&self, event: Event) -> bool {
        let is = |seat, wanted: fn(&Condition) -> bool| {
            self.state.member(seat).is_some_and(|member| wanted(&member.condition))
        };
        match event {
            Event::Decide | Event::Confirm(_) | Event::Gone(_) | Event::Available(_) => true,
            Event::Ready(seat) => is(seat, |condition| matches!(condition, Condition::Launching { .. })),
            Event::Break(seat) => is(seat, |condition| matches!(condition, Condition::Suspect { .. })),
            _ => false,
        }
    }

    fn after(&self, event: Event, setting: &Setting) -> Self {
        let mut next = self.clone();
        let state = &mut next.state;
        match event {
            Event::Decide => next.decide(NOW, setting),
            Event::DecideLate => next.decide(NOW + NEVER * 9, setting),
            Event::Confirm(op) => {
                state.launched(op, InstanceId::new(format!("i-{op}")).unwrap(), NOW).unwrap();
            }
            Event::LaunchFails(op) => state.launch_failed(op, "refused", NOW).unwrap(),
            Event::Gone(op) => state.retired(op).unwrap(),
            Event::Ready(seat) => state.observed(seat, Observation::Ready { endpoint: None }, NOW).unwrap(),
            Event::Available(seat) => state.observed(seat, Observation::Available, NOW).unwrap(),
            Event::Suspect(seat) => state.observed(seat, Observation::Suspect, NOW).unwrap(),
            Event::Break(seat) => {
                state.observed(seat, Observation::Broken(Cause::HealthyDeadline), NOW).unwrap();
            }
            Event::Stranger => {
                next.found += 1;
                let id = InstanceId::new(format!("stranger-{}", next.found)).unwrap();
                let zone = Zone::new("a").unwrap();
                let image = v(1 + next.found % 2);
                let instance = Instance::new(id, image, zone, Phase::Launching, NOW);
                let seat = state.surplus_seat();
                state.found(seat, &instance, NOW).unwrap();
            }
            Event::Rollback => {
                state.turned_back(immutable_core::planner::FailReason::Requested, NOW).unwrap();
            }
            Event::Abort => state.ending(Conclusion::Aborted).unwrap(),
        }
        next.state.settle(NOW);
        next
    }

    /// Records one decision; every single step of it must keep the limits.
    fn decide(&mut self, now: Timestamp, setting: &Setting) {
        match decide(&self.state, now) {
            Decision::Act(steps) => {
                assert!(!steps.is_empty(), "an act without a step");
                for step in steps {
                    self.act(step, setting);
                    self.state.settle(NOW);
                }
            }
            Decision::Wait => {
                let report = explain(&self.state, now);
                assert!(!report.waiting.is_empty(), "it waits and cannot say for what: {report}");
            }
            Decision::TurnBack(reason) => self.state.turned_back(reason, NOW).unwrap(),
            Decision::End(conclusion) => self.state.ending(conclusion).unwrap(),
            Decision::Done(conclusion) => self.assert_end(&conclusion, setting),
            other => unreachable!("{other:?}"),
        }
    }

    fn act(&mut self, step: Step, setting: &Setting) {
        let op = self.state.next_op();
        assert!(
            !self.state.is_ending() || matches!(step, Step::Retire { .. }),
            "it begins something after the end was decided"
        );
        let (number, stage) = self.state.stage();
        let (new, old) = (stage.new as usize, stage.old as usize);
        match step {
            Step::Launch { seat, zone, image } => {
                assert!(self.used.insert(seat), "{seat} is launched twice");
                self.state.launch_intended(op, seat, zone, image, NOW).unwrap();
                let total = self.state.members().count();
                assert!(total <= setting.max_total(), "{total} exist");
                if image == self.state.wanted() {
                    let new_now = self.staying(true, setting);
                    assert!(new_now <= new, "{new_now} new ones, the stage has {new}");
                }
            }
            Step::Retire { seat } => {
                let before = (self.available(), self.staying(false, setting));
                let is_ending = self.state.is_ending();
                self.state.retire_intended(op, seat, NOW).unwrap();
                let after = (self.available(), self.staying(false, setting));
                if after.0 < before.0 {
                    assert!(after.0 >= setting.min_available(), "{} are left available", after.0);
                }
                if after.1 < before.1 && !is_ending {
                    assert!(after.1 >= old, "{} old ones are left, the stage keeps {old}", after.1);
                }
            }
            Step::Advance { stage } => {
                assert_eq!(stage, number + 1);
                assert_eq!(self.available(), self.state.members().count(), "something is under way");
                assert!(self.staying(true, setting) >= new && self.staying(false, setting) <= old);
                self.state.advanced(stage, NOW).unwrap();
            }
            other => unreachable!("{other:?}"),
        }
    }

    fn assert_end(&self, conclusion: &Conclusion, setting: &Setting) {
        let image = match conclusion {
            Conclusion::Completed => v(2),
            Conclusion::RolledBack { .. } if setting.tolerated.is_some() => v(1),
            Conclusion::Failed { rollback: Some(_), .. } | Conclusion::Aborted
                if setting.tolerated.is_some() =>
            {
                let is_leftover = |member: Member<'_>| {
                    let came_up = member.in_service && !member.is_broken();
                    member.seat.attempt > immutable_core::Attempt(0) && !came_up
                };
                assert!(!self.state.members().any(is_leftover), "what serves nobody is left behind");
                return assert_eq!(self.state.open_ops().count(), 0);
            }
            other => unreachable!("{other:?}"),
        };
        assert_eq!(self.state.members().count(), setting.desired as usize);
        assert_eq!(self.available(), setting.desired as usize);
        assert!(self.state.members().all(|member| member.image == image));
    }

    /// What tells worlds apart: everything a decision reads but names, attempts and the time.
    fn key(&self, setting: &Setting) -> Vec<u8> {
        let code = |member: Member<'_>| {
            let condition = match member.condition {
                Condition::Launching { .. } => 0,
                Condition::Ready { .. } => 1,
                Condition::Available => 2,
                Condition::Suspect { .. } => 3,
                Condition::Broken => 4,
                Condition::Retiring { .. } => 5,
            };
            let is_surplus = member.seat.slot.0 >= setting.desired;
            let flags = [member.image == v(2), member.instance.is_some(), member.in_service, is_surplus];
            let slot = match setting.alike {
                Alike::Slots => u8::try_from(member.seat.slot.0).unwrap(),
                Alike::Counts => 0,
            };
            (slot, flags.iter().fold(condition, |code, flag| code * 2 + u8::from(*flag)))
        };
        let mut members: Vec<(u8, u8)> = self.state.members().map(code).collect();
        members.sort_unstable();
        let back = *self.state.direction() != Direction::Forward;
        let failures = setting.tolerated.map_or(0, |tolerated| {
            // The kernel tells how many there were; without a limit they do not matter.
            explain(&self.state, NOW).failures.min(tolerated + 1)
        });
        let head = [
            u8::try_from(self.state.stage().0).unwrap(),
            u8::from(back) + 2 * u8::from(self.state.is_ending()),
            u8::try_from(failures).unwrap(),
            u8::try_from(self.found).unwrap(),
        ];
        head.into_iter().chain(members.into_iter().flat_map(|(slot, code)| [slot, code])).collect()
    }
}

/// Every world that can be reached, how each was reached first, and from where by reliable events alone.
struct Explored {
    keys: BTreeMap<Vec<u8>, usize>,
    came: Vec<Option<(usize, Event)>>,
    reliably_from: Vec<(usize, usize)>,
    ends: Vec<usize>,
}

impl Explored {
    fn of(setting: &Setting) -> Self {
        let start = setting.start();
        let mut explored = Self {
            keys: BTreeMap::from([(start.key(setting), 0)]),
            came: vec![None],
            reliably_from: Vec::new(),
            ends: Vec::new(),
        };
        let mut queue = VecDeque::from([start]);
        let mut here = 0;
        while let Some(world) = queue.pop_front() {
            if matches!(decide(&world.state, NOW), Decision::Done(_)) {
                explored.ends.push(here);
            }
            for event in world.events(setting) {
                let step = || world.after(event, setting);
                let next =
                    std::panic::catch_unwind(std::panic::AssertUnwindSafe(step)).unwrap_or_else(|_| {
                        panic!("{setting:?} after {:?} and then {event:?}", explored.way_to(here))
                    });
                let known = explored.came.len();
                let there = *explored.keys.entry(next.key(setting)).or_insert(known);
                if there == known {
                    explored.came.push(Some((here, event)));
                    queue.push_back(next);
                }
                if world.is_reliable(event) && there != here {
                    explored.reliably_from.push((there, here));
                }
            }
            here += 1;
        }
        explored
    }

    fn way_to(&self, mut world: usize) -> Vec<Event> {
        let mut way = Vec::new();
        while let Some((from, event)) = self.came[world] {
            way.push(event);
            world = from;
        }
        way.reverse();
        way
    }

    /// The worlds from which no end can be reached by reliable events.
    fn stuck(&self) -> Vec<usize> {
        let mut before = vec![Vec::new(); self.came.len()];
        for (there, here) in &self.reliably_from {
            before[*there].push(*here);
        }
        let mut good = vec![false; self.came.len()];
        let mut open = self.ends.clone();
        while let Some(world) = open.pop() {
            if !std::mem::replace(&mut good[world], true) {
                open.extend(&before[world]);
            }
        }
        (0..good.len()).filter(|world| !good[*world]).collect()
    }

    fn assert_all_end(&self, setting: &Setting) {
        let stuck = self.stuck();
        if let Some(first) = stuck.first() {
            panic!("{setting:?}: stuck in {} worlds, first after {:?}", stuck.len(), self.way_to(*first));
        }
        assert!(!self.ends.is_empty());
    }
}

fn explore(what: &str, settings: impl Iterator<Item = Setting>) {
    let began = std::time::Instant::now();
    let (mut worlds, mut fleets) = (0, 0);
    for setting in settings {
        let explored = Explored::of(&setting);
        explored.assert_all_end(&setting);
        worlds += explored.came.len();
        fleets += 1;
    }
    eprintln!("{what}: {worlds} worlds of {fleets} settings in {:?}", began.elapsed());
}

fn small(setting: &Setting) -> bool {
    setting.desired <= 2
}

fn bad_image(setting: Setting) -> Setting {
    Setting { tolerated: Some(1), ..setting }
}

fn stranger(setting: Setting) -> Setting {
    Setting { strangers: 1, ..setting }
}

#[test]
fn no_order_of_faults_breaks_a_limit_or_gets_a_rollout_stuck() {
    explore("faults, by counts", Setting::all(Alike::Counts));
    explore("faults, by slots", Setting::all(Alike::Slots).filter(small));
}

#[test]
fn turning_back_aborting_and_running_out_of_time_keep_the_limits_and_end() {
    explore("failures, by counts", Setting::all(Alike::Counts).filter(small).map(bad_image));
}

#[test]
fn a_stranger_that_appears_at_any_moment_is_absorbed() {
    explore("strangers, by counts", Setting::all(Alike::Counts).filter(small).map(stranger));
}

#[test]
#[ignore = "minutes: run it after a change of the kernel"]
fn the_same_with_every_slot_told_apart() {
    explore("failures, by slots", Setting::all(Alike::Slots).filter(small).map(bad_image));
    explore("strangers, by slots", Setting::all(Alike::Slots).filter(small).map(stranger));
    explore("faults, by slots", Setting::all(Alike::Slots));
}
