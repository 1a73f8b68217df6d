//! Plants one of the deliberate bugs of the core and looks for a simulation that finds it out. `cargo xtask
//! mutants-seeded` runs it once for each of them; without `--cfg seeded_bugs` there is nothing to plant.

#![expect(clippy::print_stdout, reason = "talks to the person or the program that started it")]

#[cfg(not(seeded_bugs))]
fn main() {
    println!("this library has no deliberate bugs: `cargo xtask mutants-seeded` builds one that has");
}

#[cfg(seeded_bugs)]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    hunt::main()
}

#[cfg(seeded_bugs)]
mod hunt {
    use clap::Parser;
    use immutable_core::seeded::SeededBug;
    use immutable_testkit::simulation::Simulation;
    use rustix::process::{Resource, Rlimit, setrlimit};
    use rustix::time::{ClockId, clock_gettime};
    use serde_json::json;

    /// Looks for a simulation that finds out a deliberate bug.
    #[derive(Debug, Parser)]
    struct Options {
        /// Name the bugs and run nothing
        #[arg(long)]
        list: bool,
        /// Plant this one; none if not said
        #[arg(long)]
        bug: Option<String>,
        /// Run only this seed, with a trace
        #[arg(long)]
        seed: Option<u64>,
        /// The first seed
        #[arg(long, default_value_t = 0)]
        from: u64,
        /// Give up after so much time of a processor
        #[arg(long, default_value_t = 60)]
        cpu_seconds: u64,
    }

    pub(super) fn main() -> Result<(), Box<dyn std::error::Error>> {
        let options = Options::parse();
        if options.list {
            for bug in SeededBug::ALL {
                let (class, what) = (bug.class().to_string(), bug.what());
                println!("{}", json!({ "bug": bug.name(), "class": class, "what": what }));
            }
            return Ok(());
        }
        if let Some(name) = &options.bug {
            let bug = SeededBug::ALL.iter().find(|bug| bug.name() == name);
            bug.ok_or_else(|| format!("there is no bug {name:?}"))?.plant();
        }
        if let Some(seed) = options.seed {
            let report = Simulation::seeded(seed).traced().run_with_oracle();
            println!("{}\n{report}", report.trace.as_deref().unwrap_or_default());
            return Ok(());
        }
        // A bug may make it never end.
        let most = Some(options.cpu_seconds + 10);
        setrlimit(Resource::Cpu, Rlimit { current: most, maximum: most })?;
        let mut seeds = 0;
        while cpu_seconds() < options.cpu_seconds as f64 {
            let report = Simulation::seeded(options.from + seeds).run_with_oracle();
            seeds += 1;
            if let Some(found) = report.violation {
                let property = found.property.to_string();
                let said = json!({
                    "seeds": seeds, "seconds": cpu_seconds(), "property": property, "what": found.what,
                });
                println!("{said}");
                return Ok(());
            }
        }
        println!("{}", json!({ "seeds": seeds, "seconds": cpu_seconds() }));
        Ok(())
    }

    /// What this process has used of the processors so far.
    fn cpu_seconds() -> f64 {
        let used = clock_gettime(ClockId::ProcessCPUTime);
        used.tv_sec as f64 + used.tv_nsec as f64 / 1e9
    }
}
