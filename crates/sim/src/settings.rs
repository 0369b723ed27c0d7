//! What a seed draws for itself: sizes and how often each fault comes. A seed has some kinds of fault often and others
//! never, which finds more than a little of everything.

use coalition_domain::Span;
use coalition_ledger::shard::Limits;

use crate::random::Random;

/// Chances in ten thousand.
#[derive(Clone, Debug)]
pub(crate) struct Rates {
    /// Of an append: it never lands, and its caller hears of doubt or nothing.
    pub(crate) lost: u32,
    /// It lands, and its caller hears of doubt.
    pub(crate) answer_lost: u32,
    /// It lands long after its caller heard of doubt.
    pub(crate) late: u32,
    /// It lands two or three times.
    pub(crate) duplicated: u32,
    /// It is refused for certain.
    pub(crate) refused: u32,
    /// Of a step: a partition stands still for a while.
    pub(crate) stall: u32,
    /// A process dies.
    pub(crate) crash: u32,
    /// Of a crash: its disks are lost, old or damaged afterwards.
    pub(crate) disk: u32,
    /// The group moves a shard; the old owner hears of it later, or never.
    pub(crate) moves: u32,
    /// A checkpoint fails, before or after it is durable.
    pub(crate) store: u32,
    /// A store can't be read, when it is to be.
    pub(crate) unreadable: u32,
    /// A disk takes seconds for everything.
    pub(crate) slow: u32,
    /// A disk takes nothing for seconds.
    pub(crate) full: u32,
    /// A process stands still for up to a minute, and goes on where it was.
    pub(crate) still: u32,
    /// Of a record that lands in a journal: its shard moves before its owner hears of it.
    pub(crate) mid_commit: u32,
    /// The wall clock of a process jumps.
    pub(crate) clock: u32,
    /// Minutes or hours pass at once.
    pub(crate) leap: u32,
    /// Of a client's attempt: the client dies and its answer is lost.
    pub(crate) deaf: u32,
}

/// What a seed draws.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) shards: u32,
    pub(crate) processes: usize,
    pub(crate) members: usize,
    pub(crate) commands: usize,
    /// Of a step: something is asked, in ten thousand.
    pub(crate) pace: u32,
    /// Of a shard that could write a checkpoint: it does, in ten thousand.
    pub(crate) checkpoints: u32,
    /// How many decided records of its inbox a shard keeps, if it trims it.
    pub(crate) inbox_keep: Option<u64>,
    pub(crate) limits: Limits,
    pub(crate) rates: Rates,
}

impl Settings {
    pub(crate) fn draw(random: &mut Random) -> Self {
        let mut sometimes = |often: &[u32]| if random.happens(6_500) { *random.pick(often) } else { 0 };
        let rates = Rates {
            lost: sometimes(&[50, 300, 1_500]),
            answer_lost: sometimes(&[50, 300, 1_500]),
            late: sometimes(&[50, 300, 1_500]),
            duplicated: sometimes(&[50, 300, 2_000]),
            refused: sometimes(&[50, 300, 1_000]),
            stall: sometimes(&[2, 10]),
            crash: sometimes(&[3, 10, 30]),
            disk: sometimes(&[1_000, 5_000]),
            moves: sometimes(&[5, 20, 60]),
            store: sometimes(&[300, 2_000]),
            unreadable: sometimes(&[50, 500]),
            slow: sometimes(&[5, 20]),
            full: sometimes(&[3, 10]),
            still: sometimes(&[5, 20]),
            mid_commit: sometimes(&[100, 500]),
            clock: sometimes(&[2, 10]),
            leap: sometimes(&[10, 40]),
            deaf: sometimes(&[300, 1_500]),
        };
        let mut size = |sizes: &[usize]| *random.pick(sizes);
        let accounts_max = size(&[1, 2, 4, 8, 100]);
        let batch_commands_max = size(&[1, 2, 5, 12, 100]);
        let batch_bytes_max = size(&[200, 1_000, 4_000, 100_000]);
        let limits = Limits {
            accounts_max,
            batch_commands_max,
            batch_attended_max: batch_commands_max.div_ceil(3),
            batch_bytes_max,
            inbox_commands_max: size(&[1, 3, 10, 50]),
            unstored_bytes_max: 2 * batch_bytes_max,
            // Most runs have no more than some tens of accounts.
            unstored_accounts_max: size(&[1, 3, 8, 100, 100]),
            timers_max: size(&[1, 2, 5, 100]),
            append_timeout: Span::from_secs(10),
            clock_skew_max: Span::from_secs(30),
        };
        let (processes, members) = (size(&[1, 2, 2, 3, 3]), size(&[1, 2, 3, 6, 12, 40]));
        let (pace, checkpoints) = (*random.pick(&[600, 1_000, 2_000]), *random.pick(&[30, 200, 1_000]));
        let inbox_keep = *random.pick(&[None, Some(0), Some(5), Some(100)]);
        let (shards, commands) = (random.between(2, 3), random.below(60) + 1_000);
        Self {
            shards: u32::try_from(shards).expect("two or three"),
            processes,
            members,
            commands,
            pace,
            checkpoints,
            inbox_keep,
            limits,
            rates,
        }
    }
}
