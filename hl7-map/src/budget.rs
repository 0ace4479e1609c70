//! What applying may take: steps of work, and bytes of texts and lists that are made on the way.

use std::cell::Cell;

use crate::context::Context;
use crate::value::Fault;

/// So many bytes of text are read or written in one step.
const BYTES_A_STEP: usize = 16;

/// What is left of the steps and the bytes of one call.
pub(crate) struct Budget {
    steps: Cell<usize>,
    bytes: Cell<usize>,
}

/// How many bytes were left, to go back to when what was made since is gone.
#[derive(Clone, Copy)]
pub(crate) struct Mark(usize);

impl Budget {
    pub(crate) fn new(ctx: &Context) -> Self {
        Self { steps: Cell::new(ctx.max_steps), bytes: Cell::new(ctx.max_working_bytes) }
    }

    /// Takes steps, before the work.
    ///
    /// # Errors
    /// M212 when fewer are left.
    pub(crate) fn step(&self, steps: usize) -> Result<(), Fault> {
        match self.steps.get().checked_sub(steps) {
            Some(left) => {
                self.steps.set(left);
                Ok(())
            }
            None => self.no_step_left(),
        }
    }

    #[cold]
    fn no_step_left(&self) -> Result<(), Fault> {
        self.steps.set(0);
        Err(Fault::new("M212", "the mapping takes more steps than the limit"))
    }

    /// Takes the steps of reading or writing a text of so many bytes.
    pub(crate) fn text(&self, bytes: usize) -> Result<(), Fault> {
        self.step(1 + bytes / BYTES_A_STEP)
    }

    /// Takes the bytes of something that was made.
    ///
    /// # Errors
    /// M209 when fewer are left.
    pub(crate) fn keep(&self, bytes: usize) -> Result<(), Fault> {
        self.room_for(bytes)?;
        self.bytes.set(self.bytes.get() - bytes);
        Ok(())
    }

    /// Asks for room before something large is made.
    pub(crate) fn room_for(&self, bytes: usize) -> Result<(), Fault> {
        if bytes <= self.bytes.get() {
            return Ok(());
        }
        Err(Fault::new("M209", "the texts and lists made on the way to a value are larger than the limit"))
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark(self.bytes.get())
    }

    /// What was made since the mark is gone.
    pub(crate) fn release(&self, mark: Mark) {
        self.bytes.set(mark.0);
    }
}
