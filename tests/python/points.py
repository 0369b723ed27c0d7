"""A member consents, an operator gives and takes points by hand, and points are exchanged for units of an outside programme.

    points.py ADDRESS PARTNER_KEY_FILE OPERATOR_KEY_FILE DEPUTY_KEY_FILE

Prints a line after each step: what the network said, and what the member has available.
"""

import sys

import grpc
from calls import key, publish, request_id
from coalition.account.v1 import account_pb2, account_pb2_grpc
from coalition.event.v1 import partner_event_pb2 as event_pb2, partner_event_pb2_grpc as event_pb2_grpc
from coalition.member.v1 import member_pb2, member_pb2_grpc
from coalition.operator.v1 import operator_pb2, operator_pb2_grpc
from coalition.redemption.v1 import redemption_pb2, redemption_pb2_grpc
from coalition.type.v1 import adjustment_reason_pb2, identifier_pb2, outcome_pb2


def main():
    address, *files = sys.argv[1:]
    channel = grpc.insecure_channel(address)
    shop, operator, deputy = map(key, files)
    customer = identifier_pb2.Identifier(
        scheme=identifier_pb2.IDENTIFIER_SCHEME_CUSTOMER_NUMBER, scope="partners/shop", value="1"
    )
    members = member_pb2_grpc.MemberServiceStub(channel)
    member = members.LookupMember(member_pb2.LookupMemberRequest(identifier=customer), **operator).name
    accounts = account_pb2_grpc.AccountServiceStub(channel)

    def tell(said, position):
        request = account_pb2.GetBalanceRequest(
            member=member, programme="programmes/club", min_position=position
        )
        print(said, accounts.GetBalance(request, **operator).available)

    survey = publish(channel, shop, "e1", customer, engagement=event_pb2.Engagement(kind="survey"))
    tell(outcome_pb2.EventState.Name(survey.state), survey.position)
    consent = member_pb2.Consent(name=f"{member}/consents/surveys", given=True)
    request = member_pb2.UpdateConsentRequest(consent=consent, request_id=request_id())
    given = members.UpdateConsent(request, **operator)
    tell(f"{given.purpose} {given.given}", given.position)
    seen = members.GetConsent(member_pb2.GetConsentRequest(name=consent.name), **shop)
    events = event_pb2_grpc.PartnerEventServiceStub(channel)
    listed = events.ListPartnerEvents(event_pb2.ListPartnerEventsRequest(identifier=customer), **shop)
    states = [(it.event_id, outcome_pb2.EventState.Name(it.state)) for it in listed.partner_events]
    tell(f"{seen.given} {states}", listed.position)

    operators = operator_pb2_grpc.OperatorServiceStub(channel)

    def adjust(points, **entry):
        request = operator_pb2.CreateAdjustmentRequest(
            member=member,
            programme="programmes/club",
            points=points,
            reason=adjustment_reason_pb2.ADJUSTMENT_REASON_GOODWILL,
            request_id=request_id(),
            **entry,
        )
        return operators.CreateAdjustment(request, **operator)

    def state(adjustment):
        tell(operator_pb2.AdjustmentState.Name(adjustment.state), adjustment.position)

    state(adjust(500, grant=operator_pb2.PointGrant(funder="partners/shop")))
    state(adjust(20, taking=operator_pb2.PointTaking()))
    proposal = adjust(20_000, grant=operator_pb2.PointGrant(funder="partners/shop"))
    state(proposal)

    def approve(caller):
        request = operator_pb2.ApproveAdjustmentRequest(name=proposal.name, request_id=request_id())
        return operators.ApproveAdjustment(request, **caller)

    try:
        approve(operator)
    except grpc.RpcError as error:
        tell(error.code().name, proposal.position)
    state(approve(deputy))

    redemptions = redemption_pb2_grpc.RedemptionServiceStub(channel)
    exchange = redemption_pb2.CreateRedemptionRequest(
        member=member, reward="programmes/club/rewards/sky", quantity=3, request_id=request_id()
    )
    redemption = redemptions.CreateRedemption(exchange, **shop)
    units = redemption.bought.units
    tell(f"{redemption.points} for {units.count} {units.unit}", redemption.position)


main()
