//! Tasks that serve something and end with it.

use std::sync::Arc;

use tokio::sync::Notify;
use tokio::task::{AbortHandle, JoinSet};

/// Told of each task that ended though nobody ended it, which only a defect makes it do. Clones hear of the same.
#[derive(Debug, Clone, Default)]
pub struct Defects(Arc<Notify>);

impl Defects {
    /// Waits for the first one.
    pub async fn found(&self) {
        self.0.notified().await;
    }
}

/// Tasks that run until this is dropped.
#[derive(Debug)]
pub struct Tasks(AbortHandle);

impl Tasks {
    /// Keeps `tasks` running. Must be called within a tokio runtime.
    #[must_use]
    pub fn keep(mut tasks: JoinSet<()>, defects: &Defects) -> Self {
        let defects = defects.clone();
        let keeper = tokio::spawn(async move {
            // Aborted with the keeper, as long as it waits here.
            if tasks.join_next().await.is_some() {
                defects.0.notify_one();
            }
        });
        Self(keeper.abort_handle())
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn what_ends_by_itself_is_a_defect_and_what_is_dropped_is_none() {
        let defects = Defects::default();
        let (alive, ended) = tokio::sync::oneshot::channel::<()>();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let _alive = alive;
            pending::<()>().await;
        });
        drop(Tasks::keep(tasks, &defects));
        assert!(ended.await.is_err(), "the task is gone");

        let mut tasks = JoinSet::new();
        tasks.spawn(async {});
        let _kept = Tasks::keep(tasks, &defects);
        defects.found().await;
    }
}
