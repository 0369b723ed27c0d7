//! A redemption is repeated under its one id while the network is not ready.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use coalition_proto::redemption::v1 as redemption;
use coalition_proto::redemption::v1::redemption_service_server::{
    RedemptionService, RedemptionServiceServer,
};
use coalition_proto::redemption::v1::{
    CreateRedemptionRequest, GetRedemptionRequest, ListRedemptionsRequest, ListRedemptionsResponse,
    Redemption,
};
use tonic::{Request, Response, Status};

use crate::network::{Ended, command, end};

/// Not ready `failures` times.
struct Unready {
    failures: usize,
    asked: Arc<Mutex<Vec<CreateRedemptionRequest>>>,
}

#[tonic::async_trait]
impl RedemptionService for Unready {
    async fn create_redemption(
        &self,
        request: Request<CreateRedemptionRequest>,
    ) -> Result<Response<Redemption>, Status> {
        let mut asked = self.asked.lock().unwrap();
        asked.push(request.into_inner());
        if asked.len() <= self.failures {
            return Err(Status::unavailable("the shard has no owner yet"));
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

/// Redeems at a network that is not ready `failures` times. Gives how it ended and the request ids that were sent.
fn redeem(failures: usize, options: &str) -> (Ended, Vec<String>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let service = RedemptionServiceServer::new(Unready { failures, asked: Arc::clone(&asked) });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let address: SocketAddr = {
        let _within = runtime.enter();
        let incoming = tonic::transport::server::TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = incoming.local_addr().unwrap();
        runtime.spawn(tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming));
        address
    };
    let member = "members/718a7b8a-3ce7-5ce3-a2b4-a6ff562afd4b";
    let mut command = command(&format!("redeem {member} towel --programme mypoints {options}"));
    command.env("COALITION_KEY", "k").env("COALITION_SERVER", format!("http://{address}"));
    let ended = end(command);
    let ids = asked.lock().unwrap().iter().map(|request| request.request_id.clone()).collect();
    (ended, ids)
}

#[test]
fn the_same_id_goes_out_until_the_network_is_ready() {
    let (ended, ids) = redeem(2, "");
    assert_eq!(ids.len(), 3);
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert_eq!(ended.err, format!("request id {}\n", ids[0]));
    assert!(ended.good().contains("40 points burnt"));
}

#[test]
fn out_of_time_it_says_how_to_go_on() {
    let (ended, ids) = redeem(usize::MAX, "--timeout 1");
    assert!(ids.len() > 1, "{ids:?}");
    ended.failed(5, &format!("repeat the command with --request-id {}", ids[0]));
}
