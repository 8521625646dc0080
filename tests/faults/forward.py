#!/usr/bin/python3
"""forward.py FROM TO: a TCP forwarder, addresses as HOST:PORT.

One process and one thread, so that SIGSTOP makes of it a server that hangs, and SIGKILL one that is gone. After SIGUSR1
whatever passes takes five seconds, after SIGUSR2 none.
"""

import asyncio
import signal
import sys

SLOW = 5


class Forwarder:
    def __init__(self, server):
        self.server, self.delay = server, 0

    async def forward(self, reader, writer):
        try:
            there, back = await asyncio.open_connection(*self.server)
        except OSError:
            writer.close()
            return
        await asyncio.gather(self.carry(reader, back), self.carry(there, writer))

    async def carry(self, reader, writer):
        try:
            while octets := await reader.read(1 << 16):
                await asyncio.sleep(self.delay)
                writer.write(octets)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    def slow_down(self, delay):
        self.delay = delay


async def main():
    listening, server = (address.rsplit(":", 1) for address in sys.argv[1:])
    forwarder = Forwarder(server)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, forwarder.slow_down, SLOW)
    loop.add_signal_handler(signal.SIGUSR2, forwarder.slow_down, 0)
    await (await asyncio.start_server(forwarder.forward, *listening)).serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
