//! Which partitions of partners' topics this process reads, where several share them.

use std::sync::Arc;

use coalition_domain::PartnerId;
use tokio::sync::watch;
use uuid::Uuid;

/// Slots are given out instead of partitions, which come and go.
const NAMESPACE: Uuid = Uuid::from_u128(0x6d0c_1f52_5d3b_4f0e_9a57_2b8e_61f4_c3a0);

/// The slots of a network of which this process has some: which, by number.
#[derive(Clone, Debug)]
pub struct Share(Option<watch::Receiver<Arc<[bool]>>>);

impl Share {
    /// Everything, for ever.
    pub const ALL: Self = Self(None);

    /// What `slots` says, now and from now on.
    pub fn of(slots: watch::Receiver<Arc<[bool]>>) -> Self {
        Self(Some(slots))
    }

    /// The slots as they are now; `None` for all.
    pub(crate) fn now(&self) -> Option<Arc<[bool]>> {
        self.0.as_ref().map(|slots| Arc::clone(&slots.borrow()))
    }
}

/// Whether a partition of a partner's topic lies in one of `slots`.
pub(crate) fn is_mine(slots: Option<&[bool]>, partner: &PartnerId, partition: u32) -> bool {
    let Some(slots) = slots else { return true };
    let name = [partner.as_str().as_bytes(), &[0], &partition.to_be_bytes()].concat();
    let chance = Uuid::new_v5(&NAMESPACE, &name).as_u128();
    let slot = chance.checked_rem(slots.len() as u128).and_then(|slot| usize::try_from(slot).ok());
    slot.is_some_and(|slot| slots[slot])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_partition_is_in_one_slot_and_all_slots_are_used() {
        let mut used = [0; 4];
        for partner in ["shop", "airline", "bank", "hotel", "cdnow"] {
            let partner = PartnerId::new(partner).unwrap();
            for partition in 0..20 {
                let one = |slot| {
                    let slots: Vec<bool> = (0..4).map(|number| number == slot).collect();
                    is_mine(Some(&slots), &partner, partition)
                };
                let slots: Vec<usize> = (0..4).filter(|slot| one(*slot)).collect();
                assert_eq!(slots.len(), 1, "{partner}-{partition}");
                used[slots[0]] += 1;
                assert!(is_mine(None, &partner, partition));
                assert!(!is_mine(Some(&[]), &partner, partition));
            }
        }
        // A quarter of a hundred each, more or less.
        assert!(used.iter().all(|used| (10..=45).contains(used)), "{used:?}");
    }
}
