"""The topics and their groups, named once."""

INTAKE = "suda.intake"
CASES = "suda.cases"
DEADLINES = "suda.deadlines"
DLQ = "suda.dlq"
DIRECTORY = "suda.directory"

CASE_BEARING = (INTAKE, CASES, DEADLINES)

ROUTING_GROUP = "suda.routing"
MATCHER_GROUP = "suda.routing.matcher"
SLA_GROUP = "suda.sla"
REPORTING_CASES_GROUP = "suda.reporting.cases"
REPORTING_DEADLINES_GROUP = "suda.reporting.deadlines"

READERS = (
    (INTAKE, ROUTING_GROUP),
    (CASES, MATCHER_GROUP),
    (CASES, SLA_GROUP),
    (CASES, REPORTING_CASES_GROUP),
    (DEADLINES, REPORTING_DEADLINES_GROUP),
)
