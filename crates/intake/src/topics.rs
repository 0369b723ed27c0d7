//! The two topics of a partner.

use coalition_domain::PartnerId;

/// The topic that the partner writes its events to, and nobody else.
pub fn events_topic(partner: &PartnerId) -> String {
    format!("coalition.partner.{partner}.events.v1")
}

/// The topic where the partner finds its records that were not accepted, each with the reason in its headers.
pub fn rejected_topic(partner: &PartnerId) -> String {
    format!("coalition.partner.{partner}.rejected.v1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_carry_the_name_of_their_partner() {
        let cdnow = PartnerId::new("cdnow").unwrap();
        assert_eq!(events_topic(&cdnow), "coalition.partner.cdnow.events.v1");
        assert_eq!(rejected_topic(&cdnow), "coalition.partner.cdnow.rejected.v1");
    }
}
