"""Three requests on one connection of http.client: what it says of each."""
import http.client
import sys

connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=10)
said = []
connection.request("GET", "/text")
answer = connection.getresponse()
said += [answer.status, len(answer.read())]
connection.request("POST", "/echo", body=iter([b"h", b"i"]), encode_chunked=True,
                   headers={"Transfer-Encoding": "chunked"})
answer = connection.getresponse()
said += [answer.status, answer.read().decode()]
connection.request("GET", "/none")
answer = connection.getresponse()
answer.read()
said += [answer.status]
print(*said)
