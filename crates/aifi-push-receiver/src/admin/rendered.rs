//! What many people see is rendered once.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use maud::{Markup, PreEscaped};
use tokio::{sync::Mutex, task::spawn_blocking};

/// How long it is shown.
const TTL: Duration = Duration::from_secs(1);

/// The content of pages that follow what arrives, by what they select. One is rendered at a time, on no
/// thread that receives events.
#[derive(Default)]
pub(super) struct Rendered(Mutex<HashMap<String, (Instant, Arc<str>)>>);

impl Rendered {
    pub(super) async fn get(
        &self,
        selection: String,
        render: impl FnOnce() -> Markup + Send + 'static,
    ) -> Markup {
        let mut rendered = self.0.lock().await;
        rendered.retain(|_, (at, _)| at.elapsed() < TTL);
        if let Some((_, content)) = rendered.get(&selection) {
            return PreEscaped(content.to_string());
        }
        // It ends early only with the runtime.
        let content = spawn_blocking(render).await.unwrap_or_default();
        rendered.insert(selection, (Instant::now(), content.0.as_str().into()));
        content
    }
}
