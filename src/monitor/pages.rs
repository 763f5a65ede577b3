//! Renders the metrics page on demand and caches it for one second.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::{Instant, timeout};

/// A younger page is served from the cache.
const FRESH: Duration = Duration::from_secs(1);
/// Rendering takes a tenth of a millisecond, unless the renderer hangs.
const MADE_WITHIN: Duration = Duration::from_secs(2);

#[derive(Clone, Debug)]
pub struct Page {
    /// In the text format of Prometheus.
    pub metrics: String,
    /// One JSON object.
    pub health: String,
    /// Whether all is well, which is what the status of `/health` says.
    pub well: bool,
}

/// Creates the requests for the renderer and the cache for the server.
pub fn page_channel() -> (PageRequests, PageCache) {
    let (ask, asked) = mpsc::channel(1);
    let pages = PageCache {
        ask,
        newest: Arc::default(),
    };
    (PageRequests(Some(asked)), pages)
}

/// The renderer's end; by default no request comes.
#[derive(Debug, Default)]
pub struct PageRequests(Option<mpsc::Receiver<oneshot::Sender<Page>>>);

impl PageRequests {
    /// Waits for the next request. Cancel safe.
    pub async fn next(&mut self) -> PageRequest {
        let request = match &mut self.0 {
            Some(asked) => asked.recv().await,
            None => None,
        };
        match request {
            Some(request) => PageRequest(request),
            // The server is gone.
            None => std::future::pending().await,
        }
    }
}

#[derive(Debug)]
pub struct PageRequest(oneshot::Sender<Page>);

impl PageRequest {
    pub fn answer(self, page: Page) {
        // A requester that has stopped waiting asks again.
        self.0.send(page).ok();
    }
}

/// The server's end.
#[derive(Clone, Debug)]
pub struct PageCache {
    ask: mpsc::Sender<oneshot::Sender<Page>>,
    newest: Arc<Mutex<Option<Made>>>,
}

#[derive(Debug)]
struct Made {
    at: Instant,
    page: Arc<Page>,
}

impl PageCache {
    /// A page not older than a second; `None` if the renderer does not answer.
    pub async fn newest(&self) -> Option<Arc<Page>> {
        // In its own task, so that a requested page is cached even if its requester has gone.
        tokio::spawn(self.clone().fetch()).await.ok()?
    }

    async fn fetch(self) -> Option<Arc<Page>> {
        // Further requesters wait for the same page.
        let mut newest = self.newest.lock().await;
        if let Some(made) = &*newest
            && made.at.elapsed() < FRESH
        {
            return Some(Arc::clone(&made.page));
        }
        let (request, answer) = oneshot::channel();
        // Full: the last request is still unanswered.
        self.ask.try_send(request).ok()?;
        let page = timeout(MADE_WITHIN, answer).await.ok()?.ok()?;
        let page = Arc::new(page);
        *newest = Some(Made {
            at: Instant::now(),
            page: Arc::clone(&page),
        });
        Some(page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(nth: u32) -> Page {
        Page {
            metrics: format!("n {nth}\n"),
            health: String::new(),
            well: true,
        }
    }

    /// The number of the page that is had.
    async fn had(pages: &PageCache) -> Option<String> {
        let page = pages.newest().await?;
        Some(page.metrics.trim().to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_is_made_for_who_asks_and_once_a_second_at_the_most() {
        let (mut asked, pages) = page_channel();
        let maker = tokio::spawn(async move {
            for nth in 1.. {
                asked.next().await.answer(page(nth));
            }
        });
        for (wait_ms, found) in [
            (0, "n 1"),
            (900, "n 1"),
            (99, "n 1"),
            (1, "n 2"),
            (0, "n 2"),
        ] {
            tokio::time::advance(Duration::from_millis(wait_ms)).await;
            assert_eq!(had(&pages).await.as_deref(), Some(found));
        }
        tokio::time::advance(FRESH).await;
        let crowd: Vec<_> = (0..50)
            .map(|_| {
                let pages = pages.clone();
                tokio::spawn(async move { had(&pages).await })
            })
            .collect();
        for one in crowd {
            let found = one.await.expect("it ran");
            assert_eq!(found.as_deref(), Some("n 3"), "one page for all");
        }
        tokio::time::advance(FRESH).await;
        assert!(timeout(Duration::ZERO, pages.newest()).await.is_err());
        assert_eq!(had(&pages).await.as_deref(), Some("n 4"), "it was kept");
        maker.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn who_makes_no_pages_is_not_waited_for_without_end() {
        let (mut asked, pages) = page_channel();
        let begun = Instant::now();
        assert_eq!(had(&pages).await, None);
        assert_eq!(begun.elapsed(), MADE_WITHIN);
        assert_eq!(had(&pages).await, None, "one request is enough");
        assert_eq!(begun.elapsed(), MADE_WITHIN);
        // Recovered: abandoned requests do no harm.
        asked.next().await.answer(page(1));
        let waiting = tokio::spawn(async move { had(&pages).await });
        asked.next().await.answer(page(2));
        assert_eq!(waiting.await.expect("it ran").as_deref(), Some("n 2"));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_asks_where_nobody_serves() {
        let (asked, pages) = page_channel();
        drop(pages);
        for mut nobody in [asked, PageRequests::default()] {
            let waited = timeout(Duration::from_secs(60), nobody.next()).await;
            assert!(waited.is_err());
        }
    }
}
