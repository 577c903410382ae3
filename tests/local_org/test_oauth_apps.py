"""A deployed app lets in who signs with its key and was approved for it, and goes with its metadata."""

from __future__ import annotations

import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree

from local_org.api.clients import Clients, GrantRefused
from tests.metadata.deployed import PLACE, some_certificate, some_key
from tests.metadata.deploying import Admin, manifest
from tests.metadata.packing import ROOT

pytestmark = pytest.mark.documented(
    'Metadata API Developer Guide, "ConnectedApp", "ExtlClntAppGlobalOauthSettings"'
)
URL = "https://localhost:8443"
KINDS = {
    "auth": ("ExtlClntAppGlobalOauthSettings", "Speed_to_Lead_glbloauth"),
    "auth_connected_app": ("ConnectedApp", "Speed_to_Lead"),
}


def files(bundle, certificate=None):
    folder = ROOT / "unpackaged" / "config" / bundle
    return {
        path.relative_to(folder).as_posix(): path.read_bytes().replace(
            PLACE, certificate or some_certificate()
        )
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(params=KINDS)
def bundle(request):
    return request.param


@pytest.fixture
def admin(tmp_path, bundle):
    admin = Admin()
    assert admin.deploy_package(tmp_path / "src").success
    result = admin.deploy(files(bundle))
    assert result.success, result.failures
    admin.assign("Speed_to_Lead_Sidecar", "sidecar@local.test")
    return admin


def consumer_key(admin, bundle):
    kind, name = KINDS[bundle]
    _, found = admin.retrieve(**{kind: name})
    [body] = [content for path, content in found.items() if not path.endswith("package.xml")]
    [key] = etree.fromstring(body).iter("{*}consumerKey")
    return key.text


def signed_in(admin, issuer, key=None, username="sidecar@local.test"):
    claims = {"iss": issuer, "sub": username, "aud": URL, "exp": int(time.time()) + 60}
    assertion = jwt.encode(claims, key or some_key(), "RS256")
    return Clients(admin.org, URL).by_assertion(assertion)


def test_the_approved_user_gets_in_by_the_key_of_the_app(admin, bundle):
    issuer = consumer_key(admin, bundle)
    assert signed_in(admin, issuer) == admin.org.user("sidecar@local.test")["Id"]


@pytest.mark.parametrize(
    ("about", "words"),
    [
        (
            {"key": rsa.generate_private_key(public_exponent=65537, key_size=2048)},
            "invalid assertion",
        ),
        ({"username": "rep1@local.test"}, "user hasn't approved this consumer"),
        ({"username": "nobody@local.test"}, "user hasn't approved this consumer"),
    ],
    ids=["another key", "a user without the permission set", "nobody"],
)
def test_nobody_else_gets_in(admin, bundle, about, words):
    with pytest.raises(GrantRefused, match=words):
        signed_in(admin, consumer_key(admin, bundle), **about)


def test_the_consumer_key_stays_when_the_app_is_deployed_again(admin, bundle):
    before = consumer_key(admin, bundle)
    again = admin.deploy(files(bundle))
    assert again.success
    assert not any(each.changed for each in again.successes if each.component_type)
    assert consumer_key(admin, bundle) == before


def test_a_deleted_app_lets_nobody_in(admin, bundle):
    issuer = consumer_key(admin, bundle)
    kind, name = KINDS[bundle]
    gone = {"package.xml": manifest(), "destructiveChanges.xml": manifest(**{kind: name})}
    assert admin.deploy(gone).success
    with pytest.raises(GrantRefused, match="invalid assertion"):
        signed_in(admin, issuer)


@pytest.mark.inferred("its wording; settled by: deploying such an app to a real org")
def test_what_is_no_certificate_is_refused_at_its_place(admin, bundle):
    failure = admin.refusal(files(bundle, b"none"))
    assert (failure.problem, failure.line is not None) == ("The certificate is not valid", True)
