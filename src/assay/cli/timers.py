"""What an operating system needs to prove on a schedule: a systemd timer, or a cron line."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from assay.declare.quantities import parse_duration
from assay.domain import UsageError, did_you_mean

KINDS = ("systemd", "cron")


def timer(kind: str, every: str | None, declaration: Path) -> str:
    """The text to install.

    Raises:
        UsageError: no such kind, no schedule, or one that cron cannot tell.
    """
    if kind not in KINDS:
        raise UsageError(f"there is no timer `{kind}`", fix=did_you_mean(kind, KINDS, what="timer"))
    if every is None:
        raise UsageError("`--print-timer` needs to know how often", fix="add `--schedule 6h`")
    seconds = parse_duration(every)
    where = declaration.resolve()
    command = shlex.join([str(Path(sys.executable).parent / "assay"), "prove", str(where), "--fail-on", "never"])
    return _systemd(seconds, command, where) if kind == "systemd" else _cron(seconds, command)


def _systemd(seconds: int, command: str, where: Path) -> str:
    return f"""\
# ~/.config/systemd/user/assay-prove.service
[Unit]
Description=Prove that the API controls of {where.name} hold

[Service]
Type=oneshot
ExecStart={command}
NoNewPrivileges=yes

# ~/.config/systemd/user/assay-prove.timer
[Unit]
Description=Run assay-prove.service every {seconds} seconds

[Timer]
OnActiveSec=1min
OnUnitActiveSec={seconds}s
Persistent=yes

[Install]
WantedBy=timers.target

# then: systemctl --user enable --now assay-prove.timer
"""


def _cron(seconds: int, command: str) -> str:
    minutes, rest = divmod(seconds, 60)
    if rest == 0 and 0 < minutes < 60 and 60 % minutes == 0:
        return f"*/{minutes} * * * * {command}\n"
    hours, rest = divmod(seconds, 3600)
    if rest == 0 and 0 < hours <= 24 and 24 % hours == 0:
        return f"0 */{hours} * * * {command}\n" if hours < 24 else f"0 0 * * * {command}\n"
    raise UsageError(
        f"cron cannot tell every {seconds} seconds",
        fix="choose a part of an hour or of a day, such as 15m, 6h or 24h; or `--print-timer systemd`",
    )
