"""Reads a bucket back by docs/object-format.md alone: nothing of ours is imported here.

Whatever our own code believes, this says what a stranger with the document in hand could restore.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from minio import Minio
from minio.error import S3Error

MANIFEST = "manifest.json"
DELTA = b"akosha-delta 1\n"


class NotWholeError(Exception):
    """Something that a manifest promises is not in the bucket as promised."""


@dataclass(frozen=True)
class Listed:
    """An object of the listing; `modified` is epoch seconds by the server's clock."""

    size: int
    etag: str
    modified: float


@dataclass(frozen=True)
class Upload:
    """An upload that has a manifest. `problem` is "" where all that it promises can be had.

    `databases` has, by database, the SHA-256 of each of its files; `needs` are the keys that
    restoring it takes, those of earlier uploads included.
    """

    system_id: str
    upload_id: str
    document: Mapping[str, Any] = field(default_factory=dict, repr=False)
    problem: str = ""
    needs: frozenset[str] = frozenset()

    @property
    def _details(self) -> Mapping[str, Any]:
        details = self.document.get("metadata")
        return details if isinstance(details, dict) else {}

    @property
    def whole(self) -> bool:
        return not self.problem

    @property
    def machine_id(self) -> str:
        return str(self._details.get("machine_id", ""))

    @property
    def sequence(self) -> int:
        return int(self._details.get("sequence", -1))

    @property
    def files(self) -> tuple[Mapping[str, Any], ...]:
        return tuple(self._details.get("files", ()))

    @property
    def databases(self) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for each in self.files:
            found.setdefault(each["database"], {})[each["name"]] = each["sha256"]
        return found


@dataclass(frozen=True)
class Look:
    """What the bucket holds at one moment; uploads are those with a manifest, newest first."""

    objects: Mapping[str, Listed]
    uploads: tuple[Upload, ...]

    def of_machine(self, machine_id: str) -> list[Upload]:
        return [each for each in self.uploads if each.machine_id == machine_id]

    def machines(self) -> set[str]:
        return {each.machine_id for each in self.uploads if each.machine_id}

    def latest(self, machine_id: str | None = None) -> Upload | None:
        """The upload with the highest sequence among those that are whole."""
        uploads = self.uploads if machine_id is None else self.of_machine(machine_id)
        return next((each for each in uploads if each.whole), None)

    def upload(self, upload_id: str) -> Upload | None:
        return next((each for each in self.uploads if each.upload_id == upload_id), None)

    def last_good(self, machine_id: str) -> dict[str, dict[str, str]]:
        """The SHA-256 of each file, by database, as that machine's latest manifest tells them."""
        latest = self.latest(machine_id)
        return latest.databases if latest else {}

    def unneeded(self) -> list[str]:
        """Keys below no upload that has a manifest, which no manifest names either."""
        needed = {key for each in self.uploads for key in each.needs}
        listed = {(each.system_id, each.upload_id) for each in self.uploads}
        return sorted(
            key
            for key in self.objects
            if key not in needed and (parts := _parts(key)) and (parts[0], parts[1]) not in listed
        )


