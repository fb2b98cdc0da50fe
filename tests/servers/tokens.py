"""A token server for registries: people, what they may pull, and signed tokens a real registry accepts.

Speaks the token authentication of the distribution project: GET with `service` and `scope`, Basic authentication, JWT.
"""

import base64
import json
import secrets
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from tests.servers.certificates import Certificate, named, pem, signed

SERVICE, ISSUER = "registry of the test", "token server of the test"


@dataclass(frozen=True)
class Given:
    """One token that was given out: to whom (empty: anybody), for which scopes."""

    who: str
    scopes: tuple[str, ...]


class TokenServer:
    """Anybody may pull below `public/`; people with a password may pull and push everything.

    `bundle` is the file of the certificates a registry must trust; it is written again by `rotate`.
    """

    def __init__(self, folder: Path, certificate: Certificate, people: Mapping[str, str], lifetime: int = 300) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.people = dict(people)
        self.lifetime = lifetime
        self.given: list[Given] = []
        self.refused = 0
        self.bundle = folder / "tokens.pem"
        self.rotate()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.certificate, certificate.key)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self._server.server_port}/token"

    def rotate(self) -> None:
        """Sign with a new key from now on."""
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._certificate = signed(named(ISSUER), named(ISSUER), self._key, self._key, authority=True)
        self.bundle.write_bytes(pem(self._certificate))

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def token(self, who: str, scopes: list[str]) -> str:
        """A token for what `who` may do of the scopes."""
        now = int(time.time())
        claims = {
            "iss": ISSUER, "aud": SERVICE, "sub": who, "jti": secrets.token_hex(8), "iat": now, "nbf": now - 5,
            "exp": now + self.lifetime, "access": [one for one in map(self._access, scopes) if allowed(who, one)],
        }  # fmt: skip
        chain = [base64.b64encode(self._certificate.public_bytes(serialization.Encoding.DER)).decode()]
        head = {"typ": "JWT", "alg": "RS256", "x5c": chain}
        content = ".".join(coded(json.dumps(part).encode()) for part in (head, claims))
        signature = self._key.sign(content.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{content}.{coded(signature)}"

    def _access(self, scope: str) -> dict[str, object]:
        kind, _, rest = scope.partition(":")
        name, _, actions = rest.rpartition(":")
        return {"type": kind, "name": name, "actions": actions.split(",")}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        tokens = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args: object) -> None:
                pass

            def do_GET(self) -> None:
                query = parse_qs(urlsplit(self.path).query)
                who = self._who()
                if who is None or query.get("service") != [SERVICE]:
                    tokens.refused += 1
                    return self._answer(401, {"errors": []})
                scopes = query.get("scope", [])
                tokens.given.append(Given(who, tuple(scopes)))
                return self._answer(200, {"token": tokens.token(who, scopes), "expires_in": tokens.lifetime})

            def _who(self) -> str | None:
                header = self.headers.get("Authorization")
                if header is None:
                    return ""
                name, _, password = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
                return name if tokens.people.get(name) == password else None

            def _answer(self, status: int, document: object) -> None:
                body = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        return Handler


def allowed(who: str, access: Mapping[str, object]) -> bool:
    """Whether the access may be granted, as a whole."""
    return bool(who) or (str(access["name"]).startswith("public/") and access["actions"] == ["pull"])


def coded(content: bytes) -> str:
    """base64url without padding (RFC 7515)."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
