"""Real git repositories with people who sign, for tests."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Work:
    """A work tree. Everybody has an SSH key and signs with it, unless told otherwise."""

    folder: Path
    keys: Path
    _when: int = field(default=1_780_000_000)

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.keys.mkdir(exist_ok=True)
        self.git("init", "-q", "-b", "main")

    @property
    def environ(self) -> Mapping[str, str]:
        """What git is run with: nothing of this machine's own settings."""
        return {
            **{k: v for k, v in os.environ.items() if not k.startswith("GIT_")},
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CEILING_DIRECTORIES": str(self.folder.parent),
        }

    def git(self, *words: str, **more: str) -> str:
        done = subprocess.run(
            ("git", "-C", str(self.folder), *words),  # noqa: S607
            check=True,
            capture_output=True,
            text=True,
            env={**self.environ, **more},
        )
        return done.stdout.strip()

    def key(self, who: str) -> str:
        """The public key of somebody, made when it is first asked for."""
        file = self.keys / who
        if not file.exists():
            subprocess.run(
                ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", who, "-f", str(file)),  # noqa: S607
                check=True,
                capture_output=True,
            )
        return Path(f"{file}.pub").read_text().strip()

    def _as(self, who: str, sign: bool) -> list[str]:
        self.key(who)
        own = [f"user.name={who.title()}", f"user.email={who}@shop.example"]
        own += ["gpg.format=ssh", f"user.signingkey={self.keys / who}", f"commit.gpgsign={str(sign).lower()}"]
        return [word for setting in own for word in ("-c", setting)]

    def _dates(self) -> dict[str, str]:
        self._when += 60
        return dict.fromkeys(("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"), f"{self._when} +0000")

    def commit(self, who: str, message: str = "change", *, sign: bool = True, **files: str) -> str:
        """Commits everything, with these files written first (`_` in a name stands for a dot). Returns the id."""
        for name, text in files.items():
            (self.folder / name.replace("_", ".")).write_text(text)
        self.git("add", "-A")
        self.git(*self._as(who, sign), "commit", "-q", "--allow-empty", "-m", message, **self._dates())
        return self.git("rev-parse", "HEAD")

    def branch(self, name: str) -> None:
        """Begins a branch here and goes there."""
        self.git("checkout", "-q", "-b", name)

    def merge(self, who: str, branch: str, *, sign: bool = True) -> str:
        """Brings a branch into main with a merge commit."""
        self.git("checkout", "-q", "main")
        self.git(*self._as(who, sign), "merge", "-q", "--no-ff", "-m", f"merge {branch}", branch, **self._dates())
        return self.git("rev-parse", "HEAD")
