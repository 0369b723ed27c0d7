//! Topics as a cluster describes them, with their ids.

use std::ffi::{CString, c_int};
use std::ptr;
use std::slice;
use std::time::Duration;

use rdkafka::client::{Client, ClientContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka_sys as sys;
use uuid::Uuid;

use crate::own::{Own, poll};
use crate::text;

/// A topic.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Description {
    /// Drawn by the cluster when the topic was created.
    pub id: Uuid,
    /// How many partitions it has.
    pub partitions: usize,
    /// How many copies the partition with the fewest has.
    pub replicas: usize,
}

/// Describes the topic `name`, or says that there is none.
///
/// # Errors
/// What failed, and more about it.
pub fn describe_topic<C: ClientContext>(
    client: &Client<C>,
    name: &str,
    timeout: Duration,
) -> Result<Option<Description>, (KafkaError, String)> {
    let Ok(name) = CString::new(name) else { return Ok(None) };
    let timeout_ms = c_int::try_from(timeout.as_millis()).unwrap_or(c_int::MAX);
    let handle = client.native_ptr();
    let mut pointers = [name.as_ptr()];
    // SAFETY: the client is alive; each of the three is ours, and destroyed when dropped.
    let (queue, options, names) = unsafe {
        (
            Own::new(sys::rd_kafka_queue_new(handle), sys::rd_kafka_queue_destroy),
            Own::new(
                sys::rd_kafka_AdminOptions_new(
                    handle,
                    sys::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS,
                ),
                sys::rd_kafka_AdminOptions_destroy,
            ),
            Own::new(
                sys::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), 1),
                sys::rd_kafka_TopicCollection_destroy,
            ),
        )
    };
    let (Some(queue), Some(options), Some(names)) = (queue, options, names) else {
        return Err((KafkaError::AdminOp(RDKafkaErrorCode::Fail), "out of memory".to_owned()));
    };
    // SAFETY: the options are alive; no text about an error is asked for.
    let set = unsafe {
        sys::rd_kafka_AdminOptions_set_request_timeout(options.get(), timeout_ms, ptr::null_mut(), 0)
    };
    check(set, String::new())?;
    // SAFETY: all are alive, and copied by the call but the queue, which keeps itself alive for the answer.
    unsafe { sys::rd_kafka_DescribeTopics(handle, names.get(), options.get(), queue.get()) };
    // A second more: the time-out of the request says better what was waited for.
    let Some(answer) = poll(&queue, timeout_ms.saturating_add(1000)) else {
        return Err((KafkaError::AdminOp(RDKafkaErrorCode::OperationTimedOut), "no answer".to_owned()));
    };
    read(&answer)
}

fn read(answer: &Own<sys::rd_kafka_event_t>) -> Result<Option<Description>, (KafkaError, String)> {
    // SAFETY: the event is alive.
    let (code, reason) = unsafe {
        (sys::rd_kafka_event_error(answer.get()), text(sys::rd_kafka_event_error_string(answer.get())))
    };
    check(code, reason)?;
    let mut count = 0;
    // SAFETY: the event is alive; it gives null if it is the answer to another question.
    let result = unsafe { sys::rd_kafka_event_DescribeTopics_result(answer.get()) };
    if result.is_null() {
        return Err((KafkaError::AdminOp(RDKafkaErrorCode::BadMessage), "another answer".to_owned()));
    }
    // SAFETY: the result is alive, and keeps `count` descriptions.
    let topics = unsafe { list(sys::rd_kafka_DescribeTopics_result_topics(result, &raw mut count), &count) };
    let Some(&topic) = topics.first() else { return Ok(None) };
    // SAFETY: the description is alive, and so is its error.
    let (code, reason) = unsafe {
        let error = sys::rd_kafka_TopicDescription_error(topic);
        (sys::rd_kafka_error_code(error), text(sys::rd_kafka_error_string(error)))
    };
    let unknown = [RDKafkaErrorCode::UnknownTopicOrPartition, RDKafkaErrorCode::UnknownTopic];
    if unknown.contains(&RDKafkaErrorCode::from(code)) {
        return Ok(None);
    }
    check(code, reason)?;
    // SAFETY: the description is alive, and keeps `count` partitions.
    let partitions =
        unsafe { list(sys::rd_kafka_TopicDescription_partitions(topic, &raw mut count), &count) };
    let replicas = partitions.iter().map(|&partition| {
        let mut replicas = 0;
        // SAFETY: the partition is alive; only the number is looked at.
        unsafe { sys::rd_kafka_TopicPartitionInfo_replicas(partition, &raw mut replicas) };
        replicas
    });
    Ok(Some(Description {
        id: id(topic),
        partitions: partitions.len(),
        replicas: replicas.min().unwrap_or_default(),
    }))
}

fn id(topic: *const sys::rd_kafka_TopicDescription_t) -> Uuid {
    // SAFETY: the description is alive, and has an id.
    let (most, least) = unsafe {
        let id = sys::rd_kafka_TopicDescription_topic_id(topic);
        (sys::rd_kafka_Uuid_most_significant_bits(id), sys::rd_kafka_Uuid_least_significant_bits(id))
    };
    Uuid::from_u64_pair(most.cast_unsigned(), least.cast_unsigned())
}

fn check(code: sys::rd_kafka_resp_err_t, reason: String) -> Result<(), (KafkaError, String)> {
    let code = RDKafkaErrorCode::from(code);
    if code == RDKafkaErrorCode::NoError { Ok(()) } else { Err((KafkaError::AdminOp(code), reason)) }
}

/// # Safety
/// `first` is null or leads to `count` things that outlive `'a`.
unsafe fn list<'a, T>(first: *mut T, count: &usize) -> &'a [T] {
    if first.is_null() {
        return &[];
    }
    // SAFETY: the caller promises it.
    unsafe { slice::from_raw_parts(first, *count) }
}
