//! sled's errors and panics as ours: on damaged files it does both.

use std::any::Any;
use std::io::{self, ErrorKind};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Damage, Error, Result};

/// Calls sled. Whatever it does, an [`Error`] comes out.
pub(crate) fn shield<T>(doing: &'static str, call: impl FnOnce() -> sled::Result<T>) -> Result<T> {
    // What sled leaves behind in its own memory after a panic doesn't matter: its handle is not used again.
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(done) => done.map_err(|error| ours(doing, error)),
        Err(panic) => Err(unreadable(format!("{doing}: {}", text(&*panic)))),
    }
}

fn ours(doing: &'static str, error: sled::Error) -> Error {
    match error {
        sled::Error::Io(source) if of_the_machine(&source) => Error::Io { doing, source },
        // sled gives the lock no kind of its own.
        sled::Error::Io(source) if source.to_string().contains("could not acquire lock") => Error::Locked,
        sled::Error::Io(_)
        | sled::Error::Corruption { .. }
        | sled::Error::CollectionNotFound(_)
        | sled::Error::Unsupported(_)
        | sled::Error::ReportableBug(_) => unreadable(format!("{doing}: {error}")),
    }
}

/// Whether it was the machine's refusal, such as a full disk, and not the content of a file. Rows are not thrown away
/// because of the former.
fn of_the_machine(error: &io::Error) -> bool {
    let content =
        [ErrorKind::NotFound, ErrorKind::IsADirectory, ErrorKind::NotADirectory, ErrorKind::InvalidInput];
    let machine = [ErrorKind::StorageFull, ErrorKind::QuotaExceeded, ErrorKind::ReadOnlyFilesystem];
    machine.contains(&error.kind()) || error.raw_os_error().is_some() && !content.contains(&error.kind())
}

fn unreadable(why: String) -> Error {
    Damage::Unreadable(why).into()
}

fn text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("panic")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_and_the_machine_are_told_apart() {
        let of = |error| shield::<()>("test", || Err(error)).unwrap_err();
        let io = |code| of(sled::Error::Io(io::Error::from_raw_os_error(code)));
        const ENOENT: i32 = 2;
        const EIO: i32 = 5;
        const ENOSPC: i32 = 28;
        assert!(matches!(io(ENOSPC), Error::Io { .. }));
        assert!(matches!(io(EIO), Error::Io { .. }));
        assert!(matches!(io(ENOENT), Error::Damaged(_)));
        assert!(matches!(of(sled::Error::Io(ErrorKind::UnexpectedEof.into())), Error::Damaged(_)));
        assert!(matches!(of(sled::Error::ReportableBug("bug".into())), Error::Damaged(_)));
        assert!(matches!(
            of(sled::Error::Io(io::Error::other("could not acquire lock on x"))),
            Error::Locked
        ));
    }
}
