//! The arithmetic of the budgets, proved for every size of a fleet: the very functions the planner reckons with build
//! the terms that the solver z3 is given, so what is proved is what runs. Each claim is asked as "is there a case in
//! which it is false?", and the answer must be no; the same is asked of guards that are off by one, and must be yes.

use std::io::Write;
use std::process::{Command, Stdio};

use super::arithmetic::{Account, Number};

/// A term of SMT-LIB, an integer or a truth.
#[derive(Clone, Debug)]
struct Term(String);

impl Term {
    fn apply(operator: &str, terms: &[&Self]) -> Self {
        let terms: String = terms.iter().map(|term| format!(" {}", term.0)).collect();
        Self(format!("({operator}{terms})"))
    }

    fn plus(&self, other: &Self) -> Self {
        Self::apply("+", &[self, other])
    }

    fn minus(&self, other: &Self) -> Self {
        Self::apply("-", &[self, other])
    }

    fn at_least(&self, other: &Self) -> Self {
        Self::apply(">=", &[self, other])
    }

    fn and(&self, other: &Self) -> Self {
        Self::apply("and", &[self, other])
    }

    fn or(&self, other: &Self) -> Self {
        Self::apply("or", &[self, other])
    }
}

fn number(value: u32) -> Term {
    Term(value.to_string())
}

impl Number for Term {
    type Truth = Self;

    fn one_more(&self) -> Self {
        self.plus(&number(1))
    }

    fn one_less(&self) -> Self {
        self.minus(&number(1))
    }

    fn is_below(&self, other: &Self) -> Self {
        Self::apply("<", &[self, other])
    }
}

const NAMES: [&str; 9] =
    ["desired", "surge", "slack", "launching", "ready", "suspect", "broken", "leaving", "hurt"];

/// A fleet of any size at any moment, in numbers.
#[derive(Clone, Debug)]
struct Fleet {
    desired: Term,
    surge: Term,
    /// How many fewer may be available.
    slack: Term,
    launching: Term,
    ready: Term,
    suspect: Term,
    broken: Term,
    leaving: Term,
    /// How many that were available were lost to faults so far.
    hurt: Term,
}

impl Fleet {
    fn any() -> Self {
        let [desired, surge, slack, launching, ready, suspect, broken, leaving, hurt] =
            NAMES.map(|name| Term(name.to_owned()));
        Self { desired, surge, slack, launching, ready, suspect, broken, leaving, hurt }
    }

    fn total(&self) -> Term {
        Term::apply("+", &[&self.launching, &self.ready, &self.suspect, &self.broken, &self.leaving])
    }

    /// What the planner reckons with.
    fn account(&self) -> Account<Term> {
        Account {
            total: self.total(),
            available: self.ready.clone(),
            max_total: self.desired.plus(&self.surge),
            min_available: self.desired.minus(&self.slack),
        }
    }

    /// No more exist than may, and those that are available are as many as must be, but for what faults took.
    fn keeps_its_limits(&self) -> Term {
        let Account { max_total, min_available, .. } = self.account();
        let enough = self.ready.plus(&self.hurt).at_least(&min_available);
        max_total.at_least(&self.total()).and(&enough)
    }
}

/// One thing that happens to a fleet: when it may, and what it changes.
struct Happening {
    what: &'static str,
    may: Term,
    after: Fleet,
}

fn happening(what: &'static str, may: Term, change: impl FnOnce(&mut Fleet)) -> Happening {
    let mut after = Fleet::any();
    change(&mut after);
    Happening { what, may, after }
}

