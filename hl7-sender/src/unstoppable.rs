//! A future that is finished although its caller stops waiting.

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::runtime::Handle;

/// Runs where it is awaited, and goes on in a task of its own when it is dropped before its end: a commit that was asked for is not undone by a caller who
/// stops waiting, and what comes behind it is still to be done.
pub(crate) struct Unstoppable<T: Send + 'static> {
    rest: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
    /// That it was begun on: it may be dropped elsewhere.
    runtime: Option<Handle>,
}

impl<T: Send + 'static> Unstoppable<T> {
    pub(crate) fn new(future: impl Future<Output = T> + Send + 'static) -> Self {
        Self { rest: Some(Box::pin(future)), runtime: Handle::try_current().ok() }
    }
}

impl<T: Send + 'static> Future for Unstoppable<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let Some(rest) = &mut self.rest else { return Poll::Pending };
        let polled = rest.as_mut().poll(context);
        if polled.is_ready() {
            self.rest = None;
        }
        polled
    }
}

impl<T: Send + 'static> Drop for Unstoppable<T> {
    fn drop(&mut self) {
        // Without a runtime it ends with the process, or is dropped with what it waits for.
        let runtime = Handle::try_current().ok().or_else(|| self.runtime.take());
        if let (Some(rest), Some(runtime)) = (self.rest.take(), runtime) {
            runtime.spawn(rest);
        }
    }
}
