//! Walking an account's history, which lies in the store but for its newest part. For threads that may block.

use coalition_domain::event::{Applied, Event};
use coalition_domain::{Outcome, Place};
use coalition_ledger::resident::Activity;
use coalition_ledger::rows;
use coalition_ledger::view::AccountView;

/// Activities read at once.
const CHUNK: usize = 64;

/// Activities looked at for one page, so that a call that keeps few of them ends.
const LOOKED_AT_MAX: usize = 4_096;

/// Up to `size` of what `keep` makes of the activities with numbers below `before`, newest first, and the number below
/// which to go on; `None` at the end.
pub(crate) fn walk<T>(
    view: &AccountView,
    before: Option<u32>,
    size: usize,
    mut keep: impl FnMut(&Activity) -> Option<T>,
) -> Result<(Vec<T>, Option<u32>), rows::Error> {
    let (mut next, mut kept, mut looked_at) = (before.unwrap_or(u32::MAX), Vec::new(), 0);
    loop {
        let activities = view.activities(next, CHUNK)?;
        if activities.is_empty() {
            return Ok((kept, None));
        }
        for activity in &activities {
            kept.extend(keep(activity));
            next = activity.number;
            if kept.len() == size {
                break;
            }
        }
        looked_at += activities.len();
        if next == 0 {
            return Ok((kept, None));
        }
        if kept.len() == size || looked_at >= LOOKED_AT_MAX {
            return Ok((kept, Some(next)));
        }
    }
}

/// The activity that was decided at `place`.
pub(crate) fn at(view: &AccountView, place: Place) -> Result<Option<Activity>, rows::Error> {
    let found = first_not(view, |activity| activity.place < place)?;
    Ok(found.filter(|activity| activity.place == place))
}

/// The activity that enrolled the member.
pub(crate) fn enrolment(view: &AccountView) -> Result<Option<Activity>, rows::Error> {
    let Some(enrolment) = view.account().enrolment() else { return Ok(None) };
    // Several may have been decided at that instant.
    let Some(first) = first_not(view, |activity| activity.decided_at < enrolment.at)? else {
        return Ok(None);
    };
    let enrols = |activity: &Activity| match &activity.decision.outcome {
        Outcome::Applied(Applied { events, .. }) => events.contains(&Event::MemberEnrolled),
        Outcome::Refused(_) | Outcome::Waiting(_) | Outcome::Forwarded(_) => false,
    };
    let mut next = Some(first);
    while let Some(activity) = next {
        if enrols(&activity) || activity.decided_at > enrolment.at {
            return Ok(Some(activity).filter(enrols));
        }
        next = view.activity(activity.number + 1)?;
    }
    Ok(None)
}

/// The first activity of which `before` is false; it has to be true of a beginning of the history and of nothing after.
fn first_not(
    view: &AccountView,
    before: impl Fn(&Activity) -> bool,
) -> Result<Option<Activity>, rows::Error> {
    let (mut low, mut high, mut found) = (0, view.account().activities(), None);
    while low < high {
        let middle = low + (high - low) / 2;
        match view.activity(middle)? {
            Some(activity) if before(&activity) => low = middle + 1,
            Some(activity) => {
                high = middle;
                found = Some(activity);
            }
            None => return Ok(None),
        }
    }
    Ok(found)
}
