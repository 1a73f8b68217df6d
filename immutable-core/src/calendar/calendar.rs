use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::error::CalendarError;
use super::freeze::{Freeze, Moment};
use super::jitter::Jitter;
use super::local_clock::LocalClock;
use super::local_time::LocalTime;
use super::on_close::OnClose;
use super::openings::Openings;
use super::runs::Runs;
use super::week::Week;
use super::window::Window;

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);
const YEAR: Duration = Duration::from_secs(366 * 86_400);

/// When rollouts may act: inside one of the windows and outside of every freeze. Without a window, always but in a
/// freeze.
///
/// ```
/// use immutable_core::{Seed, Timestamp, calendar::Calendar};
///
/// let calendar: Calendar = serde_json::from_str(
///     r#"{
///         "time_zone": "Europe/Berlin",
///         "windows": [{"weekly": {"days": ["mon", "tue", "wed", "thu"], "from": "09:00", "until": "16:00"}}],
///         "freezes": [{"from": "2026-12-19", "until": "2027-01-03", "reason": "holidays"}]
///     }"#,
/// )
/// .unwrap();
///
/// let friday: Timestamp = "2026-12-18T09:00:00Z".parse().unwrap();
/// let seed = Seed::new(1);
/// assert!(!calendar.is_open(friday, seed));
/// assert_eq!(calendar.closed(friday, seed).unwrap().to_string(), "no deploy window is open");
/// assert_eq!(calendar.next_open(friday, seed), Some("2027-01-04T08:00:00Z".parse().unwrap()));
/// assert_eq!(
///     calendar.to_string(),
///     "Mon–Thu 09:00–16:00 in Europe/Berlin, but not from 2026-12-19 until 2027-01-03 (holidays); holds when it closes",
/// );
/// ```
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(into = "CalendarBuilder", try_from = "CalendarBuilder")]
pub struct Calendar {
    parts: CalendarBuilder,
    openings: Openings,
}

/// Puts a [`Calendar`] together; also its form in a configuration file. Every part may be left out.
///
/// ```
/// use std::time::Duration;
/// use immutable_core::calendar::{Calendar, Jitter, OnClose, Window};
///
/// let calendar = Calendar::builder()
///     .time_zone("America/New_York")
///     .window(Window::cron("0 22 * * SAT".parse().unwrap(), Duration::from_secs(6 * 3600)))
///     .jitter(Jitter::new(Duration::ZERO, Duration::from_secs(900)))
///     .on_close(OnClose::Rollback)
///     .build()
///     .unwrap();
/// assert_eq!(calendar.time_zone(), "America/New_York");
///
/// let error = Calendar::builder().time_zone("America/NewYork").build().unwrap_err();
/// assert!(error.to_string().ends_with("did you mean `America/New_York`?"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[must_use]
pub struct CalendarBuilder {
    time_zone: String,
    windows: Vec<Window>,
    freezes: Vec<Freeze>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jitter: Option<Jitter>,
    on_close: OnClose,
}

impl Default for CalendarBuilder {
    fn default() -> Self {
        Self {
            time_zone: "UTC".to_owned(),
            windows: Vec::new(),
            freezes: Vec::new(),
            jitter: None,
            on_close: OnClose::default(),
        }
    }
}

impl CalendarBuilder {
    /// The zone whose local times the windows, schedules and freezes are in, by its name in the IANA database, such as
    /// `Europe/Berlin`. Default `UTC`.
    pub fn time_zone(mut self, name: impl Into<String>) -> Self {
        self.time_zone = name.into();
        self
    }

    /// Open in this window too.
    pub fn window(mut self, window: Window) -> Self {
        self.windows.push(window);
        self
    }

    /// Not open in this time.
    pub fn freeze(mut self, freeze: Freeze) -> Self {
        self.freezes.push(freeze);
        self
    }

    /// How long after an opening a rollout begins. Default at once.
    pub const fn jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = Some(jitter);
        self
    }

    /// What a rollout does when the calendar closes in the middle of a stage. Default [`OnClose::Hold`].
    pub const fn on_close(mut self, on_close: OnClose) -> Self {
        self.on_close = on_close;
        self
    }

    /// The calendar.
    ///
    /// # Errors
    /// [`CalendarError`] names the field that is wrong and what to do. A calendar that never opens is wrong too.
    pub fn build(mut self) -> Result<Calendar, CalendarError> {
        let clock = LocalClock::find(&self.time_zone)?;
        clock.name().clone_into(&mut self.time_zone);
        for (index, window) in self.windows.iter().enumerate() {
            check_window(window, &format!("windows[{index}]"))?;
        }
        let freezes = self.freezes.iter().enumerate();
        let freezes = freezes.map(|(index, freeze)| span(freeze, &clock, &format!("freezes[{index}]")));
        let freezes = freezes.collect::<Result<_, _>>()?;
        if let Some(jitter) = &self.jitter {
            check_jitter(jitter, &self.windows)?;
        }
        let (mut weekly, mut crons) = (Vec::new(), Vec::new());
        for window in &self.windows {
            match window {
                Window::Weekly(window) => weekly.push(window),
                Window::Cron(window) => crons.push(Runs::of(window)),
            }
        }
        let week = Week::of(weekly.into_iter());
        let openings = Openings { clock, has_windows: !self.windows.is_empty(), week, crons, freezes };
        Ok(Calendar { parts: self, openings })
    }
}

