"""Every error Suda raises on purpose.

SudaError
├── ConfigurationError   a setting, a file or this machine is wrong: exit 2, the mend is in the sentence
├── Unavailable          Kafka or the store does not answer now: try again (503 over HTTP)
├── BadInput             bytes that cannot be what they claim to be: goes to suda.dlq with the reason
└── Fatal                this process can no longer be trusted: it ends, the supervisor starts another
"""


class SudaError(Exception):
    """The root; its text is one sentence for the person who reads it, with the mend."""


class ConfigurationError(SudaError):
    """A setting, a file or the machine is wrong; nothing was done."""


class Unavailable(SudaError):
    """A part does not answer now; the same call may be made again."""


class BadInput(SudaError):
    """Input that can never be applied, with the reason."""


class Fatal(SudaError):
    """The process must end (an idempotent producer is poisoned by one failed record)."""