/// What the planner begins, by its own guards.
fn acts() -> Vec<Happening> {
    let fleet = Fleet::any();
    let account = fleet.account();
    let some = |count: &Term| number(0).is_below(count);
    let mut grown = account.clone();
    grown.grow();
    let mut lost = account.clone();
    lost.lose();
    vec![
        happening("launch", account.may_grow(), |fleet| {
            // What the account says of its total is what the fleet then has.
            fleet.launching = grown.total.minus(&fleet.total()).plus(&fleet.launching);
        }),
        happening("retire an available one", account.may_lose().and(&some(&fleet.ready)), |fleet| {
            fleet.ready = lost.available;
            fleet.leaving = fleet.leaving.one_more();
        }),
        happening("retire one that is launching", some(&fleet.launching), |fleet| {
            fleet.launching = fleet.launching.one_less();
            fleet.leaving = fleet.leaving.one_more();
        }),
        happening("retire a suspect one", some(&fleet.suspect), |fleet| {
            fleet.suspect = fleet.suspect.one_less();
            fleet.leaving = fleet.leaving.one_more();
        }),
        happening("retire a broken one", some(&fleet.broken), |fleet| {
            fleet.broken = fleet.broken.one_less();
            fleet.leaving = fleet.leaving.one_more();
        }),
    ]
}

/// What the world does.
fn events() -> Vec<Happening> {
    let fleet = Fleet::any();
    let some = |count: &Term| number(0).is_below(count);
    let (launching, ready) = (some(&fleet.launching), some(&fleet.ready));
    let (suspect, leaving) = (some(&fleet.suspect), some(&fleet.leaving));
    vec![
        happening("one becomes available", launching.clone(), |fleet| {
            fleet.launching = fleet.launching.one_less();
            fleet.ready = fleet.ready.one_more();
        }),
        happening("a launch fails", launching.clone(), |fleet| {
            fleet.launching = fleet.launching.one_less();
        }),
        happening("one that is launching breaks", launching, |fleet| {
            fleet.launching = fleet.launching.one_less();
            fleet.broken = fleet.broken.one_more();
        }),
        happening("one becomes suspect", ready.clone(), |fleet| {
            fleet.ready = fleet.ready.one_less();
            fleet.suspect = fleet.suspect.one_more();
            fleet.hurt = fleet.hurt.one_more();
        }),
        happening("one recovers", suspect.clone(), |fleet| {
            fleet.suspect = fleet.suspect.one_less();
            fleet.ready = fleet.ready.one_more();
        }),
        happening("a suspect one is given up", suspect, |fleet| {
            fleet.suspect = fleet.suspect.one_less();
            fleet.broken = fleet.broken.one_more();
        }),
        happening("one breaks", ready, |fleet| {
            fleet.ready = fleet.ready.one_less();
            fleet.broken = fleet.broken.one_more();
            fleet.hurt = fleet.hurt.one_more();
        }),
        happening("one is gone", leaving, |fleet| fleet.leaving = fleet.leaving.one_less()),
    ]
}

/// Whether a case exists in which all assumptions hold, for each list of them.
fn ask(questions: &[Vec<Term>]) -> Vec<bool> {
    let mut script = String::from("(set-logic QF_LIA)\n");
    for name in NAMES {
        script.push_str(&format!("(declare-const {name} Int)\n(assert (>= {name} 0))\n"));
    }
    script.push_str("(assert (<= slack desired))\n");
    for question in questions {
        script.push_str("(push)\n");
        for Term(assumption) in question {
            script.push_str(&format!("(assert {assumption})\n"));
        }
        script.push_str("(check-sat)\n(pop)\n");
    }
    let mut solver = Command::new("z3")
        .arg("-in")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("z3 is there: `cargo xtask setup` installs it");
    solver.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let answer = String::from_utf8(solver.wait_with_output().unwrap().stdout).unwrap();
    let case = |line: &str| match line {
        "sat" => true,
        "unsat" => false,
        other => panic!("z3 says `{other}` of\n{script}"),
    };
    let answers: Vec<bool> = answer.lines().map(case).collect();
    assert_eq!(answers.len(), questions.len());
    answers
}

fn not(term: &Term) -> Term {
    Term::apply("not", &[term])
}