fn check_window(window: &Window, field: &str) -> Result<(), CalendarError> {
    match window {
        Window::Weekly(window) => {
            if window.days.is_empty() {
                return Err(CalendarError::NoDays { field: format!("{field}.days") });
            }
            if window.from == LocalTime::END_OF_DAY {
                return Err(CalendarError::BeginsAtEndOfDay { field: format!("{field}.from") });
            }
            if window.from == window.until {
                return Err(CalendarError::EmptyWindow { field: field.to_owned(), time: window.from });
            }
            Ok(())
        }
        Window::Cron(window) => check_duration(&format!("{field}.duration"), window.duration, SECOND, YEAR),
    }
}

fn check_duration(
    field: &str,
    value: Duration,
    least: Duration,
    most: Duration,
) -> Result<(), CalendarError> {
    if value.subsec_nanos() == 0 && (least..=most).contains(&value) {
        Ok(())
    } else {
        Err(CalendarError::Duration { field: field.to_owned(), value, least, most })
    }
}

fn span(freeze: &Freeze, clock: &LocalClock, field: &str) -> Result<(i64, i64), CalendarError> {
    let beyond = |end: &str, moment: &Moment| CalendarError::BeyondTheCalendar {
        field: format!("{field}.{end}"),
        moment: moment.clone(),
    };
    let from = freeze.from.begin(clock).ok_or_else(|| beyond("from", &freeze.from))?;
    let until = freeze.until.end(clock).ok_or_else(|| beyond("until", &freeze.until))?;
    if from < until {
        Ok((from, until))
    } else {
        Err(CalendarError::FreezeEndsBeforeItBegins {
            field: field.to_owned(),
            from: freeze.from.clone(),
            until: freeze.until.clone(),
        })
    }
}

fn check_jitter(jitter: &Jitter, windows: &[Window]) -> Result<(), CalendarError> {
    check_duration("jitter.min", jitter.min, Duration::ZERO, DAY)?;
    check_duration("jitter.max", jitter.max, Duration::ZERO, DAY)?;
    if jitter.min > jitter.max {
        return Err(CalendarError::JitterOrder { jitter: *jitter });
    }
    for (index, window) in windows.iter().enumerate() {
        let open = match window {
            Window::Weekly(window) => Duration::from_secs(window.seconds().unsigned_abs()),
            Window::Cron(window) => window.duration,
        };
        if jitter.max >= open {
            let field = format!("windows[{index}]");
            return Err(CalendarError::JitterTooLong { max: jitter.max, field, window: open });
        }
    }
    Ok(())
}

impl Calendar {
    /// Puts a calendar together.
    pub fn builder() -> CalendarBuilder {
        CalendarBuilder::default()
    }

    /// The zone of the local times, as the IANA database writes it.
    #[must_use]
    pub fn time_zone(&self) -> &str {
        &self.parts.time_zone
    }

    /// When rollouts may act; always, when there is none.
    #[must_use]
    pub fn windows(&self) -> &[Window] {
        &self.parts.windows
    }

    /// When rollouts may not act.
    #[must_use]
    pub fn freezes(&self) -> &[Freeze] {
        &self.parts.freezes
    }

    /// How long after an opening a rollout begins.
    #[must_use]
    pub const fn jitter(&self) -> Option<Jitter> {
        self.parts.jitter
    }

    /// What a rollout does when the calendar closes in the middle of a stage.
    #[must_use]
    pub const fn on_close(&self) -> OnClose {
        self.parts.on_close
    }

    /// Whether neither a window nor a freeze restricts anything: the calendar of whoever wants none.
    #[must_use]
    pub const fn is_unrestricted(&self) -> bool {
        self.parts.windows.is_empty() && self.parts.freezes.is_empty()
    }

    pub(super) const fn openings(&self) -> &Openings {
        &self.openings
    }
}

impl Default for Calendar {
    /// Always open.
    fn default() -> Self {
        #[expect(clippy::expect_used, reason = "UTC is always known, and nothing else can be wrong")]
        CalendarBuilder::default().build().expect("an empty calendar is valid")
    }
}

// What is derived from the parts says nothing more.
impl PartialEq for Calendar {
    fn eq(&self, other: &Self) -> bool {
        self.parts == other.parts
    }
}

impl Eq for Calendar {}

impl fmt::Debug for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.parts, f)
    }
}

impl TryFrom<CalendarBuilder> for Calendar {
    type Error = CalendarError;

    fn try_from(parts: CalendarBuilder) -> Result<Self, Self::Error> {
        parts.build()
    }
}

impl From<Calendar> for CalendarBuilder {
    fn from(calendar: Calendar) -> Self {
        calendar.parts
    }
}

impl fmt::Display for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CalendarBuilder { time_zone, windows, freezes, jitter, on_close } = &self.parts;
        match &windows[..] {
            [] => f.write_str("always")?,
            [first, rest @ ..] => {
                write!(f, "{first}")?;
                for window in rest {
                    write!(f, ", {window}")?;
                }
            }
        }
        if self.is_unrestricted() {
            return Ok(());
        }
        write!(f, " in {time_zone}")?;
        for (index, freeze) in freezes.iter().enumerate() {
            write!(f, "{} from {freeze}", if index == 0 { ", but not" } else { " nor" })?;
        }
        if let Some(jitter) = jitter {
            write!(f, "; begins {jitter}")?;
        }
        write!(f, "; {on_close} when it closes")
    }
}
