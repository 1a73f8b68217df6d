use std::time::Duration;

use jiff::fmt::friendly::SpanPrinter;

/// A duration as it is written in the files: `5m`, `1h 30m`.
pub(crate) fn text(duration: Duration) -> String {
    SpanPrinter::new().unsigned_duration_to_string(&duration)
}
