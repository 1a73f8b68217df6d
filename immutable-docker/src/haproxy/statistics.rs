use std::collections::BTreeMap;

use immutable_core::InstanceId;

use super::name::ServerName;

/// How many requests or connections each of our servers has: those it works on (`scur`) and those that wait in
/// HAProxy for this one server, because a cookie or a stick table holds them to it (`qcur`).
///
/// `scur` counts a request from the moment a connection for it is looked for until its last byte went out, and a TCP
/// or upgraded connection until it is closed. Idle connections kept for later requests are not counted, nor are
/// requests in the queue of the backend, which are not any server's yet.
#[derive(Debug, Default)]
pub(super) struct Sessions(BTreeMap<InstanceId, u32>);

impl Sessions {
    /// Reads the answer to `show stat <backend> 4 -1`: comma-separated, the first line names the columns.
    pub(super) fn read(answer: &str) -> Result<Self, String> {
        let mut lines = answer.lines().skip_while(|line| !line.starts_with('#'));
        let header = lines.next().ok_or("it has no header")?.trim_start_matches(['#', ' ']);
        let column = |name: &str| {
            header
                .split(',')
                .position(|column| column == name)
                .ok_or_else(|| format!("it has no column {name}"))
        };
        let (name, current, queued) = (column("svname")?, column("scur")?, column("qcur")?);

        let mut sessions = BTreeMap::new();
        for line in lines {
            // No column before these is free text, so none of them can hold a quoted comma.
            let fields: Vec<&str> = line.split(',').collect();
            let Some(instance) = fields.get(name).and_then(|name| ServerName::read(name)) else { continue };
            let number = |at: usize| {
                fields
                    .get(at)
                    .and_then(|field| field.parse::<u32>().ok())
                    .ok_or_else(|| format!("the sessions of {} cannot be read: {line:?}", fields[name]))
            };
            sessions.insert(instance, number(current)?.saturating_add(number(queued)?));
        }
        Ok(Self(sessions))
    }

    pub(super) fn of(&self, instance: &InstanceId) -> Option<u32> {
        self.0.get(instance).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn running_and_waiting_requests_are_added() {
        let answer =
            "# pxname,svname,qcur,qmax,scur,smax\nweb,static,9,9,9,9\nweb,imm-a,2,5,3,9\nweb,imm-b,0,0,0,1\n";
        let sessions = Sessions::read(answer).unwrap();
        assert_eq!(sessions.of(&InstanceId::new("a").unwrap()), Some(5));
        assert_eq!(sessions.of(&InstanceId::new("b").unwrap()), Some(0));
        assert_eq!(sessions.of(&InstanceId::new("static").unwrap()), None);
    }

    #[test]
    fn odd_answers_are_errors_and_never_panics() {
        for odd in
            ["", "No such proxy.", "# a,b", "# svname,qcur,scur\nimm-a,,1", "# svname,qcur,scur\nimm-a,1"]
        {
            assert!(Sessions::read(odd).is_err(), "{odd:?}");
        }
    }
}
