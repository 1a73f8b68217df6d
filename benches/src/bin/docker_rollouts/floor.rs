use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use immutable_core::Digest;

use crate::case::Case;
use crate::command::Done;
use crate::container::Container;
use crate::contestant::{Contestant, Run};
use crate::error::BenchError;
use crate::stage::{Entrance, Stage};

/// The least that replacing containers takes: so many workers each create, start and await a new one, then stop and
/// remove an old one. Nothing is routed, observed or written down.
#[derive(Debug)]
pub(crate) struct Floor;

/// Workers to bring up the old containers with.
const SETUP: usize = 10;

impl Contestant for Floor {
    fn run(&self, stage: &Stage, case: Case) -> Result<Run, BenchError> {
        let images = &stage.images;
        let replicas = case.replicas.get();
        // The requests of the other contestants' runs cost CPU; here they go to somebody who is not replaced.
        let bystander = Container::launch(&stage.api(), &stage.interrupt, images.bystander.digest, None)?;
        let haproxy = stage.lab.haproxy("web")?;
        haproxy.command(&format!("add server web/bystander {}", bystander.address))?;
        haproxy.command("enable server web/bystander")?;

        let old = (0..replicas).map(|_| None).collect();
        let old = replace(stage, images.v1.digest, old, SETUP)?;
        let old = old.into_iter().map(Some).collect();
        let entrance = Entrance { address: haproxy.addr(), netns: None };
        let workers = case.parallelism.get() as usize;
        let (run, _) = stage.measure(entrance, || {
            let began = Instant::now();
            replace(stage, images.v2.digest, old, workers)?;
            Ok(Done { output: String::new(), wall: began.elapsed() })
        })?;
        stage.settle(images.v1.digest, images.v2.digest, replicas)?;
        Ok(run)
    }
}

/// Puts a new container in each place, the old one of which, if any, is removed.
fn replace(
    stage: &Stage,
    image: Digest,
    places: Vec<Option<Container>>,
    workers: usize,
) -> Result<Vec<Container>, BenchError> {
    let places = Mutex::new(places.into_iter());
    let next = || places.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
    let work = || {
        let mut launched = Vec::new();
        while let Some(old) = next() {
            launched.push(Container::launch(&stage.api(), &stage.interrupt, image, None)?);
            if let Some(old) = old {
                old.remove(&stage.api())?;
            }
        }
        Ok::<_, BenchError>(launched)
    };
    let launched: Result<Vec<Vec<Container>>, BenchError> = thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let join = |worker: thread::ScopedJoinHandle<'_, _>| {
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        workers.into_iter().map(join).collect()
    });
    Ok(launched?.into_iter().flatten().collect())
}
