"""A declaration on disk, with the directory where its gateway keeps its state."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from assay.controls import CONTROL_IDS
from assay.declare import load
from assay.declare.declaration import Declaration
from assay.declare.gateways import part
from assay.domain import AssayError, IncompleteError, UsageError, Verdict, did_you_mean

STATE = ".assay"


@dataclass(frozen=True, slots=True)
class Project:
    """A declaration and where its state lives (``state`` need not exist yet).

    Attributes:
        declaration: what one gateway serves; see :func:`in_environment`.
        environment: the environment whose own gateway it is; None: the gateway of all that have none.
        whole: the declaration with every environment, where ``declaration`` is a part of it.
    """

    declaration: Declaration
    state: Path
    environment: str | None = None
    whole: Declaration | None = None

    @property
    def unparted(self) -> Project:
        """The project with every environment, and the state of the shared gateway."""
        if self.whole is None:
            return self
        name = self.state.name.removesuffix(f"-{self.environment}") if self.environment else self.state.name
        return Project(self.whole, self.state.with_name(name))

    @property
    def everything(self) -> Declaration:
        """The declaration with every environment."""
        return self.whole or self.declaration

    def file(self, name: str) -> Path:
        """The path of a file that a location names."""
        path = Path(name)
        return path if path.is_absolute() or path.exists() else self.declaration.root / path

    def sources_for(self, verdicts: Iterable[Verdict]) -> Mapping[str, str]:
        """Texts of the files that the verdicts speak about, to show excerpts from. What cannot be read is left out."""
        texts = dict(self.declaration.sources)
        for name in {v.location.file for v in verdicts} - texts.keys():
            try:
                texts[name] = self.file(name).read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                continue
        return texts

    def rewrite(self, name: str, text: str) -> None:
        """Replaces a declaration file in one step, keeping its permissions.

        Raises:
            IncompleteError: the disk refused; the old file is untouched.
        """
        target = self.file(name)
        try:
            with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=target.parent, delete=False) as new:
                new.write(text)
                new.flush()
                os.fsync(new.fileno())
            Path(new.name).chmod(target.stat().st_mode & 0o777)
            Path(new.name).replace(target)
        except OSError as error:
            raise IncompleteError(
                f"{name} cannot be written: {error.strerror}", fix="free the disk or the file"
            ) from error


def open_project(path: Path, *, environ: Mapping[str, str] | None = None) -> Project:
    """Reads the declaration at ``path``.

    Raises:
        DeclarationError: it cannot be read, with everything that is wrong.
    """
    declaration = load(path, environ=os.environ if environ is None else environ, controls=frozenset(CONTROL_IDS))
    override = os.environ.get("ASSAY_STATE")
    return Project(declaration, Path(override) if override else declaration.root / STATE)


def in_environment(project: Project, environment: str | None) -> Project:
    """The part of a project that one gateway serves.

    An environment with ``gateway:`` has a gateway of its own, with its state in ``.assay-NAME``; all others share the
    one under ``gateway:``. Of APIs, consumers, issuers and identities, each gateway knows those of its environments
    alone. ``environment`` names any environment that is served by the wanted gateway; None: the shared one. Where no
    environment has a gateway of its own, the project itself comes back.

    Raises:
        UsageError: there is no such environment, or the shared gateway would serve nothing.
    """
    declaration, model = project.declaration, project.declaration.model
    own = {name for name, declared in model.environments.items() if declared.gateway is not None}
    if environment is not None and environment not in model.environments:
        raise UsageError(
            f"there is no environment `{environment}`",
            fix=did_you_mean(environment, model.environments, what="environment"),
            location=declaration.locate("environments"),
        )
    if not own:
        return project
    if environment is None or environment not in own:
        shared = model.environments.keys() - own
        if not any(api.environment in shared for api in model.apis.values()):
            raise UsageError(
                "every environment with an API has a gateway of its own",
                fix=f"choose one: --environment {' or '.join(sorted(own))}",
                location=declaration.locate("environments"),
            )
        return Project(part(declaration, None), project.state, None, declaration)
    state = project.state.with_name(f"{project.state.name}-{environment}")
    return Project(part(declaration, environment), state, environment, declaration)


def at_home(project: Project, consumer: str) -> Project:
    """The part of a project whose gateway a consumer calls. See :func:`in_environment`.

    Raises:
        UsageError: the consumer names no environment, and none of the shared gateway's is there to call.
    """
    known = project.declaration.model.consumers.get(consumer)
    return in_environment(project, known.environment) if known else project


__all__ = ["AssayError", "Project", "at_home", "in_environment", "open_project"]
