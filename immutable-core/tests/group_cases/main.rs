//! Rows of Spinnaker's own test tables about groups of one service (facts, no code), each a trial of its own name. Where
//! our answer differs on purpose, the trial asserts ours, beside the reason.
//!
//! The tables are in `tests/cases/`, from spinnaker/orca, `orca-clouddriver/src/test/groovy/com/netflix/spinnaker/orca/`:
//!
//! | file | source |
//! |---|---|
//! | `spinnaker_traffic_guard.csv` | `clouddriver/utils/TrafficGuardSpec.groovy`, cases of `verifyTrafficRemoval` |
//! | `spinnaker_target_healthy_deploy_percentage.csv` | `clouddriver/tasks/instance/WaitForUpInstancesTaskSpec.groovy`, table of `targetHealthyDeployPercentage` |
//! | `spinnaker_rollback_health_pct.csv` | `clouddriver/tasks/cluster/DetermineRollbackCandidatesTaskSpec.groovy` |
//! | `spinnaker_shrink_cluster.csv` | `clouddriver/tasks/cluster/ShrinkClusterTaskSpec.groovy`, two tables |

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

mod healthy_share;
mod rollback_share;
mod shrink;
mod table;
mod traffic_guard;

fn main() {
    let arguments = libtest_mimic::Arguments::from_args();
    let trials =
        [traffic_guard::trials(), healthy_share::trials(), rollback_share::trials(), shrink::trials()];
    libtest_mimic::run(&arguments, trials.into_iter().flatten().collect()).exit();
}
