"""nginx as a plain proxy, and nginx with ModSecurity 3 and the OWASP Core Rule Set, as Debian packages them."""

from __future__ import annotations

import shutil
from pathlib import Path
from textwrap import dedent

from benchmarks.gateway.engines import Engine
from benchmarks.gateway.processes import Crew, wait_for

_MODULE = Path("/usr/lib/nginx/modules/ngx_http_modsecurity_module.so")
_RECOMMENDED = Path("/etc/nginx/modsecurity.conf")
_SETUP = Path("/etc/modsecurity/crs/crs-setup.conf")
_CRS = Path("/usr/share/modsecurity-crs/rules")

# Debian's recommended settings, except that rules refuse instead of only noting, and nothing is audited or sent away.
_RULES = f"""\
Include {_RECOMMENDED}
SecRuleEngine On
SecAuditEngine Off
SecStatusEngine Off
Include {_SETUP}
Include {_CRS}/*.conf
"""

_CONFIGURATION = """\
{load}
worker_processes 1;
daemon off;
pid {directory}/nginx-{name}.pid;
error_log {directory}/nginx-{name}-error.log error;
events {{ worker_connections 1024; }}
http {{
  client_body_temp_path {directory}/nginx-{name}-body;
  proxy_temp_path {directory}/nginx-{name}-proxy;
  fastcgi_temp_path {directory}/nginx-{name}-fastcgi;
  uwsgi_temp_path {directory}/nginx-{name}-uwsgi;
  scgi_temp_path {directory}/nginx-{name}-scgi;
  log_format json escape=json '{{"time":"$time_iso8601","method":"$request_method","path":"$uri","status":$status,'
    '"address":"$remote_addr","received":$request_length,"sent":$body_bytes_sent,"seconds":$request_time,'
    '"upstream":"$upstream_addr","agent":"$http_user_agent","request_id":"$request_id"}}';
  access_log {directory}/nginx-{name}-access.jsonl json buffer=64k flush=100ms;
  keepalive_requests 100000000;
  upstream service {{ server 127.0.0.1:{upstream}; keepalive 32; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port};
    {rules}
    location / {{
      proxy_pass http://service;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
    }}
  }}
}}
"""


def missing() -> str:
    """Which Debian package is not there, or an empty string."""
    for package, found in (
        ("nginx-light", shutil.which("nginx") is not None or Path("/usr/sbin/nginx").exists()),
        ("libnginx-mod-http-modsecurity", _MODULE.exists() and _RECOMMENDED.exists()),
        ("modsecurity-crs", _CRS.exists() and _SETUP.exists()),
    ):
        if not found:
            return package
    return ""


def _start(crew: Crew, name: str, port: int, upstream: int, load: str, rules: str, core: int | None) -> Engine:
    file = crew.directory / f"nginx-{name}.conf"
    text = dedent(_CONFIGURATION).format(
        load=load, rules=rules, name=name, port=port, upstream=upstream, directory=crew.directory
    )
    file.write_text(text)
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    process = crew.start(f"nginx-{name}", [program, "-c", str(file), "-p", str(crew.directory)], core=core)
    wait_for(port, process)
    return Engine(f"nginx {name}", port, (process,))


def plain(crew: Crew, port: int, upstream: int, *, core: int | None) -> Engine:
    """nginx, which checks nothing."""
    return _start(crew, "plain", port, upstream, "", "", core)


def guarded(crew: Crew, port: int, upstream: int, *, core: int | None) -> Engine:
    """nginx with the whole rule set refusing."""
    rules = crew.directory / "modsecurity-rules.conf"
    rules.write_text(_RULES)
    load = f"load_module {_MODULE};"
    return _start(crew, "modsecurity", port, upstream, load, f"modsecurity on; modsecurity_rules_file {rules};", core)
