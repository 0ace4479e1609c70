"""The clients of PyPI hl7, blocking and asyncio. Arguments: port, number of messages for each. Prints MSA of each answer."""

import asyncio
import sys

import hl7
from hl7.client import MLLPClient
from hl7.mllp import open_hl7_connection

PORT, COUNT = int(sys.argv[1]), int(sys.argv[2])


def message(control_id):
    header = "MSH|^~\\&|PYTHON|TEST|PEER|TEST|20260102030405||ADT^A08^ADT_A01|%s|T|2.5.1" % control_id
    return hl7.parse(header + "\rPID|1||7^^^TEST^MR||Byrne^Zo\u00eb\r")


def show(answer):
    print("answered", str(answer.segment("MSA")))


with MLLPClient("127.0.0.1", PORT) as client:
    for n in range(COUNT):
        answer = client.send_message(message("blocking-%d" % n))
        show(hl7.parse(answer.strip(b"\x0b\x1c\r").decode()))


async def stream():
    reader, writer = await open_hl7_connection("127.0.0.1", PORT, encoding="utf-8")
    for n in range(COUNT):
        writer.writemessage(message("asyncio-%d" % n))
    for n in range(COUNT):
        show(await reader.readmessage())
    writer.close()


asyncio.run(stream())
