use std::collections::BTreeMap;
use std::time::Duration;

/// What was measured: figures that a limit may hold, and the lines of the table that people read.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    values: BTreeMap<String, f64>,
    sections: Vec<String>,
}

impl Figures {
    /// A ratio or an amount that is the same on every machine.
    pub(crate) fn add(&mut self, name: impl Into<String>, value: f64) {
        self.values.insert(name.into(), value);
    }

    /// A table: the names of its columns, and its rows.
    pub(crate) fn table(&mut self, columns: &[&str], rows: &[Vec<String>]) {
        let line = |cells: &mut dyn Iterator<Item = &str>| {
            format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
        };
        let mut text = line(&mut columns.iter().copied());
        text += &format!("|{}\n", "---|".repeat(columns.len()));
        for row in rows {
            text += &line(&mut row.iter().map(String::as_str));
        }
        self.sections.push(text);
    }

    /// A curve in text: what each point is called, its value, and how the value is shown; bars are as long as the values.
    pub(crate) fn curve(&mut self, title: &str, points: &[(String, f64, String)]) {
        let most = points.iter().fold(f64::MIN_POSITIVE, |most, point| most.max(point.1));
        let names = points.iter().map(|point| point.0.len()).max().unwrap_or_default();
        let mut text = format!("```text\n{title}\n");
        for (name, value, shown) in points {
            let bar = "#".repeat((value / most * 50.0).ceil() as usize);
            text += &format!("{name:>names$} | {bar} {shown}\n");
        }
        self.sections.push(text + "```\n");
    }

    /// A sentence about the table before.
    pub(crate) fn note(&mut self, text: impl Into<String>) {
        self.sections.push(text.into() + "\n");
    }

    pub(crate) fn markdown(&self) -> String {
        self.sections.join("\n")
    }

    pub(crate) fn json(&self) -> String {
        serde_json::json!({ "figures": self.values, "markdown": self.markdown() }).to_string()
    }
}

/// The time of the processor that some work took: what else the machine does meanwhile is not in it.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let began = processor_time();
    let result = work();
    (processor_time().saturating_sub(began), result)
}

fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
}

pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

pub(crate) fn percentile(mut times: Vec<Duration>, percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100]
}

/// A time in three digits.
pub(crate) fn shown(time: Duration) -> String {
    let nanos = time.as_nanos() as f64;
    let (value, unit) = match nanos {
        n if n < 1e3 => (n, "ns"),
        n if n < 1e6 => (n / 1e3, "µs"),
        n if n < 1e9 => (n / 1e6, "ms"),
        n => (n / 1e9, "s"),
    };
    let digits = if value < 10.0 {
        2
    } else if value < 100.0 {
        1
    } else {
        0
    };
    format!("{value:.digits$} {unit}")
}