#[test]
#[ignore = "needs z3: `cargo xtask test --only proof`"]
fn whatever_is_begun_and_whatever_happens_the_limits_hold_in_a_fleet_of_any_size() {
    let all: Vec<Happening> = acts().into_iter().chain(events()).collect();
    let before = Fleet::any().keeps_its_limits();
    let breaks =
        |what: &Happening| vec![before.clone(), what.may.clone(), not(&what.after.keeps_its_limits())];
    let answers = ask(&all.iter().map(breaks).collect::<Vec<_>>());
    let broken: Vec<&str> =
        all.iter().zip(answers).filter(|(_, breaks)| *breaks).map(|(all, _)| all.what).collect();
    assert_eq!(broken, [""; 0]);
    // And none of it is a claim about nothing.
    let possible = ask(&all.iter().map(|what| vec![before.clone(), what.may.clone()]).collect::<Vec<_>>());
    assert!(possible.iter().all(|possible| *possible));
}

#[test]
#[ignore = "needs z3: `cargo xtask test --only proof`"]
fn a_guard_that_is_off_by_one_is_found_out() {
    let fleet = Fleet::any();
    let account = fleet.account();
    let before = fleet.keeps_its_limits();
    let acts = acts();
    let too_many = account.max_total.at_least(&account.total);
    let too_few = account.available.at_least(&account.min_available);
    let wrong = [(too_many, &acts[0]), (too_few.and(&number(0).is_below(&fleet.ready)), &acts[1])];
    let breaks = wrong.map(|(may, act)| vec![before.clone(), may, not(&act.after.keeps_its_limits())]);
    assert_eq!(ask(&breaks), [true, true]);
}

#[test]
#[ignore = "needs z3: `cargo xtask test --only proof`"]
fn who_has_too_few_gives_up_none_that_serves() {
    let account = Fleet::any().account();
    assert_eq!(ask(&[vec![account.is_short(), account.may_lose()]]), [false]);
}

#[test]
#[ignore = "needs z3: `cargo xtask test --only proof`"]
fn what_is_under_way_is_at_most_surge_and_slack_together() {
    let fleet = Fleet::any();
    let under_way = fleet.total().minus(&fleet.ready);
    let law = fleet.surge.plus(&fleet.slack).at_least(&under_way);
    let unhurt = number(0).at_least(&fleet.hurt);
    assert_eq!(ask(&[vec![fleet.keeps_its_limits(), unhurt, not(&law)]]), [false]);
}

/// The last stage wants all `desired` new and none old. At rest there are only available ones; `ready` are all of them,
/// `launching` stands for the new ones among them, so that nothing else need be declared.
#[test]
#[ignore = "needs z3: `cargo xtask test --only proof`"]
fn a_fleet_at_rest_that_is_not_done_may_always_do_something() {
    let fleet = Fleet::any();
    let new = fleet.launching.clone();
    let old = fleet.ready.minus(&new);
    let Account { max_total, min_available, .. } = fleet.account();
    let account =
        Account { total: fleet.ready.clone(), available: fleet.ready.clone(), max_total, min_available };
    let is_possible = old.at_least(&number(0)).and(&account.max_total.at_least(&account.total));
    let is_unfinished = new.is_below(&fleet.desired).or(&number(0).is_below(&old));
    let some_room = number(0).is_below(&fleet.surge.plus(&fleet.slack));
    let launch = new.is_below(&fleet.desired).and(&account.may_grow());
    let retire = number(0).is_below(&old).and(&account.may_lose());
    let stuck = vec![is_possible.clone(), is_unfinished.clone(), some_room, not(&launch), not(&retire)];
    // Without any room it is stuck: that is why both limits at zero are refused.
    let no_room = number(0).at_least(&fleet.surge.plus(&fleet.slack));
    let refused = vec![is_possible, is_unfinished, no_room, not(&launch), not(&retire)];
    assert_eq!(ask(&[stuck, refused]), [false, true]);
}
