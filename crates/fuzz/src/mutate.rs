//! Inputs by chance: seeds, changed a little, the same from the same number on every machine.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The longest input, in bytes.
pub const INPUT_BYTES_MAX: usize = 4 * 1024;

/// Bytes at which formats change their ways: bounds of numbers, and signs of JSON and TOML.
const TELLING: &[u8] = b"\0\x01\x7f\x80\xfe\xff\"\\{}[]:,.=-+#\n '09eEuntf_";
/// Numbers at which sizes and arithmetic end.
const NUMBERS: &[&str] =
    &["0", "-1", "9223372036854775807", "-9223372036854775808", "18446744073709551615", "1e999", "0.1"];
/// The longest varints: too large for 64 bits, the largest of 64, of 63 and of 32.
const VARINTS: &[&[u8]] = &[
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\xff\xff\xff\xff\x0f",
];

/// The input of `number`: one of the seeds, which must not be empty, changed in one to four ways.
#[must_use]
pub fn input(seeds: &[Vec<u8>], number: u64) -> Vec<u8> {
    let mut chance = Chance(ChaCha8Rng::seed_from_u64(number));
    let mut input = chance.of(seeds).clone();
    for _ in 0..=chance.below(4) {
        change(&mut input, seeds, &mut chance);
    }
    input.truncate(INPUT_BYTES_MAX);
    input
}

fn change(input: &mut Vec<u8>, seeds: &[Vec<u8>], chance: &mut Chance) {
    let (from, to) = chance.range(input.len());
    match chance.below(9) {
        0 => input.truncate(from),
        1 => drop(input.drain(from..to)),
        2 => {
            let part = input[from..to].to_vec();
            drop(input.splice(to..to, part));
        }
        3 => {
            let other = chance.of(seeds);
            let (first, last) = chance.range(other.len());
            drop(input.splice(from..to, other[first..last].iter().copied()));
        }
        4 => {
            // In the place of the next number, if there is one.
            let digit = |byte: &u8| byte.is_ascii_digit();
            let from = input[from..].iter().position(digit).map_or(from, |ahead| from + ahead);
            let digits = input[from..].iter().take_while(|byte| digit(byte)).count();
            drop(input.splice(from..from + digits, chance.of(NUMBERS).bytes()));
        }
        5 => drop(input.splice(from..(from + 1).min(input.len()), chance.of(VARINTS).iter().copied())),
        way => {
            let (bit, any, telling) = (chance.below(8), chance.below(256), *chance.of(TELLING));
            if let Some(byte) = input.get_mut(from) {
                *byte = match way {
                    6 => *byte ^ (1 << bit),
                    7 => u8::try_from(any).unwrap_or(u8::MAX),
                    _ => telling,
                };
            }
        }
    }
}

struct Chance(ChaCha8Rng);

impl Chance {
    /// Below `bound`, which must not be 0.
    fn below(&mut self, bound: usize) -> usize {
        let drawn = self.0.next_u64() % u64::try_from(bound).expect("64 bits hold any length");
        usize::try_from(drawn).expect("below a usize")
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// A part of what has this length, mostly a short one.
    fn range(&mut self, length: usize) -> (usize, usize) {
        let from = self.below(length + 1);
        let most = if self.below(4) == 0 { length } else { 8 };
        (from, (from + self.below(most + 1)).min(length))
    }
}
