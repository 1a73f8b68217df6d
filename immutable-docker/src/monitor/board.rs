use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use immutable_core::InstanceId;
use immutable_core::fleet::Health;
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};

use super::entry::{Change, Entry, Row, RowState, RunningProbe};
use super::probe;
use crate::config::Readiness;

/// What is known of each container, and the revision that grows whenever that changes.
#[derive(Debug)]
pub(crate) struct Board {
    readiness: Readiness,
    runtime: Handle,
    known: Mutex<Known>,
    revision: watch::Sender<u64>,
    lagging: Notify,
}

#[derive(Debug, Default)]
struct Known {
    entries: BTreeMap<InstanceId, Entry>,
    /// Counts lists, in the order in which they were asked for.
    lists: u64,
    /// The newest list that was taken over.
    newest: u64,
    /// How many lists had been asked for when the last event came that changed something: later ones include it.
    event_at: u64,
    /// An event changed something and the revision does not say so yet.
    unannounced: bool,
    /// A container was started and no list has told its address yet, or the newest list lags behind an event.
    unlisted: bool,
    /// Numbers the probe tasks.
    probes: u64,
}

/// The moment a list was asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    list: u64,
    revision: u64,
}

impl Board {
    /// An empty board. Probes run on this runtime.
    pub(crate) fn new(readiness: Readiness, runtime: Handle) -> Self {
        Self {
            readiness,
            runtime,
            known: Mutex::new(Known::default()),
            revision: watch::Sender::new(0),
            lagging: Notify::new(),
        }
    }

    /// Returns when the revision is greater than `since`.
    pub(crate) async fn changed(&self, since: u64) {
        let mut revision = self.revision.subscribe();
        // An error would mean that the sender is gone, and it lives as long as `self`.
        let _ = revision.wait_for(|revision| *revision > since).await;
    }

    /// To be taken before asking the engine for a list.
    pub(crate) fn ticket(&self) -> Ticket {
        let mut known = self.lock();
        known.lists += 1;
        Ticket { list: known.lists, revision: *self.revision.borrow() }
    }

    /// Takes over a list, fills in the health of each row, and returns the revision that stands for it.
    pub(crate) fn take_over(self: &Arc<Self>, ticket: Ticket, rows: &mut [Row]) -> u64 {
        let mut known = self.lock();
        // Lists may overtake each other, and an event may overtake a list: then the board knows better.
        let current = ticket.list > known.newest && ticket.list > known.event_at;
        if current {
            known.newest = ticket.list;
            known.unlisted = false;
            let mut changed = std::mem::take(&mut known.unannounced);
            let listed: BTreeSet<_> = rows.iter().map(|row| &row.id).collect();
            let Known { entries, unlisted, .. } = &mut *known;
            entries.retain(|id, entry| {
                let kept = listed.contains(id) || entry.is_ahead_of(None);
                changed |= !kept;
                *unlisted |= !listed.contains(id) && kept;
                kept
            });
            for row in &*rows {
                changed |= self.take_over_row(&mut known, row);
            }
            if known.unlisted {
                self.lagging.notify_one();
            }
            if changed {
                self.bump();
            }
        }
        for row in rows {
            row.health = match known.entries.get(&row.id) {
                Some(entry) if (row.state, entry.state) == (RowState::Running, RowState::Running) => {
                    entry.health
                }
                _ => Health::Unknown,
            };
        }
        if current { *self.revision.borrow() } else { ticket.revision }
    }

    /// Returns whether it changed anything but health that a probe will tell.
    fn take_over_row(self: &Arc<Self>, known: &mut Known, row: &Row) -> bool {
        let serial = known.probes + 1;
        let mut changed = !known.entries.contains_key(&row.id);
        let entry = known.entries.entry(row.id.clone()).or_insert_with(|| Entry::new(row.state));
        entry.listed = true;
        if entry.is_ahead_of(Some(row.state)) {
            known.unlisted = true;
            return changed;
        }
        if let Some(told) = entry.told.take() {
            // Whoever got the list that denied it has to look again.
            changed |= told.denied;
        }
        if entry.state != row.state {
            entry.enter(row.state, Health::Unknown);
            changed = true;
        }
        let health = match (&self.readiness, row.state) {
            (_, RowState::Created | RowState::Ended) => Health::Unknown,
            (Readiness::RunningIsReady, RowState::Running) => Health::Ready,
            (Readiness::Healthcheck, RowState::Running) => row.health,
            (Readiness::Http(_), RowState::Running) => {
                if entry.probe.as_ref().map(|probe| probe.address) != row.address {
                    // Another address is another run of the container: nothing is known of it.
                    entry.enter(row.state, Health::Unknown);
                    entry.probe = row.address.and_then(|address| self.start_probe(&row.id, address, serial));
                    known.probes = serial;
                }
                return changed;
            }
        };
        changed |= entry.health != health;
        entry.health = health;
        changed
    }

