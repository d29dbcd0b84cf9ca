//! Many questions to git at once: most of the time is spent waiting for it.

use std::io::IsTerminal as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::error::{CliError, CliResult, exit};

/// More threads than this only make git wait for the disk.
const MAX_THREADS: usize = 8;

/// Answers for all of `items`, in their order; the first error of any. Whoever
/// watches sees a bar after a second.
pub(crate) fn in_parallel<T: Sync, R: Send>(
    items: &[T],
    noun: &'static str,
    one: impl Fn(&T) -> CliResult<R> + Sync,
) -> CliResult<Vec<R>> {
    let next = AtomicUsize::new(0);
    let bar = Bar::new(items.len(), noun);
    let work = || {
        let mut found = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else {
                return Ok(found);
            };
            match one(item) {
                Ok(answer) => found.push((at, answer)),
                Err(error) => {
                    // Nobody needs to begin anything new.
                    next.store(items.len(), Ordering::Relaxed);
                    return Err((at, error));
                }
            }
            bar.tick();
        }
    };
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    let threads = threads.min(MAX_THREADS).min(items.len().max(1));
    let finished: Vec<_> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        running
            .into_iter()
            .map(std::thread::ScopedJoinHandle::join)
            .collect()
    });
    bar.finish();
    let (mut found, mut errors) = (Vec::with_capacity(items.len()), Vec::new());
    for result in finished {
        match result {
            Ok(Ok(part)) => found.extend(part),
            Ok(Err(error)) => errors.push(error),
            Err(_) => {
                let message = "a thread of its own has failed";
                return Err(CliError::new(exit::INTERNAL, message));
            }
        }
    }
    errors.sort_by_key(|(at, _)| *at);
    if let Some((_, error)) = errors.into_iter().next() {
        return Err(error);
    }
    found.sort_by_key(|(at, _)| *at);
    Ok(found.into_iter().map(|(_, answer)| answer).collect())
}

/// Appears only when it takes longer than a second and someone is watching.
struct Bar {
    started: Instant,
    all: usize,
    noun: &'static str,
    wanted: bool,
    seen: AtomicUsize,
    shown: Mutex<Option<ProgressBar>>,
}

impl Bar {
    fn new(all: usize, noun: &'static str) -> Self {
        Self {
            started: Instant::now(),
            all,
            noun,
            wanted: std::io::stderr().is_terminal(),
            seen: AtomicUsize::new(0),
            shown: Mutex::new(None),
        }
    }

    fn tick(&self) {
        let seen = self.seen.fetch_add(1, Ordering::Relaxed) + 1;
        if !self.wanted || self.started.elapsed() < Duration::from_secs(1) {
            return;
        }
        let Ok(mut shown) = self.shown.lock() else {
            return;
        };
        let bar = shown.get_or_insert_with(|| {
            let text = format!(
                "{{bar:30}} {{human_pos}} of {{human_len}} {}, {{eta}} left",
                self.noun
            );
            let bar = ProgressBar::new(self.all as u64);
            ProgressStyle::with_template(&text).map_or(bar.clone(), |style| bar.with_style(style))
        });
        bar.set_position(seen as u64);
    }

    fn finish(&self) {
        if let Ok(shown) = self.shown.lock()
            && let Some(bar) = shown.as_ref()
        {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_order_and_the_first_error_wins() {
        let items: Vec<u32> = (0..100).collect();
        let doubled = in_parallel(&items, "numbers", |n| Ok(n * 2)).unwrap();
        assert_eq!(doubled, (0..100).map(|n| n * 2).collect::<Vec<u32>>());
        let none: [u32; 0] = [];
        assert!(
            in_parallel(&none, "numbers", |n| Ok(*n))
                .unwrap()
                .is_empty()
        );
        let failing = |n: &u32| match n {
            0 => Err(CliError::new(exit::DATA, "zero")),
            n => Ok(*n),
        };
        let error = in_parallel(&items, "numbers", failing).unwrap_err();
        assert_eq!(error.to_string(), "zero");
    }
}
