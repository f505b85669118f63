//! The style sheet, the script and the icon. They contain no data, so everyone may have them.

use std::{fmt::Write as _, sync::LazyLock};

use axum::{
    Router,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    response::IntoResponse,
    routing::get,
};
use sha2::{Digest as _, Sha256};

struct Asset {
    content: &'static str,
    content_type: &'static str,
    /// With the digest of the content in it, so that a browser may keep it for ever.
    path: String,
}

impl Asset {
    fn new(name: &str, extension: &str, content_type: &'static str, content: &'static str) -> Self {
        let mut path = format!("{DIRECTORY}{name}-");
        for byte in Sha256::digest(content).iter().take(8) {
            // Writing to a string does not fail.
            let _ = write!(path, "{byte:02x}");
        }
        path = format!("{path}.{extension}");
        Self {
            content,
            content_type,
            path,
        }
    }
}

const DIRECTORY: &str = "/assets/";

static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_str!("assets/page.css");
    Asset::new("page", "css", "text/css; charset=utf-8", content)
});

static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_str!("assets/page.js");
    Asset::new("page", "js", "text/javascript; charset=utf-8", content)
});

static ICON: LazyLock<Asset> = LazyLock::new(|| {
    let content = include_str!("assets/icon.svg");
    Asset::new("icon", "svg", "image/svg+xml", content)
});

/// The style sheet, relative to a page.
pub(super) fn style() -> &'static str {
    STYLE.path.trim_start_matches('/')
}

/// The script, relative to a page.
pub(super) fn script() -> &'static str {
    SCRIPT.path.trim_start_matches('/')
}

/// The icon, relative to a page.
pub(super) fn icon() -> &'static str {
    ICON.path.trim_start_matches('/')
}

pub(super) fn is_asset(path: &str) -> bool {
    let mut assets = [&STYLE, &SCRIPT, &ICON].into_iter();
    assets.any(|asset| asset.path == path)
}

pub(super) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let assets: [&'static Asset; 3] = [&STYLE, &SCRIPT, &ICON];
    assets.into_iter().fold(Router::new(), |router, asset| {
        router.route(&asset.path, get(async || serve(asset)))
    })
}

fn serve(asset: &'static Asset) -> impl IntoResponse {
    let forever = "public, max-age=31536000, immutable";
    let headers = [(CONTENT_TYPE, asset.content_type), (CACHE_CONTROL, forever)];
    (headers, asset.content)
}
