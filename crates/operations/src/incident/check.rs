//! What is wrong with an incident before it may be kept.

use super::{Incident, Status};
use crate::faults::Faults;

impl Incident {
    pub(crate) fn check(&self, faults: &mut Faults) {
        self.noted.check(faults);
        faults.id("id", &self.id);
        faults.line("title", &self.title);
        self.check_times(faults);
        self.check_series(faults);
        for (field, set) in [
            ("services", &self.services),
            ("functions", &self.functions),
            ("regions", &self.regions),
            ("tags", &self.tags),
        ] {
            faults.ids(field, set);
        }
        faults.count("objects", self.objects.len());
        for object in &self.objects {
            faults.line("objects", object);
        }
        faults.optional_text("summary", self.summary.as_deref());
        faults.optional_url("url", self.url.as_deref());
        faults.count("sources", self.sources.len());
        for source in &self.sources {
            source.check(faults);
        }
        faults.optional_id("duplicate_of", self.duplicate_of.as_deref());
        if self.duplicate_of.as_deref() == Some(&*self.id) {
            faults.add("duplicate_of", "an incident is not its own duplicate");
        }
    }

    /// Detection may come before the start (an alarm on a symptom nobody felt
    /// yet); an end may not.
    fn check_times(&self, faults: &mut Faults) {
        for (field, time) in [("mitigated", self.mitigated), ("resolved", self.resolved)] {
            if time.is_some_and(|time| time < self.started) {
                faults.add(field, "it is before `started`");
            }
        }
        if let (Some(mitigated), Some(resolved)) = (self.mitigated, self.resolved)
            && resolved < mitigated
        {
            faults.add("resolved", "it is before `mitigated`");
        }
        let future = |time: Option<jiff::Timestamp>| time.is_some_and(|time| time > self.noted.at);
        for (field, time) in [
            ("started", Some(self.started)),
            ("detected", self.detected),
            ("mitigated", self.mitigated),
            ("resolved", self.resolved),
        ] {
            if future(time) {
                faults.add(field, "it is in the future");
            }
        }
        if self.status == Status::Open && self.resolved.is_some() {
            faults.add("status", "it is open, yet `resolved` is set");
        }
    }

    fn check_series(&self, faults: &mut Faults) {
        faults.count("impact", self.impact.len());
        faults.count("traffic", self.traffic.len());
        faults.count("timeline", self.timeline.len());
        if !self.impact.is_sorted_by(|a, b| a.from < b.from) {
            faults.add("impact", "its steps are not in order of time");
        }
        if !self.timeline.is_sorted() {
            faults.add("timeline", "its entries are not in order of time");
        }
        for entry in &self.timeline {
            faults.text("timeline.text", &entry.text);
        }
        for interval in &self.traffic {
            if interval.seconds == 0 {
                faults.add("traffic.seconds", "an interval has no length");
            }
            if interval.failed > interval.requests {
                faults.add("traffic.failed", "more requests failed than were received");
            }
        }
        let apart = |a: &super::Traffic, b: &super::Traffic| {
            b.from.duration_since(a.from).as_secs() >= i64::from(a.seconds)
        };
        if !self.traffic.is_sorted_by(apart) {
            faults.add("traffic", "its intervals overlap or are not in order");
        }
    }
}
