"""The closed words of the law: everything that can happen to a case, and who can do it.

An instrument is data over these words. A regulation that needs a word not listed here needs a developer, and one line
with its meaning; nothing else in the code changes for a further instrument.
"""

from typing import Final, Literal, get_args

Channel = Literal["hotline", "web", "app", "letter", "onsite", "email", "evaluation", "platform"]
Kind = Literal["complaint", "consultation", "suggestion", "bad-review"]

Role = Literal[
    "complainant",  # whoever complained, also through an agent
    "officer",  # handles cases in an organisation
    "leader",  # signs for an organisation
    "supervisor",  # acts for the administration that supervises a division
    "inspector",  # checks quality for an administration
    "province",  # the provincial level
    "auditor",  # reads, never acts on a case
    "system",  # a program: the platform itself (imports, merges found by it), or an organisation's own
]

Relation = Literal[
    "accountable",  # the organisation that must answer for the case (also an administration, where it is its own case)
    "assisting",  # helps under a lead
    "supervising",  # the administration of the case's own level (本级): of its division, or of the unit's
    "above",  # an administration that stands higher than that one
    "checking",  # the administration at the level that must check this unit's replies (instrument.checks: levels)
    "accused",  # complained about
    "complainant",  # the complaint is theirs
    "receiving",  # took the complaint in
    "platform",  # the platform itself: the pipeline's own word, never that of an organisation's system
    "any",  # no relation is asked: the platform, or any administration from the case's own level up
]

State = Literal[
    "pending",  # with the administration, not handed over
    "assigned",  # an agency has it, acceptance undecided
    "accepted",  # being handled
    "closed",  # handled and closed
    "refused",  # not accepted, on a ground of the instrument
    "withdrawn",  # taken back by the complainant
    "terminated",  # ended without a result, on a ground of the instrument
    "absorbed",  # merged into another case; its own notice, answer and visit are still owed
    "archived",  # nothing more can happen
]
AfterAct = Literal[State, "previous"]  # "previous": the state before the act that is undone (unmerge)

Act = Literal[
    "hand-over",  # the administration gives the case to an agency {to}
    "accept",  # {served_by, served_on}
    "refuse",  # {ground, reason, served_by, served_on}
    "classify",  # {class, reason?}
    "designate-lead",  # several agencies: one of them leads {lead}
    "transfer",  # the administration moves the case to another agency {to, reason}
    "bounce",  # the agency gives it back as not its own {reason}
    "contact",  # the complainant was reached to respond or ask {result}
    "request-extension",  # {until, reason}
    "approve-extension",  # {until, complainant_told_on, administration_told_on?}
    "refuse-extension",  # {reason}
    "verify",  # what is complained of was looked into {result: confirmed | refuted | unverifiable, method?}
    "reply",  # a draft answer goes to review and check {investigation, process, measures, result, …}
    "review-reply",  # the unit's leader looks at the reply {result: pass | fail}
    "check-quality",  # the administration passes or fails the reply {result: pass | fail, reason?}
    "answer",  # the result is told to the complainant {text, served_by}
    "close",  # {outcome: substantiated | partly | unsubstantiated | invalid, measures?}
    "file-rectification",  # what was put right is filed with the administration {measures}
    "visit",  # return visit, or the recorded attempts {result, satisfied?}
    "send-back",  # a closed case is handled again {reason, until?, class?}
    "terminate",  # {ground, reason}
    "withdraw",  # {reason?}
    "appeal",  # the accused asks for a review {reason}
    "review",  # the administration decides on an appeal {result: upheld | not-counted, told_on}
    "recuse",  # a person steps aside {person, reason}
    "merge",  # {into}
    "unmerge",  # {reason}
    "absorb",  # the other side of a merge, sent by routing itself {absorbed, seq, starts}; without starts: undone
    "supplement",  # the complainant or the receiver adds material {text}
    "note",  # {text}
    "report",  # told to whom the text names {topic, reason, to?}
    "archive",  # {}
    "unmask",  # the complainant's identity is read {purpose}
]

