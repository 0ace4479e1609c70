"""The MLLP server of PyPI hl7apy, which takes ADT^A04 and ADT^A08 and closes after each message. Prints where it listens."""

from hl7apy.core import Message
from hl7apy.mllp import AbstractHandler, MLLPServer
from hl7apy.parser import parse_message


class Accept(AbstractHandler):
    def reply(self):
        asked = parse_message(self.incoming_message)
        answer = Message("ACK", version="2.5.1")
        answer.msh.msh_9 = "ACK"
        answer.msh.msh_10 = "a" + asked.msh.msh_10.value[:19]
        answer.msh.msh_11 = asked.msh.msh_11
        answer.msa.msa_1 = "AA"
        answer.msa.msa_2 = asked.msh.msh_10.value
        print("received", asked.msh.msh_10.value)
        return answer.to_mllp()


types = ["ADT^A04^ADT_A01", "ADT^A08^ADT_A01"]
server = MLLPServer("127.0.0.1", 0, {name: (Accept,) for name in types})
print("listening %s:%d" % server.server_address)
server.serve_forever()
