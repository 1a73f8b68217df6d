//! The invariants in words. Each is asked of every single act before it is recorded.

use immutable_core::gate::{GateSpec, Verdict};
use immutable_core::plan::{Seat, Step};
use immutable_core::strategy::Share;
use immutable_core::{Attempt, Digest, Timestamp, Zone};

use crate::books::{Books, Entry, Run, Stand};
use crate::ledger::Ledger;

/// An invariant that does not hold.
pub(crate) type Broken = String;

/// Fails with the invariant in words and the numbers that break it.
macro_rules! holds {
    ($truth:expr, $($words:tt)+) => {
        if !$truth {
            return Err(format!($($words)+));
        }
    };
}

/// One act of a decision, judged by the books before it; `begun` are the books when the decision was made.
pub(crate) fn check(ledger: &Ledger, begun: &Books, step: &Step, now: Timestamp) -> Result<(), Broken> {
    let books = &ledger.books;
    match step {
        Step::Retire { seat } if books.run == Run::Ending => return leftover(books, *seat),
        _ => {}
    }
    holds!(books.run == Run::On, "a rollout that is paused or ending begins nothing: {step:?}");
    match step {
        Step::Launch { seat, zone, image } => launch(ledger, begun, *seat, zone, *image, now),
        Step::Retire { seat } => retire(ledger, begun, *seat),
        Step::Shift { share } => shift(books, *share),
        Step::Advance { stage } => advance(books, *stage, now),
        other => Err(format!("unknown step {other:?}")),
    }
}

fn may_begin(books: &Books) -> bool {
    use immutable_core::calendar::OnClose;
    let finishes =
        books.spec.calendar.as_ref().is_some_and(|calendar| calendar.on_close() == OnClose::Finish);
    books.open || books.back || books.begun && finishes
}

fn launch(
    ledger: &Ledger,
    begun: &Books,
    seat: Seat,
    zone: &Zone,
    image: Digest,
    now: Timestamp,
) -> Result<(), Broken> {
    let books = &ledger.books;
    let slot = seat.slot;
    holds!(seat.attempt > Attempt(0), "S4: {seat} is the seat of an instance that was found");
    holds!(!books.seats.contains(&seat), "S4: {seat} is launched twice");
    holds!(slot.0 < books.desired, "{seat} is launched beyond the {} desired", books.desired);
    holds!(zone == books.spec.zone_of(slot), "{seat} is launched in {zone}, a zone of other slots");
    holds!(!books.revoked.contains(&image), "S6: {seat} is launched from a revoked image");
    let known = image == books.wanted() || !books.back && Some(image) == books.previous;
    holds!(known, "{seat} is launched from an image that nobody asked for");

    let total = books.count(|_| true) + 1;
    holds!(total <= books.most(), "S2: {total} exist after the launch of {seat}, {} may", books.most());
    let here = books.count(|entry| entry.zone == *zone) + 1;
    let most = books.most_in(zone);
    holds!(here <= most, "S3: {here} exist in {zone} after the launch of {seat}, {most} may");
    if books.count(|entry| entry.image == image) == 0
        && let Some(most) = books.limits.max_versions
    {
        let mut images: Vec<Digest> =
            books.entries.values().map(|entry| entry.image).chain([image]).collect();
        images.sort_unstable();
        images.dedup();
        holds!(images.len() <= most as usize, "S7: {} versions exist after {seat}, {most} may", images.len());
    }
    if let Some(rate) = books.limits.launch_rate {
        let times = books.launches.iter().chain([&now]);
        for (number, since) in times.enumerate() {
            let launched = books.launches.len() + 1 - number;
            let refilled = now.since(*since).as_nanos() / rate.every.as_nanos().max(1);
            holds!(
                launched as u128 <= u128::from(rate.burst) + refilled,
                "launch rate: {launched} launches since {since}, with {seat} at {now}"
            );
        }
    }
    if let Some((strikes, until)) = books.strikes.get(&slot) {
        holds!(now >= *until, "{slot} failed {strikes} times and rests until {until}, launched at {now}");
    }
    holds!(!ledger.holds_volume(slot), "{seat} is launched while its volume is in use");

    let new = books.count(|entry| entry.lives() && !entry.is_old());
    let old = books.count(|entry| entry.lives() && entry.is_old());
    if image == books.wanted() {
        let most = books.stage.new.min(books.desired);
        holds!(new < most, "S13: {seat} makes {} new ones, the stage has {most}", new + 1);
        if books.stage.passive {
            let stay = books.count(|entry| entry.lives() && entry.is_old() && !entry.is_urgent());
            holds!(
                new + stay < books.desired,
                "a passive stage launches {seat} beside {new} and {stay} that stay"
            );
        }
    } else {
        let fresh = books.count(|entry| entry.lives() && entry.is_old() && entry.fresh);
        // What is lost before a closed calendar has let the rollout begin comes back as it was.
        let as_it_was = !may_begin(books) && !books.begun && new + old < books.desired;
        let wanted = as_it_was || old < books.kept() || fresh < books.baseline().min(books.desired);
        holds!(wanted, "S13: {seat} makes {} old ones, the stage keeps {}", old + 1, books.kept());
    }

    if books.in_slot(slot).any(Entry::lives) {
        // What the stage keeps and lacks is repaired at any time.
        let repairs =
            image != books.wanted() && !books.in_slot(slot).any(|entry| entry.lives() && entry.is_old());
        holds!(repairs || may_begin(books), "{seat} is begun while the calendar is closed");
        if let Some(first) = begun.before(slot.0, books.keeps_all()) {
            return Err(format!(
                "S8: slot {first} comes before {slot}, and is not done, but {seat} is launched"
            ));
        }
    }
    Ok(())
}

