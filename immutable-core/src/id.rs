//! Identifiers and tokens: validated newtypes, so that nothing unchecked reaches a label, a path or a socket command.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::digest::{Digest, from_text};

/// A text that breaks the rule of the identifier it was meant to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a valid {what}: {rule}")]
pub struct InvalidId {
    what: &'static str,
    rule: &'static str,
    text: String,
}

const NAME_RULE: &str =
    "expected 1 to 63 characters out of a-z, 0-9, `.`, `_` and `-`, the first a letter or digit";

fn is_name(text: &str) -> bool {
    text.len() <= 63
        && text.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'_' | b'-'))
}

const OPAQUE_RULE: &str = "expected 1 to 128 characters out of A-Z, a-z, 0-9, `.`, `_`, `:` and `-`";

fn is_opaque(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-'))
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $check:ident, $rule:ident, $pattern:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[cfg_attr(
            feature = "schema",
            derive(schemars::JsonSchema),
            schemars(into = "String", try_from = "String", extend("pattern" = $pattern))
        )]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks the text.
            ///
            /// # Errors
            /// [`InvalidId`] when the text breaks the rule of this identifier.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidId> {
                text.into().parse()
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                if $check(text) {
                    Ok(Self(text.into()))
                } else {
                    Err(InvalidId { what: $what, rule: $rule, text: text.chars().take(140).collect() })
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                from_text(deserializer)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0.as_ref().into()
            }
        }
    };
}

text_id! {
    /// The name of a fleet: the instances of one service on one platform.
    FleetId, "fleet name", is_name, NAME_RULE, "^[a-z0-9][a-z0-9._-]{0,62}$"
}
text_id! {
    /// The name of one rollout; the journal of the rollout is stored under it.
    ///
    /// Choose it so that a tool that is started again after a crash finds the same name, for example from the number
    /// of the deployment. It belongs to one fleet: deployments of several fleets need a name each.
    RolloutId, "rollout name", is_name, NAME_RULE, "^[a-z0-9][a-z0-9._-]{0,62}$"
}
text_id! {
    /// A failure domain: an availability zone, a host, a rack.
    Zone, "zone name", is_name, NAME_RULE, "^[a-z0-9][a-z0-9._-]{0,62}$"
}
text_id! {
    /// The name of an image; images of one name are versions of each other.
    ImageName, "image name", is_name, NAME_RULE, "^[a-z0-9][a-z0-9._-]{0,62}$"
}
text_id! {
    /// The name of a channel of a catalog, for example `stable`.
    Channel, "channel name", is_name, NAME_RULE, "^[a-z0-9][a-z0-9._-]{0,62}$"
}
text_id! {
    /// The name of an approval, a check or another gate.
    GateName, "gate name", is_name, NAME_RULE, "^[a-z0-9][a-z0-9._-]{0,62}$"
}
text_id! {
    /// The name of a barrier: a point in a release that is passed when every group before it is done.
    BarrierName, "barrier name", is_name, NAME_RULE, "^[a-z0-9][a-z0-9._-]{0,62}$"
}
text_id! {
    /// The name of a service: all groups of a release that share its traffic.
    ServiceName, "service name", is_name, NAME_RULE, "^[a-z0-9][a-z0-9._-]{0,62}$"
}
text_id! {
    /// The platform's own identifier of an instance, for example a container id. Never reused by the platform.
    InstanceId, "instance identifier", is_opaque, OPAQUE_RULE, "^[A-Za-z0-9._:-]{1,128}$"
}
text_id! {
    /// Who writes to a journal: one running controller. A new process uses a new one.
    WriterId, "writer identifier", is_opaque, OPAQUE_RULE, "^[A-Za-z0-9._:-]{1,128}$"
}
text_id! {
    /// One clock: all that bear this name show the same time and go equally fast. Each machine, from one start of it to the
    /// next, has one.
    ClockId, "clock identifier", is_opaque, OPAQUE_RULE, "^[A-Za-z0-9._:-]{1,128}$"
}

/// One of the positions of a fleet; instances follow each other in it.
///
/// Positions are numbered from 0. Those beyond the desired count hold surplus instances that were found at the start.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Slot(pub u32);

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "slot-{}", self.0)
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Which of the instances that follow each other in a slot. 0 is the one that was there when the rollout began; the
/// rollout's own launches count from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Attempt(pub u32);

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "attempt-{}", self.0)
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The idempotency token of one launch: 32 hexadecimal digits, a function of rollout, slot and attempt only, so every
/// retry by every process uses the same one.
///
/// ```
/// use immutable_core::{Attempt, RolloutId, Slot, Token};
///
/// let rollout = RolloutId::new("deploy-42").unwrap();
/// let token = Token::of(&rollout, Slot(3), Attempt(1));
/// assert_eq!(token, Token::of(&rollout, Slot(3), Attempt(1)));
/// assert_ne!(token, Token::of(&rollout, Slot(3), Attempt(2)));
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(into = "String", try_from = "String", extend("pattern" = "^[0-9a-f]{32}$"))
)]
pub struct Token([u8; 32]);

impl Token {
    /// The token of this attempt in this slot of this rollout.
    #[must_use]
    pub fn of(rollout: &RolloutId, slot: Slot, attempt: Attempt) -> Self {
        let fields: [&[u8]; 3] =
            [rollout.as_str().as_bytes(), &slot.0.to_be_bytes(), &attempt.0.to_be_bytes()];
        let hex = Digest::of_fields("immutable launch token v1", &fields).hex();
        let mut digits = [0; 32];
        digits.copy_from_slice(&hex.as_bytes()[..32]);
        Self(digits)
    }

    /// The 32 hexadecimal digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Every token is made of ASCII digits.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Token {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        match text.as_bytes().try_into() {
            Ok(digits) if text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) => Ok(Self(digits)),
            _ => Err(InvalidId {
                what: "launch token",
                rule: "expected 32 lower-case hexadecimal digits",
                text: text.chars().take(140).collect(),
            }),
        }
    }
}

impl TryFrom<String> for Token {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl Serialize for Token {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Token {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        from_text(deserializer)
    }
}

impl From<Token> for String {
    fn from(token: Token) -> Self {
        token.as_str().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_safe_in_paths_labels_and_commands() {
        for good in ["web", "a", "0", "web-1.eu_west", &"a".repeat(63)] {
            assert!(FleetId::new(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", "-x", "Web", "a/b", "a b", "a;b", "a\n", "é", &"a".repeat(64)] {
            let error = FleetId::new(bad).unwrap_err();
            assert!(error.to_string().contains("fleet name"), "{error}");
        }
    }

    #[test]
    fn stored_ids_are_checked_when_read() {
        assert!(serde_json::from_str::<Zone>("\"a b\"").is_err());
        assert!(serde_json::from_str::<Token>("\"short\"").is_err());
        assert!(serde_json::from_str::<InstanceId>("\"i-0123abcd\"").is_ok());
    }
}
