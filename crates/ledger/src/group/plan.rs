//! Who should have what: as little is changed as can be, warm stores go before even loads, and in the end loads are even.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use coalition_journal::entry::{Seq, ShardId};

use super::MemberId;
use super::fold::Word;
use super::records::Place;

/// A follower that is behind by no more than this takes over within a second or so.
const CAUGHT_UP_WITHIN: u64 = 1_000;

/// An owner that is behind a follower by so much has a projection to build anew, and can't be in office: of what an owner decides a
/// follower is told sooner than anybody hears of it in the group, but not by seconds.
const FAR_BEHIND: u64 = 10_000;

/// The members that may run shards, with what they said last.
struct Plan<'a> {
    members: BTreeMap<MemberId, &'a Word>,
    places: Vec<Place>,
}

/// The next assignment of the shards. A shard that nobody could run stays with whom it has, who may come back.
pub(super) fn shards(
    now: &[Place],
    living: &BTreeMap<MemberId, &Word>,
    standby_replicas: usize,
) -> Vec<Place> {
    let mut plan = Plan::of(now, living);
    if plan.members.is_empty() {
        return plan.places;
    }
    plan.replace_the_dead();
    let moving = plan.even_out();
    plan.have_followers(standby_replicas, &moving);
    plan.places
}

impl<'a> Plan<'a> {
    /// The assignment as it is.
    fn of(now: &[Place], living: &BTreeMap<MemberId, &'a Word>) -> Self {
        let members = living.iter().filter(|(_, word)| word.info.roles.ledger);
        Self { members: members.map(|(member, word)| (*member, *word)).collect(), places: now.to_vec() }
    }

    fn numbers(&self) -> impl Iterator<Item = ShardId> + use<> {
        (0..).map(ShardId).take(self.places.len())
    }

    fn place(&mut self, shard: ShardId) -> &mut Place {
        &mut self.places[shard.0 as usize]
    }

    fn is_able(&self, member: MemberId, shard: ShardId) -> bool {
        self.members.get(&member).is_some_and(|word| !word.unable.contains(&shard))
    }

    fn able(&self, shard: ShardId) -> impl Iterator<Item = MemberId> {
        self.members.keys().copied().filter(move |member| self.is_able(*member, shard))
    }

    fn seq(&self, member: MemberId, shard: ShardId) -> Option<Seq> {
        self.members.get(&member)?.warm.get(&shard).copied()
    }

    fn owned(&self, member: MemberId) -> usize {
        self.places.iter().filter(|place| place.owner == Some(member)).count()
    }

    fn followed(&self, member: MemberId) -> usize {
        self.places.iter().filter(|place| place.followers.contains(&member)).count()
    }

    /// Gives what the dead had to whoever is warm, else to whoever has least; and what somebody would have to replay, to whoever has
    /// it at hand.
    fn replace_the_dead(&mut self) {
        for shard in self.numbers() {
            let able: BTreeSet<_> = self.able(shard).collect();
            if able.is_empty() {
                continue;
            }
            let place = self.place(shard);
            place.followers.retain(|member| able.contains(member));
            if let Some(owner) = place.owner.filter(|owner| able.contains(owner)) {
                if let Some(ahead) = self.far_ahead(shard, owner) {
                    let place = self.place(shard);
                    place.owner = Some(ahead);
                    place.followers.retain(|member| *member != ahead);
                    // It builds on, and may have the shard back when it is warm.
                    place.followers.insert(0, owner);
                }
                continue;
            }
            let followers = place.followers.clone();
            let furthest = followers.iter().filter_map(|member| self.seq(*member, shard)).max();
            let warm = |member: &MemberId| furthest.is_some_and(|seq| self.is_near(*member, shard, seq));
            let key = |member: &MemberId| (Reverse(warm(member)), self.owned(*member), *member);
            let heir = followers.iter().copied().min_by_key(key);
            let heir = heir.or_else(|| able.into_iter().min_by_key(|member| (self.owned(*member), *member)));
            let place = self.place(shard);
            place.owner = heir;
            place.followers.retain(|member| Some(*member) != heir);
        }
    }

    /// The follower that is furthest, if its owner is far behind it.
    fn far_ahead(&self, shard: ShardId, owner: MemberId) -> Option<MemberId> {
        let far = self.seq(owner, shard)?.0.saturating_add(FAR_BEHIND);
        let followers = self.places[shard.0 as usize].followers.iter().copied();
        let ahead = followers.filter_map(|member| Some((self.seq(member, shard)?.0, Reverse(member))));
        ahead.max().filter(|(seq, _)| *seq > far).map(|(_, Reverse(member))| member)
    }

    fn is_near(&self, member: MemberId, shard: ShardId, seq: Seq) -> bool {
        self.seq(member, shard).is_some_and(|own| own.0.saturating_add(CAUGHT_UP_WITHIN) >= seq.0)
    }

    /// Whether a follower could take over from a living owner and be ready at once.
    fn has_caught_up(&self, member: MemberId, shard: ShardId) -> bool {
        let place = &self.places[shard.0 as usize];
        let owner = place.owner.and_then(|owner| self.seq(owner, shard));
        place.followers.contains(&member) && owner.is_some_and(|seq| self.is_near(member, shard, seq))
    }

