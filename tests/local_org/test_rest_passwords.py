"""Passwords are set and reset over REST, and a login by password takes them."""

import pytest

from tests.local_org.web import Web

pytestmark = pytest.mark.documented("the REST reference, sObject User Password")


@pytest.fixture
def web():
    return Web()


def path(user_id):
    return f"/sobjects/User/{user_id}/password"


def login(web, username, password):
    form = {"grant_type": "password", "username": username, "password": password}
    form |= {"client_id": "3MVG9local.speed.to.lead", "client_secret": "any"}
    return web.call("POST", "/services/oauth2/token", data=form).status_code


def test_a_password_that_is_set_opens_the_org(web):
    sidecar = web.org.user("sidecar@local.test")["Id"]
    assert web.rest("GET", path(sidecar)).json() == {"isExpired": False}
    answer = web.rest("POST", path(sidecar), json={"NewPassword": "s3cret-one"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert login(web, "sidecar@local.test", "s3cret-one") == 200
    assert login(web, "sidecar@local.test", "s3cret-two") == 400


def test_a_reset_tells_the_new_password_once(web):
    told = web.rest("DELETE", path(web.user_id)).json()
    assert login(web, "admin@local.test", told["NewPassword"]) == 200


def test_nobody_sets_the_password_of_somebody_else_without_managing_users(web):
    admin = web.user_id
    web.as_user("sidecar@local.test")
    answer = web.refusal("DELETE", f"/services/data/v66.0{path(admin)}")
    assert answer == (400, "INSUFFICIENT_ACCESS", "insufficient access rights on object id")


@pytest.mark.parametrize("user_id", ["005000000000ZZZ", "nobody"])
def test_a_user_who_does_not_exist_is_not_found(web, user_id):
    assert web.refusal("GET", f"/services/data/v66.0{path(user_id)}")[:2] == (404, "NOT_FOUND")
