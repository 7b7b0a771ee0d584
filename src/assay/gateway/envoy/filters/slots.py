"""The places in the filter chain, in the order a request meets them."""

from __future__ import annotations

from enum import IntEnum


class Slot(IntEnum):
    """Authentication comes before authorisation, before rate limits, before inspection, before the upstream.

    Limits per client address come before token checks, so that a flood of forged tokens is cheap to refuse.
    """

    NETWORK = 10
    NETWORK_LIMIT = 20
    OPERATION = 25
    TOKEN = 30
    KEY = 40
    INTROSPECTION = 50
    AUTHENTICATION = 60
    CONSUMER_NETWORK = 70
    ADMISSION = 75
    AUTHORISATION = 80
    CALLER = 90
    RATE_LIMIT = 100
    RATE_LIMIT_OBSERVED = 105
    RATE_LIMIT_NOTED = 106
    SIZE = 110
    NO_BODY = 115
    PLAIN = 118
    INSPECTION = 120
    PROCESSING = 130
    ERRORS = 140
    LOCATION = 150
    ROUTER = 200
