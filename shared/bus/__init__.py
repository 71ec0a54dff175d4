"""The only room that knows the Kafka client: FastStream's aiokafka broker to consume, its producer class to send.

`consuming` a batch until it is through · `sending` keyed and acknowledged · `reading` without a group · `offsets` how
far everybody is · `creating` the topics. Services use `Bus`, `Record` and `Outgoing`.
"""

from shared.bus.client import Bus
from shared.bus.creating import create_topics
from shared.bus.records import Ends, Outgoing, Record, murmur2_partition

__all__ = ["Bus", "Ends", "Outgoing", "Record", "create_topics", "murmur2_partition"]
