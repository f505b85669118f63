//! The codings of a body that a sender or a proxy compressed.

use std::io::{self, Read};

use axum::http::{HeaderMap, header::CONTENT_ENCODING};
use bytes::Bytes;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

/// No sender compresses twice; more layers than this are an attack.
const MAX_CODINGS: usize = 3;

/// Names that mean no coding, as some senders put the character set there.
const NO_CODINGS: [&str; 4] = ["identity", "none", "utf-8", "utf8"];

const KNOWN_CODINGS: [&str; 5] = ["br", "deflate", "gzip", "x-gzip", "zstd"];

/// What no JSON begins with, and every gzip file.
const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];

/// A body after its codings were removed.
#[derive(Debug)]
pub(crate) enum Decompressed {
    /// The body as the sender wrote it.
    Plain(Bytes),
    /// The body is as it arrived, as a coding is unknown or the body is not in it.
    Coded {
        body: Bytes,
        problem: String,
    },
    TooLarge,
}

/// Removes the codings that the headers name, and gzip that they do not name. The result has at most
/// `limit` bytes.
pub(crate) fn decompress(headers: &HeaderMap, body: Bytes, limit: usize) -> Decompressed {
    let names = headers.get_all(CONTENT_ENCODING).iter();
    let names: Vec<_> = names
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(|name| String::from_utf8_lossy(name.trim_ascii()).to_ascii_lowercase())
        .filter(|name| !name.is_empty() && !NO_CODINGS.contains(&name.as_str()))
        .collect();
    if names.is_empty() {
        return if body.starts_with(GZIP_MAGIC) {
            remove(&["gzip".to_owned()], body, limit)
        } else {
            Decompressed::Plain(body)
        };
    }
    // A proxy may have removed the coding and left its name.
    let is_known = names
        .iter()
        .all(|name| KNOWN_CODINGS.contains(&name.as_str()));
    if is_known && matches!(body.trim_ascii_start().first(), Some(b'{' | b'[')) {
        return Decompressed::Plain(body);
    }
    remove(&names, body, limit)
}

fn remove(names: &[String], coded: Bytes, limit: usize) -> Decompressed {
    let problem = |reason: &str| {
        let names = names.join(", ");
        format!("content coding {names:?}: {reason}; the body is stored as it arrived")
    };
    if names.len() > MAX_CODINGS {
        let problem = problem("too many codings");
        return Decompressed::Coded {
            body: coded,
            problem,
        };
    }
    let mut body = coded.clone();
    // The last coding was applied last.
    for name in names.iter().rev() {
        let removed = match name.as_str() {
            "gzip" | "x-gzip" => bounded(MultiGzDecoder::new(&body[..]), limit),
            // The name means zlib, and some senders leave its frame out.
            "deflate" => bounded(ZlibDecoder::new(&body[..]), limit)
                .or_else(|_| bounded(DeflateDecoder::new(&body[..]), limit)),
            "br" => bounded(
                brotli_decompressor::Decompressor::new(&body[..], 4096),
                limit,
            ),
            "zstd" => ruzstd::decoding::StreamingDecoder::new(&body[..])
                .map_err(io::Error::other)
                .and_then(|decoder| bounded(decoder, limit)),
            _ => Err(io::Error::other(
                "unknown; gzip, deflate, br and zstd are decoded",
            )),
        };
        match removed {
            Ok(Some(plain)) => body = plain.into(),
            Ok(None) => return Decompressed::TooLarge,
            Err(error) => {
                return Decompressed::Coded {
                    body: coded,
                    problem: problem(&error.to_string()),
                };
            }
        }
    }
    Decompressed::Plain(body)
}

/// Reads to the end, or returns `None` if there is more than `limit` bytes.
fn bounded(decoder: impl Read, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let mut plain = Vec::new();
    let limit_and_one = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    decoder.take(limit_and_one).read_to_end(&mut plain)?;
    Ok((plain.len() <= limit).then_some(plain))
}