    fn start_probe(self: &Arc<Self>, id: &InstanceId, address: IpAddr, serial: u64) -> Option<RunningProbe> {
        let Readiness::Http(http) = &self.readiness else { return None };
        let endpoint = SocketAddr::new(address, http.port().get());
        let task = probe::run(Arc::downgrade(self), id.clone(), serial, endpoint, http.clone());
        Some(RunningProbe { address, serial, task: self.runtime.spawn(task).abort_handle() })
    }

    /// Notes an event; returns whether it changed anything. The revision does not grow before
    /// [`announce`](Self::announce), so that a burst of events is one change.
    pub(crate) fn note(&self, id: InstanceId, change: Change) -> bool {
        let mut known = self.lock();
        let changed = match (change, known.entries.get_mut(&id)) {
            (Change::Created, None) => {
                let entry = known.entries.entry(id).or_insert_with(|| Entry::new(RowState::Created));
                entry.be_told(RowState::Created, Health::Unknown);
                true
            }
            (Change::Started, entry)
                if entry.as_ref().is_none_or(|entry| entry.state != RowState::Running) =>
            {
                let entry = known.entries.entry(id).or_insert_with(|| Entry::new(RowState::Running));
                entry.be_told(
                    RowState::Running,
                    match self.readiness {
                        Readiness::RunningIsReady => Health::Ready,
                        Readiness::Healthcheck | Readiness::Http(_) => Health::Unknown,
                    },
                );
                known.unlisted |= matches!(self.readiness, Readiness::Http(_));
                true
            }
            (Change::Ended, Some(entry)) if entry.state != RowState::Ended => {
                entry.be_told(RowState::Ended, Health::Unknown);
                true
            }
            (Change::Gone, Some(_)) => known.entries.remove(&id).is_some(),
            (Change::Health(health), Some(entry))
                if self.readiness == Readiness::Healthcheck
                    && entry.state == RowState::Running
                    && entry.health != health =>
            {
                entry.health = health;
                true
            }
            // An event of the past, replayed or late: the board knows more already.
            _ => false,
        };
        if changed {
            known.event_at = known.lists;
            known.unannounced = true;
        }
        changed
    }

    /// Takes over what a probe found out.
    pub(crate) fn report(&self, id: &InstanceId, serial: u64, health: Health) {
        let mut known = self.lock();
        let Some(entry) = known.entries.get_mut(id) else { return };
        let current = entry.probe.as_ref().is_some_and(|probe| probe.serial == serial);
        if current && entry.health != health {
            entry.health = health;
            self.bump();
        }
    }

    /// Makes the revision grow if events changed something since the last list that includes them.
    pub(crate) fn announce(&self) {
        let mut known = self.lock();
        if std::mem::take(&mut known.unannounced) {
            self.bump();
        }
    }

    /// Makes the revision grow, because events may have been missed.
    pub(crate) fn suspect(&self) {
        let mut known = self.lock();
        known.event_at = known.lists;
        self.bump();
    }

    /// Returns when a list was taken over that shows less than events told before.
    pub(crate) async fn lags(&self) {
        self.lagging.notified().await;
    }

    /// Whether a list is needed: to learn the address of a container, or to see what an event told already.
    pub(crate) fn wants_list(&self) -> bool {
        self.lock().unlisted
    }

    /// Whether the engine listed this container with the labels of this library and this fleet. Docker cannot change
    /// labels and uses no id twice, so this holds for good.
    pub(crate) fn knows(&self, id: &InstanceId) -> bool {
        self.lock().entries.get(id).is_some_and(|entry| entry.listed)
    }

    /// The number of the newest list that was taken over.
    pub(crate) fn newest_list(&self) -> u64 {
        self.lock().newest
    }

    /// To be called with `known` locked, so that a ticket never has a revision without its change.
    fn bump(&self) {
        self.revision.send_modify(|revision| *revision += 1);
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // A panic elsewhere leaves at worst an entry that the next list corrects.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(readiness: Readiness) -> Arc<Board> {
        Arc::new(Board::new(readiness, Handle::current()))
    }

    fn id(name: &str) -> InstanceId {
        InstanceId::new(name).unwrap()
    }