/// An end takes away what the rollout launched and what serves nobody, and nothing else.
fn leftover(books: &Books, seat: Seat) -> Result<(), Broken> {
    let entry = &books.entries[&seat];
    holds!(seat.attempt > Attempt(0), "{seat} was there before, and the end takes it away");
    holds!(entry.is_of_no_use(), "{seat} serves, and the end takes it away");
    holds!(!entry.apart || entry.stand == Stand::Broken, "S9: {seat} is set apart, and is retired");
    let (left, fewest) = (books.certain(None), books.fewest());
    holds!(!books.spec.picks_victim || left > fewest, "S1: the platform may take one of {left} for {seat}");
    Ok(())
}

fn retire(ledger: &Ledger, begun: &Books, seat: Seat) -> Result<(), Broken> {
    let books = &ledger.books;
    let Some(entry) = books.entries.get(&seat) else {
        return Err(format!("{seat} is retired and not there"));
    };
    holds!(entry.stand != Stand::Leaving, "{seat} is retired twice");
    holds!(entry.stand != Stand::Intended, "{seat} is retired before its launch is confirmed");
    holds!(!entry.apart || entry.stand == Stand::Broken, "S9: {seat} is set apart, and is retired");

    let costs = entry.serves() || books.spec.picks_victim;
    if costs {
        let (left, fewest) = (books.certain(None), books.fewest());
        holds!(left > fewest, "S1: of {left} that serve one is retired ({seat}), {fewest} must");
        let (left, fewest) = (books.certain(Some(&entry.zone)), books.fewest_in(&entry.zone));
        let zone = &entry.zone;
        holds!(
            left > fewest || !limits_zones(books),
            "S3: of {left} that serve in {zone} one is retired ({seat}), {fewest} must"
        );
    }
    if entry.served && !entry.standby && entry.lives() && !entry.serves() {
        let (serve, fewest) = (books.certain(None), books.fewest());
        holds!(serve >= fewest, "S1: {seat} may recover, and is retired while {serve} of {fewest} serve");
    }
    if !entry.lives() {
        return Ok(());
    }
    holds!(may_begin(books), "{seat} is retired while the calendar is closed");
    let new = books.count(|entry| entry.lives() && !entry.is_old());
    let old = books.count(|entry| entry.lives() && entry.is_old());
    if entry.is_old() {
        let found = books.count(|entry| entry.lives() && entry.is_old() && !entry.fresh);
        let (kept, beside) = (books.kept(), books.baseline());
        holds!(
            old > kept || !entry.fresh && found > kept.saturating_sub(beside),
            "S13: of {old} old ones {seat} is retired, the stage keeps {kept}"
        );
        if books.stage.passive && entry.serves() && !entry.is_urgent() {
            holds!(new + old > books.desired, "a passive stage retires {seat}, which nobody asked for");
        }
    } else {
        holds!(new > books.desired, "of {new} new ones {seat} is retired");
    }
    if entry.serves() {
        if let Some(share) = books.share {
            let part = if entry.is_old() { 100 - share } else { share };
            let group = books.count(|other| other.serves() && other.is_old() == entry.is_old());
            let needed = books.carriers(part);
            holds!(
                group > needed,
                "S11: of {group} that carry {part}% of the traffic {seat} is retired, {needed} must"
            );
        }
        // What never had traffic, and no longer is to have any, may go at any time.
        let first = if entry.served { begun.before(seat.slot.0, false) } else { None };
        if let Some(first) = first {
            return Err(format!("S8: slot {first} comes before {}, but {seat} is retired", seat.slot));
        }
    }
    Ok(())
}

