"""Every way in that the real clients use opens the org, and nothing else does."""

import base64
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.local_org.caller import NOW
from tests.local_org.web import BASE, Web, jwt_key

pytestmark = pytest.mark.documented("facts/real-clients.md 5.1, 4.1, 4.3; org-behaviour.md 4")

GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SECONDS = NOW.timestamp()
CCI_BUILT_IN = (
    "3MVG9i1HRpGLXp.or6OlVWVWyn8DXi9xueKNM4npq_AWh.yqswojK9sE5WY7f.biP0w7bNJIENfXc7JMDZGO1"
)


@pytest.fixture
def web():
    return Web()


def assertion(key=None, algorithm="RS256", **claims):
    told = {"iss": "any", "sub": "admin@local.test", "aud": BASE, "exp": SECONDS + 180}
    told |= claims
    chosen = {name: value for name, value in told.items() if value is not None}
    return jwt.encode(chosen, key or jwt_key(), algorithm=algorithm)


def token(web, **form):
    """Ask for a token as somebody who has none."""
    headers = {"Authorization": ""}
    return web.call("POST", "/services/oauth2/token", data=form, headers=headers)


def opens(web, answer):
    """Whether the org takes the access token."""
    headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    return web.rest("GET", "/limits", headers=headers).status_code == 200


def refused(answer):
    assert answer.status_code == 400
    return answer.json()["error"], answer.json()["error_description"]


def test_a_token_answer_tells_all_that_clients_read(web):
    answer = token(web, grant_type=GRANT, assertion=assertion())
    told = answer.json()
    assert told["access_token"].startswith(f"{web.org.org_id[:15]}!")
    assert told["id"] == f"{BASE}/id/{web.org.org_id}/{web.user_id}"
    assert told["instance_url"] == BASE
    assert told["token_type"] == "Bearer"
    assert told["issued_at"] == "1793613600731"
    assert {"scope", "signature"} <= told.keys()
    assert answer.headers["cache-control"] == "no-cache, no-store"
    assert opens(web, answer)


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": SECONDS},
        {"exp": SECONDS - 170},
        {"exp": (SECONDS + 300) * 1000},
        {"aud": BASE + "/"},
        {"aud": "https://login.salesforce.com"},
        {"aud": "https://test.salesforce.com"},
        {"aud": [BASE]},
        {"aud": f"{BASE}/services/oauth2/token"},
        {"iss": CCI_BUILT_IN},
    ],
    ids=[
        "cci: expires now",
        "slow clock",
        "sf: milliseconds",
        "sf: trailing slash",
        "login host",
        "test host",
        "list",
        "token endpoint",
        "any client id",
    ],
)
def test_a_signed_assertion_opens_whatever_its_client_makes_of_the_claims(web, claims):
    assert opens(web, token(web, grant_type=GRANT, assertion=assertion(**claims)))


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"aud": "https://elsewhere.test"}, "audience is invalid"),
        ({"aud": None}, "audience is invalid"),
        ({"exp": SECONDS - 200}, "assertion is expired"),
        ({"exp": None}, "expired authorization code"),
        ({"sub": "nobody@local.test"}, "user hasn't approved this consumer"),
        ({"sub": None}, "user hasn't approved this consumer"),
    ],
)
def test_an_assertion_for_somewhere_or_somebody_else_is_refused(web, claims, words):
    answer = token(web, grant_type=GRANT, assertion=assertion(**claims))
    assert refused(answer) == ("invalid_grant", words)


def test_only_the_key_of_the_org_signs(web):
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    forged = [assertion(stranger), assertion("secret-of-thirty-two-characters!", "HS256"), "x", ""]
    forged.append(assertion().rsplit(".", 1)[0] + ".")
    for each in forged:
        answer = token(web, grant_type=GRANT, assertion=each)
        assert refused(answer) == ("invalid_grant", "invalid assertion")


def test_client_credentials_open_in_the_name_of_the_clients_user(web):
    answer = token(
        web,
        grant_type="client_credentials",
        client_id="speed-to-lead-sidecar",
        client_secret="local",
    )
    assert answer.json()["id"].endswith(web.org.user("sidecar@local.test")["Id"])
    assert opens(web, answer)


