//! A network that isn't ready: calls are repeated, under one id, until it is or time is over.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use coalition_client::proto::redemption::v1 as redemption;
use coalition_client::proto::redemption::v1::redemption_service_server::{
    RedemptionService, RedemptionServiceServer,
};
use coalition_client::proto::redemption::v1::{
    CreateRedemptionRequest, GetRedemptionRequest, ListRedemptionsRequest, ListRedemptionsResponse,
    Redemption,
};
use coalition_client::{Client, Error, RequestId, Settings};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// Answers with `status` so many times.
#[derive(Clone)]
struct Unready {
    failures: usize,
    status: Status,
    asked: Arc<Mutex<Vec<String>>>,
}

#[tonic::async_trait]
impl RedemptionService for Unready {
    async fn create_redemption(
        &self,
        request: Request<CreateRedemptionRequest>,
    ) -> Result<Response<Redemption>, Status> {
        let mut asked = self.asked.lock().unwrap();
        asked.push(request.into_inner().request_id);
        if asked.len() <= self.failures {
            return Err(self.status.clone());
        }
        Ok(Response::new(Redemption { points: 40, ..Redemption::default() }))
    }

    async fn get_redemption(&self, _: Request<GetRedemptionRequest>) -> Result<Response<Redemption>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_redemptions(
        &self,
        _: Request<ListRedemptionsRequest>,
    ) -> Result<Response<ListRedemptionsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn refund_redemption(
        &self,
        _: Request<redemption::RefundRedemptionRequest>,
    ) -> Result<Response<redemption::Redemption>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn create_hold(
        &self,
        _: Request<redemption::CreateHoldRequest>,
    ) -> Result<Response<redemption::Hold>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_hold(
        &self,
        _: Request<redemption::GetHoldRequest>,
    ) -> Result<Response<redemption::Hold>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_holds(
        &self,
        _: Request<redemption::ListHoldsRequest>,
    ) -> Result<Response<redemption::ListHoldsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn capture_hold(
        &self,
        _: Request<redemption::CaptureHoldRequest>,
    ) -> Result<Response<redemption::Redemption>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn release_hold(
        &self,
        _: Request<redemption::ReleaseHoldRequest>,
    ) -> Result<Response<redemption::Hold>, Status> {
        Err(Status::unimplemented(""))
    }
}

/// Redeems at a network that answers so; gives the outcome and the ids that were sent.
async fn redeem(failures: usize, status: Status, timeout: Duration) -> (Result<i64, Error>, Vec<String>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let service = Unready { failures, status, asked: Arc::clone(&asked) };
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address: SocketAddr = incoming.local_addr().unwrap();
    let service = RedemptionServiceServer::new(service);
    tokio::spawn(Server::builder().add_service(service).serve_with_incoming(incoming));
    let settings =
        Settings::new(format!("http://{address}").parse().unwrap(), "ck_0123456789abcdef_k".parse().unwrap());
    let client = Client::connect(&settings).await.unwrap().within(timeout);
    let outcome = client.call(CreateRedemptionRequest::default()).await.map(|redemption| redemption.points);
    let ids = asked.lock().unwrap().clone();
    (outcome, ids)
}

const LONG: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_call_is_repeated_under_its_one_id() {
    let busy = ErrorDetails::with_retry_info(Some(Duration::from_millis(20)));
    let busy = Status::with_error_details(Code::ResourceExhausted, "too much", busy);
    for status in [Status::unavailable("the shard has no owner yet"), busy] {
        let (outcome, ids) = redeem(2, status, LONG).await;
        assert_eq!((outcome.unwrap(), ids.len()), (40, 3));
        assert!(ids[0].parse::<RequestId>().is_ok() && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    }
}

#[tokio::test]
async fn what_is_answered_is_not_asked_again() {
    for code in (1..=16).map(Code::from_i32).filter(|code| *code != Code::Unavailable) {
        let (outcome, ids) = redeem(usize::MAX, Status::new(code, "no"), LONG).await;
        assert_eq!((outcome.unwrap_err().detail().unwrap().code, ids.len()), (code, 1));
    }
}

#[tokio::test]
async fn when_time_is_over_it_says_what_to_repeat() {
    let (outcome, ids) = redeem(usize::MAX, Status::unavailable("not yet"), Duration::from_millis(500)).await;
    let error = outcome.unwrap_err();
    assert!(matches!(error, Error::Unavailable(_)) && ids.len() > 1, "{error:?} {ids:?}");
    assert_eq!(error.detail().unwrap().request_id, Some(ids[0].parse().unwrap()));
}
