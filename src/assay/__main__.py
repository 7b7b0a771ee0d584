"""``python -m assay``, and the console script: as small as can be, so that Ctrl-C is quiet from the first moment."""

import sys


def main() -> None:
    """Runs the command line."""
    try:
        from assay.cli.main import run

        run()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    # `python -m` puts the current folder first; a `json.py` of the user's in there would be taken for Python's own.
    if not sys.flags.safe_path:
        del sys.path[0]
    main()
