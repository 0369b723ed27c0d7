//! Commands from bytes that nobody meant: what can be read can be decided.

use proptest::prelude::*;
use proptest::sample::Index;

use super::script::{Line, instant};
use super::world::World;
use super::{MYPOINTS, lines};
use crate::Command;
use crate::account::Account;

const COMMANDS: &str = "
    1997-01-12 cdnow purchase p1 12.34 USD channel=web programme=mypoints revision=1
    1997-01-12 mypoints sign_up s1 consents=marketing,sharing
    1997-01-12 mypoints consent_withdrawn c1 marketing
    1997-01-12 mypoints email_read e1 m1
    1997-01-12 bank account_opening a1 r1
    1997-01-12 cdnow engagement g1 review r1
    1997-01-12 operator enrol 1
    1997-01-12 member redeem 2 voucher quantity=3
";

fn stored() -> Vec<Vec<u8>> {
    lines(COMMANDS).map(|line| postcard::to_stdvec(&Line::new(line).command()).unwrap()).collect()
}

/// Decides what the bytes say, for an account of whoever they name; whether they say anything.
fn decide(world: &World, bytes: &[u8]) -> bool {
    let Ok(command) = postcard::from_bytes::<Command>(bytes) else { return false };
    let mut world = world.clone();
    world.account = Account::new(command.account());
    let _ = (command.key(), command.content(), format!("{command:?}"));
    // Twice: the second time it is known, unless it is refused anew.
    for _ in 0..2 {
        let _ = world.decide(&command, instant("1997-01-12"));
    }
    true
}

/// Each byte of a command of each kind, changed to each other value.
#[test]
fn a_byte_that_is_wrong_makes_no_panic() {
    let world = World::new(MYPOINTS);
    let (mut read, mut unread) = (0, 0);
    for command in stored() {
        for at in 0..command.len() {
            let mut bytes = command.clone();
            for value in 0..=u8::MAX {
                bytes[at] = value;
                *if decide(&world, &bytes) { &mut read } else { &mut unread } += 1;
            }
        }
    }
    assert!(read > 10_000 && unread > 10_000, "{read} were read, {unread} not");
}

proptest! {
    #[test]
    fn bytes_at_random_make_no_panic(
        which in any::<Index>(),
        changes in proptest::collection::vec((any::<Index>(), any::<u8>()), 0..6),
        tail in proptest::collection::vec(any::<u8>(), 0..80),
        keep in any::<Index>(),
    ) {
        let (world, commands) = (World::new(MYPOINTS), stored());
        let mut bytes = which.get(&commands).clone();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        decide(&world, &bytes);
        bytes.truncate(keep.index(bytes.len()));
        bytes.extend(tail);
        decide(&world, &bytes);
    }
}