def test_client_credentials_may_come_in_a_header(web):
    pair = base64.b64encode(b"speed-to-lead-local:local").decode()
    answer = web.call(
        "POST",
        "/services/oauth2/token",
        data={"grant_type": "client_credentials"},
        headers={"Authorization": f"Basic {pair}"},
    )
    assert opens(web, answer)


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "client_credentials", "client_id": "x"}, "invalid_client_id"),
        (
            {
                "grant_type": "client_credentials",
                "client_id": "speed-to-lead-local",
                "client_secret": "x",
            },
            "invalid_client",
        ),
        ({"grant_type": "refresh_token", "refresh_token": "x"}, "invalid_grant"),
        ({"grant_type": "authorization_code", "code": "x"}, "invalid_grant"),
        ({"grant_type": "password", "username": "admin@local.test"}, "invalid_grant"),
        ({"grant_type": "magic"}, "unsupported_grant_type"),
        ({}, "unsupported_grant_type"),
    ],
)
def test_a_grant_that_is_not_good_is_refused(web, form, error):
    assert refused(token(web, **form))[0] == error


def test_a_refresh_without_a_token_is_the_admins(web):
    answer = token(web, grant_type="refresh_token", client_id=CCI_BUILT_IN)
    assert answer.json()["id"].endswith(web.user_id)
    assert opens(web, answer)


def test_a_code_is_given_at_once_and_works_once(web):
    params = {
        "response_type": "code",
        "client_id": CCI_BUILT_IN,
        "redirect_uri": "http://localhost:7788/callback?a=1",
        "state": "s t",
    }
    answer = web.call("GET", "/services/oauth2/authorize", params=params)
    assert answer.status_code == 302
    target = answer.headers["location"]
    assert target.startswith("http://localhost:7788/callback?a=1&code=aPrx")
    assert target.endswith("&state=s+t")
    code = target.split("code=")[1].split("&")[0]
    granted = token(web, grant_type="authorization_code", code=code)
    assert opens(web, granted)
    again = token(web, grant_type="refresh_token", refresh_token=granted.json()["refresh_token"])
    assert opens(web, again)
    assert refused(token(web, grant_type="authorization_code", code=code))[0] == "invalid_grant"


@pytest.mark.parametrize("uri", ["", "javascript:alert(1)", "file:///etc/passwd"])
@pytest.mark.inferred(
    "the platform refuses addresses that its app does not name; "
    "settled by: GET services/oauth2/authorize with such a redirect_uri"
)
def test_codes_are_sent_to_web_addresses_only(web, uri):
    params = {"response_type": "code", "redirect_uri": uri}
    assert web.call("GET", "/services/oauth2/authorize", params=params).status_code == 400


def test_a_revoked_token_is_over(web):
    assert web.call("POST", f"/services/oauth2/revoke?token={web.token}").status_code == 200
    assert web.rest("GET", "/limits").status_code == 401


def test_a_revoked_refresh_token_is_over(web):
    refresh = web.org.grants.refresh_token(web.user_id)
    assert opens(web, token(web, grant_type="refresh_token", refresh_token=refresh))
    assert web.call("POST", "/services/oauth2/revoke", data={"token": refresh}).status_code == 200
    again = token(web, grant_type="refresh_token", refresh_token=refresh)
    assert refused(again) == ("invalid_grant", "expired access/refresh token")


def told_of(web, asked, client_id="speed-to-lead-local", client_secret="local"):
    """Ask as a client, without a token of one's own, what a token is."""
    form = {"token": asked, "client_id": client_id, "client_secret": client_secret}
    return web.call("POST", "/services/oauth2/introspect", data=form, headers={"Authorization": ""})


@pytest.mark.documented('Salesforce Help, "OpenID Connect Token Introspection"; RFC 7662')
def test_a_good_token_is_told_with_whom_it_speaks_for(web):
    subject = f"{BASE}/id/{web.org.org_id}/{web.user_id}"
    assert told_of(web, web.token).json() == {
        "active": True,
        "scope": "refresh_token api web full",
        "client_id": "tests",
        "username": "admin@local.test",
        "sub": subject,
        "token_type": "access_token",
    }
    told = told_of(web, web.org.grants.refresh_token(web.user_id)).json()
    assert (told["active"], told["token_type"]) == (True, "refresh_token")
    assert told["sub"] == subject


@pytest.mark.documented('Salesforce Help, "OpenID Connect Token Introspection"; RFC 7662')
def test_of_a_token_that_is_over_nothing_else_is_told(web):
    web.org.expire(web.token)
    for asked in (web.token, "", "00D000000000001!AQnone"):
        assert told_of(web, asked).json() == {"active": False}


@pytest.mark.documented('Salesforce Help, "OpenID Connect Token Introspection"')
def test_a_client_learns_of_its_own_tokens_only(web):
    sidecar = {"client_id": "speed-to-lead-sidecar", "client_secret": "local"}
    own = token(web, grant_type="client_credentials", **sidecar).json()["access_token"]
    assert told_of(web, own, **sidecar).json()["username"] == "sidecar@local.test"
    assert told_of(web, web.token, **sidecar).json() == {"active": False}


