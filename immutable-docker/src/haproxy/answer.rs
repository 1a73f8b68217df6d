/// One answer of the runtime API, under `set severity-output number`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// The syslog level of a message: 3 is an error, 6 information. Dumps and empty answers have none.
    severity: Option<u8>,
    text: String,
}

impl Answer {
    /// Reads what stands between two prompts: `[6]: New server registered.`, a dump, or nothing.
    pub(super) fn parse(raw: &str) -> Self {
        let raw = raw.trim_matches('\n');
        let message =
            raw.strip_prefix('[').and_then(|rest| rest.split_once("]: ")).and_then(|(severity, text)| {
                severity.parse().ok().map(|severity| Self { severity: Some(severity), text: text.to_owned() })
            });
        message.unwrap_or_else(|| Self { severity: None, text: raw.to_owned() })
    }

    /// What HAProxy said, word for word.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether HAProxy did not do it. Errors and warnings have levels up to 4; an unknown command is answered with
    /// information (level 6), so that one has to be known by its text.
    pub(super) fn is_refusal(&self) -> bool {
        self.severity.is_some_and(|severity| severity <= 4) || self.text.starts_with("Unknown command")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn success_and_refusal_differ_by_severity_and_not_by_words() {
        for (raw, text, refused) in [
            ("", "", false),
            ("\n", "", false),
            ("[6]: New server registered.\n", "New server registered.", false),
            ("[3]: No such server.\n", "No such server.", true),
            ("[4]: careful\n", "careful", true),
            ("[6]: Unknown command, but maybe\n  help\n", "Unknown command, but maybe\n  help", true),
            ("# name\nweb\n", "# name\nweb", false),
            ("[odd]: text", "[odd]: text", false),
            ("[", "[", false),
        ] {
            let answer = Answer::parse(raw);
            assert_eq!((answer.text(), answer.is_refusal()), (text, refused), "{raw:?}");
        }
    }
}
