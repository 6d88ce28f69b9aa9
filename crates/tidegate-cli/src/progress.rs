//! What takes a while, in one line at the foot of a terminal. The line is gone whenever something
//! is printed or asked, and when the work is over. Where there is no such terminal, as in a log,
//! what takes longer than a moment is one line that stays.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

/// How often the line shows that the program lives.
const TICK: Duration = Duration::from_millis(120);

/// How long something goes on before a log has it.
const MOMENT: Duration = Duration::from_millis(800);

/// The line of one process.
pub(crate) struct Progress {
    target: fn() -> ProgressDrawTarget,
    /// Whether what takes long is a line that stays.
    is_logged: bool,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// What has begun and is not over, the last one innermost.
    works: Vec<Work>,
    /// How many times the line has to stay away.
    held: usize,
    bar: Option<ProgressBar>,
    /// How many works there were.
    begun: usize,
}

struct Work {
    /// Which one it is, of all.
    number: usize,
    what: String,
    /// How much of how much is done, where that is known.
    at: Option<(usize, usize)>,
    began: Instant,
}

impl Progress {
    /// Nothing is shown.
    pub(crate) fn silent() -> Self {
        Self { target: ProgressDrawTarget::hidden, is_logged: false, state: Arc::default() }
    }

    /// A line on standard error that comes and goes, or lines that stay.
    pub(crate) fn new(comes_and_goes: bool) -> Self {
        let on_stderr = || ProgressDrawTarget::term_like(Box::new(Narrow(Term::buffered_stderr())));
        match comes_and_goes {
            true => Self { target: on_stderr, ..Self::silent() },
            false => Self { is_logged: true, ..Self::silent() },
        }
    }

    /// Something begins; it is shown until it ends or something within it begins.
    #[expect(clippy::disallowed_methods, reason = "it is shown to a person, and decides nothing")]
    pub(crate) fn begin(&self, what: String) {
        let mut state = self.state();
        state.begun += 1;
        let number = state.begun;
        state.works.push(Work { number, what, at: None, began: Instant::now() });
        self.draw(&mut state);
        drop(state);
        if self.is_logged {
            let state = Arc::clone(&self.state);
            std::thread::spawn(move || {
                std::thread::sleep(MOMENT);
                // The state stays locked, so that nothing else is written meanwhile.
                let state = state.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(what) = state.goes_on(number) {
                    drop(writeln!(io::stderr().lock(), "{what} …"));
                }
            });
        }
    }

    /// So much of it is done.
    pub(crate) fn at(&self, done: usize, all: usize) {
        let mut state = self.state();
        if let Some(work) = state.works.last_mut() {
            work.at = Some((done, all));
        }
        self.draw(&mut state);
    }

    /// What began last is over.
    pub(crate) fn end(&self) {
        let mut state = self.state();
        state.works.pop();
        self.draw(&mut state);
    }

    /// Does something that writes to the terminal or reads from it, while the line is away.
    pub(crate) fn aside<T>(&self, act: impl FnOnce() -> T) -> T {
        let mut state = self.state();
        state.held += 1;
        self.draw(&mut state);
        drop(state);
        let done = act();
        let mut state = self.state();
        state.held -= 1;
        self.draw(&mut state);
        done
    }

