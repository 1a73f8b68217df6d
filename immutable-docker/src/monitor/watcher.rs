use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bollard::errors::Error as EngineError;
use futures_util::StreamExt;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, sleep_until};

use super::Board;
use crate::config::DockerFleetConfig;
use crate::convert;
use crate::fleet::Engine;

/// Events that come within this time are announced as one change.
const BURST: Duration = Duration::from_millis(10);
/// How long after a start the watcher waits for somebody else's list to tell the address, before it asks itself. A
/// controller lists at every change anyway, and one list is as good as two.
const LIST_AFTER_START: Duration = Duration::from_millis(50);
/// The engine drops events of listeners that are slow; this is how long a lost one can go unnoticed.
const LIST_WHEN_IDLE: Duration = Duration::from_secs(30);
/// The pauses between tries to reach an engine that went away.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The task that follows the engine's events; ends when dropped.
#[derive(Debug)]
pub(crate) struct Watcher(AbortHandle);

impl Drop for Watcher {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Watcher {
    pub(crate) fn start(
        runtime: &Handle,
        engine: Arc<Engine>,
        board: Arc<Board>,
        config: Arc<DockerFleetConfig>,
    ) -> Self {
        Self(runtime.spawn(follow_for_ever(engine, board, config)).abort_handle())
    }
}

async fn follow_for_ever(engine: Arc<Engine>, board: Arc<Board>, config: Arc<DockerFleetConfig>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let (listed, error) = follow(&engine, &board, &config).await;
        if listed {
            // What happened while nobody listened is in the next list, but not in a revision.
            board.suspect();
            pause = FIRST_PAUSE;
        }
        tracing::debug!(
            fleet = %config.fleet,
            error = error.as_ref().map(tracing::field::display),
            "the event stream of the Docker engine ended; trying again in {pause:?}"
        );
        sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Follows the events until the connection breaks. Returns whether a list succeeded before.
async fn follow(
    engine: &Engine,
    board: &Arc<Board>,
    config: &DockerFleetConfig,
) -> (bool, Option<EngineError>) {
    // The stream begins whenever it is first polled; the engine replays what happened since this moment.
    let mut events = pin!(engine.events(&config.fleet, SystemTime::now()));
    let mut listed = None;
    let mut list_at = Instant::now();
    let mut announce_at = None;
    loop {
        tokio::select! {
            event = events.next() => match event {
                Some(Ok(event)) => {
                    if convert::change_of(event).is_some_and(|(id, change)| board.note(id, change)) {
                        let now = Instant::now();
                        announce_at.get_or_insert(now + BURST);
                        if board.wants_list() {
                            list_at = list_at.min(now + LIST_AFTER_START);
                        }
                    }
                }
                Some(Err(error)) => return (listed.is_some(), Some(error)),
                None => return (listed.is_some(), None),
            },
            () = sleep_until(announce_at.unwrap_or(list_at)), if announce_at.is_some() => {
                announce_at = None;
                board.announce();
            }
            () = board.lags() => list_at = list_at.min(Instant::now() + LIST_AFTER_START),
            () = sleep_until(list_at) => {
                // Nobody listed since this task did, or somebody must.
                let wanted = listed.is_none_or(|own| own == board.newest_list()) || board.wants_list();
                if wanted && let Err(error) = list(engine, board, config).await {
                    return (listed.is_some(), Some(error));
                }
                listed = Some(board.newest_list());
                list_at = Instant::now() + LIST_WHEN_IDLE;
            }
        }
    }
}

async fn list(engine: &Engine, board: &Arc<Board>, config: &DockerFleetConfig) -> Result<(), EngineError> {
    let ticket = board.ticket();
    let summaries = engine.list(&config.fleet).await?;
    let network = config.network.as_deref();
    let mut rows: Vec<_> = summaries.iter().filter_map(|one| convert::row_of(one, network)).collect();
    board.take_over(ticket, &mut rows);
    Ok(())
}
