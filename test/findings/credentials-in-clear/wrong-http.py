"""A web client that sends its password with each request."""
import base64
import http.client
import http.server
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(('127.0.0.1', 0), Handler)
thread = threading.Thread(target=server.handle_request)
thread.start()
client = http.client.HTTPConnection(*server.server_address)
password = base64.b64encode(b'alice:wonderland').decode()
client.request('GET', '/', headers={'Authorization': f'Basic {password}'})  # here
client.getresponse().read()
client.close()
thread.join()
server.server_close()
