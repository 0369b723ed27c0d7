//! What the configuration asks of the binary's `folder`.

/// As the binary's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// In the data folder.
    Embedded,
    /// On brokers.
    Kafka,
}
