"""What others have written, read into Assay's words: gateways' configuration, findings of scanners, models."""
