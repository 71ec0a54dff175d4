"""Every metric of Suda, by name, in one place. Counters count what this process did; totals come from rows."""

from prometheus_client import Counter, Gauge, Histogram

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600, 86400)

# intake
RECEIVED = Counter("suda_received_total", "Complaints acknowledged", ["channel"])
ACTS_RECEIVED = Counter("suda_acts_received_total", "Acts acknowledged", ["act"])
REFUSED_REQUESTS = Counter("suda_http_refused_total", "Requests answered with 4xx or 5xx", ["service", "status"])
# routing
DISPATCHED = Counter("suda_dispatched_total", "Cases opened and dispatched", ["by"])
ACTS = Counter("suda_acts_total", "Acts decided", ["act", "outcome"])
UNBOUND = Counter("suda_unbound_total", "Cases opened with no instrument in force")
# sla
DEADLINES = Counter("suda_deadline_events_total", "Deadline events", ["obligation", "type"])
OPEN_OBLIGATIONS = Gauge("suda_open_obligations", "Obligations this process watches")
TIMER_LATENESS = Histogram("suda_timer_lateness_seconds", "How long after its instant a rung fired", buckets=SECONDS)
RUNGS = Counter("suda_rungs_total", "Rungs fired, by what they were", ["type"])
OBLIGATIONS = Gauge(
    "suda_obligations",
    "Open obligations watched here, by kind and by how near or far past the due day",
    ["obligation", "age"],
)
PARTITIONS_WATCHED = Gauge("suda_partitions_watched", "Partitions whose timers this process holds")
NEXT_DUE = Gauge("suda_next_due_seconds", "Seconds until the next instant watched; below 0 while it waits to fire")
OLDEST_UNFIRED = Gauge("suda_oldest_unfired_seconds", "How long the oldest rung that is due has waited; 0 when none")
REPROJECTED = Counter("suda_reprojected_total", "Open deadlines re-projected under other data", ["obligation"])
BARRIER_AGE = Gauge("suda_barrier_age_seconds", "Since when a due rung waits for the barrier; 0 when none waits")
# reporting
CASES = Gauge("suda_cases", "Cases by state, computed from the rows", ["state"])
DEADLINES_HELD = Gauge(
    "suda_deadlines", "Deadlines by obligation and outcome, computed from the rows", ["obligation", "outcome"]
)
END_TO_END = Histogram("suda_end_to_end_seconds", "From received to readable", buckets=SECONDS)
# every consumer
CONSUMED = Counter("suda_consumed_total", "Records consumed", ["topic"])
BATCH_SECONDS = Histogram("suda_batch_seconds", "Time to handle one batch", ["topic"], buckets=SECONDS)
CONSUMER_LAG = Gauge("suda_consumer_lag", "Records not yet committed", ["topic", "group", "partition"])
DEAD_LETTERS = Counter("suda_dead_letters_total", "Records sent to suda.dlq", ["topic"])
CONSUMER_STOPPED = Gauge("suda_consumer_stopped", "1 while a consumer stands still at too much bad input", ["topic"])
DLQ_DEPTH = Gauge("suda_dlq_depth", "Records in suda.dlq")
EARLY_ROWS = Gauge("suda_early_rows", "Events waiting for their predecessor", ["service"])
