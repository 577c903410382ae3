"""Change events over the Pub/Sub API: one stream for each topic, resumed wherever it broke."""

from speed_to_lead.pubsub.source import PubSubSource
from speed_to_lead.pubsub.topics import ENTITIES, topics_of

__all__ = ["ENTITIES", "PubSubSource", "topics_of"]
