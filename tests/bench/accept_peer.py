"""What one writes without this project: a Flask view that checks GitHub's signature and says 202.

With BENCH_STORE (PostgreSQL) and BENCH_BROKER (Redis) set it also does, by hand, the other steps of accepting: read the JSON,
insert a row unless the delivery is there, push its number into a list for a worker.
"""

import hashlib
import hmac
import json
import os
import threading

import psycopg
import redis
from flask import Flask, Response, abort, request

SECRET = os.environ["BENCH_SECRET"].encode()
STORE, BROKER = os.environ.get("BENCH_STORE", ""), os.environ.get("BENCH_BROKER", "")
INSERT = (
    "INSERT INTO bare (instance, delivery, headers, body) VALUES (%s, %s, %s, %s)"
    " ON CONFLICT (instance, delivery) DO NOTHING RETURNING id"
)
app = Flask(__name__)
local = threading.local()
client = redis.Redis.from_url(BROKER) if BROKER else None


@app.post("/hooks/github")
def hook() -> Response:
    body = request.get_data()
    expected = "sha256=" + hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(request.headers.get("X-Hub-Signature-256", "").encode(), expected.encode()):
        abort(401)
    if client is not None:
        if not isinstance(json.loads(body), dict):
            abort(400)
        row = keep(body)
        if row is None:
            return Response("duplicate", 200)
        client.lpush("deliveries", row[0])
    return Response("accepted", 202)


def keep(body: bytes) -> tuple[int] | None:
    if not hasattr(local, "connection"):
        local.connection = psycopg.connect(STORE.replace("+psycopg", ""), autocommit=True)
    values = ("github", request.headers["X-GitHub-Delivery"], json.dumps(dict(request.headers)), body)
    found: tuple[int] | None = local.connection.execute(INSERT, values).fetchone()
    return found
