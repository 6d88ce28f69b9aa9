//! What a person is asked at a terminal.

use std::os::unix::fs::PermissionsExt as _;

use tidegate_testkit::{Reply, ScriptedNode};

use crate::support::{Case, Outcome, Scene, Status, cases, said};

pub(crate) fn cases() -> Vec<Case> {
    cases! {
        Ready:
            a_terminal_that_takes_nothing_back_is_sent_no_escapes,
            an_endpoint_of_the_project_is_pinned_by_its_host,
            cheat_an_endpoint_that_nobody_at_a_terminal_trusts;
    }
}

/// The project names this node for mainnet, in place of the person's own variable.
fn named(scene: &Scene<'_>, node: &ScriptedNode) -> Outcome {
    let config = scene.read("tidegate.toml")?;
    scene.write("tidegate.toml", &config.replace("${MAINNET_RPC}", &node.url()))
}

fn node(scene: &Scene<'_>) -> Result<ScriptedNode, libtest_mimic::Failed> {
    Ok(ScriptedNode::start(Some(scene.world.mainnet.url()), |_, _| Reply::Forward)?)
}

fn a_terminal_that_takes_nothing_back_is_sent_no_escapes(scene: &Scene<'_>) -> Outcome {
    for (term, no_color, has_escapes, has_colors) in [
        ("dumb", "", false, false),
        ("", "", false, false),
        ("xterm", "1", true, false),
        ("xterm", "", true, true),
    ] {
        let eva = scene.person("eva").with_variable("TERM", term);
        let ran = eva.with_variable("NO_COLOR", no_color).at_terminal(&["status"], "")?;
        let shown = &ran.expect_code(0)?.stdout;
        let found = (shown.contains("\u{1b}["), shown.contains("\u{1b}[3"));
        assert_eq!(found, (has_escapes, has_colors), "{term:?} {no_color:?}: {shown}");
    }
    Ok(())
}

fn an_endpoint_of_the_project_is_pinned_by_its_host(scene: &Scene<'_>) -> Outcome {
    let node = node(scene)?;
    named(scene, &node)?;
    let eva = scene.person("eva");
    let file = eva.home().join("endpoints.toml");
    let host = node.url().replace("http://", "");
    let shown = eva.at_terminal(&["status"], &format!("{host}\n"))?.expect_code(0)?;
    let flat = shown.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("Whoever runs it can show you any"), "{shown:?}");
    assert!(flat.contains(&format!("Type `{host}` to trust it")), "{shown:?}");
    assert!(node.calls("eth_chainId") > 0, "it is asked once it is pinned");
    assert!(std::fs::read_to_string(&file)?.contains(&node.url()));
    assert_eq!(std::fs::metadata(&file)?.permissions().mode() & 0o777, 0o600);
    // It counts from now on, and nobody is asked again.
    scene.status()?.expect_others_pass(&[])?;
    let again = eva.at_terminal(&["status"], "")?.expect_code(0)?;
    assert!(!again.stdout.contains("to trust it"), "{again:?}");
    Ok(())
}

/// Without a terminal nothing is pinned, nor by an empty line, another host or an end of input.
fn cheat_an_endpoint_that_nobody_at_a_terminal_trusts(scene: &Scene<'_>) -> Outcome {
    let node = node(scene)?;
    named(scene, &node)?;
    let eva = scene.person("eva");
    let variable = format!("TIDEGATE_RPC_{}", scene.world.mainnet.chain_id());
    let verify = ["verify", "mainnet"];
    for typed in ["\n", "127.0.0.2\n", "yes\n", "127.0.0.1\n", ""] {
        let ran = eva.at_terminal(&verify, typed)?;
        assert_ne!(ran.code, 0, "{typed:?}: {ran:?}");
        assert!(ran.stdout.contains("to trust it"), "{typed:?}: {ran:?}");
    }
    let ran = eva.run(&verify)?.expect_code(30)?;
    assert!(said(&ran).contains("you have no endpoint") && said(&ran).contains(&variable));
    let status = Status::of(&scene.run("eva", &["status", "--json"], 0)?)?;
    status.expect("policy", "UNKNOWN", (&["unreadable"], &["you have no endpoint"]))?;
    assert!(!eva.home().join("endpoints.toml").exists());
    assert_eq!(node.calls("eth_chainId"), 0, "nobody trusted it, and it was asked");
    Ok(())
}
