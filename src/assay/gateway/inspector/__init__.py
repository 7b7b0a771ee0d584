"""The part beside Envoy that judges what Envoy cannot: bodies, query strings, free text and opaque tokens.

:func:`.bundle.build` makes its input from the policy; :func:`.core.inspect` is the decision, a pure function;
:mod:`.application` speaks with Envoy; ``python -m assay.gateway.inspector`` serves it.
"""
