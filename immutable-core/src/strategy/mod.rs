//! Strategies: what a rollout should look like, as a pure function to a list of stages.
//!
//! | strategy | the stages of `N` instances as (new, old, share of the traffic) | needs |
//! |---|---|---|
//! | [`Rolling`] | `(N, 0)` | |
//! | [`Canary`] | `(c, N − c)` for each step, `(N, 0)` | |
//! | [`Canary`] with shares | `(c, ≥ N − c, x)` for each step, `(N, 0, 100 %)` | room for the rest of the traffic |
//! | [`Waves`] | `(w, N − w)` for each wave, the last one `(N, 0)` | |
//! | [`BlueGreen`] | `(preview, N, 0 %)`, `(N, N, 0 %)`, `(N, N, 100 %)`, `(N, 0, 100 %)` | `max_surge` ≥ `N` |
//! | [`RollingBlueGreen`] | `(N, N, 0 %)`, `(N, ⌈(1 − x)·N⌉, x)` for each step, `(N, 0, 100 %)` | `max_surge` ≥ `N` |
//! | [`Recreate`] | `(0, 0)`, `(N, 0)` | `max_unavailable` = `N` |
//! | [`Opportunistic`] | `(N, 0)`, passive | |
//! | [`Rotate`], [`Repair`] | `(N, 0)`, where instances that stay are new | |
//!
//! What a strategy needs of the limits it says at plan time, with the limit, its value and the value that would do.
//! [`StandardStrategy`] is any of them, for configuration files. A strategy of your own is an implementation of
//! [`RolloutStrategy`]; no strategy can break a limit.

mod blue_green;
mod canary;
mod canary_step;
mod opportunistic;
mod order;
mod pause;
mod reason;
mod recreate;
mod repair;
mod rolling;
mod rolling_blue_green;
mod rotate;
mod share;
mod sizes;
mod stage;
mod standard;
#[expect(clippy::module_inception, reason = "the file of the trait `RolloutStrategy`")]
mod strategy;
mod traffic;
mod waves;

pub use blue_green::BlueGreen;
pub use canary::Canary;
pub use canary_step::CanaryStep;
pub use opportunistic::Opportunistic;
pub use order::SlotOrder;
pub use reason::{Candidate, Reason};
pub use recreate::Recreate;
pub use repair::Repair;
pub use rolling::Rolling;
pub use rolling_blue_green::RollingBlueGreen;
pub use rotate::Rotate;
pub use share::{InvalidShare, Share};
pub use stage::Stage;
pub use standard::StandardStrategy;
pub use strategy::{RolloutStrategy, StrategyContext, StrategyError};
pub use waves::Waves;
