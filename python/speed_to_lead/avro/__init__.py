"""Change events out of Avro: sparse where the schema allows it, by fastavro where it does not. No I/O."""

from speed_to_lead.avro.decoder import Decoder, Event

__all__ = ["Decoder", "Event"]
