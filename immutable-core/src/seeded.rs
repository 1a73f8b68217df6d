//! Deliberate bugs: what the simulator must find out, or it would not find the like in earnest either.
//!
//! The library has them only where it is built with `--cfg seeded_bugs`, and even there none is at work before one is
//! planted. `cargo xtask mutants-seeded` plants one after the other.

/// Whether a bug is planted; with something behind an arrow, that if so. Nothing at all in a library without bugs.
#[cfg(not(seeded_bugs))]
macro_rules! seeded {
    ($bug:ident) => {
        false
    };
    ($bug:ident => $wrong:expr; else $right:expr) => {
        $right
    };
    ($bug:ident => $wrong:expr) => {};
}

#[cfg(seeded_bugs)]
macro_rules! seeded {
    ($bug:ident) => {
        $crate::seeded::SeededBug::$bug.is_planted()
    };
    ($bug:ident => $wrong:expr; else $right:expr) => {
        if $crate::seeded::SeededBug::$bug.is_planted() { $wrong } else { $right }
    };
    ($bug:ident => $wrong:expr) => {
        if $crate::seeded::SeededBug::$bug.is_planted() {
            $wrong;
        }
    };
}

#[cfg(seeded_bugs)]
pub use bugs::{BugClass, SeededBug};

#[cfg(seeded_bugs)]
mod bugs {
    use std::fmt;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// What kind of mistake a bug is. The first one breaks a rule of the journal protocol; the next four are those of
    /// *Sieve* (OSDI 2022), found in controllers of others.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum BugClass {
        /// A rule of the journal protocol is left out.
        Protocol,
        /// What was half done when a process died is not finished.
        IntermediateState,
        /// What was true once is taken for true.
        StaleState,
        /// What happened between two looks is missed.
        UnobservedState,
        /// Something else is taken for what is meant: another instance, clock or answer.
        Indirect,
        /// A limit is counted wrongly, or not at all.
        Arithmetic,
        /// Something is done too early, or in the wrong order.
        Order,
        /// It does not end, or ends while something is left.
        End,
    }

    impl fmt::Display for BugClass {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.pad(match self {
                Self::Protocol => "protocol",
                Self::IntermediateState => "intermediate state",
                Self::StaleState => "stale state",
                Self::UnobservedState => "unobserved state",
                Self::Indirect => "indirect",
                Self::Arithmetic => "arithmetic",
                Self::Order => "order",
                Self::End => "end",
            })
        }
    }

    /// The number of the planted bug, from 1; 0 for none.
    static PLANTED: AtomicUsize = AtomicUsize::new(0);

    macro_rules! bugs {
        ($($bug:ident: $class:ident, $name:literal, $what:literal;)*) => {
            /// A deliberate bug.
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            pub enum SeededBug {
                $(#[doc = $what] $bug,)*
            }

            impl SeededBug {
                /// All of them.
                pub const ALL: &[Self] = &[$(Self::$bug,)*];

                /// What it is called on the command line.
                #[must_use]
                pub const fn name(self) -> &'static str {
                    match self { $(Self::$bug => $name,)* }
                }

                /// What kind of mistake it is.
                #[must_use]
                pub const fn class(self) -> BugClass {
                    match self { $(Self::$bug => BugClass::$class,)* }
                }

                /// What the library does wrong with it, in a sentence.
                #[must_use]
                pub const fn what(self) -> &'static str {
                    match self { $(Self::$bug => $what,)* }
                }
            }
        };
    }

    bugs! {
        ActFirst: Protocol, "act-first",
            "What was decided is begun before it is committed.";
        ConflictIsOurs: Protocol, "conflict-is-ours",
            "A commit that is there already is taken for the own one: the log is no lock.";
        BudgetsFromReads: Protocol, "budgets-from-reads",
            "Open intents are not counted: what lists have shown so far is what there is.";
        IntentsCancelled: Protocol, "intents-cancelled",
            "Whoever takes over begins with a clean table: launches without an outcome count as failed.";
        FreshToken: Protocol, "fresh-token",
            "A launch that is tried again has another token.";
        ReversibleEffects: Protocol, "reversible-effects",
            "On the way back what is leaving is kept and gets traffic again.";
        TimeoutIsFailure: Protocol, "timeout-is-failure",
            "A launch without an answer has failed.";
        TimeoutIsGone: Protocol, "timeout-is-gone",
            "A termination without an answer has succeeded.";
        AbsenceIsGone: Protocol, "absence-is-gone",
            "What is leaving and missing from one list is gone.";
        LostWriteStays: IntermediateState, "lost-write-stays",
            "Records whose write failed stay in the state and are not written again.";
        PredecessorTrusted: IntermediateState, "predecessor-trusted",
            "Whoever takes over waits for the calls that its predecessor began.";
        ControlsForgotten: IntermediateState, "controls-forgotten",
            "Whoever takes over does not know of a pause.";
        DrainFromIntent: IntermediateState, "drain-from-intent",
            "The time to drain is measured from the intent, also if nobody was there to begin the drain.";
        OneListIsEnough: StaleState, "one-list-is-enough",
            "A member that is missing from one list is removed.";
        LateListRevives: StaleState, "late-list-revives",
            "An instance that is proved gone is a new one when an old list shows it.";
        ZombieRoutes: StaleState, "zombie-routes",
            "Whoever slept through a takeover directs the router before it looks at the journal.";
        VerdictReused: StaleState, "verdict-reused",
            "The verdict of a check in one stage counts in the next one too.";
        TargetRemembered: StaleState, "target-remembered",
            "What is launched is the target of the beginning, on the way back too.";
        EdgeTriggered: UnobservedState, "edge-triggered",
            "The fleet is looked at only when it announces a change.";
        HungBootKept: UnobservedState, "hung-boot-kept",
            "An instance that never finishes booting is waited for.";
        StrangersIgnored: UnobservedState, "strangers-ignored",
            "Instances that nobody knows are not taken up.";
        DuplicatesKept: UnobservedState, "duplicates-kept",
            "A second instance with the labels of a launch is not taken up.";
        UnknownIsReady: Indirect, "unknown-is-ready",
            "An instance whose health is unknown counts as ready.";
        LabelsBySlot: Indirect, "labels-by-slot",
            "An instance of an earlier attempt is taken for the present one of its slot.";
        DamageRead: Indirect, "damage-read",
            "A commit that does not match its digest is read all the same.";
        WaitIsPass: Indirect, "wait-is-pass",
            "A check that can not say anything yet has passed.";
        LeavingNotTotal: Arithmetic, "leaving-not-total",
            "What is leaving does not count among those that exist.";
        LaunchesNotTotal: Arithmetic, "launches-not-total",
            "A launch without an outcome does not count among those that exist.";
        LeavingAvailable: Arithmetic, "leaving-available",
            "What is leaving counts as available as long as it exists.";
        ZoneOffByOne: Arithmetic, "zone-off-by-one",
            "A zone takes one more than it may.";
        VersionsOffByOne: Arithmetic, "versions-off-by-one",
            "One version more than allowed may exist.";
        RateRefilledTwice: Arithmetic, "rate-refilled-twice",
            "The tokens of the launch rate come twice as fast.";
        FailuresNotCounted: Arithmetic, "failures-not-counted",
            "Instances of the new version that fail are not counted.";
        TrafficToTooFew: Arithmetic, "traffic-to-too-few",
            "Traffic is shifted to however few there are.";
        MinReadyIgnored: Order, "min-ready-ignored",
            "What is ready is available at once.";
        MinReadyFromLaunch: Order, "min-ready-from-launch",
            "The minimum ready time is measured from the launch.";
        RoutedEarly: Order, "routed-early",
            "What is ready gets traffic before its minimum time.";
        StoppedServing: Order, "stopped-serving",
            "What leaves is stopped before it is drained.";
        BakeSkipped: Order, "bake-skipped",
            "A stage need not bake.";
        StageEarly: Order, "stage-early",
            "A stage is complete when its instances are launched, and not when they are available.";
        AbortPauses: Order, "abort-pauses",
            "An abort is no more than a pause.";
        RevokedLaunched: Order, "revoked-launched",
            "What is launched for a kept instance may be revoked.";
        ProtectedReplaced: Order, "protected-replaced",
            "Protection is not asked for.";
        LeaderFirst: Order, "leader-first",
            "Who leads is replaced in its turn like any other.";
        CrashLoopProgresses: End, "crash-loop-progresses",
            "A new instance that failed and is gone counts as progress.";
        RollbackRolledBack: End, "rollback-rolled-back",
            "When the way back fails, it goes forward again.";
        RevokedWayBack: End, "revoked-way-back",
            "It goes back to an image that was revoked.";
        LeftoversStay: End, "leftovers-stay",
            "An end leaves what was launched and never served.";
        ClosedWhileOpen: End, "closed-while-open",
            "It ends while something that was begun has no outcome.";
        RetriedAtOnce: End, "retried-at-once",
            "What failed is tried again without a pause.";
        BrokenNeedRoom: End, "broken-need-room",
            "A broken instance is replaced only while one that serves could be spared.";
    }

    impl SeededBug {
        /// From now on the library has this bug and no other, in the whole process.
        pub fn plant(self) {
            PLANTED.store(self as usize + 1, Ordering::Relaxed);
        }

        pub(crate) fn is_planted(self) -> bool {
            PLANTED.load(Ordering::Relaxed) == self as usize + 1
        }
    }
}
