//! Answers made smaller for those who can read it (RFC 9110 §12.5.3).
//!
//! Here it is agreed with the client what it gets. What comes from the cache is packed already, by a [`Coding`] that the
//! cache was given, and passes; all else is packed on its way, in less time and into a few bytes more.

use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use hyper::body::{Body, Frame};

use crate::body::{BodyError, ResponseBody};
use crate::cache::coding::{mark, tell_choice, tell_known_tag};
use crate::cache::{ContentCoding, members};

/// Fewer bytes than this fit into the packet that is sent anyway.
const BYTES_MIN: u64 = 1_024;
/// What a level costs rises faster than what it saves; these are done in about a millisecond for 100 KiB.
const ZSTD_LEVEL: i32 = 3;
const BROTLI_QUALITY: u32 = 4;
/// As a power of two: how far back repetitions are looked for, which is what an encoder needs of memory.
const BROTLI_WINDOW: u32 = 18;
const GZIP_LEVEL: u32 = 5;

/// What is packed once and sent often may take longer. Higher levels take many times as long for a hundredth.
const STORED_ZSTD_LEVEL: i32 = 15;
const STORED_BROTLI_QUALITY: i32 = 9;
const STORED_BROTLI_WINDOW: i32 = 22;
const STORED_GZIP_LEVEL: u32 = 9;

/// How an answer is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Zstd,
    Brotli,
    Gzip,
}

impl Coding {
    /// The best first.
    const ALL: [Self; 3] = [Self::Zstd, Self::Brotli, Self::Gzip];

    /// The same, for the cache.
    pub(crate) fn for_stored(self) -> &'static dyn ContentCoding {
        match self {
            Self::Zstd => &Self::Zstd,
            Self::Brotli => &Self::Brotli,
            Self::Gzip => &Self::Gzip,
        }
    }
}

impl ContentCoding for Coding {
    fn name(&self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    fn takes(&self, status: StatusCode, headers: &HeaderMap, bytes: usize) -> bool {
        can_be_packed(status, headers, Some(bytes as u64))
    }

    fn pack(&self, body: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Zstd => zstd::bulk::compress(body, STORED_ZSTD_LEVEL),
            Self::Brotli => {
                let parameters = brotli::enc::BrotliEncoderParams {
                    quality: STORED_BROTLI_QUALITY,
                    lgwin: STORED_BROTLI_WINDOW,
                    size_hint: body.len(),
                    ..Default::default()
                };
                let mut packed = Vec::new();
                brotli::BrotliCompress(&mut &*body, &mut packed, &parameters)?;
                Ok(packed)
            }
            Self::Gzip => {
                let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(STORED_GZIP_LEVEL));
                writer.write_all(body)?;
                writer.finish()
            }
        }
    }
}

/// The coding that a client likes best, by its weights; of those that it likes the same, ours.
pub(crate) fn choose(request: &HeaderMap) -> Option<Coding> {
    if says_no_transform(request) {
        return None;
    }
    let (mut weights, mut any, mut identity) = ([None; 3], None, None);
    let values = request.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    for range in values.flat_map(|value| value.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let weight = weight.map_or(Some(1_000), read_weight).unwrap_or(0);
        match Coding::ALL.iter().position(|coding| coding.name().eq_ignore_ascii_case(name)) {
            Some(index) => weights[index] = Some(weight),
            None if name == "*" => any = Some(weight),
            None if name.eq_ignore_ascii_case("identity") => identity = Some(weight),
            None if name.eq_ignore_ascii_case("x-gzip") => weights[2] = Some(weight),
            None => {}
        }
    }
    let of = |index: usize| weights[index].or(any).unwrap_or(0);
    // Of the same weight, the first is kept.
    let best = (0..3).rev().max_by_key(|index| of(*index))?;
    (of(best) > 0 && identity.is_none_or(|identity| identity <= of(best))).then_some(Coding::ALL[best])
}

/// A weight in thousandths; none if it is no weight.
fn read_weight(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let thousandths: u16 = format!("{fraction:0<3}").parse().ok()?;
    match whole {
        "0" => Some(thousandths),
        "1" if thousandths == 0 => Some(1_000),
        _ => None,
    }
}

