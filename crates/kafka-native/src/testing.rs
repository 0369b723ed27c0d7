//! What tests do on purpose that nobody else should.

use std::ffi::c_void;
use std::ptr;

use rdkafka::client::{Client, ClientContext};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::message::OwnedHeaders;
use rdkafka_sys as sys;

/// Puts a producer into the state from which only a new one helps, as an error of its idempotence would.
pub fn raise_fatal<C: ClientContext>(client: &Client<C>) {
    let code = sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
    // SAFETY: the client is alive, and the text ends with a NUL.
    unsafe { sys::rd_kafka_test_fatal_error(client.native_ptr(), code, c"raised by a test".as_ptr()) };
}

/// Adds a header whose name may be any bytes, as any client in another language can.
pub fn insert_header(headers: OwnedHeaders, name: &[u8], value: &[u8]) -> OwnedHeaders {
    let native = ptr::from_ref(headers.as_borrowed()).cast_mut().cast::<sys::rd_kafka_headers_t>();
    // SAFETY: they are ours alone, the reference is a pointer to librdkafka's own, and both texts are copied.
    let added = unsafe {
        sys::rd_kafka_header_add(
            native,
            name.as_ptr().cast(),
            name.len().cast_signed(),
            value.as_ptr().cast::<c_void>(),
            value.len().cast_signed(),
        )
    };
    assert_eq!(RDKafkaErrorCode::from(added), RDKafkaErrorCode::NoError);
    headers
}
