"""Every hop is encrypted: from the caller to the gateway, and from there to upstreams and token issuers."""
