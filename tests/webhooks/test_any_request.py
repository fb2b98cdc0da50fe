"""Whatever is sent to a hook, the answer is one of the contract's."""

import json

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.bots.sources.deliveries import hex256
from tests.webhooks.senders import SECRET, SENDERS, SIGNATURES

CODES = {200, 202, 400, 401, 404, 408, 413, 415}
NAMES = sorted(
    {name for make in SENDERS.values() for name in make().headers}
    | {"Content-Encoding", "X-Gitea-Delivery", "Content-Type"}
)
TEXTS = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=80)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12) | st.sampled_from(("msg_id", "events", "msg")), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
BODIES = st.binary(max_size=300) | JSON.map(lambda value: json.dumps(value).encode())
quick = settings(suppress_health_check=list(HealthCheck))


@pytest.fixture
def store_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.mark.parametrize("name", SENDERS)
@quick
@given(body=BODIES, headers=st.dictionaries(st.sampled_from(NAMES), TEXTS, max_size=6), tail=st.text(max_size=20))
def test_any_request_gets_an_answer_of_the_contract(
    client: FlaskClient, name: str, body: bytes, headers: dict[str, str], tail: str
) -> None:
    hook = SENDERS[name]()
    for path in (hook.path, f"/hooks/{name}/{tail}"):
        answer = client.post(path, data=body, headers={**hook.headers, **headers})
        assert answer.status_code in CODES
        assert answer.json["status"] in ("accepted", "duplicate", "conflict", "invalid", "requeued", "error")  # type: ignore[index]


@pytest.mark.parametrize("name", SENDERS)
@quick
@given(body=BODIES, headers=st.dictionaries(st.sampled_from(NAMES), TEXTS, max_size=4))
def test_any_signed_request_is_kept_or_refused(
    client: FlaskClient, name: str, body: bytes, headers: dict[str, str]
) -> None:
    hook = SENDERS[name](body)
    changed = {key: value for key, value in headers.items() if key != SIGNATURES.get(name)}
    answer = client.post(hook.path, data=body, headers={**hook.headers, **changed})
    assert answer.status_code in CODES
    assert answer.status_code not in (200, 202) or isinstance(json.loads(body), dict)


@quick
@given(body=st.binary(min_size=1, max_size=200), place=st.integers(0, 199), bit=st.integers(0, 7))
def test_a_changed_bit_is_never_accepted(client: FlaskClient, body: bytes, place: int, bit: int) -> None:
    changed = bytearray(body)
    changed[place % len(body)] ^= 1 << bit
    headers = {
        "Content-Type": "application/json",
        "X-GitHub-Delivery": "1",
        "X-Hub-Signature-256": "sha256=" + hex256(SECRET, body),
    }
    assert client.post("/hooks/github", data=bytes(changed), headers=headers).status_code == 401
