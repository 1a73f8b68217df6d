use crate::command_line::CommandLine;
use crate::error::XtaskError;
use crate::workspace::{Workspace, cargo};

use super::{house, layers, licences, purity};

/// A named check.
#[derive(Debug)]
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
    pub(super) work: Work,
}

/// What a check does.
#[derive(Debug)]
pub(super) enum Work {
    /// Cargo commands, one after the other.
    Cargo(&'static [Cargo]),
    /// Cargo commands that start engines, proxies or solvers of their own.
    Tools(&'static [Cargo]),
    /// Commands outside first, then commands beside a private engine, in its network namespace.
    Engine { before: &'static [Cargo], inside: &'static [Cargo] },
    /// Something written in this crate.
    Own(fn(&Workspace) -> Result<(), XtaskError>),
}

/// A Cargo command: environment and arguments.
#[derive(Debug)]
pub(super) struct Cargo {
    env: &'static [(&'static str, &'static str)],
    args: &'static [&'static str],
}

impl Cargo {
    pub(super) fn command(&self, workspace: &Workspace) -> CommandLine {
        let command = CommandLine::new(cargo()).args(self.args).folder(workspace.root());
        self.env.iter().fold(command, |command, (name, value)| command.env(*name, *value))
    }
}

const fn plain(args: &'static [&'static str]) -> Cargo {
    Cargo { env: &[], args }
}

/// Every check, the quick ones first.
pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "fmt",
        about: "the code is formatted",
        work: Work::Cargo(&[plain(&["fmt", "--all", "--check"])]),
    },
    Check {
        name: "house",
        about: "short files, telling names, no logic in mod.rs and lib.rs, no path of one machine",
        work: Work::Own(house::check),
    },
    Check {
        name: "layers",
        about: "in immutable-core a module uses only modules of lower levels",
        work: Work::Own(layers::check),
    },
    Check {
        name: "purity",
        about: "immutable-core without features pulls in no runtime and no network",
        work: Work::Own(purity::check),
    },
    Check {
        name: "licences",
        about: "every package has a licence that deny.toml allows",
        work: Work::Own(licences::check),
    },
    Check {
        name: "clippy",
        about: "no lint of the workspace fires",
        work: Work::Cargo(&[
            plain(&["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"]),
            plain(&[
                "clippy",
                "--package",
                "immutable-core",
                "--no-default-features",
                "--",
                "-D",
                "warnings",
            ]),
        ]),
    },
    Check {
        name: "docs",
        about: "the documentation builds without a warning",
        work: Work::Cargo(&[Cargo {
            env: &[("RUSTDOCFLAGS", "-Dwarnings")],
            args: &["doc", "--workspace", "--no-deps", "--all-features"],
        }]),
    },
    Check {
        name: "unit",
        about: "unit, property, scenario and documentation tests",
        // The same cases in every run, so that a red one is the change's; `cargo test` draws new ones each time.
        work: Work::Cargo(&[Cargo {
            env: &[("PROPTEST_RNG_SEED", "20261123")],
            args: &[
                "test",
                "--no-fail-fast",
                "--workspace",
                "--all-features",
                "--exclude",
                "immutable-docker",
                "--exclude",
                "immutable-lab",
            ],
        }]),
    },
    Check {
        name: "proof",
        about: "the arithmetic of the budgets, proved by a solver for fleets of every size",
        work: Work::Tools(&[plain(&[
            "test",
            "--package",
            "immutable-core",
            "--all-features",
            "--lib",
            "--",
            "--ignored",
            "proof",
        ])]),
    },
    Check {
        name: "examples",
        about: "the quick start runs, as its alias runs it",
        work: Work::Cargo(&[plain(&["quickstart"])]),
    },
    Check {
        name: "bench",
        about: "every benchmark runs once",
        work: Work::Cargo(&[plain(&["bench", "--package", "immutable-benches", "--", "--test"])]),
    },
    Check {
        name: "lab",
        about: "the lab's own tests: engine, proxy and load for real",
        work: Work::Tools(&[plain(&["test", "--package", "immutable-lab"])]),
    },
    Check {
        name: "docker",
        about: "the Docker backend and its example against a real engine and a real HAProxy",
        work: Work::Engine {
            before: &[
                plain(&["test", "--package", "immutable-docker", "--all-features", "--no-run"]),
                plain(&["build", "--package", "immutable-examples", "--bin", "docker_rolling"]),
            ],
            inside: &[
                plain(&[
                    "test",
                    "--no-fail-fast",
                    "--package",
                    "immutable-docker",
                    "--all-features",
                    "--offline",
                ]),
                plain(&["run", "--package", "immutable-examples", "--bin", "docker_rolling", "--offline"]),
            ],
        },
    },
];
