//! The flaws about links that show in what a decision says.

use coalition_domain::event::Event;
use coalition_domain::handover::Piece;
use coalition_domain::{Applied, Outcome, Verdict};

use super::{Plant, Planted};

impl Planted {
    pub(super) fn about_links(self, mut verdict: Verdict) -> Verdict {
        if let (true, Verdict::Decided(Outcome::Applied(Applied { events, .. }))) =
            (self.has(Plant::UnlinkUnheard), &mut verdict)
        {
            events.retain(|event| !matches!(event, Event::AccountUnlinked { .. }));
        }
        if let (true, Verdict::Decided(Outcome::Applied(Applied { events, .. }))) =
            (self.has(Plant::OnceLimitStaysBehind), &mut verdict)
        {
            for event in events {
                if let Event::HandedOver { piece, .. } = event {
                    forget(piece);
                }
            }
        }
        verdict
    }
}

fn forget(piece: &mut Piece) {
    match piece {
        Piece::Claims { claims, .. } => claims.clear(),
        Piece::Points { lots, .. } => lots.iter_mut().for_each(|lot| lot.claim = None),
        Piece::Identifier { .. } | Piece::Orders { .. } | Piece::Unlinked => {}
    }
}
