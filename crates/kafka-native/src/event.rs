//! What comes out of a consumer: records with their headers as bytes, and what went wrong with which partition.
//!
//! rdkafka's own poll panics when a header's name that isn't UTF-8 is looked at, and leaves out of an error which
//! partition it is about.

use std::ffi::{CStr, c_char, c_int};
use std::ptr;
use std::slice;
use std::sync::Arc;
use std::time::Duration;

use rdkafka::client::{Client, ClientContext};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka_sys as sys;

use crate::own::{Own, Queue, poll};
use crate::text;

/// One thing that a consumer has to say. What it lends lives until the call that gave it returns.
#[derive(Debug)]
pub enum Event<'a> {
    /// A record.
    Record(Fetched<'a>),
    /// Everything before `offset` was given out, and there is no more at this moment.
    End {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// What its next record will have at least.
        offset: i64,
    },
    /// Something is wrong.
    Fault {
        /// With which partition, if it is one's.
        of: Option<(String, i32)>,
        /// What kind of fault.
        code: RDKafkaErrorCode,
        /// More about it.
        text: String,
    },
    /// A line for the log.
    Log {
        /// As in syslog: 3 is an error, 4 a warning, 7 for debugging.
        level: i32,
        /// What part of the library speaks.
        facility: String,
        /// The line.
        text: String,
    },
    /// Something that needs no answer.
    Other,
}

/// A record as it was fetched.
#[derive(Debug)]
pub struct Fetched<'a> {
    /// The topic.
    pub topic: &'a str,
    /// The partition.
    pub partition: i32,
    /// Its place there.
    pub offset: i64,
    /// When the broker took it, in milliseconds since 1970, if the topic notes that.
    pub append_time_ms: Option<i64>,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value.
    pub value: Option<&'a [u8]>,
    /// Names (without what stands behind a NUL in them) and values of its headers, in order.
    pub headers: Vec<(&'a [u8], Option<&'a [u8]>)>,
}

/// The events of a consumer that nobody else polls.
pub struct Events<C: ConsumerContext + 'static> {
    queue: Queue,
    // Dropped after the queue, which is a part of it.
    _consumer: Arc<BaseConsumer<C>>,
}

// SAFETY: librdkafka's queues may be used by any thread.
unsafe impl<C: ConsumerContext + 'static> Send for Events<C> {}

impl<C: ConsumerContext + 'static> Events<C> {
    /// The events of `consumer`, which must not be polled by any other means. Nothing if it has no group.
    pub fn of(consumer: Arc<BaseConsumer<C>>) -> Option<Self> {
        // SAFETY: the consumer is alive; the queue is ours to destroy.
        let queue = unsafe {
            Own::new(
                sys::rd_kafka_queue_get_consumer(consumer.client().native_ptr()),
                sys::rd_kafka_queue_destroy,
            )
        };
        Some(Self { queue: queue?, _consumer: consumer })
    }

    /// Gives the next event to `take`, or nothing if none comes in time.
    pub fn next<R>(&self, timeout: Duration, take: impl FnOnce(Event<'_>) -> R) -> Option<R> {
        let timeout_ms = c_int::try_from(timeout.as_millis()).unwrap_or(c_int::MAX);
        // The event is destroyed when `take` is done with it, even by a panic.
        Some(take(poll(&self.queue, timeout_ms)?.show()))
    }
}

