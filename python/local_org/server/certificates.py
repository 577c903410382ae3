"""The org's own certificate authority, its server certificate, and the key pair for JWT.

A client trusts the authority, never the server certificate itself; the bundle holds the public
authorities besides, because the same clients also speak to the rest of the world.
Source: facts/real-clients.md 3 (the extensions that real clients have accepted).
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_LIFETIME = timedelta(days=397)
_RENEW_BEFORE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Certificates:
    """Paths of everything in PEM; keys are readable by their owner only."""

    ca_file: Path
    ca_bundle: Path
    certificate_file: Path
    key_file: Path
    jwt_key_file: Path


def certificates(folder: Path) -> Certificates:
    """Return the files of this folder, made now where they are missing or about to expire."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = Certificates(
        folder / "ca.pem",
        folder / "ca-bundle.pem",
        folder / "server.pem",
        folder / "server.key",
        folder / "jwt.key",
    )
    wanted = [] if _usable(made) else ["ca", "server"]
    if not made.jwt_key_file.exists():
        wanted.append("jwt")
    with ThreadPoolExecutor() as threads:
        keys = dict(zip(wanted, threads.map(lambda _: _new_key(), wanted), strict=True))
    if "ca" in keys:
        _issue(made, keys["ca"], keys["server"])
    if "jwt" in keys:
        _write(made.jwt_key_file, _pem(keys["jwt"]))
    public = Path(certifi.where()).read_bytes()
    _write(made.ca_bundle, public.rstrip() + b"\n" + made.ca_file.read_bytes())
    return made


def _usable(made: Certificates) -> bool:
    """Whether all parts are there and will hold for a while."""
    if not all(p.exists() for p in (made.ca_file, made.certificate_file, made.key_file)):
        return False
    leaf = x509.load_pem_x509_certificate(made.certificate_file.read_bytes())
    load_pem_private_key(made.key_file.read_bytes(), None)
    return leaf.not_valid_after_utc > datetime.now(UTC) + _RENEW_BEFORE


def _issue(made: Certificates, ca_key: rsa.RSAPrivateKey, key: rsa.RSAPrivateKey) -> None:
    """Write a new authority and a server certificate of it; the authority's key is not kept."""
    authority = _authority(ca_key)
    leaf = _server_certificate(authority, ca_key, key)
    _write(made.ca_file, authority.public_bytes(Encoding.PEM))
    _write(made.certificate_file, leaf.public_bytes(Encoding.PEM))
    _write(made.key_file, _pem(key))


def _authority(key: rsa.RSAPrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Speed to Lead local org CA")])
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        _dated(name, name, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, SHA256())
    )


def _server_certificate(
    authority: x509.Certificate, ca_key: rsa.RSAPrivateKey, key: rsa.RSAPrivateKey
) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    hosts = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    return (
        _dated(name, authority.subject, key)
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(issuer, critical=False)
        .sign(ca_key, SHA256())
    )


def _dated(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + _LIFETIME)
    )


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _write(path: Path, content: bytes) -> None:
    """Replace a file at once; only its owner can read it."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:  # noqa: PTH123 - pathlib cannot set the mode at creation
        out.write(content)
    fresh.replace(path)
