"""Runs the gateway's processes, and tells what happens to them.

:func:`assay.gateway.supervisor.run.run` is ``assay up``; :mod:`~assay.gateway.supervisor.status` and
:func:`assay.gateway.supervisor.running.down` are ``assay status`` and ``assay down``.
"""
