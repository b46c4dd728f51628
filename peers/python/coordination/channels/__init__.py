"""Workloads whose parties pass messages through queues."""

from .actor import Actor
from .ping_pong import PingPong
from .producer_consumer import ProducerConsumer
from .threadring import ThreadRing
