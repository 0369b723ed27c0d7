//! What a spool's folder holds when it is opened: which files are used, and which a failure left behind.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};

use super::segment::{Opened, Segment};
use super::{Error, doing};

/// A spool's files, looked at and not changed yet.
pub(super) struct Found {
    /// In their order, each going on with the number that the one before ends with.
    segments: VecDeque<Segment>,
    /// Bytes at the end of the last that are no entry, if it was not written to its end.
    torn: Option<Vec<u8>>,
    /// Of no use any more.
    needless: Vec<Segment>,
    /// The highest number that an entry says is settled.
    settled: u64,
}

impl Found {
    /// Looks at all files of a folder.
    pub(super) fn look(folder: &Path) -> Result<Self, Error> {
        let opened: Result<Vec<_>, _> =
            files(folder)?.into_iter().map(|(path, first)| Segment::open(path, first)).collect();
        let opened = opened?;
        let settled = opened.iter().map(|file| file.settled).max().unwrap_or(0);
        let (mut files, needless) = part(opened, settled);
        let torn = files.last_mut().filter(|last| last.is_torn()).map(|last| std::mem::take(&mut last.torn));
        let last = files.len().saturating_sub(1);
        let mut segments = VecDeque::new();
        for (place, file) in files.into_iter().enumerate() {
            let expected = segments.back().map(Segment::next);
            let is_torn = place < last && file.is_torn();
            let Opened { segment, .. } = file;
            if is_torn || expected.is_some_and(|expected| expected != segment.first) {
                return Err(Error::Damaged { at: segment.bytes, path: segment.path });
            }
            segments.push_back(segment);
        }
        let needless = needless.into_iter().map(|file| file.segment).collect();
        Ok(Self { segments, torn, needless, settled })
    }

    /// Takes away what is of no use, and cuts off an end that was not written whole; gives the files and how
    /// far their events are dealt with.
    pub(super) fn tidy(mut self) -> Result<(VecDeque<Segment>, u64), Error> {
        for segment in &self.needless {
            tracing::info!(file = %segment.path.display(), "a spool's file was left behind; it is removed");
            segment.remove().map_err(|source| doing("remove", &segment.path, source))?;
        }
        if let Some(last) = self.segments.back_mut()
            && let Some(torn) = &self.torn
        {
            tracing::warn!(
                file = %last.path.display(), bytes = torn.len(),
                "the end of a spool was not written whole; it was cut off and kept beside the file"
            );
            last.mend(torn).map_err(|source| doing("mend", &last.path, source))?;
        }
        Ok((self.segments, self.settled))
    }
}

/// Parts files into those that are used and those that are needless.
fn part(mut files: Vec<Opened>, settled: u64) -> (Vec<Opened>, Vec<Opened>) {
    // A file that could not be begun may be left, blank, while the one before took further events; what comes
    // next then goes on behind those.
    let last = files.pop();
    let (mut needless, mut used): (Vec<_>, Vec<_>) = files.into_iter().partition(Opened::is_blank);
    if let Some(last) = last {
        // One that begins further on shows that events are missing before it.
        let goes_on = used.last().is_some_and(|before| last.segment.first <= before.segment.next());
        let into = if last.is_blank() && goes_on { &mut needless } else { &mut used };
        into.push(last);
    }
    // One that could not be removed may be left while the next ones were.
    let last = used.pop();
    let is_settled = |file: &Opened| !file.is_torn() && file.segment.next() <= settled;
    let (removable, mut used): (Vec<_>, Vec<_>) = used.into_iter().partition(is_settled);
    needless.extend(removable);
    used.extend(last);
    (used, needless)
}

/// The files of events in their order: path and number of the first event.
pub(super) fn files(folder: &Path) -> Result<Vec<(PathBuf, u64)>, Error> {
    let list = || -> io::Result<Vec<PathBuf>> {
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
    };
    let paths = list().map_err(|source| doing("list", folder, source))?;
    let mut files: Vec<_> =
        paths.into_iter().filter_map(|path| Segment::first_of(&path).map(|first| (path, first))).collect();
    files.sort_by_key(|(_, first)| *first);
    Ok(files)
}
