"""The asyncio MLLP server of PyPI hl7, which acknowledges everything. Prints where it listens, then the control ID of each message."""

import asyncio

from hl7.mllp import start_hl7_server


async def serve(reader, writer):
    try:
        while not reader.at_eof():
            message = await reader.readmessage()
            print("received", message.extract_field("MSH", 1, 10))
            writer.writemessage(message.create_ack())
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main():
    # The default limit, 64 KiB a message, is less than senders send.
    limit = 32 * 1024 * 1024
    server = await start_hl7_server(serve, host="127.0.0.1", port=0, encoding="utf-8", limit=limit)
    print("listening %s:%d" % server.sockets[0].getsockname())
    async with server:
        await server.serve_forever()


asyncio.run(main())
