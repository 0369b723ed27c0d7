//! End-to-end tests of the binary: `tests/e2e`. They start it as a person would and talk to it over gRPC.
