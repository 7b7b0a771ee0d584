"""Groups of commands that do something useful by themselves."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup


class WithDefault(TyperGroup):
    """A group whose first command is called when none is named: ``assay objectives --framework csf``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Puts the first command's name before its options."""
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = [next(iter(self.commands)), *args]
        return super().parse_args(ctx, args)