fn limits_zones(books: &Books) -> bool {
    books.limits.max_surge_per_zone.is_some() || books.limits.max_unavailable_per_zone.is_some()
}

fn shift(books: &Books, share: Share) -> Result<(), Broken> {
    let Some(now) = books.share else { return Err("traffic is moved that nobody shares".to_owned()) };
    let next = share.hundredths();
    holds!(may_begin(books), "traffic is moved while the calendar is closed");
    // The way to an image that served before has one stage, so there traffic moves as far as it can be carried.
    let is_on_the_way = books.straight && books.stage.share.is_some_and(|goal| now < next && share < goal);
    holds!(is_on_the_way || books.stage.share == Some(share), "{next}% is not the share of the stage");
    holds!(now != next, "traffic is moved from {now}% to {next}%");
    let new = books.count(|entry| entry.serves() && !entry.is_old());
    let old = books.count(|entry| entry.serves() && entry.is_old());
    let needed = books.carriers(next);
    holds!(new >= needed, "S11: {new} new ones serve, {next}% of the traffic needs {needed}");
    let needed = books.carriers(100 - next);
    holds!(next > now || old >= needed, "S11: {old} old ones serve, what is left of {next}% needs {needed}");
    Ok(())
}

fn advance(books: &Books, stage: usize, now: Timestamp) -> Result<(), Broken> {
    holds!(stage == books.number + 1, "stage {stage} does not follow {}", books.number);
    holds!(books.open || books.back, "stage {stage} is begun while the calendar is closed");
    gates_passed(books, now)
}

/// The stage is complete, and its gates have passed.
pub(crate) fn gates_passed(books: &Books, now: Timestamp) -> Result<(), Broken> {
    let stage = &books.stage;
    let Some(since) = books.complete_since else {
        return Err(format!("S13: the stage `{stage}` is not complete"));
    };
    for gate in &stage.gates {
        let passed = match gate {
            GateSpec::Bake(time) => now.since(since) >= *time,
            GateSpec::Approval(name) => books.approvals.contains(name),
            GateSpec::Check(name) => match books.verdicts.get(name) {
                Some(Verdict::Pass) => true,
                Some(Verdict::Inconclusive) => books.approvals.contains(name),
                Some(Verdict::Fail | Verdict::Wait) | None => false,
            },
            other => unreachable!("{other:?}"),
        };
        holds!(passed, "S13: {gate} has not passed since {since}");
    }
    Ok(())
}
