"""Models of other tools, in and out: Open Threat Model (OTM) and fides manifests."""
