//! Points that operators give and take by hand.

use std::cmp::Reverse;

use coalition_domain::{AccountId, AdjustmentChange, AdjustmentId, Command};
use coalition_ledger::view::{AccountView, Position};
use coalition_proto::operator::v1 as proto;
use coalition_proto::r#type::v1::ErrorReason;

use super::account::read_time;
use super::{Gateway, applied};
use crate::call::Call;
use crate::convert::{adjustment, name, position, request};
use crate::page::Page;
use crate::status::Failure;

impl Gateway {
    pub(super) async fn create_by_hand(
        &self,
        call: &Call,
        request: &proto::CreateAdjustmentRequest,
    ) -> Result<proto::Adjustment, Failure> {
        let account = name::member("member", &request.member)?;
        let change = AdjustmentChange::Create(adjustment::from_proto(request)?);
        self.adjust(call, account, &request.request_id, change).await
    }

    /// Has a word on a proposal decided, that `of` makes of its id.
    pub(super) async fn review(
        &self,
        call: &Call,
        (name, request_id): (&str, &str),
        of: impl FnOnce(AdjustmentId) -> AdjustmentChange,
    ) -> Result<proto::Adjustment, Failure> {
        let (account, number) = name::adjustment("name", name)?;
        self.adjust(call, account, request_id, of(AdjustmentId(number - 1))).await
    }

    async fn adjust(
        &self,
        call: &Call,
        account: AccountId,
        request_id: &str,
        change: AdjustmentChange,
    ) -> Result<proto::Adjustment, Failure> {
        let (caller, request) = (call.caller, request::request_id(request_id)?);
        let about = match &change {
            AdjustmentChange::Create(_) => None,
            AdjustmentChange::Approve { adjustment } | AdjustmentChange::Reject { adjustment } => {
                Some(*adjustment)
            }
        };
        let reply = self.command(call, Command::Adjust { caller, request, account, change }).await?;
        applied(&reply)?;
        let view = self.after(call, account, reply.position).await?;
        let id = about.unwrap_or(AdjustmentId(reply.activity.number));
        find(&view, id, reply.position)
    }

    pub(super) async fn adjustment(
        &self,
        call: &Call,
        request: &proto::GetAdjustmentRequest,
    ) -> Result<proto::Adjustment, Failure> {
        let (account, number) = name::adjustment("name", &request.name)?;
        let view = self.account(call, account, &self.min(request.min_position.as_ref())?).await?;
        find(&view, AdjustmentId(number - 1), view.position)
    }

    pub(super) async fn adjustments(
        &self,
        call: &Call,
        request: &proto::ListAdjustmentsRequest,
    ) -> Result<proto::ListAdjustmentsResponse, Failure> {
        let account = name::member("member", &request.member)?;
        // The newest first: the order of the keys is turned around.
        let page =
            Page::<Reverse<u32>>::of(call, request.page_size, &request.page_token, &[&request.member])?;
        let view = self.account(call, account, &self.min(request.min_position.as_ref())?).await?;
        let (now, at) = (read_time(&view), view.position);
        let newest_first = view.account().adjustments().iter().rev();
        let (adjustments, next_page_token) = page.cut(newest_first, |(id, _)| Reverse(id.0));
        let write = |(id, record): (&AdjustmentId, &_)| adjustment::to_proto(account, (*id, record), now, at);
        Ok(proto::ListAdjustmentsResponse {
            adjustments: adjustments.into_iter().map(write).collect(),
            next_page_token,
            position: Some(position::to_proto(at)),
        })
    }
}

fn find(view: &AccountView, id: AdjustmentId, at: Position) -> Result<proto::Adjustment, Failure> {
    let account = view.account();
    let record = account
        .adjustments()
        .get(&id)
        .ok_or_else(|| Failure::new(ErrorReason::UnknownAdjustment, "the account has no such adjustment"))?;
    Ok(adjustment::to_proto(account.id(), (id, record), read_time(view), at))
}