class Reader:
    """Looks at one bucket again and again; what it proved once it need not read twice.

    Keys are never written twice with other content, so a key whose ETag changes is a problem of
    every upload that needs it.
    """

    def __init__(self, client: Minio, bucket: str) -> None:
        self._client = client
        self._bucket = bucket
        self._first: dict[str, str] = {}
        self._manifests: dict[tuple[str, str], dict[str, Any]] = {}
        self._proved: dict[tuple[object, ...], str] = {}

    def look(self) -> Look:
        objects = self._list()
        uploads = []
        for key in objects:
            parts = _parts(key)
            if parts and parts[2] == MANIFEST:
                uploads.append(self._upload(parts[0], parts[1], key, objects))
        uploads.sort(key=lambda each: (each.sequence, each.upload_id), reverse=True)
        return Look(objects, tuple(uploads))

    def content(self, upload: Upload, name: str) -> bytes:
        """The plain bytes of a file of an upload, put together as the document says."""
        return self._restored(next(each for each in upload.files if each["name"] == name))

    def _list(self) -> dict[str, Listed]:
        listed = self._client.list_objects(self._bucket, recursive=True)
        return {
            str(each.object_name): Listed(
                int(each.size or 0),
                str(each.etag),
                each.last_modified.timestamp() if each.last_modified else 0.0,
            )
            for each in listed
            if not str(each.object_name).endswith("/")
        }

    def _upload(
        self, system_id: str, upload_id: str, key: str, objects: Mapping[str, Listed]
    ) -> Upload:
        try:
            document = self._manifest(key, objects[key].etag)
        except (NotWholeError, ValueError) as error:
            return Upload(system_id, upload_id, problem=f"{key}: {error}")
        needs = frozenset(_needed(document))
        upload = Upload(system_id, upload_id, document, needs=needs)
        proof = (key, objects[key].etag, *((each, objects.get(each)) for each in sorted(needs)))
        if proof not in self._proved:
            self._proved[proof] = self._problem(upload, objects)
        return Upload(system_id, upload_id, document, self._proved[proof], needs)

    def _manifest(self, key: str, etag: str) -> dict[str, Any]:
        if (key, etag) not in self._manifests:
            document = json.loads(self._read(key))
            if not isinstance(document, dict) or document["metadata"]["schema"] != 1:
                raise NotWholeError("not a manifest of schema 1")
            self._manifests[key, etag] = document
        return self._manifests[key, etag]

    def _problem(self, upload: Upload, objects: Mapping[str, Listed]) -> str:
        try:
            self._compare(upload, objects)
        except (NotWholeError, KeyError, ValueError, OSError, EOFError, zlib.error) as error:
            return f"{upload.upload_id}: {type(error).__name__}: {error}"
        return ""

    def _compare(self, upload: Upload, objects: Mapping[str, Listed]) -> None:
        details = upload.document["metadata"]
        _same("system_id", details["system_id"], upload.system_id)
        _same("upload_id", details["upload_id"], upload.upload_id)
        prefix = f"systems/{upload.system_id}/uploads/{upload.upload_id}/"
        own = {each.removeprefix(prefix) for each in upload.needs}
        _same("files", set(upload.document["files"]), {each for each in own if "/" not in each})
        for key in upload.needs:
            if key not in objects:
                raise NotWholeError(f"{key} is not there")
            if self._first.setdefault(key, objects[key].etag) != objects[key].etag:
                raise NotWholeError(f"{key} was overwritten")
        for each in upload.files:
            _same(f"stored_size of {each['key']}", objects[each["key"]].size, each["stored_size"])
            self._restored(each)

    def _restored(self, file: Mapping[str, Any]) -> bytes:
        plain = _plain(self._read(file["key"], promised=file), file["compression"])
        if base := file.get("delta"):
            before = _plain(self._read(base["base_key"]), base["base_compression"])
            _same("base_sha256", hashlib.sha256(before).hexdigest(), base["base_sha256"])
            _same("base_size", len(before), base["base_size"])
            plain = apply(plain, before)
        _same(f"size of {file['name']}", len(plain), file["size"])
        _same(f"sha256 of {file['name']}", hashlib.sha256(plain).hexdigest(), file["sha256"])
        return plain

    def _read(self, key: str, *, promised: Mapping[str, Any] | None = None) -> bytes:
        """The stored bytes; `promised` is what the object's own metadata must say, too."""
        try:
            response = self._client.get_object(
                self._bucket, key, request_headers={"Accept-Encoding": "identity"}
            )
        except S3Error as error:
            raise NotWholeError(f"{key}: {error.code}") from error
        try:
            data = bytes(response.read(decode_content=False))
            headers = {name.lower(): value for name, value in response.headers.items()}
        finally:
            response.close()
            response.release_conn()
        if promised is not None:
            _same("x-amz-meta-sha256", headers.get("x-amz-meta-sha256"), promised["sha256"])
            _same("x-amz-meta-size", headers.get("x-amz-meta-size"), str(promised["size"]))
        return data


def apply(delta: bytes, base: bytes) -> bytes:
    """The file that a delta describes; raises NotWholeError where it is not what it says."""
    if not delta.startswith(DELTA):
        raise NotWholeError("not a delta")
    start = len(DELTA) + 8
    length = int.from_bytes(delta[len(DELTA) : start], "big")
    header, literals = json.loads(delta[start : start + length]), delta[start + length :]
    _same("base_size", len(base), header["base_size"])
    result = bytearray(header["size"])
    covered: list[tuple[int, int]] = []
    for offset, source, count in header["copies"]:
        result[offset : offset + count] = base[source : source + count]
        covered.append((offset, count))
    taken = 0
    for offset, count in header["literals"]:
        result[offset : offset + count] = literals[taken : taken + count]
        covered.append((offset, count))
        taken += count
    _same("literal bytes", len(literals), taken)
    _same("extents", _end_of(sorted(covered)), header["size"])
    _same("sha256 of a delta", hashlib.sha256(result).hexdigest(), header["sha256"])
    return bytes(result)


def _end_of(extents: Iterable[tuple[int, int]]) -> int:
    """Where extents end that follow each other without gap or overlap."""
    end = 0
    for offset, count in extents:
        if offset != end:
            raise NotWholeError(f"the extents have a gap or an overlap at {end}")
        end += count
    return end


def _plain(data: bytes, compression: str) -> bytes:
    return gzip.decompress(data) if compression == "gzip" else data


def _needed(document: Mapping[str, Any]) -> Iterable[str]:
    for each in document["metadata"]["files"]:
        yield each["key"]
        if each.get("delta"):
            yield each["delta"]["base_key"]


def _parts(key: str) -> tuple[str, str, str] | None:
    """System, upload and bare name of a key; None where it is none of an upload."""
    parts = key.split("/")
    if len(parts) != 5 or parts[0] != "systems" or parts[2] != "uploads":
        return None
    return parts[1], parts[3], parts[4]


def _same(what: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise NotWholeError(f"{what} is {found!r}, not {wanted!r}")
