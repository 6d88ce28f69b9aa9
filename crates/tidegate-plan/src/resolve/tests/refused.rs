//! What one network's facts cannot complete.

use super::*;
use crate::example::artifact;

fn refused(edit: impl Fn(&mut Release, &mut ResolveContext)) -> ResolveError {
    on("testnet", "", edit).unwrap_err()
}

#[test]
fn every_name_has_an_address() {
    let of = |error: ResolveError| match error {
        ResolveError::Ref { name }
        | ResolveError::Value { source: ValueError::NoAddress(name), .. } => name,
        other => panic!("{other:?}"),
    };
    assert_eq!(of(refused(|_, context| context.safe = None)), "safe");
    assert_eq!(of(refused(|_, context| context.deployer = None)), "deployer");
    assert_eq!(of(refused(|_, context| context.externals.clear())), "usdc");
    assert_eq!(of(refused(|_, context| context.existing.clear())), "live");
    let admin = |_: &mut Release, context: &mut ResolveContext| {
        context.existing.get_mut("live").unwrap().admin = None;
    };
    assert!(matches!(refused(admin), ResolveError::Admin { name } if name == "live"));
}

#[test]
fn every_parameter_has_a_value_of_its_type() {
    let without = refused(|_, context| drop(context.params.remove("cap")));
    assert!(matches!(without, ResolveError::Param { name } if name == "cap"));
    let of = |name: &'static str, value: Value| {
        refused(move |_, context| drop(context.params.insert(name.to_owned(), value.clone())))
    };
    let value = |error: ResolveError| match error {
        ResolveError::Value { what, .. } => what,
        other => panic!("{other:?}"),
    };
    assert_eq!(value(of("cap", json!(-1))), "`$cap`");
    assert_eq!(value(of("delay", json!("200y"))), "`$delay`");
    assert_eq!(value(of("cap", json!("@safe"))), "`$cap`", "no number");
    let nobody = of("owner", json!("@nobody"));
    let ResolveError::Value { what, source } = nobody else { panic!("{nobody:?}") };
    assert_eq!((&*what, source), ("`$owner`", ValueError::NoAddress("nobody".to_owned())));
}

#[test]
fn every_contract_is_in_the_release() {
    let registry = artifact("Registry").fqn;
    let without = refused(|release, _| drop(release.artifacts.remove(&registry)));
    assert!(matches!(without, ResolveError::Contract(fqn) if fqn == registry));
    let library = Fqn(LIBRARY.to_owned());
    let without = refused(|release, _| drop(release.artifacts.remove(&library)));
    assert!(matches!(without, ResolveError::Contract(fqn) if fqn == library));
    let layout = |release: &mut Release, _: &mut ResolveContext| {
        let beacon = release.artifacts.values_mut().find(|a| a.fqn.name() == "UpgradeableBeacon");
        beacon.unwrap().layout = json!({});
    };
    assert!(matches!(refused(layout), ResolveError::Beacon { name } if name == "pool"));
}

#[test]
fn no_plan_calls_what_moves_the_safe() {
    let strange = Address::repeat_byte(9);
    let mut off = vec![
        (HELPER, "the helper contract"),
        (CREATE2_PROXY, "the CREATE2 proxy"),
        (SAFE, "the Safe"),
        (strange, "the executor"),
    ];
    off.extend(MULTI_SENDS.map(|at| (at, "a batch contract of Safe")));
    for (at, says) in off {
        let off_limits = |error: ResolveError| match error {
            ResolveError::OffLimits { step, what, address } => (step, what, address),
            other => panic!("{other:?}"),
        };
        let called = refused(|_, context| {
            context.executor = Executor::Safe(strange);
            context.externals.insert("usdc".to_owned(), at);
        });
        assert_eq!(off_limits(called), ("allow".to_owned(), says, at));
        let upgraded = refused(|_, context| {
            context.executor = Executor::Safe(strange);
            context.existing.get_mut("live").unwrap().address = at;
        });
        assert_eq!(off_limits(upgraded), ("next".to_owned(), says, at));
    }
    // A view call is enough.
    let config = Config::parse(ALL).unwrap();
    let (release, context) = (release(plan(&config).unwrap()), context(&config, "testnet"));
    let mut done = plain("testnet");
    (done.ops, done.starts) = (Vec::new(), Vec::new());
    done.checks[1].to = HELPER;
    let found =
        Resolver { release: &release, context: &context, known: known(&release), done }.keep_off();
    assert!(matches!(found, Err(ResolveError::OffLimits { address: HELPER, .. })));
}
