//! The log on one broker of Apache Kafka.

mod cluster;
mod groups;
mod reading;
mod records;
mod settings;
mod stops;
mod subject;
mod through;

#[test]
fn keeps_what_the_log_promises() {
    let Some(cluster) = cluster::calm(1) else { return };
    subject::check_all(cluster.settings());
}
