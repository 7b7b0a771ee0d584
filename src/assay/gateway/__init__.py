"""The enforcement point: policy (:mod:`.ir`), its translation to Envoy, and the parts that run beside Envoy."""
