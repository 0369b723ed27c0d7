//! Commits that wait no longer than they are told to. rdkafka's own waits for as long as the group's coordinator is away.

use std::ffi::c_int;
use std::ptr;
use std::time::Duration;

use rdkafka::client::{Client, ClientContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka_sys as sys;

use crate::own::{Own, poll};

/// Commits `offsets` for the group of a consumer. After a time-out it may be done all the same, or be done later.
///
/// # Errors
/// What the broker said, or that it said nothing within `timeout`.
pub fn commit<C: ClientContext>(
    client: &Client<C>,
    offsets: &TopicPartitionList,
    timeout: Duration,
) -> Result<(), KafkaError> {
    let handle = client.native_ptr();
    let timeout_ms = c_int::try_from(timeout.as_millis()).unwrap_or(c_int::MAX);
    // SAFETY: the client is alive; the queue is ours, and destroyed when dropped.
    let queue = unsafe { Own::new(sys::rd_kafka_queue_new(handle), sys::rd_kafka_queue_destroy) };
    let Some(queue) = queue else { return Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::Fail)) };
    // SAFETY: all are alive; the list is copied, and the queue keeps itself alive for the answer, which comes as an event
    // since there is no callback.
    let sent =
        unsafe { sys::rd_kafka_commit_queue(handle, offsets.ptr(), queue.get(), None, ptr::null_mut()) };
    check(sent)?;
    let Some(answer) = poll(&queue, timeout_ms) else {
        return Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::OperationTimedOut));
    };
    // SAFETY: the event is alive.
    check(unsafe { sys::rd_kafka_event_error(answer.get()) })
}

fn check(code: sys::rd_kafka_resp_err_t) -> Result<(), KafkaError> {
    let code = RDKafkaErrorCode::from(code);
    if code == RDKafkaErrorCode::NoError { Ok(()) } else { Err(KafkaError::ConsumerCommit(code)) }
}
