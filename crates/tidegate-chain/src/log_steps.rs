//! How many blocks an endpoint is asked the logs of, call by call.

use crate::log_range::Refusal;

/// Chunks that are served before more is asked for again; doubled by each refusal, so that what
/// is asked in vain stays few of all.
const PATIENCE_CHUNKS: u32 = 8;
const PATIENCE_CHUNKS_MAX: u32 = 1 << 12;

/// How many blocks are asked for next.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Steps {
    size: u64,
    /// The most that an endpoint serves, whatever is in the blocks.
    ceiling: u64,
    /// The most that was served.
    served: u64,
    streak: u32,
    patience: u32,
}

impl Steps {
    /// Begins with as many as an endpoint is known to serve.
    pub(crate) const fn new(ceiling: u64) -> Self {
        Self { size: ceiling, ceiling, served: 1, streak: 0, patience: PATIENCE_CHUNKS }
    }

    pub(crate) const fn size(&self) -> u64 {
        self.size
    }

    /// Whether what is asked for is known to be served more often than not.
    pub(crate) const fn is_tried(&self) -> bool {
        self.streak > 0
    }

    pub(crate) fn served(&mut self, asked: u64) {
        self.served = self.served.max(asked);
        if asked < self.size {
            return;
        }
        self.streak += 1;
        if self.streak >= self.patience && self.size < self.ceiling {
            self.size = self.size.saturating_mul(2).min(self.ceiling);
            self.streak = 0;
        }
    }

    /// Asks for less after a refusal; of one block there is no less, and the next ones are asked
    /// for as before it.
    pub(crate) fn refused(&mut self, asked: u64, refusal: Refusal) {
        self.streak = 0;
        if asked <= 1 {
            self.size = self.served;
            return;
        }
        self.patience = (self.patience * 2).min(PATIENCE_CHUNKS_MAX);
        let (limit, of_blocks) = match refusal {
            Refusal::Blocks(limit) => (limit, true),
            Refusal::Content(limit) => (limit, false),
        };
        self.size = limit.unwrap_or(asked / 2).clamp(1, asked - 1);
        if of_blocks {
            self.served = self.served.min(self.size);
        }
        if of_blocks && limit.is_some() {
            self.ceiling = self.size;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads so many blocks of an endpoint that serves `limit` at once; how many calls it took.
    fn calls(steps: &mut Steps, blocks: u64, limit: u64, says: impl Fn(u64) -> Refusal) -> u64 {
        let (mut read, mut calls) = (0, 0);
        while read < blocks {
            let asked = steps.size().min(blocks - read);
            calls += 1;
            if asked > limit {
                steps.refused(asked, says(asked));
            } else {
                steps.served(asked);
                read += asked;
            }
        }
        calls
    }

    #[test]
    fn what_is_asked_in_vain_is_little() {
        const FORTNIGHT_BLOCKS: u64 = 100_800;
        let told =
            calls(&mut Steps::new(2_000), FORTNIGHT_BLOCKS, 10, |_| Refusal::Blocks(Some(10)));
        assert_eq!(told, FORTNIGHT_BLOCKS / 10 + 1);
        // Without a number: 7 is found by halving, and what is tried beyond it is rare.
        let halved = calls(&mut Steps::new(2_000), FORTNIGHT_BLOCKS, 10, |_| Refusal::Blocks(None));
        assert!((14_400..14_450).contains(&halved), "{halved}");
        // Where it was the content of some blocks, more is asked for again behind them.
        let mut steps = Steps::new(2_000);
        steps.refused(2_000, Refusal::Content(Some(5)));
        assert!(calls(&mut steps, FORTNIGHT_BLOCKS, 2_000, |_| Refusal::Content(None)) < 220);
        assert_eq!(steps.size(), 2_000);
    }

    #[test]
    fn of_one_block_there_is_no_less() {
        let mut steps = Steps::new(8);
        steps.served(8);
        for asked in [8, 4, 2] {
            assert_eq!(steps.size(), asked);
            steps.refused(asked, Refusal::Content(None));
        }
        steps.refused(1, Refusal::Blocks(None));
        assert_eq!(steps.size(), 8, "the next ones as before it");
        steps.refused(8, Refusal::Blocks(Some(99)));
        assert_eq!(steps.size(), 7, "more than was refused is not asked for");
    }
}