/// Packs an answer if that is worth it. Whether it is or not, one that could be packed says that it depends on what the
/// client can read; and so does what is said of such a one. `known` has what the client says to know (`If-None-Match`).
pub(super) fn apply(
    coding: Option<Coding>,
    is_head: bool,
    known: &HeaderMap,
    mut answer: Response<ResponseBody>,
) -> Response<ResponseBody> {
    let headers = answer.headers();
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let bytes: Option<u64> = if is_head { announced } else { announced.or_else(|| answer.body().size_hint().exact()) };
    if !can_be_packed(answer.status(), headers, bytes) {
        if speaks_of_what_can(answer.status(), headers) {
            tell_choice(answer.headers_mut());
        }
        if answer.status() == StatusCode::NOT_MODIFIED && coding.is_some() {
            tell_known_tag(known, answer.headers_mut());
        }
        return answer;
    }
    let headers = answer.headers_mut();
    let Some(coding) = coding else {
        tell_choice(headers);
        return answer;
    };
    mark(headers, coding.name());
    weaken_etag(headers);
    match Encoder::new(coding) {
        Ok(encoder) if !is_head => answer.map(|body| ResponseBody::Packed(Box::new(Packing::new(body, encoder)))),
        _ => answer,
    }
}

fn can_be_packed(status: StatusCode, headers: &HeaderMap, bytes: Option<u64>) -> bool {
    let whole = status.is_success() || status.is_client_error() || status.is_server_error();
    let without = [StatusCode::NO_CONTENT, StatusCode::RESET_CONTENT, StatusCode::PARTIAL_CONTENT];
    whole && !without.contains(&status) && !headers.contains_key(header::CONTENT_RANGE) && is_worth_it(headers, bytes)
}

/// Whether an answer without a body, or with a part of one, is of one that can be packed (RFC 9110 §15.3.7, §15.4.5). A 304
/// does not tell what kind of body it is of, and so it may be one that can.
fn speaks_of_what_can(status: StatusCode, headers: &HeaderMap) -> bool {
    match status {
        StatusCode::PARTIAL_CONTENT => {
            let told = headers.get(header::CONTENT_RANGE).and_then(|told| told.to_str().ok()?.rsplit('/').next());
            is_worth_it(headers, told.and_then(|all| all.parse().ok()))
        }
        StatusCode::NOT_MODIFIED if headers.contains_key(header::CONTENT_TYPE) => is_worth_it(headers, None),
        StatusCode::NOT_MODIFIED => !says_no_transform(headers),
        _ => false,
    }
}

fn is_worth_it(headers: &HeaderMap, bytes: Option<u64>) -> bool {
    bytes.is_none_or(|bytes| bytes >= BYTES_MIN)
        && !headers.contains_key(header::CONTENT_ENCODING)
        && !says_no_transform(headers)
        && headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).is_some_and(is_text)
}

/// What is made of words. Events are sent one by one, and pictures are packed already.
fn is_text(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let known = ["application/json", "application/javascript", "application/xml", "application/wasm"];
    kind != "text/event-stream"
        && (kind.starts_with("text/") || known.contains(&&*kind) || kind.ends_with("+json") || kind.ends_with("+xml"))
}

fn says_no_transform(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|word| word.trim().eq_ignore_ascii_case("no-transform"))
}

/// The packed bytes are others, of the same meaning (RFC 9110 §8.8.1).
fn weaken_etag(headers: &mut HeaderMap) {
    const ETAG: HeaderName = header::ETAG;
    let strong = headers.get(ETAG).filter(|tag| !tag.as_bytes().starts_with(b"W/"));
    if let Some(weak) = strong.and_then(|tag| HeaderValue::from_bytes(&[b"W/", tag.as_bytes()].concat()).ok()) {
        headers.insert(ETAG, weak);
    }
}

