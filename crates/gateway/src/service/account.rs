//! Balances, history and lots.

use std::collections::BTreeMap;

use coalition_domain::account::SIGN_IN;
use coalition_domain::decide::check_caller;
use coalition_domain::lot::{Lot, LotKey};
use coalition_domain::{
    Account, AccountId, Caller, Points, ProgrammeId, Purpose, Registry, Rejection, Role, Timestamp,
};
use coalition_intake::convert::{timestamp_from_proto, timestamp_to_proto};
use coalition_ledger::view::AccountView;
use coalition_proto::account::v1 as proto;
use coalition_proto::account::v1::account_service_server::AccountService;
use coalition_proto::r#type::v1::{ErrorReason, Position};
use tokio::time::Instant;
use tonic::{Request, Response, Status};

use super::Gateway;
use crate::auth::Whose;
use crate::call::Call;
use crate::convert::position::MinPositions;
use crate::convert::{activity, lot, member, name, position, request};
use crate::forward::{blocking, now};
use crate::history;
use crate::page::Page;
use crate::status::Failure;

/// The consent by which partners may see a balance.
pub(super) const SHARE_BALANCE: &str = "share-balance";

/// Rows of points that will lapse.
const EXPIRING_MAX: usize = 12;

impl Gateway {
    /// The account of a member whom the call may look at, or may in part.
    pub(super) async fn member(
        &self,
        call: &Call,
        id: AccountId,
        min: Option<&Position>,
    ) -> Result<AccountView, Failure> {
        call.check_member(&id)?;
        let view = self.account(call, id, &self.min(min)?).await?;
        if let Role::Member(_) = call.caller.role {
            check_signer(&view, &call.caller)?;
        }
        let view = member::enrolled(view)?;
        if call.opens() == Whose::Consented && !shares_balance(&view) {
            let message = "the member has not consented to share-balance, which a partner needs here";
            return Err(Failure::denied(message).with("purpose", SHARE_BALANCE));
        }
        Ok(view)
    }
}

/// Whether the holder of the caller's key may sign the member in, or is the member.
pub(super) fn check_signer(view: &AccountView, caller: &Caller) -> Result<(), Failure> {
    let judged = check_caller(view.account(), &view.registry, caller);
    if judged == Err(Rejection::PermissionDenied) {
        let message = "the member has not consented to sign-in by an event of the partner that signs";
        return Err(Failure::denied(message).with("purpose", SIGN_IN));
    }
    judged.map_err(|why| Failure::from(&why))
}

/// Whether the member has consented to partners seeing the balance.
pub(super) fn shares_balance(view: &AccountView) -> bool {
    view.account().permits(&Purpose::new(SHARE_BALANCE).expect("is a name"))
}

#[tonic::async_trait]
impl AccountService for Gateway {
    async fn get_balance(
        &self,
        request: Request<proto::GetBalanceRequest>,
    ) -> Result<Response<proto::Balance>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let id = name::member("member", &request.member)?;
        let programme = name::programme("programme", &request.programme)?;
        let read_time = request.read_time.as_ref().map(|time| timestamp_from_proto(time, "read_time"));
        let read_time = read_time.transpose().map_err(Failure::from)?;
        let basis = request::date_basis(request.date_basis)?;
        let view = self.member(&call, id, request.min_position.as_ref()).await?;
        check_programme(&view.registry, &programme)?;
        let now = self::read_time(&view);
        match read_time {
            None => Ok(Response::new(balance(view.account(), &view, &programme, now))),
            Some(until) if until > now => Err(Failure::invalid("read_time", "is still to come").into()),
            Some(until) => {
                let deadline = call.deadline;
                let read = blocking(&call, move || {
                    let account = view.past(until, basis, &|| Instant::now() >= deadline)?;
                    let account = account.map_err(|_| Failure::from(&Rejection::PointsOutOfRange))?;
                    Ok(balance(&account, &view, &programme, until))
                });
                Ok(Response::new(read.await?))
            }
        }
    }

    async fn list_activities(
        &self,
        request: Request<proto::ListActivitiesRequest>,
    ) -> Result<Response<proto::ListActivitiesResponse>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let id = name::member("member", &request.member)?;
        let only = match request.programme.as_str() {
            "" => None,
            programme => Some(name::programme("programme", programme)?),
        };
        let filter = [request.member.as_str(), &request.programme];
        let page = Page::<u32>::of(&call, request.page_size, &request.page_token, &filter)?;
        let view = self.member(&call, id, request.min_position.as_ref()).await?;
        if let Some(programme) = &only {
            check_programme(&view.registry, programme)?;
        }
        let role = call.caller.role;
        let listed = blocking(&call, move || {
            let registry = &view.registry;
            let (activities, next) = history::walk(&view, page.after, page.size, |entry| {
                let shown = activity::is_of(entry, role)
                    && only.is_none_or(|only| activity::programme(entry, registry) == Some(only));
                shown.then(|| activity::to_proto(id, entry, registry, (view.position.shard, role), false))
            })?;
            Ok(proto::ListActivitiesResponse {
                activities,
                next_page_token: next.map(|next| page.token(&next)).unwrap_or_default(),
                position: Some(position::to_proto(view.position)),
            })
        });
        Ok(Response::new(listed.await?))
    }

    async fn get_activity(
        &self,
        request: Request<proto::GetActivityRequest>,
    ) -> Result<Response<proto::Activity>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let (id, number) = name::activity("name", &request.name)?;
        let view = self.member(&call, id, request.min_position.as_ref()).await?;
        let role = call.caller.role;
        let found = blocking(&call, move || {
            let found = view.activity(number - 1)?.filter(|entry| activity::is_of(entry, role));
            let seen = (view.position.shard, role);
            let found = found.map(|entry| activity::to_proto(id, &entry, &view.registry, seen, true));
            found.ok_or_else(|| Failure::new(ErrorReason::NotFound, "the history has no such entry"))
        });
        Ok(Response::new(found.await?))
    }

    async fn list_lots(
        &self,
        request: Request<proto::ListLotsRequest>,
    ) -> Result<Response<proto::ListLotsResponse>, Status> {
        let (call, request) = (Call::of(&request)?, request.into_inner());
        let id = name::member("member", &request.member)?;
        let programme = name::programme("programme", &request.programme)?;
        let filter = [request.member.as_str(), &request.programme];
        let page = Page::<LotKey>::of(&call, request.page_size, &request.page_token, &filter)?;
        let view = self.member(&call, id, request.min_position.as_ref()).await?;
        check_programme(&view.registry, &programme)?;
        // Lots that came with a link were granted to the account of their identifier.
        let mut linked = Vec::new();
        for known in view.account().linked() {
            linked.push(self.account(&call, known.account, &MinPositions::default()).await?);
        }
        let listed = blocking(&call, move || lots(&view, &linked, &programme, &page));
        Ok(Response::new(listed.await?))
    }
}