    fn row(name: &str, state: RowState) -> Row {
        Row { id: id(name), state, address: None, health: Health::Ready }
    }

    fn list(board: &Arc<Board>, rows: &mut [Row]) -> u64 {
        board.take_over(board.ticket(), rows)
    }

    fn revision(board: &Board) -> u64 {
        *board.revision.borrow()
    }

    #[tokio::test]
    async fn a_list_that_tells_nothing_new_wakes_nobody() {
        let board = board(Readiness::Healthcheck);
        let mut rows = [row("a", RowState::Running)];
        let first = list(&board, &mut rows);
        assert_eq!(rows[0].health, Health::Ready);
        assert_eq!(list(&board, &mut rows), first);
        // Its events are late.
        assert!(!board.note(id("a"), Change::Created));
        assert!(!board.note(id("a"), Change::Started));
        board.announce();
        assert_eq!(revision(&board), first);
    }

    #[tokio::test]
    async fn an_event_during_a_list_wakes_whoever_gets_the_list() {
        let board = board(Readiness::RunningIsReady);
        list(&board, &mut [row("a", RowState::Running)]);
        let ticket = board.ticket();
        assert!(board.note(id("a"), Change::Ended));
        let seen = board.take_over(ticket, &mut [row("a", RowState::Running)]);
        board.announce();
        assert!(revision(&board) > seen);
        // A list after the event stands for the event.
        let after = list(&board, &mut [row("a", RowState::Ended)]);
        assert_eq!(after, revision(&board));
    }

    #[tokio::test]
    async fn a_list_that_lags_behind_an_event_is_asked_for_again() {
        let board = board(Readiness::RunningIsReady);
        list(&board, &mut [row("a", RowState::Running)]);
        board.note(id("a"), Change::Ended);
        board.announce();
        let mut lagging = [row("a", RowState::Running)];
        let seen = list(&board, &mut lagging);
        assert_eq!(lagging[0].health, Health::Unknown);
        assert!(board.wants_list());
        board.lags().await;
        assert!(list(&board, &mut [row("a", RowState::Ended)]) > seen);
        assert!(!board.wants_list());
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_that_no_list_ever_confirms_was_wrong() {
        let board = board(Readiness::RunningIsReady);
        board.note(id("a"), Change::Created);
        let seen = list(&board, &mut []);
        assert!(board.wants_list());
        tokio::time::advance(std::time::Duration::from_secs(10)).await;
        assert!(list(&board, &mut []) > seen);
        assert!(!board.wants_list());
        assert!(!board.knows(&id("a")));
    }

    #[tokio::test]
    async fn a_list_that_was_overtaken_is_not_taken_over() {
        let board = board(Readiness::RunningIsReady);
        let slow = board.ticket();
        let newest = list(&board, &mut [row("a", RowState::Ended)]);
        let mut old = [row("a", RowState::Running)];
        assert!(board.take_over(slow, &mut old) < newest);
        assert_eq!(old[0].health, Health::Unknown);
        assert_eq!(revision(&board), newest);
    }

    #[tokio::test]
    async fn only_a_list_shows_whose_a_container_is() {
        let board = board(Readiness::Healthcheck);
        board.note(id("a"), Change::Created);
        board.note(id("a"), Change::Started);
        assert!(!board.knows(&id("a")));
        list(&board, &mut [row("a", RowState::Running)]);
        assert!(board.knows(&id("a")));
        assert!(board.note(id("a"), Change::Health(Health::Unready)));
        assert!(board.note(id("a"), Change::Gone));
        assert!(!board.knows(&id("a")));
    }

    #[tokio::test]
    async fn reports_of_an_ended_probe_are_ignored() {
        let probe = crate::HttpProbe::new(std::num::NonZeroU16::MIN, "/");
        let board = board(Readiness::Http(probe));
        let mut rows = [Row { address: Some([127, 0, 0, 1].into()), ..row("a", RowState::Running) }];
        list(&board, &mut rows);
        assert_eq!(rows[0].health, Health::Unknown);
        board.report(&id("a"), 1, Health::Ready);
        list(&board, &mut rows);
        assert_eq!(rows[0].health, Health::Ready);
        // It ran again in the meantime.
        board.note(id("a"), Change::Ended);
        board.note(id("a"), Change::Started);
        list(&board, &mut rows);
        board.report(&id("a"), 1, Health::Ready);
        list(&board, &mut rows);
        assert_eq!(rows[0].health, Health::Unknown);
    }
}
