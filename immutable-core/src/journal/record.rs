use std::fmt;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::fleet::{Instance, Standing};
use crate::gate::Judgement;
use crate::id::{GateName, InstanceId, Slot, Token, WriterId, Zone};
use crate::limits::Limits;
use crate::plan::{Adopted, RolloutSpec, Seat, Step};
use crate::planner::{Conclusion, FailReason, Observation, OpId, RolloutState};
use crate::quantity::counted;
use crate::strategy::{Reason, Share};

/// One thing a journal says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Record {
    /// The rollout begins; always the first record, and only there.
    Open {
        /// What is pinned.
        spec: Box<RolloutSpec>,
        /// The instances that were there.
        initial: Vec<Adopted>,
        /// The plan that was approved.
        plan: Digest,
    },
    /// A controller takes over. From here on only it writes, apart from controls.
    Claim {
        /// Who.
        writer: WriterId,
        /// One more than the claim before.
        epoch: u64,
    },
    /// Something will be done. Committed before it is done.
    Intent {
        /// Its number.
        op: OpId,
        /// What.
        intent: Intent,
    },
    /// What came of an intent.
    Outcome {
        /// The intent.
        op: OpId,
        /// What came of it.
        outcome: Outcome,
    },
    /// Something was seen.
    Fact(Fact),
    /// A check came to a verdict.
    Gate {
        /// The stage it was judged in.
        stage: usize,
        /// The check.
        gate: GateName,
        /// What it said, and why.
        judgement: Judgement,
    },
    /// A person said something.
    Control(Control),
    /// A stage begins.
    Stage {
        /// The stage, from 0.
        stage: usize,
    },
    /// The new group gets this share of the traffic, the old one the rest.
    Shift {
        /// The share.
        share: Share,
    },
    /// The target is reached, and the rollout begins with the next one that was asked for.
    NextTarget,
    /// It failed and turns back to the previous image.
    TurnBack {
        /// Why.
        reason: FailReason,
    },
    /// Nothing more is begun; what was begun is finished.
    End {
        /// How it will end.
        conclusion: Conclusion,
    },
    /// It is over; always the last record.
    Close {
        /// How it ended.
        conclusion: Conclusion,
    },
}

/// What will be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Intent {
    /// Launch an instance.
    Launch {
        /// The seat.
        seat: Seat,
        /// Where.
        zone: Zone,
        /// What.
        image: Digest,
        /// The launch token, for people who look for the instance on the platform.
        token: Token,
    },
    /// Take an instance out of service, stop and remove it.
    Retire {
        /// The seat.
        seat: Seat,
    },
}

/// What came of an intent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Outcome {
    /// The platform has the instance.
    Launched {
        /// Its identifier.
        instance: InstanceId,
    },
    /// The platform refused for good: nothing was created and nothing will be.
    Failed {
        /// Why.
        reason: String,
    },
    /// The instance is proved to be gone.
    Gone,
}

/// Something that was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Fact {
    /// A member changed.
    Observed {
        /// Its seat.
        seat: Seat,
        /// How.
        observation: Observation,
    },
    /// An instance of the fleet that is no member.
    Found {
        /// The seat it gets.
        seat: Seat,
        /// What was seen.
        instance: Box<Instance>,
    },
    /// Something is known against a member that makes its replacement urgent.
    Marked {
        /// Its seat.
        seat: Seat,
        /// What.
        reason: Reason,
    },
    /// Somebody sets a member apart, or no longer does.
    Standing {
        /// Its seat.
        seat: Seat,
        /// How it stands now.
        standing: Standing,
    },
    /// An image was revoked.
    Revoked {
        /// The image.
        image: Digest,
    },
    /// The calendar has opened, or closed.
    Window {
        /// It is open now.
        open: bool,
    },
    /// A slot has rested long enough after a failure.
    Rested {
        /// The slot.
        slot: Slot,
    },
    /// What was said before by other clocks than that of the controller takes effect now.
    TakenUp,
}

/// What a person can say to a running rollout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Control {
    /// Begin nothing new until resumed.
    Pause,
    /// Go on after a pause.
    Resume,
    /// Let a gate pass that needs a person.
    Approve {
        /// The gate.
        name: GateName,
    },
    /// Finish what was begun and leave the fleet as it is then. Nothing is launched after this.
    Abort,
    /// Go back to the previous image; if there is none, end as failed.
    Rollback,
    /// Have another number of instances; what happens is chosen by
    /// [`RolloutSpec::on_resize`](crate::plan::RolloutSpec::on_resize).
    Resize {
        /// How many.
        desired: u32,
    },
    /// Bring another image; what happens is chosen by
    /// [`RolloutSpec::on_retarget`](crate::plan::RolloutSpec::on_retarget).
    Retarget {
        /// The image.
        target: Digest,
    },
    /// Keep other limits from now on.
    Limits {
        /// Which.
        limits: Box<Limits>,
    },
    /// Keep at least so many instances available, whatever `max_unavailable` allows: what a guard over several groups
    /// leaves to this one (see [`TrafficGuard`](crate::release::TrafficGuard)). 0 for none.
    Floor {
        /// How many.
        available: u32,
    },
    /// Replace this member, soon.
    Replace {
        /// Its seat.
        seat: Seat,
    },
}

