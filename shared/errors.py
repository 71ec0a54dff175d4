"""Every error Suda raises on purpose.

SudaError
├── ConfigurationError   a setting, a file or this machine is wrong: exit 2, the mend is in the sentence
├── Unavailable          Kafka or the store does not answer now: try again (503 over HTTP)
├── BadInput             bytes that cannot be what they claim to be: goes to suda.dlq with the reason
│   └── Tampered         a sealed value or wrapped key that was changed (shared/privacy/seal.py)
├── Unauthorised         a token that is missing, false or over (shared/privacy/tokens.py)
└── TooMuchPoison        bad input without end: a bad deploy; the consumer stops until somebody looks
"""


class SudaError(Exception):
    """The root; its text is one sentence for the person who reads it, with the mend."""


class ConfigurationError(SudaError):
    """A setting, a file or the machine is wrong; nothing was done."""


class Unavailable(SudaError):
    """A part does not answer now; the same call may be made again."""


class BadInput(SudaError):
    """Input that can never be applied, with the reason."""


class TooMuchPoison(SudaError):
    """Twenty bad records in a row, or half of the last two hundred (DESIGN.md 6.6)."""
