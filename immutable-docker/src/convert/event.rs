use bollard::models::EventMessage;
use immutable_core::InstanceId;
use immutable_core::fleet::Health;

use crate::monitor::Change;

/// What an event of the engine says about one container; `None` for events that say nothing of interest.
pub(crate) fn change_of(event: EventMessage) -> Option<(InstanceId, Change)> {
    let id = InstanceId::new(event.actor?.id?).ok()?;
    let action = event.action?;
    let change = match action.as_str() {
        "create" => Change::Created,
        "start" => Change::Started,
        "die" => Change::Ended,
        "destroy" => Change::Gone,
        _ => Change::Health(match action.strip_prefix("health_status: ")? {
            "healthy" => Health::Ready,
            "unhealthy" => Health::Unready,
            _ => Health::Unknown,
        }),
    };
    Some((id, change))
}

#[cfg(test)]
mod tests {
    use bollard::models::EventActor;

    use super::*;

    #[test]
    fn events_without_meaning_are_skipped() {
        let event = |action: &str, id: Option<&str>| EventMessage {
            action: Some(action.to_owned()),
            actor: Some(EventActor { id: id.map(ToOwned::to_owned), attributes: None }),
            ..Default::default()
        };
        assert_eq!(change_of(event("die", Some("abc"))).unwrap().1, Change::Ended);
        assert_eq!(
            change_of(event("health_status: unhealthy", Some("abc"))).unwrap().1,
            Change::Health(Health::Unready)
        );
        assert!(change_of(event("exec_start: sh", Some("abc"))).is_none());
        assert!(change_of(event("die", None)).is_none());
        assert!(change_of(EventMessage::default()).is_none());
    }
}
