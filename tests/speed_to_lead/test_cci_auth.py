"""Only a certificate that both sides could use is deployed, and never a private key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from cumulusci.core.exceptions import TaskOptionsError

from speed_to_lead.cci.auth import certificate

NOW = datetime.now(UTC)
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def made(key, days=1):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sidecar")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(NOW - timedelta(days=9))
    signed = builder.not_valid_after(NOW + timedelta(days=days)).sign(key, hashes.SHA256())
    return signed.public_bytes(Encoding.PEM)


def key_of(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def test_a_certificate_is_taken_without_what_stands_around_it(tmp_path):
    path = tmp_path / "sidecar.crt"
    path.write_bytes(b"subject=CN = sidecar\n" + made(RSA))
    assert certificate(path) == made(RSA).decode().strip() or certificate(path).startswith(
        "-----BEGIN"
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(key_of(RSA), "holds a private key", id="a key"),
        pytest.param(made(RSA) + key_of(RSA), "holds a private key", id="both"),
        pytest.param(b"certificate", "is no certificate in PEM", id="text"),
        pytest.param(b"", "is no certificate in PEM", id="nothing"),
        pytest.param(made(RSA, days=-1), "expired on", id="expired"),
        pytest.param(
            made(ec.generate_private_key(ec.SECP256R1())), "must be of an RSA key", id="ec"
        ),
        pytest.param(
            made(rsa.generate_private_key(public_exponent=65537, key_size=1024)),
            "2048 bits or more",
            id="short",
        ),
    ],
)
def test_what_could_not_be_used_is_refused_with_a_reason(tmp_path, content, words):
    path = tmp_path / "sidecar.crt"
    path.write_bytes(content)
    with pytest.raises(TaskOptionsError, match=words):
        certificate(path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(TaskOptionsError, match=r"none\.crt cannot be read"):
        certificate(tmp_path / "none.crt")
