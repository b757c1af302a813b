//! What is counted of each route, and of each part of a composed answer. The counters stand at the route, so that a request
//! looks up no labels.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Unit;

use crate::compose::{Fragment, FragmentState};
use crate::{Action, Route};

/// In seconds: from what a cache takes to what nobody waits for.
const BUCKETS: [f64; 16] =
    [0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The counters of one route, which go on through all plans that have it.
pub(crate) struct RouteCounts {
    answered: [Counter; CLASSES.len()],
    /// Whose clients had gone before there was an answer.
    pub(super) left: Counter,
    head_seconds: Histogram,
    seconds: Histogram,
    pub(super) in_flight: Gauge,
    fragments: Box<[FragmentCounts]>,
}

/// The counters of one part of a composed answer.
struct FragmentCounts {
    call: Box<str>,
    service: Arc<str>,
    complete: Counter,
    stale: Counter,
    missing: Counter,
    seconds: Histogram,
}

impl RouteCounts {
    /// Nothing is counted yet.
    pub(crate) fn new(to: Option<&Action>) -> Self {
        let calls = match to {
            Some(Action::Compose(composing)) => &composing.calls[..],
            Some(Action::Forward(_)) | None => &[],
        };
        let fragments = calls.iter().map(|call| FragmentCounts {
            call: call.name.clone(),
            service: Arc::clone(call.upstream.name()),
            complete: Counter::default(),
            stale: Counter::default(),
            missing: Counter::default(),
            seconds: Histogram::new(BUCKETS),
        });
        Self {
            answered: Default::default(),
            left: Counter::default(),
            head_seconds: Histogram::new(BUCKETS),
            seconds: Histogram::new(BUCKETS),
            in_flight: Gauge::default(),
            fragments: fragments.collect(),
        }
    }

    /// Whether these count for a route that is composed of the same.
    pub(crate) fn fit(&self, others: &Self) -> bool {
        let parts = |counts: &Self| -> Vec<(Box<str>, Arc<str>)> {
            counts.fragments.iter().map(|part| (part.call.clone(), Arc::clone(&part.service))).collect()
        };
        parts(self) == parts(others)
    }

    /// The head of an answer is there.
    pub(super) fn answered(&self, status: StatusCode, took: Duration) {
        if let Some(class) = usize::from(status.as_u16() / 100).checked_sub(1).and_then(|at| self.answered.get(at)) {
            class.inc();
        }
        self.head_seconds.observe(took.as_secs_f64());
    }

    /// An answer has ended.
    pub(super) fn ended(&self, took: Duration) {
        self.seconds.observe(took.as_secs_f64());
    }

    fn fragment(&self, call: &str) -> Option<&FragmentCounts> {
        self.fragments.iter().find(|part| *part.call == *call)
    }

    /// A call of a composition has been made, however it went.
    pub(crate) fn asked(&self, call: &str, took: Duration) {
        if let Some(part) = self.fragment(call) {
            part.seconds.observe(took.as_secs_f64());
        }
    }

    /// What became of the parts of a composed answer.
    pub(crate) fn composed(&self, fragments: &[Fragment]) {
        for fragment in fragments {
            let Some(part) = self.fragment(&fragment.call) else { continue };
            match fragment.state {
                FragmentState::Complete => part.complete.inc(),
                FragmentState::Stale(_) => part.stale.inc(),
                FragmentState::Missing(_) | FragmentState::Partly { .. } => part.missing.inc(),
            };
        }
    }

    /// A part failed, and the whole with it.
    pub(crate) fn failed(&self, call: &str) {
        if let Some(part) = self.fragment(call) {
            part.missing.inc();
        }
    }
}

impl fmt::Debug for RouteCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouteCounts").finish_non_exhaustive()
    }
}

/// Routes, as a registry asks for them: what they are called, where they lead, and what is counted of them.
#[derive(Debug)]
pub(crate) struct Collected(pub(crate) Vec<(Arc<str>, Arc<str>, Arc<RouteCounts>)>);

impl Collected {
    /// Those of a plan, each once: routes of one name that lead to one service are counted together.
    pub(crate) fn of<'r>(routes: impl Iterator<Item = &'r Arc<Route>>) -> Self {
        let mut all: Vec<(Arc<str>, Arc<str>, Arc<RouteCounts>)> = Vec::new();
        for route in routes {
            if !all.iter().any(|(_, _, counts)| Arc::ptr_eq(counts, &route.counts)) {
                all.push((Arc::clone(&route.name), Arc::clone(route.to.service()), Arc::clone(&route.counts)));
            }
        }
        Self(all)
    }
}

impl Collector for Collected {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let help = "Requests answered, by the class of their status";
        let mut family = encoder.encode_descriptor("requests", help, None, MetricType::Counter)?;
        for (route, service, counts) in &self.0 {
            for (counter, status) in counts.answered.iter().zip(CLASSES) {
                counter.encode(family.encode_family(&[
                    ("route", &**route),
                    ("service", &**service),
                    ("status", status),
                ])?)?;
            }
        }
        let help = "Requests whose client left before there was an answer";
        self.each(&mut encoder, "requests_left", help, false, |counts| &counts.left)?;
        let help = "Time from a request's head to its answer's head";
        self.each(&mut encoder, "response_head", help, true, |counts| &counts.head_seconds)?;
        let help = "Time from a request's head to its answer's end";
        self.each(&mut encoder, "request_duration", help, true, |counts| &counts.seconds)?;
        let help = "Requests of the route whose answer is not complete";
        self.each(&mut encoder, "route_in_flight", help, false, |counts| &counts.in_flight)?;
        self.encode_fragments(&mut encoder)
    }
}

impl Collected {
    fn each<M: EncodeMetric>(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        name: &str,
        help: &str,
        in_seconds: bool,
        metric: impl Fn(&RouteCounts) -> &M,
    ) -> Result<(), fmt::Error> {
        let unit = in_seconds.then_some(&Unit::Seconds);
        let Some((_, _, any)) = self.0.first() else { return Ok(()) };
        let mut family = encoder.encode_descriptor(name, help, unit, metric(any).metric_type())?;
        for (route, service, counts) in &self.0 {
            metric(counts).encode(family.encode_family(&[("route", &**route), ("service", &**service)])?)?;
        }
        Ok(())
    }

    fn encode_fragments(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let parts =
            || self.0.iter().flat_map(|(route, _, counts)| counts.fragments.iter().map(move |part| (route, part)));
        if parts().next().is_none() {
            return Ok(());
        }
        let help = "Parts of composed answers, by whether they were there";
        let mut family = encoder.encode_descriptor("fragments", help, None, MetricType::Counter)?;
        for (route, part) in parts() {
            for (counter, state) in [(&part.complete, "complete"), (&part.stale, "stale"), (&part.missing, "missing")] {
                let labels =
                    [("route", &**route), ("fragment", &*part.call), ("service", &*part.service), ("state", state)];
                counter.encode(family.encode_family(&labels)?)?;
            }
        }
        let help = "Time that a part of a composed answer took, from the cache or its service";
        let mut family = encoder.encode_descriptor("fragment", help, Some(&Unit::Seconds), MetricType::Histogram)?;
        for (route, part) in parts() {
            let labels = [("route", &**route), ("fragment", &*part.call), ("service", &*part.service)];
            part.seconds.encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
