//! Reading back what the Safe executed.

use tidegate_model::Verdict;

use super::*;
use crate::proposals::Finished;

#[test]
fn what_was_executed_is_read_back_and_published() {
    play(async || {
        let replay = Replay::executed(|_, _| {});
        let found = replay.found();
        let opened = replay.opened(&found).await.unwrap();
        assert!(opened.is_done(&replay.project).await.unwrap());
        let Finished::Promoted(done) = opened.finish(&replay.project, Verdict::Pass).await.unwrap()
        else {
            panic!("the newest proposal promotes")
        };
        assert_eq!(done.view.verdict(), Verdict::Pass);
        assert_eq!(done.digest, promotion_in(&found).deployment_digest);
        let file = done.file.clone().expect("its transaction is shown");
        assert!(replay.project.root.join(file).is_file());
    });
}
