"""Protocol buffers read and written in part (protobuf.dev/programming-guides/encoding).

Envoy's messages have a handful of outermost fields, of which an answer needs one or two. A field with a message in it
and a field with bytes look alike on the wire, so that a class which says *bytes* for *message* reads the outermost
fields and leaves what is in them unopened. That takes a fraction of what it takes to make a tree of all.
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import DecodeError

from assay.domain import AssayError

_DELIMITED: Final = 2


class MalformedError(AssayError):
    """Bytes are no message of the kind, or one that says something twice."""


def unopened(message: Any) -> Any:
    """A class of messages with the fields of the class ``message``; those that hold messages hold their bytes."""
    described = descriptor_pb2.DescriptorProto()
    message.DESCRIPTOR.CopyToProto(described)
    described.ClearField("nested_type")
    for one in described.field:
        one.ClearField("options")
        if one.type == one.TYPE_MESSAGE:
            one.type = one.TYPE_BYTES
            one.ClearField("type_name")
    # In proto2 a field that is there and empty differs from one that is not there, as it does for messages.
    file = descriptor_pb2.FileDescriptorProto(name="unopened.proto", package="unopened", syntax="proto2")
    file.message_type.append(described)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"unopened.{described.name}"))


def opened(kind: Any, data: bytes) -> Any:
    """``data`` as a message of class ``kind``.

    Raises:
        MalformedError: it is none.
    """
    try:
        return kind.FromString(data)
    except DecodeError:
        raise MalformedError("A message cannot be read.") from None


def whole(kind: Any, data: bytes) -> Any:
    """As :func:`opened`, for messages of a class that :func:`unopened` made.

    Raises:
        MalformedError: it is none, or says something twice. Parsers merge messages that are repeated, which cannot be
            done unopened; nobody shall have to wonder which of two was meant.
    """
    found = opened(kind, data)
    if found.ByteSize() != len(data):
        raise MalformedError("A message says something twice.")
    return found


def field(number: int, content: bytes) -> bytes:
    """A field with a length, to stand beside others in a message; ``number`` is at most 15."""
    size = len(content)
    if size < 128:
        return b"%c%c%b" % (number << 3 | _DELIMITED, size, content)
    length = bytearray()
    while size > 127:
        length.append(size & 127 | 128)
        size >>= 7
    return b"".join((bytes((number << 3 | _DELIMITED,)), length, bytes((size,)), content))