    /// Makes the line what the state says.
    fn draw(&self, state: &mut State) {
        if let Some(bar) = state.bar.take() {
            bar.finish_and_clear();
        }
        let Some(work) = state.works.last().filter(|_| state.held == 0) else { return };
        let all = work.at.map(|(_, all)| all as u64);
        let bar = ProgressBar::with_draw_target(all, (self.target)())
            .with_style(style(all.is_some()))
            .with_message(work.what.clone())
            .with_elapsed(work.began.elapsed());
        bar.set_position(work.at.map_or(0, |(done, _)| done as u64));
        bar.enable_steady_tick(TICK);
        state.bar = Some(bar);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What something is called, if it goes on, nothing within it does, and the line may be there.
    fn goes_on(&self, number: usize) -> Option<&str> {
        let last = self.works.last().filter(|work| work.number == number && self.held == 0);
        last.map(|work| work.what.as_str())
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Progress(..)")
    }
}

/// What does not fit in 80 columns is cut.
fn style(is_counted: bool) -> ProgressStyle {
    let template = match is_counted {
        true => "{spinner} {elapsed:>4} [{bar:20}] {pos} of {len} {wide_msg}",
        false => "{spinner} {elapsed:>4} {wide_msg}",
    };
    let style = ProgressStyle::with_template(template).expect("the template is well-formed");
    style.tick_chars("|/-\\ ").progress_chars("=> ")
}

/// A terminal whose last columns the line leaves free: a ^C that is typed meanwhile stays on the
/// line and goes with it.
#[derive(Debug)]
struct Narrow<T>(T);

impl<T: TermLike> TermLike for Narrow<T> {
    fn width(&self) -> u16 {
        const TYPED_COLUMNS: u16 = "^C".len() as u16 + 1;
        self.0.width().saturating_sub(TYPED_COLUMNS).max(1)
    }

    fn height(&self) -> u16 {
        self.0.height()
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_left(n)
    }

    fn write_line(&self, s: &str) -> io::Result<()> {
        self.0.write_line(s)
    }

    fn write_str(&self, s: &str) -> io::Result<()> {
        self.0.write_str(s)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.0.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use indicatif::InMemoryTerm;

    use super::*;

    fn screen() -> &'static InMemoryTerm {
        static SCREEN: OnceLock<InMemoryTerm> = OnceLock::new();
        SCREEN.get_or_init(|| InMemoryTerm::new(10, 80))
    }

    fn shown() -> String {
        screen().contents()
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "it is shown to a person, and decides nothing")]
    fn the_line_is_there_while_something_goes_on_and_nothing_is_said() {
        let target = || ProgressDrawTarget::term_like(Box::new(Narrow(screen().clone())));
        let progress = Progress { target, ..Progress::silent() };
        let waits = |part: &str| {
            let until = Instant::now() + Duration::from_secs(5);
            while !shown().contains(part) {
                assert!(Instant::now() < until, "{part:?} is not in {:?}", shown());
                std::thread::yield_now();
            }
        };
        progress.begin("reads the chain".to_owned());
        waits("reads the chain");
        progress.begin(format!("sends {}", "much ".repeat(40)));
        progress.at(1, 4);
        waits("] 1 of 4 sends much");
        screen().write_str("^C").unwrap();
        assert_eq!(shown().lines().count(), 1, "{:?}", shown());
        progress.aside(|| {
            assert_eq!(shown(), "");
            progress.aside(|| assert_eq!(shown(), ""));
            std::thread::sleep(TICK * 2);
            assert_eq!(shown(), "", "an inner one does not bring it back");
        });
        waits("] 1 of 4 sends");
        progress.end();
        waits("reads the chain");
        progress.end();
        assert_eq!(shown(), "");
        progress.end();
        progress.aside(|| assert_eq!(shown(), ""));
    }

    #[test]
    fn nothing_is_drawn_where_nobody_looks() {
        let progress = Progress::silent();
        progress.begin("reads".to_owned());
        assert!(progress.state().bar.as_ref().is_some_and(ProgressBar::is_hidden));
        progress.end();
    }

    /// What a log has after a moment: the innermost, and nothing while somebody is asked.
    #[test]
    fn what_goes_on_is_known_until_it_ends() {
        let progress = Progress::silent();
        let goes_on = |number| progress.state().goes_on(number).map(str::to_owned);
        progress.begin("compiles".to_owned());
        assert_eq!(goes_on(1).as_deref(), Some("compiles"));
        progress.begin("reads".to_owned());
        assert_eq!((goes_on(1), goes_on(2).as_deref()), (None, Some("reads")));
        progress.aside(|| assert_eq!(goes_on(2), None));
        progress.end();
        progress.begin("writes".to_owned());
        assert_eq!((goes_on(2), goes_on(3).as_deref()), (None, Some("writes")));
    }
}