/// In what a request depends on, puts the service's tags in the place of those that were weakened here: who has read
/// something packed may edit it (RFC 9110 §13.1.1). Which tags have been weak all along makes no difference: the service
/// holds a strong tag against its own weak one, and they never match (§8.8.3.2).
pub(crate) fn ask_in_services_words(request: &mut HeaderMap) {
    const IF_MATCH: HeaderName = header::IF_MATCH;
    if !members(request, &IF_MATCH).any(|tag| tag.starts_with(b"W/")) {
        return;
    }
    let strong: Vec<&[u8]> = members(request, &IF_MATCH).map(|tag| tag.strip_prefix(b"W/").unwrap_or(tag)).collect();
    if let Ok(all) = HeaderValue::from_bytes(&strong.join(&b", "[..])) {
        request.insert(IF_MATCH, all);
    }
}

enum Encoder {
    Zstd(Box<zstd::stream::write::Encoder<'static, Vec<u8>>>),
    Brotli(Box<brotli::CompressorWriter<Vec<u8>>>),
    Gzip(flate2::write::GzEncoder<Vec<u8>>),
}

impl Encoder {
    fn new(coding: Coding) -> io::Result<Self> {
        Ok(match coding {
            Coding::Zstd => Self::Zstd(Box::new(zstd::stream::write::Encoder::new(Vec::new(), ZSTD_LEVEL)?)),
            Coding::Brotli => {
                let writer = brotli::CompressorWriter::new(Vec::new(), 4_096, BROTLI_QUALITY, BROTLI_WINDOW);
                Self::Brotli(Box::new(writer))
            }
            Coding::Gzip => Self::Gzip(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(GZIP_LEVEL))),
        })
    }

    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Self::Zstd(writer) => writer,
            Self::Brotli(writer) => writer,
            Self::Gzip(writer) => writer,
        }
    }

    /// What has come out since.
    fn take(&mut self) -> Bytes {
        let packed = match self {
            Self::Zstd(writer) => writer.get_mut(),
            Self::Brotli(writer) => writer.get_mut(),
            Self::Gzip(writer) => writer.get_mut(),
        };
        Bytes::from(std::mem::take(packed))
    }

    fn finish(self) -> io::Result<Bytes> {
        Ok(Bytes::from(match self {
            Self::Zstd(writer) => writer.finish()?,
            Self::Brotli(writer) => writer.into_inner(),
            Self::Gzip(writer) => writer.finish()?,
        }))
    }
}

/// How many bytes come out of packing a body as it passes.
#[cfg(test)]
pub(super) fn packed_on_its_way(coding: Coding, body: &[u8]) -> usize {
    let packed = Encoder::new(coding).and_then(|mut encoder| {
        encoder.writer().write_all(body)?;
        encoder.finish()
    });
    packed.map_or(0, |packed| packed.len())
}

/// A body that is packed as it passes. When nothing comes for a moment, what has come goes on, so that an answer that is
/// made slowly arrives as it is made.
pub(crate) struct Packing {
    body: ResponseBody,
    encoder: Option<Encoder>,
    /// Something is in the encoder that could go on.
    is_holding: bool,
    trailers: Option<HeaderMap>,
}

impl Packing {
    fn new(body: ResponseBody, encoder: Encoder) -> Self {
        Self { body, encoder: Some(encoder), is_holding: false, trailers: None }
    }

    pub(crate) fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        loop {
            let Some(encoder) = &mut self.encoder else {
                return Poll::Ready(self.trailers.take().map(|trailers| Ok(Frame::trailers(trailers))));
            };
            let polled = Pin::new(&mut self.body).poll_frame(context);
            if polled.is_pending() && self.is_holding {
                self.is_holding = false;
                encoder.writer().flush()?;
                let packed = encoder.take();
                if !packed.is_empty() {
                    return Poll::Ready(Some(Ok(Frame::data(packed))));
                }
            }
            let packed = match ready!(polled).transpose()?.map(Frame::into_data) {
                Some(Ok(data)) => {
                    encoder.writer().write_all(&data)?;
                    self.is_holding = true;
                    encoder.take()
                }
                last => {
                    self.trailers = last.and_then(|frame| frame.err()?.into_trailers().ok());
                    self.encoder.take().map(Encoder::finish).transpose()?.unwrap_or_default()
                }
            };
            if !packed.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(packed))));
            }
        }
    }

    pub(crate) fn is_end_stream(&self) -> bool {
        self.encoder.is_none() && self.trailers.is_none()
    }
}
