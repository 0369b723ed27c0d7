"""A till in Python: 100 points are earned, 80 of them held, 50 captured, and the capture is refunded; a card that has bought
before it was known is linked, and what was bought first is returned.

    holds.py ADDRESS PARTNER_KEY_FILE OPERATOR_KEY_FILE

Prints a line after each step: what the network said, and what the member has available and held.
"""

import functools
import sys

import grpc
from calls import key, publish, request_id
from coalition.account.v1 import account_pb2, account_pb2_grpc
from coalition.event.v1 import partner_event_pb2 as event_pb2
from coalition.member.v1 import member_pb2, member_pb2_grpc
from coalition.redemption.v1 import redemption_pb2, redemption_pb2_grpc
from coalition.type.v1 import identifier_pb2, outcome_pb2


def main():
    address, partner_key, operator_key = sys.argv[1:]
    channel = grpc.insecure_channel(address)
    till, operator = key(partner_key), key(operator_key)
    customer = identifier_pb2.Identifier(
        scheme=identifier_pb2.IDENTIFIER_SCHEME_CUSTOMER_NUMBER, scope="partners/shop", value="1"
    )
    send = functools.partial(publish, channel, till)

    def purchase(order_id, units):
        return event_pb2.Purchase(order_id=order_id, amount={"currency_code": "USD", "units": units})

    state = send("e1", customer, purchase=purchase("o1", 100)).state
    members = member_pb2_grpc.MemberServiceStub(channel)
    member = members.LookupMember(member_pb2.LookupMemberRequest(identifier=customer), **till).name
    accounts = account_pb2_grpc.AccountServiceStub(channel)

    def tell(said, position=None):
        request = account_pb2.GetBalanceRequest(
            member=member, programme="programmes/club", min_position=position
        )
        balance = accounts.GetBalance(request, **operator)
        print(said, balance.available, balance.held)

    tell(outcome_pb2.EventState.Name(state))
    redemptions = redemption_pb2_grpc.RedemptionServiceStub(channel)
    hold = redemptions.CreateHold(
        redemption_pb2.CreateHoldRequest(
            member=member, reward="programmes/club/rewards/towel", quantity=2, request_id=request_id()
        ),
        **till,
    )
    tell(redemption_pb2.HoldState.Name(hold.state), hold.position)
    capture = redemption_pb2.CaptureHoldRequest(name=hold.name, points=50, request_id=request_id())
    redemption = redemptions.CaptureHold(capture, **till)
    tell(redemption_pb2.RedemptionState.Name(redemption.state), redemption.position)
    again = redemption_pb2.CaptureHoldRequest(name=hold.name, request_id=request_id())
    try:
        redemptions.CaptureHold(again, **till)
    except grpc.RpcError as error:
        tell(error.code().name)
    refund = redemption_pb2.RefundRedemptionRequest(name=redemption.name, request_id=request_id())
    tell(redemption_pb2.RedemptionState.Name(redemptions.RefundRedemption(refund, **till).state))

    card = identifier_pb2.Identifier(scheme=identifier_pb2.IDENTIFIER_SCHEME_CARD_TOKEN, value="tok_1")
    send("e2", card, purchase=purchase("o2", 7))
    link = member_pb2.CreateIdentifierRequest(parent=member, identifier=card, request_id=request_id())
    tell("LINKED", members.CreateIdentifier(link, **till).position)
    returned = send("e3", customer, order_return=event_pb2.OrderReturn(order_id="o1"))
    tell(outcome_pb2.EventState.Name(returned.state), returned.position)


main()