TriggerWord = Literal[
    # not an act of anybody on the case, but its arrival
    "received-by-administration",  # opened at an administration, also when the hotline or a platform took it
    "received-by-agency",  # opened directly at the agency, or handed over to it
    "first-contact",  # the instant the citizen first reached anyone
    "forwarded",  # a platform passed it on to the unit that must handle it, at opening or by hand-over
    "rebound",  # an unbound case was bound to a stand-in
    "accused-told",  # the officer complained about learnt of it, on the day that an act states
    # the past tense of each act
    "handed-over",
    "accepted",
    "refused",
    "classified",
    "lead-designated",
    "transferred",
    "bounced",
    "contacted",
    "extension-requested",
    "extension-approved",
    "extension-refused",
    "verified",
    "replied",
    "reply-reviewed",
    "quality-checked",
    "answered",
    "closed",
    "rectification-filed",
    "visited",
    "sent-back",
    "terminated",
    "withdrawn",
    "appealed",
    "reviewed",
    "recused",
    "merged",
    "unmerged",
    "took-over",
    "supplemented",
    "noted",
    "reported",
    "archived",
    "unmasked",
]
ARRIVALS: Final[frozenset[str]] = frozenset(
    {"received-by-administration", "received-by-agency", "first-contact", "forwarded", "rebound", "accused-told"}
)

PAST_TENSE: Final[dict[str, str]] = {
    "hand-over": "handed-over",
    "accept": "accepted",
    "refuse": "refused",
    "classify": "classified",
    "designate-lead": "lead-designated",
    "transfer": "transferred",
    "bounce": "bounced",
    "contact": "contacted",
    "request-extension": "extension-requested",
    "approve-extension": "extension-approved",
    "refuse-extension": "extension-refused",
    "verify": "verified",
    "reply": "replied",
    "review-reply": "reply-reviewed",
    "check-quality": "quality-checked",
    "answer": "answered",
    "close": "closed",
    "file-rectification": "rectification-filed",
    "visit": "visited",
    "send-back": "sent-back",
    "terminate": "terminated",
    "withdraw": "withdrawn",
    "appeal": "appealed",
    "review": "reviewed",
    "recuse": "recused",
    "merge": "merged",
    "unmerge": "unmerged",
    "absorb": "took-over",
    "supplement": "supplemented",
    "note": "noted",
    "report": "reported",
    "archive": "archived",
    "unmask": "unmasked",
}

WAIVED: Final[frozenset[str]] = frozenset({"contacted", "answered", "visited"})
Waiver = Literal[
    # why a step towards the complainant (WAIVED), which an act asks for first, may be missing
    "anonymous",  # the complainant gave no name
    "answer-unwanted",  # the complainant wants no answer
    "unreachable",  # the complainant cannot be reached, and the attempts are recorded
]
ContactResult = Literal["reached", "unreachable", "clarified", "reminded"]
Outcome = Literal["substantiated", "partly", "unsubstantiated", "invalid"]
Verdict = Literal["pass", "fail", "confirmed", "refuted", "unverifiable"]  # `result`, see the acts

Debtor = Literal["administration", "agency", "officer", "receiver", "complainant", "superior"]
Responsible = Literal[
    "approver",  # 谁审批谁负责: who decides on the application
    "handler",  # 谁办理谁负责: who handled it
    "in-charge",  # 谁主管谁负责: who is in charge of the matter
    "accused",  # the unit complained about deals with it itself
    "territory",  # 属地管理: the place; its administration hands over and supervises
]
Creditor = Literal["complainant", "administration", "agency", "next-level", "province", "government", "public"]
Unit = Literal["working_days", "calendar_days", "hours", "same_day", "date"]
Each = Literal["month", "quarter", "half-year", "year"]

Topic = Literal[
    # what is reported, and to whom a text wants it told
    "stability-risk",  # to the leader in charge
    "grave",  # to the government of the level
    "misconduct",  # to the department or the discipline inspection that deals with it
    "false-complaint",  # to the department that deals with it
    "clarification",  # to the administration, which helps to clear the accused
]

ACTS: Final[tuple[str, ...]] = get_args(Act)
INTERNAL: Final[frozenset[str]] = frozenset({"absorb"})  # sent by routing itself; nobody can ask for these
STATES: Final[tuple[str, ...]] = get_args(State)
