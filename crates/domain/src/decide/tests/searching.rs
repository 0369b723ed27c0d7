//! Which account says that it knows an order for which another one was asked.

use super::linking::{ENROLLED, Pair};
use super::script::instant;
use super::{MYPOINTS, script::read};
use crate::decide::Verdict;
use crate::order::order_key;
use crate::{AccountId, Command, Reference};

/// Whether the card's account says that it knows order `p1` when `asker` waits for it.
fn told(pair: &mut Pair, asker: AccountId) -> bool {
    let order = order_key(read("cdnow"), &Reference::new("p1").unwrap());
    let account = pair.card.account.id();
    let verdict = pair.card.decide(&Command::LocateOrder { account, order, asker }, instant("1997-02-01"));
    verdict != Verdict::Nothing
}

/// The member, whom the card's account follows, would have its return sent there and back for ever.
#[test]
fn whoever_follows_tells_others_of_its_orders_and_not_whom_it_follows() {
    let mut pair = Pair::new(MYPOINTS);
    pair.say(ENROLLED);
    pair.say("card 1997-01-03 cdnow purchase p1 100 USD");
    let (card, member) = (pair.card.account.id(), pair.member.account.id());
    assert!(told(&mut pair, member), "it follows nobody yet");
    assert!(!told(&mut pair, card), "it looks there itself");
    pair.say("card 1997-01-20 operator link 2");
    assert!(!told(&mut pair, member));
    assert!(told(&mut pair, AccountId(uuid::Uuid::nil())));
}
