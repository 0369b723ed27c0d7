//! Which key opens which method, and for whose things: the one table that decides it.

/// For whose things a key of a role opens a method. An operator's opens every method for everything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Whose {
    /// For nobody's.
    Nobodys,
    /// For the holder's own, and for no others.
    Own,
    /// For those of a member who gave consent to `share-balance`.
    Consented,
    /// For those of a member who lets the partner sign them in.
    Entrusted,
    /// For what of the answer is the holder's own; the rest is left out.
    OwnPart,
    /// For everybody's.
    Everybodys,
}

/// A method's row.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Row {
    /// `{package}.{service}/{method}`.
    pub(crate) method: &'static str,
    /// What a partner's key opens.
    pub(crate) partner: Whose,
    /// What a member's key opens.
    pub(crate) member: Whose,
}

use Whose::{Consented, Entrusted, Everybodys, Nobodys, Own, OwnPart};

const fn of(method: &'static str, partner: Whose, member: Whose) -> Row {
    Row { method, partner, member }
}

/// The rows, by service. Health and reflection are not here: they need no key.
const TABLE: &[Row] = &[
    of("coalition.account.v1.AccountService/GetBalance", Consented, Own),
    of("coalition.account.v1.AccountService/ListActivities", OwnPart, Own),
    of("coalition.account.v1.AccountService/GetActivity", OwnPart, Own),
    // Lots show where a member collects and how much of it is left: neither is a partner's to know.
    of("coalition.account.v1.AccountService/ListLots", Nobodys, Own),
    of("coalition.auth.v1.TokenService/CreateMemberToken", Entrusted, Nobodys),
    of("coalition.catalogue.v1.CatalogueService/GetReward", Everybodys, Own),
    of("coalition.catalogue.v1.CatalogueService/ListRewards", Everybodys, Own),
    of("coalition.event.v1.PartnerEventService/PublishEvents", Own, Nobodys),
    of("coalition.event.v1.PartnerEventService/GetPartnerEvent", Own, Nobodys),
    of("coalition.event.v1.PartnerEventService/ListPartnerEvents", Own, Nobodys),
    of("coalition.event.v1.PartnerEventService/GetRejectedEvent", Own, Nobodys),
    of("coalition.event.v1.PartnerEventService/ListRejectedEvents", Own, Nobodys),
    of("coalition.member.v1.MemberService/CreateMember", Own, Nobodys),
    of("coalition.member.v1.MemberService/GetMember", Nobodys, Own),
    of("coalition.member.v1.MemberService/LookupMember", Own, Nobodys),
    of("coalition.member.v1.MemberService/CreateIdentifier", Own, Nobodys),
    // What stands for a member elsewhere is not a partner's to know, nor to unlink.
    of("coalition.member.v1.MemberService/ListIdentifiers", OwnPart, Own),
    of("coalition.member.v1.MemberService/DeleteIdentifier", OwnPart, Own),
    // A partner's part: what its own events and calls need.
    of("coalition.member.v1.MemberService/GetConsent", OwnPart, Own),
    // A partner says what it has heard by its events.
    of("coalition.member.v1.MemberService/UpdateConsent", Nobodys, Own),
    of("coalition.operator.v1.OperatorService/GetConservationReport", Nobodys, Nobodys),
    of("coalition.operator.v1.OperatorService/ListShards", Nobodys, Nobodys),
    // Points by hand are between operators: a member sees what took effect in the history of the account.
    of("coalition.operator.v1.OperatorService/CreateAdjustment", Nobodys, Nobodys),
    of("coalition.operator.v1.OperatorService/ApproveAdjustment", Nobodys, Nobodys),
    of("coalition.operator.v1.OperatorService/RejectAdjustment", Nobodys, Nobodys),
    of("coalition.operator.v1.OperatorService/GetAdjustment", Nobodys, Nobodys),
    of("coalition.operator.v1.OperatorService/ListAdjustments", Nobodys, Nobodys),
    of("coalition.partner.v1.PartnerService/CreatePartner", Nobodys, Nobodys),
    of("coalition.partner.v1.PartnerService/GetPartner", Own, Nobodys),
    of("coalition.partner.v1.PartnerService/ListPartners", Nobodys, Nobodys),
    of("coalition.partner.v1.PartnerService/UpdatePartner", Nobodys, Nobodys),
    of("coalition.partner.v1.PartnerService/SuspendPartner", Nobodys, Nobodys),
    of("coalition.partner.v1.PartnerService/ResumePartner", Nobodys, Nobodys),
    of("coalition.partner.v1.PartnerService/CreatePartnerContract", Nobodys, Nobodys),
    of("coalition.partner.v1.PartnerService/ListPartnerContracts", Own, Nobodys),
    of("coalition.partner.v1.PartnerService/CreateApiKey", Nobodys, Nobodys),
    of("coalition.partner.v1.PartnerService/RevokeApiKey", Nobodys, Nobodys),
    of("coalition.partner.v1.PartnerService/ListApiKeys", Own, Nobodys),
    of("coalition.programme.v1.ProgrammeService/ValidateProgramme", Nobodys, Nobodys),
    of("coalition.programme.v1.ProgrammeService/PublishProgrammeVersion", Nobodys, Nobodys),
    of("coalition.programme.v1.ProgrammeService/GetProgramme", Everybodys, Everybodys),
    of("coalition.programme.v1.ProgrammeService/ListProgrammes", Everybodys, Everybodys),
    of("coalition.programme.v1.ProgrammeService/GetProgrammeVersion", Nobodys, Nobodys),
    of("coalition.programme.v1.ProgrammeService/ListProgrammeVersions", Nobodys, Nobodys),
    // A partner's own: rewards that it delivers, which the owner of the shard checks.
    of("coalition.redemption.v1.RedemptionService/CreateRedemption", OwnPart, Own),
    of("coalition.redemption.v1.RedemptionService/GetRedemption", OwnPart, Own),
    of("coalition.redemption.v1.RedemptionService/ListRedemptions", OwnPart, Own),
    // Only whoever delivers knows whether points are to be burnt, and whether a burn is to be undone.
    of("coalition.redemption.v1.RedemptionService/RefundRedemption", OwnPart, Nobodys),
    of("coalition.redemption.v1.RedemptionService/CreateHold", OwnPart, Own),
    of("coalition.redemption.v1.RedemptionService/GetHold", OwnPart, Own),
    of("coalition.redemption.v1.RedemptionService/ListHolds", OwnPart, Own),
    of("coalition.redemption.v1.RedemptionService/CaptureHold", OwnPart, Nobodys),
    of("coalition.redemption.v1.RedemptionService/ReleaseHold", OwnPart, Own),
    of("coalition.settlement.v1.SettlementService/GetSettlementStatement", Own, Nobodys),
    of("coalition.settlement.v1.SettlementService/ListSettlementStatements", Own, Nobodys),
    of("coalition.settlement.v1.SettlementService/ListSettlementLines", Own, Nobodys),
    of("coalition.settlement.v1.SettlementService/StreamSettlementLines", Own, Nobodys),
    of("coalition.settlement.v1.SettlementService/ExportSettlementStatement", Own, Nobodys),
    of("coalition.settlement.v1.SettlementService/ListLineEvents", Own, Nobodys),
    of("coalition.settlement.v1.SettlementService/GetNetPosition", Own, Nobodys),
    of("coalition.settlement.v1.SettlementService/GetBurnMatrix", OwnPart, Nobodys),
];

/// The row of a request's path; a method without one is refused.
pub(crate) fn row(path: &str) -> Option<&'static Row> {
    let method = path.strip_prefix('/')?;
    TABLE.iter().find(|row| row.method == method)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use coalition_proto::FILE_DESCRIPTOR_SET;
    use prost::Message;
    use prost_types::FileDescriptorSet;

    use super::*;

    #[test]
    fn the_table_has_every_method_once_and_no_other() {
        let set = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
        let mut declared = BTreeSet::new();
        for file in &set.file {
            for service in &file.service {
                for method in &service.method {
                    declared.insert(format!("{}.{}/{}", file.package(), service.name(), method.name()));
                }
            }
        }
        let rows: BTreeSet<_> = TABLE.iter().map(|row| row.method.to_owned()).collect();
        assert_eq!(rows, declared);
        assert_eq!(TABLE.len(), declared.len());
    }

    #[test]
    fn a_path_that_is_not_there_has_no_row() {
        assert!(row("/coalition.operator.v1.OperatorService/ListShards").is_some());
        for path in ["", "/", "coalition.operator.v1.OperatorService/ListShards", "/a.B/C"] {
            assert!(row(path).is_none(), "{path}");
        }
    }
}
