# SPDX-License-Identifier: MIT
"""An independent reader of TensorBoard's event files, for tests: Google's protobuf, with the messages made here.

check_events.py FILE...   prints what each holds, a line for each event
"""
import struct
import sys

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

F = descriptor_pb2.FieldDescriptorProto
MESSAGES = {  # name: (number, type, type's name, repeated)
    "Event": [("wall_time", 1, F.TYPE_DOUBLE), ("step", 2, F.TYPE_INT64), ("file_version", 3, F.TYPE_STRING),
              ("summary", 5, "Summary"), ("session_log", 7, "SessionLog")],
    "SessionLog": [("status", 1, F.TYPE_INT32)],
    "Summary": [("value", 1, "Value", True)],
    "Value": [("tag", 1, F.TYPE_STRING), ("simple_value", 2, F.TYPE_FLOAT), ("image", 4, "Image")],
    "Image": [("height", 1, F.TYPE_INT32), ("width", 2, F.TYPE_INT32), ("colorspace", 3, F.TYPE_INT32),
              ("encoded_image_string", 4, F.TYPE_BYTES)],
}


def event_class():
    file = descriptor_pb2.FileDescriptorProto(name="event.proto", package="t", syntax="proto2")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for field, number, kind, *repeated in fields:
            label = F.LABEL_REPEATED if repeated else F.LABEL_OPTIONAL
            if isinstance(kind, str):
                message.field.add(name=field, number=number, type=F.TYPE_MESSAGE, type_name=".t." + kind, label=label)
            else:
                message.field.add(name=field, number=number, type=kind, label=label)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.MessageFactory(pool).GetPrototype(pool.FindMessageTypeByName("t.Event"))


def show(event):
    assert 1e9 < event.wall_time < 1e10, event.wall_time
    assert not event.FindInitializationErrors() and not event.UnknownFields(), "fields that no event has"
    if event.file_version:
        return f"version {event.file_version}"
    if event.HasField("session_log"):
        return f"{event.step} session {event.session_log.status}"
    values = []
    for value in event.summary.value:
        assert not value.UnknownFields(), "fields that no value has"
        if value.HasField("image"):
            image = value.image
            kind = image.encoded_image_string[:4].decode("latin-1").strip("\x89")
            values.append(f"{value.tag} {kind} {image.height}x{image.width}x{image.colorspace}")
        else:
            values.append(f"{value.tag} {value.simple_value:g}")
    return f"{event.step} " + ", ".join(values)


event_type = event_class()
for path in sys.argv[1:]:
    data = open(path, "rb").read()
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        print(show(event_type.FromString(data[12:12 + length])))
        data = data[16 + length:]
