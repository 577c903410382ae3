"""A started org is one process that clients reach over TLS, and that loses nothing when it stops."""

import json
import signal
import socket
import ssl
import stat
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from urllib.request import Request, urlopen

import grpc
import jwt
import pytest

from local_org.server.control import Control
from local_org.server.errors import LocalOrgError, NotRunning
from local_org.server.ready import Ready
from local_org.testing import running_org
from pubsub_api import pubsub_api_pb2 as pb
from pubsub_api import pubsub_api_pb2_grpc

pytestmark = pytest.mark.documented("facts/real-clients.md 3, 5.14; design 4")


@pytest.fixture(scope="module")
def org():
    with running_org() as org:
        yield org


def call(ready, path, token=None, data=None, host="localhost"):
    """Send a request as a client that trusts the org's bundle; return the answer's JSON."""
    url = ready.instance_url.replace("localhost", host) + path
    request = Request(url, data, {"Authorization": f"Bearer {token or ready.access_token}"})
    if data is not None:
        request.add_header("Content-Type", "application/json")
    context = ssl.create_default_context(cafile=ready.ca_bundle)
    with urlopen(request, context=context) as answer:
        return json.load(answer)


def create_lead(ready, name):
    body = json.dumps({"LastName": name, "Company": "ACME"}).encode()
    return call(ready, "/services/data/v66.0/sobjects/Lead", data=body)["id"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_the_certificate_holds_under_both_names(org, host):
    assert call(org.ready, "/services/data", host=host)[-1]["version"] == "67.0"


def test_a_strict_client_accepts_the_chain(org):
    context = ssl.create_default_context(cafile=org.ready.ca_file)
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with urlopen(f"{org.ready.instance_url}/services/data", context=context) as answer:
        assert answer.status == 200


def test_the_bundle_knows_the_public_authorities_too(org):
    context = ssl.create_default_context(cafile=org.ready.ca_bundle)
    assert len(context.get_ca_certs()) > 50


def test_clients_speak_grpc_with_tls_to_the_same_org(org):
    ready = org.ready
    credentials = grpc.ssl_channel_credentials(Path(ready.ca_file).read_bytes())
    told = {"accesstoken": ready.access_token, "instanceurl": "x", "tenantid": ready.org_id}
    with grpc.secure_channel(ready.grpc_endpoint, credentials) as channel:
        stub = pubsub_api_pb2_grpc.PubSubStub(channel)
        with pytest.raises(grpc.RpcError) as refused:
            stub.GetTopic(
                pb.TopicRequest(topic_name="/data/Nope__chn"), metadata=tuple(told.items())
            )
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND
    assert ready.org_id in str(refused.value.details())


def test_the_key_of_the_ready_file_opens_the_org_for_its_users(org):
    ready = org.ready
    key = Path(ready.jwt_key_file).read_text(encoding="utf-8")
    claims = {
        "iss": ready.client_id,
        "sub": ready.sidecar_username,
        "aud": ready.instance_url,
        "exp": 4102444800,
    }
    grant = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assertion = jwt.encode(claims, key, algorithm="RS256")
    form = f"grant_type={grant}&assertion={assertion}".encode()
    token = call(ready, "/services/oauth2/token", data=form)["access_token"]
    told = call(ready, "/services/oauth2/userinfo", token)
    assert told["preferred_username"] == "sidecar@local.test"


def test_secrets_are_for_their_owner_only(org):
    for path in (org.ready.jwt_key_file, org.ready.ca_file):
        assert stat.S_IMODE(Path(path).stat().st_mode) == 0o600
    assert stat.S_IMODE(Path(org.ready.ca_file).parent.stat().st_mode) == 0o700


def test_without_a_folder_nothing_stays():
    with running_org() as org:
        folder = Path(org.ready.ca_file).parent
        assert folder.is_dir()
    assert not folder.exists()


def test_with_a_folder_records_tokens_and_certificates_survive(tmp_path):
    folder = tmp_path / "org"
    with running_org(data=folder) as org:
        first, lead = org.ready, create_lead(org.ready, "Stays")
    with running_org(data=folder) as org:
        second = org.ready
        record = call(second, f"/services/data/v66.0/sobjects/Lead/{lead}", first.access_token)
        assert record["LastName"] == "Stays"
        assert (second.org_id, second.ca_file) == (first.org_id, first.ca_file)


def test_a_folder_is_one_orgs_at_a_time(tmp_path):
    with (
        running_org(data=tmp_path),
        pytest.raises(LocalOrgError, match="another local org runs on"),
        running_org(data=tmp_path),
    ):
        pass


@pytest.mark.parametrize("port", ["https_port", "grpc_port"])
def test_a_port_that_is_taken_is_named(port):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        words = f"port {number} is in use: stop what holds it, or pass another --{port[:-5]}-port"
        with pytest.raises(LocalOrgError, match=words), running_org(**{port: number}):
            pass


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly(tmp_path, number):
    ready_file = tmp_path / "ready.json"
    ports = ("--https-port", "0", "--grpc-port", "0", "--ready-file", str(ready_file))
    command = [sys.executable, "-m", "local_org.cli", "start", *ports]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    ready = Ready.read(ready_file)
    assert line == (
        f"ready: {ready.instance_url} grpc {ready.grpc_endpoint} org {ready.org_id} "
        "(Ctrl-C stops it)\n"
    )
    assert stat.S_IMODE(ready_file.stat().st_mode) == 0o600
    process.send_signal(number)
    rest, errors = process.communicate(timeout=30)
    assert (process.returncode, rest, errors) == (0, "", "")
    assert not ready_file.exists()


def test_the_ready_file_of_another_org_is_left_alone(org, tmp_path):
    ready_file = tmp_path / "ready.json"
    other = replace(org.ready, grpc_endpoint="localhost:1")
    other.write(ready_file)
    org.ready.withdraw(ready_file)
    assert Ready.read(ready_file) == other
    other.withdraw(ready_file)
    assert not ready_file.exists()


def test_the_controls_reach_it_until_it_is_stopped():
    with running_org(clock_speed=0) as org:
        now = org.control.clock(set="2026-03-02T09:00:00Z")["now"]
        assert now == "2026-03-02T09:00:00.000Z"
        [standing] = org.control.fault("unavailable", times=3)["standing"]
        assert standing["left"] == 3
        org.control.clear_faults()
        assert org.control.faults()["standing"] == []
        with pytest.raises(LocalOrgError, match="kind: expected one of"):
            org.control.fault("earthquake")
        org.control.stop()
        with pytest.raises(NotRunning):
            Control(org.ready).clock()


def test_an_open_stream_does_not_keep_it_from_stopping():
    with running_org() as org:
        ready = org.ready
        credentials = grpc.ssl_channel_credentials(Path(ready.ca_file).read_bytes())
        told = {"accesstoken": ready.access_token, "instanceurl": "x", "tenantid": ready.org_id}
        with grpc.secure_channel(ready.grpc_endpoint, credentials) as channel:
            stub = pubsub_api_pb2_grpc.PubSubStub(channel)
            stream = stub.Subscribe(
                iter([pb.FetchRequest(topic_name="/data/ChangeEvents", num_requested=1)]),
                metadata=tuple(told.items()),
            )
            org.control.stop()
            with pytest.raises(grpc.RpcError):
                next(stream)
