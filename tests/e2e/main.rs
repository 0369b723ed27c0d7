//! End-to-end tests: the binary, started as a person would start it, asked over gRPC and on its command line.

mod demo;
mod harness;
mod killed;
mod log;
