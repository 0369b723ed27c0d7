//! Links that cross: whoever asks for them in whatever order, nothing is forwarded twice, and no points are lost.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use proptest::prelude::*;

use super::MYPOINTS;
use super::script::{instant, read, request};
use super::world::World;
use crate::decide::Verdict;
use crate::event::{Applied, Book, Outcome};
use crate::handover::outgoing;
use crate::{AccountId, Caller, Command, Identifier, Role, Scheme};

const CARDS: u64 = 4;

/// Four who have signed up, and what is on its way between them.
struct Four {
    worlds: BTreeMap<AccountId, World>,
    cards: Vec<Identifier>,
    relayed: BTreeMap<AccountId, usize>,
    lanes: BTreeMap<(AccountId, AccountId), VecDeque<Command>>,
    requests: u64,
}

impl Four {
    fn new() -> Self {
        let card = |nth| Identifier::new(Scheme::CardToken, &format!("tok_{nth}")).unwrap();
        let cards: Vec<Identifier> = (0..CARDS).map(card).collect();
        let world = |card: &Identifier| {
            let mut world = World::of(MYPOINTS, card.clone());
            world.say("1997-01-02 mypoints sign_up s1");
            world.say("1997-01-03 cdnow purchase p1 100 USD");
            (card.account(), world)
        };
        let worlds = cards.iter().map(world).collect();
        Self { worlds, cards, relayed: BTreeMap::new(), lanes: BTreeMap::new(), requests: 0 }
    }

    /// Has a request decided; whether it took effect.
    fn asks(&mut self, command: impl FnOnce(Caller, crate::RequestId) -> Command) -> bool {
        self.requests += 1;
        let caller = Caller { key: read("operator"), role: Role::Operator };
        let command = command(caller, request(self.requests, instant("1997-02-01")));
        matches!(self.decide(&command), Verdict::Decided(Outcome::Applied(Applied { .. })))
    }

    fn decide(&mut self, command: &Command) -> Verdict {
        let id = command.account();
        let world = self.worlds.get_mut(&id).unwrap();
        let verdict = world.decide(command, instant("1997-02-01"));
        let relayed = self.relayed.entry(id).or_default();
        for (decision, _) in &world.journal[*relayed..] {
            if let Some(command) = outgoing(decision) {
                self.lanes.entry((id, command.account())).or_default().push_back(command);
            }
        }
        *relayed = world.journal.len();
        verdict
    }

    /// One thing that is on its way arrives.
    fn arrives(&mut self, which: usize) {
        let lanes: Vec<_> =
            self.lanes.iter().filter(|(_, lane)| !lane.is_empty()).map(|(key, _)| *key).collect();
        if let Some(lane) = lanes.get(which.checked_rem(lanes.len()).unwrap_or(0)) {
            let command = self.lanes.get_mut(lane).unwrap().pop_front().unwrap();
            self.decide(&command);
        }
    }

    fn booked(&self, book: Book) -> i64 {
        self.worlds.values().map(|world| world.booked(&read("mypoints"), book)).sum()
    }
}

/// What is asked for, or happens: the gateway asks an account to stay before it links another one to it.
#[derive(Clone, Debug)]
enum Step {
    Link { card: usize, member: usize },
    Unlink { card: usize, member: usize },
    Goes(usize),
    Arrives(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let some = || 0..usize::try_from(CARDS).unwrap();
    let step = prop_oneof![
        3 => (some(), some()).prop_map(|(card, member)| Step::Link { card, member }),
        1 => (some(), some()).prop_map(|(card, member)| Step::Unlink { card, member }),
        4 => any::<usize>().prop_map(Step::Goes),
        3 => any::<usize>().prop_map(Step::Arrives),
    ];
    proptest::collection::vec(step, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_is_linked_in_whatever_order_nobody_follows_one_who_follows(steps in steps()) {
        let mut four = Four::new();
        let mut accepted: Vec<(usize, usize)> = Vec::new();
        for step in steps {
            match step {
                Step::Link { card, member } => {
                    let account = four.cards[member].account();
                    if four.asks(|caller, request| Command::AcceptLinks { caller, request, account }) {
                        accepted.push((card, member));
                    }
                }
                // Of all that was accepted, any may go on to its second half first.
                Step::Goes(which) if !accepted.is_empty() => {
                    let (card, member) = accepted.remove(which % accepted.len());
                    let (identifier, member) = (four.cards[card].clone(), four.cards[member].account());
                    four.asks(|caller, request| Command::Link { caller, request, identifier, member });
                }
                Step::Unlink { card, member } => {
                    let (identifier, member) = (four.cards[card].clone(), four.cards[member].account());
                    four.asks(|caller, request| Command::Unlink { caller, request, identifier, member });
                }
                Step::Arrives(which) => four.arrives(which),
                Step::Goes(_) => {}
            }
            for world in four.worlds.values() {
                if let Some(forward) = world.account.forward() {
                    prop_assert!(four.worlds[&forward.to].account.forward().is_none(), "it follows one who follows");
                    prop_assert!(!world.account.stays(), "it was to stay");
                }
            }
        }
        for _ in 0..1_000 {
            four.arrives(0);
        }
        let (transit, suspense) = (four.booked(Book::InTransit), four.booked(Book::Suspense));
        prop_assert_eq!((transit, suspense), (0, 0));
        let back = four.booked(Book::ClawedBack(read("mypoints")));
        let cards = i64::try_from(CARDS).unwrap();
        prop_assert_eq!(four.booked(Book::Available), cards * (150 + 100) - back);
        // Whoever was linked once has brought 150 that the member had: nobody has them twice, and no points of a purchase are lost.
        let linked = four.worlds.values().flat_map(|world| world.account.linked());
        let linked: BTreeSet<AccountId> = linked.map(|linked| linked.account).collect();
        prop_assert_eq!(back, 150 * i64::try_from(linked.len()).unwrap());
    }
}