/// Gives each event to `take` that waits in the queue of a client that is not a consumer and that nobody polls, as
/// rdkafka's admin client: lines for the log would gather there for ever.
pub fn drain<C: ClientContext>(client: &Client<C>, mut take: impl FnMut(Event<'_>)) {
    // SAFETY: the client is alive; the queue is ours to destroy.
    let queue =
        unsafe { Own::new(sys::rd_kafka_queue_get_main(client.native_ptr()), sys::rd_kafka_queue_destroy) };
    let Some(queue) = queue else { return };
    while let Some(event) = poll(&queue, 0) {
        take(event.show());
    }
}

impl Own<sys::rd_kafka_event_t> {
    fn show(&self) -> Event<'_> {
        // SAFETY: the event is alive.
        match unsafe { sys::rd_kafka_event_type(self.get()) } {
            sys::RD_KAFKA_EVENT_FETCH => self.record(),
            sys::RD_KAFKA_EVENT_ERROR => self.fault(),
            sys::RD_KAFKA_EVENT_LOG => self.log(),
            _ => Event::Other,
        }
    }

    fn record(&self) -> Event<'_> {
        // SAFETY: the event is alive, and owns the message.
        let message = unsafe { sys::rd_kafka_event_message_next(self.get()) };
        // SAFETY: it is null or lives as long as the event.
        let Some(fields) = (unsafe { message.as_ref() }) else { return Event::Other };
        // SAFETY: the message is alive, and so is its topic.
        let topic = unsafe { CStr::from_ptr(sys::rd_kafka_topic_name(fields.rkt)) };
        let code = RDKafkaErrorCode::from(fields.err);
        if code != RDKafkaErrorCode::NoError {
            // SAFETY: the message is alive.
            let text = unsafe { text(sys::rd_kafka_message_errstr(message)) };
            let of = (topic.to_string_lossy().into_owned(), fields.partition);
            return Event::Fault { of: Some(of), code, text };
        }
        Event::Record(Fetched {
            topic: topic.to_str().unwrap_or_default(),
            partition: fields.partition,
            offset: fields.offset,
            append_time_ms: append_time(message),
            // SAFETY: they are the message's own bytes, as long as it says.
            key: unsafe { bytes(fields.key.cast(), fields.key_len) },
            // SAFETY: as above.
            value: unsafe { bytes(fields.payload.cast(), fields.len) },
            headers: headers(message),
        })
    }

    fn fault(&self) -> Event<'_> {
        let event = self.get();
        // SAFETY: the event is alive.
        let code = RDKafkaErrorCode::from(unsafe { sys::rd_kafka_event_error(event) });
        // SAFETY: the event is alive; what it gives is ours.
        let place = unsafe { sys::rd_kafka_event_topic_partition(event) };
        // SAFETY: it is null or alive.
        let of = unsafe { place.as_ref() }.map(|fields| {
            // SAFETY: a partition has a topic.
            (unsafe { text(fields.topic) }, fields.partition, fields.offset)
        });
        if !place.is_null() {
            // SAFETY: it is ours, and not used again.
            unsafe { sys::rd_kafka_topic_partition_destroy(place) };
        }
        match of {
            Some((topic, partition, offset)) if code == RDKafkaErrorCode::PartitionEOF => {
                Event::End { topic, partition, offset }
            }
            of => {
                // SAFETY: the event is alive.
                let text = unsafe { text(sys::rd_kafka_event_error_string(event)) };
                Event::Fault { of: of.map(|(topic, partition, _)| (topic, partition)), code, text }
            }
        }
    }

    fn log(&self) -> Event<'_> {
        let (mut facility, mut line, mut level): (*const c_char, *const c_char, c_int) =
            (ptr::null(), ptr::null(), 7);
        // SAFETY: the event is alive; it lends two texts.
        unsafe { sys::rd_kafka_event_log(self.get(), &raw mut facility, &raw mut line, &raw mut level) };
        // SAFETY: they are null or live as long as the event.
        let (facility, text) = unsafe { (text(facility), text(line)) };
        Event::Log { level, facility, text }
    }
}

fn append_time(message: *const sys::rd_kafka_message_t) -> Option<i64> {
    let mut kind = sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_NOT_AVAILABLE;
    // SAFETY: the message is alive.
    let millis = unsafe { sys::rd_kafka_message_timestamp(message, &raw mut kind) };
    (kind == sys::rd_kafka_timestamp_type_t::RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME && millis >= 0)
        .then_some(millis)
}

fn headers<'a>(message: *const sys::rd_kafka_message_t) -> Vec<(&'a [u8], Option<&'a [u8]>)> {
    let mut all = Vec::new();
    let mut headers = ptr::null_mut();
    // SAFETY: the message is alive, and keeps what it lends.
    let found = unsafe { sys::rd_kafka_message_headers(message, &raw mut headers) };
    if RDKafkaErrorCode::from(found) != RDKafkaErrorCode::NoError {
        return all;
    }
    loop {
        let (mut name, mut value, mut length) = (ptr::null(), ptr::null(), 0);
        // SAFETY: the headers are alive; past the last one it says so.
        let found = unsafe {
            sys::rd_kafka_header_get_all(headers, all.len(), &raw mut name, &raw mut value, &raw mut length)
        };
        if RDKafkaErrorCode::from(found) != RDKafkaErrorCode::NoError {
            return all;
        }
        // SAFETY: librdkafka ends names with a NUL of its own.
        let name = unsafe { CStr::from_ptr(name) }.to_bytes();
        // SAFETY: it is null or as long as it says.
        all.push((name, unsafe { bytes(value.cast(), length) }));
    }
}

/// # Safety
/// `start` is null or leads to `length` bytes that outlive `'a`.
unsafe fn bytes<'a>(start: *const u8, length: usize) -> Option<&'a [u8]> {
    // SAFETY: the caller promises it.
    (!start.is_null()).then(|| unsafe { slice::from_raw_parts(start, length) })
}
