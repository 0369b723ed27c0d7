//! How many records a second the log on Kafka takes, and how soon a record that was appended is read.
//!
//! `cargo run --profile profiling -p coalition-journal --features kafka --example kafka_throughput -- HOST:PORT [COPIES] [KEY=VALUE]...`
//!
//! COPIES is the replication factor, 1 if left out; KEY=VALUE is a setting of librdkafka.
//!
//! Four partitions, a caller each that keeps a number of appends ahead of their answers (one, as a shard does, or many, as
//! an intake does), and follows its own records as a shard does: a latency is from the call of an append until the record
//! is read back.

use std::collections::VecDeque;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use coalition_journal::kafka::{Kafka, Settings};
use coalition_journal::log::{Log, Offset, Partition, Record};

const PARTITIONS: u32 = 4;
const RUN: Duration = Duration::from_secs(5);

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Of one append: until it was answered, until it was read.
type Latencies = (Vec<Duration>, Vec<Duration>);

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let servers = arguments.next().ok_or("name the bootstrap servers")?;
    let copies: u16 = arguments.next().map_or(Ok(1), |copies| copies.parse())?;
    let librdkafka = arguments.filter_map(|one| {
        let (key, value) = one.split_once('=')?;
        Some((key.to_owned(), value.to_owned()))
    });
    let settings = Settings {
        replication_factor: copies,
        min_insync_replicas: copies.min(2),
        librdkafka: librdkafka.collect(),
        ..Settings::at(&servers)
    };
    println!(
        "{:>9} {:>6} {:>10} {:>7} {:>22} {:>22}",
        "bytes", "ahead", "records/s", "MB/s", "answered p50 / p99", "read p50 / p99"
    );
    for bytes in [1_000, 100_000] {
        for ahead in [1, 64] {
            let log = Kafka::open(&settings)?;
            let topic = format!("throughput.{}.{bytes}.{ahead}", std::process::id());
            log.create_topic(&topic, PARTITIONS)?;
            let (mut answered, mut read) = run(&log, &topic, bytes, ahead)?;
            let per_s = answered.len() as u128 * 1000 / RUN.as_millis();
            let mb_per_s = per_s * bytes as u128 / 1_000_000;
            let (answered, read) = (quantiles(&mut answered), quantiles(&mut read));
            println!("{bytes:>9} {ahead:>6} {per_s:>10} {mb_per_s:>7} {answered:>22} {read:>22}");
        }
    }
    Ok(())
}

fn quantiles(of: &mut [Duration]) -> String {
    of.sort_unstable();
    let at = |percent: usize| of[(of.len() - 1) * percent / 100].as_micros();
    format!("{} / {} us", at(50), at(99))
}

fn run(log: &Kafka, topic: &str, bytes: usize, ahead: usize) -> Result<Latencies, Failure> {
    thread::scope(|scope| {
        let callers = (0..PARTITIONS).map(|number| Partition::new(topic, number));
        let callers: Vec<_> = callers.map(|to| scope.spawn(move || caller(log, &to, bytes, ahead))).collect();
        let mut all = Latencies::default();
        for caller in callers {
            let (answered, read) = caller.join().map_err(|_| "a caller panicked")??;
            all.0.extend(answered);
            all.1.extend(read);
        }
        Ok(all)
    })
}

fn caller(log: &Kafka, to: &Partition, bytes: usize, ahead: usize) -> Result<Latencies, Failure> {
    enum News {
        Answered(Duration),
        Failed(Failure),
        Woken,
    }
    let word = |index: u32| index.wrapping_mul(2_654_435_761).to_le_bytes();
    let record = Record::of((0..).flat_map(word).take(bytes).collect::<Vec<_>>());
    let (tell, news) = mpsc::channel();
    let woken = tell.clone();
    let _watching = log.watch(to, Arc::new(move || _ = woken.send(News::Woken)))?;
    let (mut answered, mut read) = Latencies::default();
    let (mut called, mut next, mut under_way) = (VecDeque::new(), Offset(0), 0);
    let began = Instant::now();
    while began.elapsed() < RUN || !called.is_empty() {
        while began.elapsed() < RUN && under_way < ahead {
            let (tell, now) = (tell.clone(), Instant::now());
            let done = move |outcome: Result<Offset, _>| {
                _ = tell.send(match outcome {
                    Ok(_) => News::Answered(now.elapsed()),
                    Err(error) => News::Failed(Box::new(error)),
                });
            };
            called.push_back(now);
            log.append(to, vec![record.clone()], Box::new(done));
            under_way += 1;
        }
        match news.recv()? {
            News::Answered(latency) => {
                answered.push(latency);
                under_way -= 1;
            }
            News::Failed(error) => return Err(error),
            News::Woken => loop {
                let records = log.read(to, next, 1 << 20)?;
                let Some(last) = records.last() else { break };
                next = last.offset.plus(1);
                read.extend(called.drain(..records.len()).map(|called| called.elapsed()));
            },
        }
    }
    Ok((answered, read))
}
