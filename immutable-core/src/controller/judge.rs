use crate::gate::{GateContext, GateSpec, Verdict};
use crate::id::GateName;
use crate::planner::{Member, RolloutState};
use crate::time::Timestamp;

/// The checks of the current stage that have to be asked now, with what they may look at.
pub(super) fn questions(state: &RolloutState, now: Timestamp) -> Vec<(usize, GateContext)> {
    let Some(since) = state.complete_since() else { return Vec::new() };
    // Metrics are dated by clocks, not by the journal.
    let shown = |at| state.skew().shown(at);
    let (number, stage) = state.stage();
    let wanted = state.wanted();
    let instances = |new: bool| {
        let serving = state.members().filter(|member| member.is_available());
        let group = serving.filter(|member: &Member<'_>| member.is_new == new);
        group.filter_map(|member| member.instance.cloned()).collect::<Vec<_>>()
    };
    let open = |name: &GateName| {
        !matches!(
            state.judgement(name).map(|judgement| judgement.verdict),
            Some(Verdict::Pass | Verdict::Fail | Verdict::Inconclusive)
        )
    };
    let checks = stage.gates.iter().filter_map(|gate| match gate {
        GateSpec::Check(name) if open(name) => Some(name),
        GateSpec::Check(_) | GateSpec::Bake(_) | GateSpec::Approval(_) => None,
    });
    checks
        .map(|name| {
            let mut context = GateContext::new(
                state.spec().rollout.clone(),
                name.clone(),
                shown(now),
                shown(since),
                wanted,
            );
            context.candidates = instances(true);
            context.others = instances(false);
            (number, context)
        })
        .collect()
}
