"""An MLLP receiver made of PyPI hl7's own server. Prints what it gets as JSON, a message a line. Argument: the port, 0 for any."""

import asyncio
import json
import sys

import hl7
from hl7.mllp import start_hl7_server


def record(message):
    return {
        "control_id": str(message.extract_field("MSH", 1, 10)),
        "type": str(message.segment("MSH")[9]),
        "family": str(message.segment("PID")[5][0][0]),
        "family_unescaped": message.unescape(str(message.segment("PID")[5][0][0])),
        "given": str(message.segment("PID")[5][0][1]),
        "born": str(message.segment("PID")[7]),
    }


async def serve(reader, writer):
    try:
        while not reader.at_eof():
            message = await reader.readmessage()
            print(json.dumps(record(message)))
            writer.writemessage(message.create_ack())
            await writer.drain()
    except asyncio.IncompleteReadError:
        pass
    writer.close()


async def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    server = await start_hl7_server(serve, host="127.0.0.1", port=port, encoding="utf-8")
    print("listening %s:%d" % server.sockets[0].getsockname())
    async with server:
        await server.serve_forever()


asyncio.run(main())
