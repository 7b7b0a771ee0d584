"""Security is tested by people, in date and completely, and by the pipeline; what was found is mended."""
