//! What the configuration asks of the binary's `observe`.

#[allow(dead_code, unused_imports, reason = "the binary uses all of it")]
#[path = "../../coalition/src/observe/config.rs"]
mod config;
#[allow(dead_code, reason = "the binary uses all of it")]
#[path = "../../coalition/src/observe/logs.rs"]
mod logs;

pub(crate) use self::config::ObserveConfig;
