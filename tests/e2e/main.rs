//! End-to-end tests: the binary, started as a person would start it, asked over gRPC and on its command line.

mod brokers;
mod demo;
mod harness;
mod kafka;
mod killed;
mod log;
