//! End-to-end tests: the binary, started as a person would start it, asked over gRPC and on its command line.

mod adjustments;
mod brokers;
mod coalition;
mod demo;
mod digest;
mod guides;
mod harness;
mod holds;
mod identifiers;
mod kafka;
mod kafka_gap;
mod kafka_junk;
mod kafka_killed;
mod kafka_partners;
mod kafka_topics;
mod killed;
mod log;
mod missing;
mod points;
mod processes;
mod python;
mod scenarios;
mod stack;