fn lots(
    view: &AccountView,
    linked: &[AccountView],
    programme: &ProgrammeId,
    page: &Page<LotKey>,
) -> Result<proto::ListLotsResponse, Failure> {
    let now = read_time(view);
    let (lots, next_page_token) =
        page.cut(lots_with_held(view.account(), programme, now), |(lot, _)| lot.key);
    let write = |(lot, held): (Lot, Points)| {
        let (link, _) = lot.key.origin();
        let of = match link {
            None => view,
            Some(link) => linked.get(link).ok_or_else(|| Failure::internal(&"a lot of no link"))?,
        };
        let granted = history::at(of, lot.key.granted)?;
        let written = granted.and_then(|activity| lot::to_proto(&lot, held, &activity, of.position.shard));
        written.ok_or_else(|| Failure::internal(&"a lot without the activity that granted it"))
    };
    Ok(proto::ListLotsResponse {
        lots: lots.into_iter().map(write).collect::<Result<_, Failure>>()?,
        next_page_token,
        position: Some(position::to_proto(view.position)),
    })
}

/// The lots that have points left which nobody holds, or which somebody does, with those.
fn lots_with_held(
    account: &Account,
    programme: &ProgrammeId,
    now: Timestamp,
) -> impl Iterator<Item = (Lot, Points)> {
    let mut lots: BTreeMap<LotKey, (Lot, Points)> = BTreeMap::new();
    let purse = account.purses().get(programme);
    for lot in purse.into_iter().flat_map(|purse| purse.lots.iter()).filter(|lot| !lot.expired(now)) {
        lots.insert(lot.key, (lot.clone(), Points::ZERO));
    }
    let holds = account.burns().open(now).filter(|(_, hold)| hold.programme == *programme);
    for slice in holds.flat_map(|(_, hold)| &hold.slices) {
        let nothing = || (Lot { left: Points::ZERO, ..slice.clone() }, Points::ZERO);
        let (_, held) = lots.entry(slice.key).or_insert_with(nothing);
        *held = held.plus(slice.left).expect("no more than was granted");
    }
    lots.into_values()
}

/// What `account`, the one of `view` or what it was, has at `now`.
fn balance(account: &Account, view: &AccountView, programme: &ProgrammeId, now: Timestamp) -> proto::Balance {
    let balance = account.balance(programme, now);
    let version = view.registry.version(programme, now).ok();
    let next =
        version.and_then(|version| version.programme.next_reward(&view.registry, balance.available, now));
    proto::Balance {
        member: name::of_member(account.id()),
        programme: name::of_programme(programme),
        available: balance.available.signed(),
        pending: balance.pending.signed(),
        held: balance.held.signed(),
        debt: balance.debt.signed(),
        expiring: expiring(account, programme, now),
        next_reward: next.map(|next| name::of_reward(programme, next.id)).unwrap_or_default(),
        points_to_next_reward: next
            .map_or(0, |next| next.least().signed() + balance.debt.signed() - balance.available.signed()),
        read_time: Some(timestamp_to_proto(now)),
        position: Some(position::to_proto(view.position)),
    }
}

/// What lapses soonest of the points that can be spent at `now`.
fn expiring(account: &Account, programme: &ProgrammeId, now: Timestamp) -> Vec<proto::ExpiringPoints> {
    let mut rows: BTreeMap<Timestamp, i64> = BTreeMap::new();
    let purse = account.purses().get(programme);
    for lot in purse.into_iter().flat_map(|purse| purse.lots.iter()) {
        if let Some(expires_at) = lot.key.expires_at.0
            && lot.key.available_from <= now
            && !lot.expired(now)
        {
            *rows.entry(expires_at).or_default() += lot.left.signed();
        }
    }
    let row = |(time, points)| proto::ExpiringPoints { expire_time: Some(timestamp_to_proto(time)), points };
    rows.into_iter().take(EXPIRING_MAX).map(row).collect()
}

/// The instant that a balance stands for: never before the decisions that are in it, whatever this machine's clock says.
pub(super) fn read_time(view: &AccountView) -> Timestamp {
    now().max(view.decided_at)
}

/// Whether there is such a programme.
pub(super) fn check_programme(registry: &Registry, programme: &ProgrammeId) -> Result<(), Failure> {
    if registry.versions(programme).is_empty() {
        return Err(Failure::from(&Rejection::UnknownProgramme(*programme)));
    }
    Ok(())
}
