//! Memory for the blocks of all connections together.
//!
//! A connection asks for room before it reads on. When there is none it does not read, so that TCP slows its sender down. That alone
//! could end with every connection waiting for room that the others hold. So the room for one block of the greatest length is kept apart:
//! one connection at a time has it, reads its block to the end without asking again, and gives all its room back.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::wire::PACE;

/// How much of a block each connection may hold without asking. Most messages are shorter, and come through however many long ones wait.
pub(crate) const FREE: usize = PACE;
/// Room is given in pieces of so many bytes.
const PIECE: usize = PACE;

/// The room that all connections of a listener share.
#[derive(Clone)]
pub(crate) struct Budget {
    /// A permit a piece.
    pieces: Arc<Semaphore>,
    /// The one permit for a whole block.
    whole_block: Arc<Semaphore>,
}

impl Budget {
    /// `total` bytes, of which one block of `longest` is kept apart. That one is there also when `total` is less.
    pub(crate) fn new(total: usize, longest: usize) -> Self {
        let pieces = (total.saturating_sub(longest) / PIECE).min(Semaphore::MAX_PERMITS);
        Self { pieces: Arc::new(Semaphore::new(pieces)), whole_block: Arc::new(Semaphore::new(1)) }
    }

    /// No room yet, to grow.
    pub(crate) fn room(&self) -> Room {
        Room { budget: self.clone(), pieces: Vec::new(), whole_block: None }
    }
}

/// What one connection holds. Dropping it gives it back.
pub(crate) struct Room {
    budget: Budget,
    pieces: Vec<OwnedSemaphorePermit>,
    whole_block: Option<OwnedSemaphorePermit>,
}

impl Room {
    /// Whether there is room for `bytes` in all, taking what is free without waiting.
    pub(crate) fn try_grow(&mut self, bytes: usize) -> bool {
        while self.is_short_of(bytes) {
            match Arc::clone(&self.budget.pieces).try_acquire_owned() {
                Ok(piece) => self.pieces.push(piece),
                Err(_) => return false,
            }
        }
        true
    }

    /// Waits for room for `bytes` in all. What was had before is kept when this is dropped.
    pub(crate) async fn grow(&mut self, bytes: usize) {
        while self.is_short_of(bytes) {
            tokio::select! {
                piece = Arc::clone(&self.budget.pieces).acquire_owned() => self.pieces.extend(piece.ok()),
                whole = Arc::clone(&self.budget.whole_block).acquire_owned() => self.whole_block = whole.ok(),
            }
        }
    }

    /// Gives all room back.
    pub(crate) fn release(&mut self) {
        self.pieces = Vec::new();
        self.whole_block = None;
    }

    fn is_short_of(&self, bytes: usize) -> bool {
        self.whole_block.is_none() && bytes > FREE + self.pieces.len() * PIECE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_short_takes_no_room_and_what_is_long_takes_pieces() {
        let budget = Budget::new(10 * PIECE, 4 * PIECE);
        let mut one = budget.room();
        assert!(one.try_grow(FREE));
        assert_eq!(budget.pieces.available_permits(), 6);
        assert!(one.try_grow(FREE + 1) && one.try_grow(FREE + PIECE));
        assert_eq!(budget.pieces.available_permits(), 5);
        assert!(one.try_grow(FREE + 6 * PIECE));
        assert!(!budget.room().try_grow(FREE + 1));
        assert!(budget.room().try_grow(FREE));
        one.release();
        assert_eq!(budget.pieces.available_permits(), 6);
        assert!(one.try_grow(FREE + 1));
        drop(one);
        assert_eq!(budget.pieces.available_permits(), 6);
    }

    #[tokio::test(start_paused = true)]
    async fn when_all_wait_one_goes_on_to_the_end_of_its_block_and_then_the_next() {
        let budget = Budget::new(6 * PIECE, 4 * PIECE);
        let (mut one, mut two, mut three) = (budget.room(), budget.room(), budget.room());
        assert!(one.try_grow(FREE + PIECE) && two.try_grow(FREE + PIECE));
        assert!(!one.try_grow(FREE + 2 * PIECE));
        one.grow(FREE + 2 * PIECE).await;
        assert!(one.try_grow(FREE + 1_000 * PIECE), "it does not ask again");
        let wait = std::time::Duration::from_secs(1);
        assert!(tokio::time::timeout(wait, two.grow(FREE + 2 * PIECE)).await.is_err());
        assert!(tokio::time::timeout(wait, three.grow(FREE + PIECE)).await.is_err());
        one.release();
        two.grow(FREE + 2 * PIECE).await;
        three.grow(FREE + PIECE).await;
        drop((two, three));
        assert_eq!((budget.pieces.available_permits(), budget.whole_block.available_permits()), (2, 1));
    }

    #[tokio::test]
    async fn a_budget_below_the_longest_block_lets_one_through_at_a_time() {
        let budget = Budget::new(0, 4 * PIECE);
        let mut one = budget.room();
        assert!(!one.try_grow(FREE + 1));
        one.grow(FREE + 4 * PIECE).await;
    }
}