@pytest.mark.parametrize(
    ("client", "error"),
    [
        ({"client_id": "x"}, ("invalid_client_id", "client identifier invalid")),
        ({"client_secret": "x"}, ("invalid_client", "invalid client credentials")),
    ],
)
def test_nobody_but_a_client_learns_of_tokens(web, client, error):
    assert refused(told_of(web, web.token, **client)) == error


def test_user_info_names_user_and_org(web):
    told = web.call("GET", "/services/oauth2/userinfo").json()
    assert told["user_id"] == web.user_id
    assert told["organization_id"] == web.org.org_id
    assert told["preferred_username"] == "admin@local.test"


def test_an_identity_is_told_to_its_owner_only(web):
    mine = f"/id/{web.org.org_id}/{web.user_id}"
    assert web.call("GET", mine).json()["username"] == "admin@local.test"
    web.as_user("rep1@local.test")
    assert web.call("GET", mine).status_code == 404


def test_sf_opens_the_org_by_a_frontdoor(web):
    told = web.call("GET", "/services/oauth2/singleaccess").json()
    assert told["frontdoor_uri"].startswith(f"{BASE}/secur/frontdoor.jsp?otp=")


def test_assertions_are_judged_by_real_time_not_by_the_orgs(web):
    web.context.clients.now = time.time
    late = assertion(exp=time.time() + 60)
    assert opens(web, token(web, grant_type=GRANT, assertion=late))


# -- SOAP login -------------------------------------------------------------------------------------

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
PARTNER = "urn:partner.soap.sforce.com"


def soap(web, body, token="", path="/services/Soap/u/50.0"):
    header = f"<SessionHeader><sessionId>{token}</sessionId></SessionHeader>" if token else ""
    content = (
        f'<se:Envelope xmlns:se="{SOAP}"><se:Header xmlns="{PARTNER}">{header}</se:Header>'
        f'<se:Body xmlns="{PARTNER}">{body}</se:Body></se:Envelope>'
    )
    return web.call("POST", path, content=content, headers={"Authorization": ""})


def login(web, password):
    name = f"<username>admin@local.test</username><password>{password}</password>"
    return soap(web, f"<login>{name}</login>")


def test_a_password_that_sf_has_set_opens_the_soap_login(web):
    who = f"<userId>{web.user_id}</userId><password>se&lt;cret</password>"
    path = "/services/Soap/u/64.0"
    done = soap(web, f"<setPassword>{who}</setPassword>", web.token, path)
    assert "<setPasswordResponse" in done.text
    answer = login(web, "se&lt;cret")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    assert f"<serverUrl>{BASE}/services/Soap/u/50.0/" in answer.text
    session = answer.text.split("<sessionId>")[1].split("<")[0]
    headers = {"Authorization": f"Bearer {session}"}
    assert web.rest("GET", "/limits", headers=headers).status_code == 200
    told = soap(web, "<getUserInfo/>", session)
    assert f"<organizationId>{web.org.org_id}</organizationId>" in told.text
    soap(web, "<logout/>", session)
    assert "sf:INVALID_SESSION_ID" in soap(web, "<getUserInfo/>", session).text


@pytest.mark.recorded("org-behaviour.md 3: faults of a real org")
def test_a_wrong_password_is_a_login_fault(web):
    answer = login(web, "wrong")
    assert answer.status_code == 500
    assert "<faultcode>sf:INVALID_LOGIN</faultcode>" in answer.text
    words = "INVALID_LOGIN: Invalid username, password, security token; or user locked out."
    assert f"<faultstring>{words}</faultstring>" in answer.text
    assert '<sf:LoginFault xsi:type="sf:LoginFault">' in answer.text


def test_a_user_sets_no_password_but_their_own(web):
    mine = web.as_user("rep1@local.test")
    other = web.org.user("admin@local.test")["Id"]
    who = f"<userId>{other}</userId><password>x</password>"
    assert "sf:INSUFFICIENT_ACCESS" in soap(web, f"<setPassword>{who}</setPassword>", mine).text


def test_entities_are_never_resolved(web):
    content = (
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hostname">]>'
        f'<se:Envelope xmlns:se="{SOAP}"><se:Body><login xmlns="{PARTNER}">'
        "<username>&e;</username><password>x</password></login></se:Body></se:Envelope>"
    )
    answer = web.call("POST", "/services/Soap/u/50.0", content=content)
    assert answer.status_code == 500
    assert "INVALID_LOGIN" in answer.text
