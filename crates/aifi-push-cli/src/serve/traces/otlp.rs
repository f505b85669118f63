//! Spans by OTLP over HTTP, configured by the environment as any program with OpenTelemetry.

use std::{env, time::Duration};

use aifi_push_receiver::{
    Receiver,
    inbox::{ConsumerName, Delivery, TRACE_PARENT_HEADER, TraceParent},
};
use anyhow::Result;
use axum::{
    Router,
    extract::{Request, State},
    http::HeaderValue,
    middleware::{self, Next},
    response::Response,
};
use opentelemetry::{
    Context, SpanId, TraceFlags, TraceId,
    trace::{SpanContext, TraceContextExt, TraceState, TracerProvider},
};
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tracing::{Instrument, Span, Subscriber, level_filters::LevelFilter};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{Layer, filter::Targets, registry::LookupSpan};

/// The modules of this program, whose spans are sent: not those of the client that sends them.
const OWN: &str = "aifi_push";

/// How long the last spans may take to be sent.
const LAST_SPANS: Duration = Duration::from_secs(2);

/// What sends spans. It ends when it is dropped, after the last of them.
pub(in crate::serve) struct Traces {
    provider: SdkTracerProvider,
}

impl Traces {
    /// Starts to send spans if the environment says where to.
    pub(in crate::serve) fn start() -> Result<Option<Self>> {
        let value = |name: &str| env::var(name).unwrap_or_default();
        let endpoint = value("OTEL_EXPORTER_OTLP_ENDPOINT");
        let of_traces = value("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
        let is_off = value("OTEL_SDK_DISABLED").eq_ignore_ascii_case("true")
            || value("OTEL_TRACES_EXPORTER").eq_ignore_ascii_case("none");
        if is_off || (endpoint.is_empty() && of_traces.is_empty()) {
            return Ok(None);
        }
        let exporter = SpanExporter::builder().with_http().build()?;
        let is_named = !value("OTEL_SERVICE_NAME").is_empty()
            || value("OTEL_RESOURCE_ATTRIBUTES").contains("service.name=");
        let resource = match Resource::builder() {
            resource if is_named => resource,
            resource => resource.with_service_name("aifi-push"),
        };
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource.build())
            .build();
        Ok(Some(Self { provider }))
    }

    /// Returns what passes spans on, whatever is logged.
    pub(in crate::serve) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a> + Send + Sync,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer("aifi-push"))
            .with_filter(Targets::new().with_target(OWN, LevelFilter::INFO))
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        if let Err(error) = self.provider.shutdown_with_timeout(LAST_SPANS) {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }
}

/// Adds a span around each request that comes with a token, which belongs to the trace of the sender, and
/// by which the event is known from there on. Who has no token must not choose what is traced.
pub(in crate::serve) fn of_requests(app: Router, receiver: Receiver) -> Router {
    app.layer(middleware::from_fn_with_state(receiver, of_request))
}

async fn of_request(
    State(receiver): State<Receiver>,
    mut request: Request,
    next: Next,
) -> Response {
    if !receiver.accepts(request.headers()) {
        return next.run(request).await;
    }
    let span = tracing::info_span!("aifi_push_request", otel.kind = "server");
    let header = request.headers().get(TRACE_PARENT_HEADER);
    let parent = header.and_then(|header| header.to_str().ok()?.parse().ok());
    set_parent(&span, parent.as_ref());
    let own = text(&span).and_then(|text| HeaderValue::try_from(text).ok());
    if let Some(own) = own {
        request.headers_mut().insert(TRACE_PARENT_HEADER, own);
    }
    next.run(request).instrument(span).await
}

/// Returns what makes the span around each delivery of a consumer.
pub(in crate::serve) fn handling(
    consumer: ConsumerName,
) -> impl Fn(&Delivery) -> Span + Send + Sync {
    move |delivery| {
        let span = tracing::info_span!(
            "aifi_push_handle",
            otel.kind = "consumer",
            %consumer,
            id = %delivery.event.id,
            operation = delivery.event.operation,
            attempt = delivery.attempt,
        );
        set_parent(&span, delivery.event.trace_parent().as_ref());
        span
    }
}

/// Returns the `traceparent` of the current span, if it is sent somewhere.
pub(super) fn current() -> Option<String> {
    text(&Span::current())
}

fn set_parent(span: &Span, parent: Option<&TraceParent>) {
    let remote = parent.and_then(|parent| {
        let trace = TraceId::from_hex(parent.trace_id()).ok()?;
        let id = SpanId::from_hex(parent.span_id()).ok()?;
        let flags = match parent.is_sampled() {
            true => TraceFlags::SAMPLED,
            false => TraceFlags::default(),
        };
        let remote = SpanContext::new(trace, id, flags, true, TraceState::default());
        Some(Context::new().with_remote_span_context(remote))
    });
    if let Some(remote) = remote {
        // It fails where nobody listens.
        let _ = span.set_parent(remote);
    }
}

fn text(span: &Span) -> Option<String> {
    let context = span.context();
    let span = context.span();
    let span = span.span_context();
    span.is_valid().then(|| {
        let flags = span.trace_flags().to_u8();
        format!("00-{}-{}-{flags:02x}", span.trace_id(), span.span_id())
    })
}
