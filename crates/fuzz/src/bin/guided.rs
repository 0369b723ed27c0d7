//! A target under libFuzzer: `COALITION_FUZZ_TARGET` names it, the arguments are libFuzzer's. `cargo xtask fuzz` runs it.

#![no_main]

use std::path::PathBuf;
use std::sync::OnceLock;

use coalition_fuzz::Target;

static TARGET: OnceLock<Target> = OnceLock::new();

/// The target, with its seeds written to the folder of `COALITION_FUZZ_SEEDS`.
fn start() {
    let name = std::env::var("COALITION_FUZZ_TARGET").expect("COALITION_FUZZ_TARGET names a target");
    let target = *TARGET.get_or_init(|| *coalition_fuzz::target(&name).expect("a target of this name"));
    if let Some(folder) = std::env::var_os("COALITION_FUZZ_SEEDS").map(PathBuf::from) {
        std::fs::create_dir_all(&folder).expect("a folder for the seeds");
        for (number, seed) in (target.seeds)().into_iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{number}")), seed).expect("a seed");
        }
    }
}

libfuzzer_sys::fuzz_target!(init: start(), |bytes: &[u8]| {
    (TARGET.get().expect("it was started").run)(bytes);
});
