"""A small MCP server over Streamable HTTP, of the standard library alone.

Prints its port. With a certificate and a key as arguments it speaks TLS.
"""
import json
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

release = threading.Event()
sessions = set()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def send(self, status, body=b"", kind="application/json", **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if body:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self, events):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for event in events:
            data = event.encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def result(self, message):
        params = message.get("params", {})
        names = ["Authorization", "Mcp-Protocol-Version", "Mcp-Session-Id", "Host", "Origin"]
        seen = {name: self.headers.get(name) for name in names}
        return {"jsonrpc": "2.0", "id": message["id"], "result": {"called": params, "seen": seen, "path": self.path}}

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        message = json.loads(body)
        first = message[0] if isinstance(message, list) else message
        method = first["method"]
        if method == "initialize":
            sessions.add("s-1")
            self.send(200, json.dumps(self.result(first)).encode(), Mcp_Session_Id="s-1")
        elif self.headers.get("Mcp-Session-Id") not in sessions:
            self.send(404, b"no such session", "text/plain")
        elif method == "busy":
            self.send(503, b"try later", "text/plain", Retry_After="7")
        elif method == "moved":
            self.send(307, Location="http://127.0.0.1:9/elsewhere")
        elif method == "slow":
            self.stream(self.slowly(first))
        elif isinstance(message, list):
            answers = [self.result(it) for it in message if "id" in it]
            if not answers:
                self.send(202)
            elif "event-stream" in self.headers.get("Accept", "") and method == "stream":
                self.stream("data: %s\n\n" % json.dumps(it) for it in answers)
            else:
                self.send(200, json.dumps(answers).encode())
        elif "id" not in message:
            release.set()
            self.send(202)
        else:
            self.send(200, json.dumps(self.result(message)).encode())

    def slowly(self, message):
        yield 'data: {"jsonrpc":"2.0","method":"notifications/progress"}\n\n'
        release.wait(60)
        yield "data: %s\n\n" % json.dumps(self.result(message))

    def do_GET(self):
        self.stream(["id: %s-1\ndata: hello\n\n" % self.headers.get("Last-Event-Id", "0")])

    def do_DELETE(self):
        sessions.discard(self.headers.get("Mcp-Session-Id"))
        self.send(204)


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
if len(sys.argv) > 2:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1], sys.argv[2])
    server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_port, flush=True)
server.serve_forever()
