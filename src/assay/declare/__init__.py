"""The declaration: YAML files and API contracts become one typed model that knows where each word was written.

Start at :func:`assay.declare.loader.load`.
"""
