//! How far a group has got, where several processes say so.

use coalition_journal::log::{Log, Offset, Partition};

use super::cluster;
use super::subject::{open, until};

#[test]
fn who_comes_back_hears_how_far_others_have_got_since() {
    let Some(cluster) = cluster::calm(1) else { return };
    let (one, other) = (open(&cluster.settings()), open(&cluster.settings()));
    let at = Partition::new("groups.shared", 0);
    one.create_topic(&at.topic, 1).expect("create");
    let committed = |log: &dyn Log| log.committed("groups", &at).expect("ask");
    one.commit("groups", &at, Offset(5)).expect("commit");
    assert_eq!(committed(&one), Some(Offset(5)), "of its own it knows at once");
    until("the other hears of it", || committed(&other) == Some(Offset(5)));
    other.commit("groups", &at, Offset(9)).expect("commit");
    until("the first hears of what came after its own", || committed(&one) == Some(Offset(9)));
}
