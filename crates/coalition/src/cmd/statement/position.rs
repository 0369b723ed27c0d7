//! Positions of shards, as arguments say them.

use coalition_proto::r#type::v1::Position;

/// `SHARD:SEQ`.
pub(super) fn position(text: &str) -> Result<Position, String> {
    let (shard, seq) = text.split_once(':').ok_or("write positions as SHARD:SEQ, such as 0:4711,1:4690")?;
    match (shard.parse(), seq.parse()) {
        (Ok(shard), Ok(seq)) => Ok(Position { shard, seq }),
        (Err(_), _) | (_, Err(_)) => Err("shard and seq are numbers".to_owned()),
    }
}

/// `0:4711,1:4690`.
pub(super) fn text(positions: &[Position]) -> String {
    let texts: Vec<_> = positions.iter().map(|at| format!("{}:{}", at.shard, at.seq)).collect();
    texts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_statement_shows_can_be_asked_for() {
        let positions = [Position { shard: 0, seq: 4_711 }, Position { shard: 1, seq: 4_690 }];
        let shown = text(&positions);
        assert_eq!(shown, "0:4711,1:4690");
        assert_eq!(shown.split(',').map(position).collect::<Result<Vec<_>, _>>().unwrap(), positions);
        assert!(position("1").is_err() && position("1:").is_err() && position("-1:2").is_err());
    }
}
