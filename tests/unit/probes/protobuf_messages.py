"""Protobuf messages, put together from their fields."""

import struct


def varint(value: int) -> bytes:
    data = bytearray()
    while value > 0x7F:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*data, value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def content(field: int, data: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(data)) + data


def fixed32(field: int, data: bytes) -> bytes:
    return varint(field << 3 | 5) + data


def fixed64(field: int, value: float) -> bytes:
    return varint(field << 3 | 1) + struct.pack("<d", value)
