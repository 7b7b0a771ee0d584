"""Identities: certificates, API keys, tokens and the references that lead to secrets.

An independent library: it depends on :mod:`assay.domain` only. Import the module you need; nothing is loaded here.
"""
