//! Many reads of one endpoint.

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use tidegate_chain::ReadError;

/// The most questions that are asked of an endpoint at once.
const READS_AT_ONCE_MAX: usize = 16;

/// Reads many things, some at once, and gives them in order.
// What reads is a function to one future, and no `AsyncFn`, and no closure waits along: only so
// does the compiler see that the whole is `Send`.
pub(crate) async fn all<T, R, F>(
    items: impl IntoIterator<Item = T>,
    read: impl Fn(T) -> F,
) -> Result<Vec<R>, ReadError>
where
    F: Future<Output = Result<R, ReadError>>,
{
    let reads: Vec<F> = items.into_iter().map(read).collect();
    stream::iter(reads).buffered(READS_AT_ONCE_MAX).try_collect().await
}