impl Record {
    /// What is committed before this step is taken in this state.
    #[must_use]
    pub fn of(step: Step, state: &RolloutState) -> Self {
        let op = state.next_op();
        match step {
            Step::Launch { seat, zone, image } => {
                let token = Token::of(&state.spec().rollout, seat.slot, seat.attempt);
                Self::Intent { op, intent: Intent::Launch { seat, zone, image, token } }
            }
            Step::Retire { seat } => Self::Intent { op, intent: Intent::Retire { seat } },
            Step::Shift { share } => Self::Shift { share },
            Step::Advance { stage } => Self::Stage { stage },
        }
    }
}

impl fmt::Display for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { spec, initial, plan } => write!(
                f,
                "open {} on {}: {} of {}, {} exist, plan {}",
                spec.rollout,
                spec.fleet,
                counted(spec.budget.desired, "instance"),
                spec.target.short(),
                initial.len(),
                plan.short()
            ),
            Self::Claim { writer, epoch } => write!(f, "claimed by {writer}, epoch {epoch}"),
            Self::Intent { op, intent: Intent::Launch { seat, zone, image, .. } } => {
                write!(f, "{op}: launch {seat} of {} in {zone}", image.short())
            }
            Self::Intent { op, intent: Intent::Retire { seat } } => write!(f, "{op}: retire {seat}"),
            Self::Outcome { op, outcome: Outcome::Launched { instance } } => {
                write!(f, "{op}: launched {instance:.12}")
            }
            Self::Outcome { op, outcome: Outcome::Failed { reason } } => write!(f, "{op}: failed: {reason}"),
            Self::Outcome { op, outcome: Outcome::Gone } => write!(f, "{op}: gone"),
            Self::Fact(Fact::Observed { seat, observation }) => match observation {
                Observation::Ready { .. } => write!(f, "{seat} is ready"),
                Observation::Available => write!(f, "{seat} is available"),
                Observation::Suspect => write!(f, "{seat} is suspect"),
                Observation::Broken(cause) => write!(f, "{seat} is broken: {cause}"),
            },
            Self::Fact(Fact::Found { seat, instance }) => {
                write!(f, "found {:.12}, now {seat}", instance.id)
            }
            Self::Gate { gate, judgement, .. } => write!(f, "check {gate}: {:?}", judgement.verdict),
            Self::Control(Control::Pause) => f.write_str("paused"),
            Self::Control(Control::Resume) => f.write_str("resumed"),
            Self::Control(Control::Approve { name }) => write!(f, "approved {name}"),
            Self::Control(Control::Abort) => f.write_str("abort requested"),
            Self::Control(Control::Rollback) => f.write_str("rollback requested"),
            Self::Control(Control::Resize { desired }) => {
                write!(f, "{} requested", counted(*desired, "instance"))
            }
            Self::Control(Control::Retarget { target }) => {
                write!(f, "target {} requested", target.short())
            }
            Self::Control(Control::Limits { limits }) => write!(
                f,
                "limits requested: max_surge {}, max_unavailable {}",
                limits.max_surge, limits.max_unavailable
            ),
            Self::Control(Control::Floor { available }) => {
                write!(f, "at least {available} available requested")
            }
            Self::Control(Control::Replace { seat }) => write!(f, "replacement of {seat} requested"),
            Self::Fact(Fact::Marked { seat, reason }) => write!(f, "{seat}: {reason}"),
            Self::Fact(Fact::Standing { seat, standing }) => {
                let apart = match (standing.protected, standing.standby) {
                    (true, _) => "is protected",
                    (false, true) => "stands by",
                    (false, false) => "is free",
                };
                write!(f, "{seat} {apart}")
            }
            Self::Fact(Fact::Revoked { image }) => write!(f, "image {} was revoked", image.short()),
            Self::Fact(Fact::Window { open }) => {
                write!(f, "the calendar is {}", if *open { "open" } else { "closed" })
            }
            Self::Fact(Fact::Rested { slot }) => write!(f, "{slot} has rested"),
            Self::Fact(Fact::TakenUp) => f.write_str("what other clocks dated holds from now on"),
            Self::Shift { share } => write!(f, "{share} of the traffic to the new group"),
            Self::NextTarget => f.write_str("next target"),
            Self::Stage { stage } => write!(f, "stage {}", stage + 1),
            Self::TurnBack { reason } => write!(f, "turning back: {reason}"),
            Self::End { conclusion } => write!(f, "ending: {conclusion}"),
            Self::Close { conclusion } => write!(f, "closed: {conclusion}"),
        }
    }
}
