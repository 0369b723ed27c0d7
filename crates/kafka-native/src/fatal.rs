//! Failing on purpose.

use rdkafka::client::{Client, ClientContext};
use rdkafka_sys as sys;

/// Puts a producer into the state from which only a new one helps, as an error of its idempotence would: for tests.
pub fn raise_fatal<C: ClientContext>(client: &Client<C>) {
    let code = sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
    // SAFETY: the client is alive, and the text ends with a NUL.
    unsafe { sys::rd_kafka_test_fatal_error(client.native_ptr(), code, c"raised by a test".as_ptr()) };
}
