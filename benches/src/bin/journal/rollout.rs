//! A whole rollout by the real controller under virtual time, with its journal in a folder and every commit synced.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use immutable_core::journal::{Commit, JournalStore, Key};
use immutable_core::store::FolderStore;
use tokio::runtime::Builder;

use crate::folder::{Waiting, scratch};
use crate::peak_memory;
use crate::world::{World, rollout};

pub(crate) fn measure(folder: &Path, instances: u32) {
    let folder = scratch(folder);
    let store = FolderStore::new(folder.path());
    let world = World::new(instances);
    let began = Instant::now();
    let virtual_time = world.there(Arc::new(Waiting::new(store.clone())));
    let (took, peak) = (began.elapsed(), peak_memory());
    let (mut commits, mut records, mut bytes) = (0, 0, 0);
    Builder::new_current_thread().build().unwrap().block_on(async {
        for key in store.list(&Key::new(rollout(), 1)).await.unwrap() {
            let stored = store.get(&key).await.unwrap().unwrap();
            let (commit, _) = Commit::decode(&stored).unwrap();
            (commits, records, bytes) = (commits + 1, records + commit.records.len(), bytes + stored.len());
        }
    });
    println!(
        "rollout of {instances} instances, planned, run and journalled with fsync: {took:.2?} of wall time for \
         {virtual_time:.0?} of virtual time; {records} records in {commits} commits, {bytes} bytes; peak memory {peak}, \
         the fleet in memory included"
    );
}
