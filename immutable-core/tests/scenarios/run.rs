//! Runs a scenario: what a controller does, without I/O.

use immutable_core::fleet::Snapshot;
use immutable_core::journal::{Fold, Record};
use immutable_core::plan::{Plan, lint};
use immutable_core::planner::{Decision, PlanError, PlanRequest, RolloutState, decide, next_due};
use immutable_core::{FleetId, RolloutId, Timestamp};

use crate::ledger::Ledger;
use crate::look;
use crate::script::Script;
use crate::story::{self, Story};
use crate::world::{World, image};

fn plan(script: &Script, world: &World) -> Result<Plan, PlanError> {
    let instances = world.machines.values().map(|machine| machine.instance.clone()).collect();
    let snapshot = Snapshot::new(FleetId::new("web").unwrap(), script.start, 0, instances);
    let mut request =
        PlanRequest::new(RolloutId::new("deploy-1").unwrap(), image(&script.target), script.desired)
            .limits(script.limits.clone())
            .zones(script.zones.clone())
            .on_failure(script.on_failure)
            .on_protected(script.on_protected)
            .on_standby(script.on_standby)
            .on_resize(script.on_resize)
            .on_retarget(script.on_retarget)
            .picks_victim(script.picks_victim);
    if let Some(calendar) = &script.calendar {
        request = request.calendar(calendar.clone());
    }
    if let Some(previous) = &script.previous {
        request = request.previous(image(previous));
    }
    for name in &script.revoked {
        request = request.revoked(image(name));
    }
    for (instance, reason) in &script.marks {
        request = request.mark(instance.clone(), *reason);
    }
    if script.known_good {
        request = request.known_good();
    }
    request.plan(&snapshot, &script.strategy)
}

struct Run<'s> {
    script: &'s Script,
    world: World,
    fold: Fold,
    ledger: Ledger,
    story: Story<'s>,
}

/// The whole story of a script.
pub(crate) fn story(script: &Script) -> String {
    let world = World::new(script);
    let plan = match plan(script, &world) {
        Ok(plan) => plan,
        Err(error) => {
            let cause =
                std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
            return format!(
                "{}\n\nrefused: {}\n",
                script.why,
                story::readable(script, &format!("{error}{cause}"))
            );
        }
    };
    assert_eq!(lint(&plan), [], "{plan}");
    let mut run = Run {
        script,
        world,
        fold: Fold::new(plan.spec.rollout.clone()),
        ledger: Ledger::new(&plan),
        story: Story::new(script, &plan),
    };
    let open = Record::Open {
        spec: Box::new(plan.spec.clone()),
        initial: plan.initial.clone(),
        plan: plan.digest(),
    };
    run.fold.record(&open, script.start).unwrap();
    run.whole()
}

impl Run<'_> {
    fn state(&self) -> &RolloutState {
        self.fold.state().unwrap()
    }

    fn record(&mut self, record: &Record) {
        let now = self.world.now;
        self.ledger.before(record, self.fold.state().unwrap(), now);
        self.fold
            .record(record, now)
            .unwrap_or_else(|error| panic!("{}: {record}: {error}", self.script.name));
        let state = self.fold.state().unwrap();
        self.ledger.after(record, state, now);
        self.world.begin(record, state);
        self.story.line(now, state, &record.to_string());
    }

    fn all(&mut self, records: &[Record]) {
        for record in records {
            self.record(record);
        }
    }

    fn whole(mut self) -> String {
        let end = self.script.start + self.script.until;
        let outcome = loop {
            self.turn();
            let now = self.world.now;
            if let Some(conclusion) = self.state().conclusion() {
                break conclusion.to_string();
            }
            self.story.waits(now, self.fold.state().unwrap());
            let next = self.world.next().into_iter().chain(next_due(self.state(), now)).min();
            match next {
                Some(next) if next <= end => self.world.now = next,
                Some(_) => break "it still goes on, and the script ends here".to_owned(),
                None => break "it waits, and nothing comes by itself any more".to_owned(),
            }
        };
        let peaks = self.ledger.peaks();
        let state = self.fold.state().unwrap();
        self.story.end(self.world.now, state, &outcome, &peaks)
    }

    fn turn(&mut self) {
        let now = self.world.now;
        let records = self.world.happen(self.fold.state().unwrap());
        self.all(&records);
        if self.state().conclusion().is_some() {
            return;
        }
        let records = look::members(self.state(), &self.world);
        self.all(&records);
        let records = look::strangers(self.state(), &self.world);
        self.all(&records);
        let records = look::time(self.state(), now);
        self.all(&records);
        let records = look::checks(self.state(), self.script, now);
        self.all(&records);
        self.decide(now);
    }

    fn decide(&mut self, now: Timestamp) {
        for _ in 0..100 {
            match decide(self.state(), now) {
                Decision::Act(steps) => {
                    for step in steps {
                        let record = Record::of(step, self.state());
                        self.record(&record);
                    }
                    // A check is asked as soon as its stage is complete.
                    let records = look::checks(self.state(), self.script, now);
                    self.all(&records);
                }
                Decision::Wait => return,
                Decision::NextTarget => self.record(&Record::NextTarget),
                Decision::TurnBack(reason) => self.record(&Record::TurnBack { reason }),
                Decision::End(conclusion) => self.record(&Record::End { conclusion }),
                Decision::Done(conclusion) => return self.record(&Record::Close { conclusion }),
                other => panic!("{other:?}"),
            }
        }
        panic!("{}: the kernel never stops deciding at {now}", self.script.name);
    }
}
