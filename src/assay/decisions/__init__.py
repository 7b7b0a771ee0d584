"""What named people decided, signed with keys of their own, in files beside the declaration.

A decision counts when its file is as it was signed, by a key that the declaration lists for that person
(``people:``). What counts is asked of :func:`read`; :func:`sign` makes one.
"""

from assay.decisions.judging import Decision, Decisions, judge, read
from assay.decisions.signing import Signed, sign

__all__ = ["Decision", "Decisions", "Signed", "judge", "read", "sign"]
