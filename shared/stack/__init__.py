"""Kafka, the store and the services for one home: `stack` runs them, `attach` finds them running."""

from shared.stack.provide import SERVICES, stack
from shared.stack.running import Running, attach

__all__ = ["SERVICES", "Running", "attach", "stack"]