    /// Moves shards from who has most to who has least, as long as they differ by more than one. Who isn't warm follows
    /// first: gives the shards that are about to move, and where to.
    fn even_out(&mut self) -> BTreeMap<ShardId, MemberId> {
        let mut moving = BTreeMap::new();
        let mut loads: BTreeMap<_, _> =
            self.members.keys().map(|member| (*member, self.owned(*member))).collect();
        // A pair of which nothing can be moved is left alone.
        let mut stuck = BTreeSet::new();
        loop {
            let pairs = loads.iter().flat_map(|(from, most)| {
                loads.iter().map(move |(to, least)| (most.saturating_sub(*least), *from, *to))
            });
            let pairs =
                pairs.filter(|(difference, from, to)| *difference > 1 && !stuck.contains(&(*from, *to)));
            let Some((_, from, to)) =
                pairs.min_by_key(|(difference, from, to)| (Reverse(*difference), *from, *to))
            else {
                return moving;
            };
            let mine = self.numbers().filter(|shard| {
                self.places[shard.0 as usize].owner == Some(from)
                    && !moving.contains_key(shard)
                    && self.is_able(to, *shard)
            });
            let follows = |shard: ShardId| self.places[shard.0 as usize].followers.contains(&to);
            let easiest =
                |shard: &ShardId| (Reverse(self.has_caught_up(to, *shard)), Reverse(follows(*shard)), *shard);
            let Some(shard) = mine.min_by_key(easiest) else {
                stuck.insert((from, to));
                continue;
            };
            let (caught_up, follows) = (self.has_caught_up(to, shard), follows(shard));
            let place = self.place(shard);
            if caught_up {
                place.owner = Some(to);
                place.followers.retain(|member| *member != to);
                place.followers.insert(0, from);
            } else {
                if !follows {
                    place.followers.push(to);
                }
                moving.insert(shard, to);
            }
            *loads.entry(from).or_default() -= 1;
            *loads.entry(to).or_default() += 1;
        }
    }

    /// Has each shard followed by as many as there should be, and besides by whom it is to move to.
    fn have_followers(&mut self, standby_replicas: usize, moving: &BTreeMap<ShardId, MemberId>) {
        for shard in self.numbers() {
            let able = self.able(shard).count();
            if able == 0 {
                continue;
            }
            let wanted = standby_replicas.min(able.saturating_sub(1));
            let kept = |plan: &Self| {
                let place = &plan.places[shard.0 as usize];
                let standing = place.followers.iter().filter(|member| moving.get(&shard) != Some(member));
                standing.copied().collect::<Vec<_>>()
            };
            while kept(self).len() > wanted {
                let busy = |member: &MemberId| (self.owned(*member) + self.followed(*member), *member);
                let Some(dropped) = kept(self).into_iter().max_by_key(busy) else { break };
                self.place(shard).followers.retain(|member| *member != dropped);
            }
            while self.places[shard.0 as usize].followers.len() < wanted {
                let place = &self.places[shard.0 as usize];
                let free = self
                    .able(shard)
                    .filter(|member| place.owner != Some(*member) && !place.followers.contains(member));
                let idle = |member: &MemberId| (self.followed(*member), self.owned(*member), *member);
                let Some(added) = free.min_by_key(idle) else { break };
                self.place(shard).followers.push(added);
            }
        }
    }
}

/// Whether a follower of a shard could take over from its owner `member` and be ready at once. Beside an owner of which nothing
/// is known, anybody would seem to be far, and nobody is.
pub(super) fn has_heir(
    now: &[Place],
    (member, shard): (MemberId, ShardId),
    living: &BTreeMap<MemberId, &Word>,
) -> bool {
    let plan = Plan::of(now, living);
    let place = plan.places.get(shard.0 as usize).filter(|place| place.owner == Some(member));
    let heir = |follower: &MemberId| plan.is_able(*follower, shard) && plan.has_caught_up(*follower, shard);
    place.is_some_and(|place| place.followers.iter().any(heir))
}

/// The next assignment of the slots of intake: nobody has to be warm for them.
pub(super) fn intake(now: &[Option<MemberId>], living: &BTreeMap<MemberId, &Word>) -> Vec<Option<MemberId>> {
    let members = living.iter().filter(|(_, word)| word.info.roles.intake).map(|(member, _)| (*member, 0));
    let mut loads: BTreeMap<MemberId, usize> = members.collect();
    if loads.is_empty() {
        return now.to_vec();
    }
    let mut slots = now.to_vec();
    for slot in slots.iter().flatten() {
        loads.entry(*slot).and_modify(|load| *load += 1);
    }
    let least = |loads: &BTreeMap<MemberId, usize>| {
        loads.iter().min_by_key(|(member, load)| (**load, **member)).map(|(member, load)| (*member, *load))
    };
    for slot in &mut slots {
        if slot.is_none_or(|member| !loads.contains_key(&member)) {
            *slot = least(&loads).map(|(member, _)| member);
            slot.iter().for_each(|member| *loads.entry(*member).or_default() += 1);
        }
    }
    while let (Some((to, low)), Some((from, high))) =
        (least(&loads), loads.iter().max_by_key(|(member, load)| (**load, Reverse(**member))))
        && *high > low + 1
    {
        let from = *from;
        let Some(slot) = slots.iter_mut().find(|slot| **slot == Some(from)) else { break };
        *slot = Some(to);
        *loads.entry(from).or_default() -= 1;
        *loads.entry(to).or_default() += 1;
    }
    slots
}
