//! The scenarios together use every strategy, every limit and every choice that a rollout has.

use std::collections::BTreeSet;

use libtest_mimic::Trial;

use crate::script;

/// What must be in some script: a key, or a key with its value.
const MUST: &[&str] = &[
    "kind=rolling",
    "kind=blue_green",
    "kind=rolling_blue_green",
    "kind=canary",
    "kind=waves",
    "kind=recreate",
    "kind=opportunistic",
    "kind=rotate",
    "kind=repair",
    "share",
    "baseline=true",
    "beside_all=true",
    "approval",
    "start_approval",
    "switch_approval",
    "preview",
    "smoke",
    "geometric",
    "sizes",
    "pattern=zone_by_zone",
    "order=oldest",
    "order=hashed",
    "order=descending",
    "order=zone_by_zone",
    "max_surge",
    "max_unavailable",
    "min_ready",
    "healthy_deadline",
    "progress_deadline",
    "max_failures",
    "max_surge_per_zone",
    "max_unavailable_per_zone",
    "one_zone_at_a_time=true",
    "max_retries",
    "retry_delay",
    "poison",
    "launch_rate",
    "max_versions",
    "rollback",
    "picks_victim=true",
    "on_failure=hold",
    "on_protected=wait",
    "on_protected=skip",
    "on_protected=replace",
    "on_standby=wait",
    "on_standby=skip",
    "on_standby=replace",
    "on_resize=track",
    "on_resize=pin",
    "on_resize=refuse",
    "on_retarget=refuse",
    "on_retarget=replace",
    "on_retarget=finish_first",
    "on_retarget=queue",
    "on_close=finish",
    "on_close=hold",
    "on_close=rollback",
    "windows",
    "freezes",
    "jitter",
    "leader=true",
    "volume=true",
    "protected=true",
    "standby=true",
    "never_ready=true",
    "dies_after",
    "flaps",
    "refused",
    "kill",
    "vanish",
    "unready",
    "appear",
    "dark",
    "back",
    "protect",
    "unprotect",
    "revoke",
    "resize",
    "retarget",
    "limits",
    "approve",
    "replace",
    "mark",
    "say=pause",
    "say=resume",
    "say=abort",
    "say=rollback",
    "says=pass",
    "says=fail",
    "says=inconclusive",
];

fn collect(value: &toml::Value, into: &mut BTreeSet<String>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                into.insert(key.clone());
                match value {
                    toml::Value::String(text) => into.insert(format!("{key}={text}")),
                    toml::Value::Boolean(is) => into.insert(format!("{key}={is}")),
                    _ => false,
                };
                collect(value, into);
            }
        }
        toml::Value::Array(values) => values.iter().for_each(|value| collect(value, into)),
        _ => {}
    }
}

fn everything_is_used() {
    let mut used = BTreeSet::new();
    for name in script::names() {
        collect(&toml::from_str(&script::text(&name)).unwrap(), &mut used);
    }
    let missing: Vec<&&str> = MUST.iter().filter(|must| !used.contains(**must)).collect();
    assert_eq!(missing, Vec::<&&str>::new(), "no scenario has these");
}

pub(crate) fn trials() -> Vec<Trial> {
    vec![Trial::test("everything_is_used", || {
        everything_is_used();
        Ok(())
    })]
}
