"""A stand-in for the part of AWS that `sam deploy` meets before it changes anything: the bucket for
uploads, and CloudFormation up to the change set. There it refuses."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote

BUCKET = "stand-in-bucket"
STACK = """<DescribeStacksResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">
<DescribeStacksResult><Stacks><member><StackName>aws-sam-cli-managed-default</StackName>
<StackId>arn:aws:cloudformation:us-east-1:123456789012:stack/aws-sam-cli-managed-default/1</StackId>
<CreationTime>2026-01-01T00:00:00Z</CreationTime><StackStatus>CREATE_COMPLETE</StackStatus>
<Tags><member><Key>ManagedStackSource</Key><Value>AwsSamCli</Value></member></Tags>
<Outputs><member><OutputKey>SourceBucket</OutputKey><OutputValue>%s</OutputValue></member></Outputs>
</member></Stacks></DescribeStacksResult></DescribeStacksResponse>""" % BUCKET
ERROR = """<ErrorResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"><Error>
<Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error></ErrorResponse>"""


class Aws:
    """The account, and the server in front of it. Use it with `with`."""

    def __init__(self):
        self.calls, self.objects, self.parameters, self.capabilities = [], {}, {}, []
        account = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, text = account.call(self.command, unquote(self.path), body)
                self.send_response(status)
                self.send_header("ETag", '"0"')
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(text.encode())

            do_GET = do_POST = do_PUT = do_HEAD = answer

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.environment = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self._server.server_port}",
            "AWS_ACCESS_KEY_ID": "stand-in", "AWS_SECRET_ACCESS_KEY": "stand-in",
            "AWS_DEFAULT_REGION": "us-east-1", "AWS_MAX_ATTEMPTS": "1", "SAM_CLI_TELEMETRY": "0",
            "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required", "AWS_EC2_METADATA_DISABLED": "true",
        }

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()

    def call(self, method, path, body):
        """One call: status and reply."""
        if path.startswith(f"/{BUCKET}"):
            return self.bucket(method, path, body)
        query = {key: values[0] for key, values in
                 parse_qs(body.decode(), keep_blank_values=True).items()}
        action, stack = query.get("Action"), query.get("StackName")
        self.calls.append(f"{action} {stack}")
        if action == "DescribeStacks" and stack == "aws-sam-cli-managed-default":
            return 200, STACK
        if action == "DescribeStacks":
            return 400, ERROR % ("ValidationError", f"Stack with id {stack} does not exist")
        if action == "CreateChangeSet":
            self.changed(query)
            return 403, ERROR % ("AccessDenied", "as far as it goes without AWS")
        return 400, ERROR % ("ValidationError", f"the stand-in has no {action}")

    def bucket(self, method, path, body):
        if method == "PUT":
            self.objects[path] = body
            return 200, ""
        return (200 if path in self.objects else 404), ""

    def changed(self, query):
        """Keeps what a change set asks for."""
        member = "Parameters.member.%d.Parameter%s"
        for number in range(1, 100):
            name = query.get(member % (number, "Key"))
            if name and member % (number, "Value") in query:
                self.parameters[name] = query[member % (number, "Value")]
        self.capabilities = [query["Capabilities.member.1"]]
