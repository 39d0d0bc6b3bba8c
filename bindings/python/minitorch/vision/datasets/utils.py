"""Downloads of data sets with Python's own library: checked, resumed where they were cut, and put in
place in one step.
"""
from __future__ import annotations

import gzip
import hashlib
import http.client
import os
import shutil
import tarfile
import urllib.error
import urllib.request
import zipfile

_CHUNK = 1 << 16
_TRIES = 3  # of a connection that is cut without having brought anything


class DownloadError(RuntimeError):
    """A file could not be got, or is not what it should be."""


def calculate_md5(fpath, chunk_size=1024 * 1024) -> str:
    digest = hashlib.md5()
    with open(fpath, "rb") as f:
        while chunk := f.read(chunk_size):
            digest.update(chunk)
    return digest.hexdigest()


def check_md5(fpath, md5) -> bool:
    return md5 == calculate_md5(fpath)


def check_integrity(fpath, md5=None) -> bool:
    return os.path.isfile(fpath) and (md5 is None or check_md5(fpath, md5))


def _receive(url, part, timeout, progress):
    """Appends what a server sends to the file `part`; True when it is whole."""
    have = os.path.getsize(part) if os.path.exists(part) else 0
    request = urllib.request.Request(url, headers={"User-Agent": "minitorch"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        response = urllib.request.urlopen(request, timeout=timeout)
    except urllib.error.HTTPError as e:
        with e:
            if e.code != 416 or not have:
                raise
            total = e.headers.get("Content-Range", "").rpartition("/")[2]
        if total == str(have):
            return True
        os.remove(part)  # longer than the file: something else
        return False
    with response:
        start = response.headers.get("Content-Range", "").partition("-")[0].rpartition(" ")[2]
        resumed = response.status == 206 and start == str(have)
        have = have if resumed else 0
        length = response.headers.get("Content-Length")
        total = None if length is None else have + int(length)
        with open(part, "ab" if resumed else "wb") as f:
            while True:
                try:
                    chunk = response.read(_CHUNK)
                except http.client.IncompleteRead as e:
                    chunk = e.partial
                if not chunk:
                    break
                f.write(chunk)
                have += len(chunk)
                if progress is not None:
                    progress(have, total)
    return total is None or have == total


def download_url(url, root, filename=None, md5=None, *, timeout=60, progress=None) -> str:
    """Gets a file into a folder, unless it is there. `url` may be a list of addresses to try in order. A
    download that was cut goes on where it stopped, also in a later call; a file with another MD5 is
    refused. `progress` is called with (bytes so far, bytes in all or None). Gives the path.
    """
    urls = [url] if isinstance(url, str) else list(url)
    root = os.path.expanduser(root)
    path = os.path.join(root, filename or os.path.basename(urls[0]))
    if check_integrity(path, md5):
        return path
    os.makedirs(root, exist_ok=True)
    part, failures = path + ".part", []
    for address in urls:
        if md5 is None and os.path.exists(part):
            os.remove(part)  # of who knows which file
        try:
            _fetch(address, part, md5, timeout, progress)
        except (OSError, http.client.HTTPException, DownloadError) as e:
            failures.append(f"{address}: {e}")
            continue
        os.replace(part, path)
        return path
    raise DownloadError(f"download: could not get '{path}': " + "; ".join(failures) +
                        ": check the network, give other mirrors, or put the file there by hand")


def _fetch(url, part, md5, timeout, progress):
    idle, fresh = 0, not os.path.exists(part)
    while True:
        before = os.path.getsize(part) if os.path.exists(part) else 0
        try:
            whole = _receive(url, part, timeout, progress)
        except urllib.error.HTTPError:
            raise
        except (OSError, http.client.HTTPException):
            if idle >= _TRIES:
                raise
            whole = False
        if whole:
            if md5 is None or check_md5(part, md5):
                return
            os.remove(part)
            if fresh:
                raise DownloadError(f"checksum mismatch: the file's MD5 is not {md5}")
            fresh = True  # the beginning was left by an earlier call: once more, from the start
            continue
        now = os.path.getsize(part) if os.path.exists(part) else 0
        idle = 0 if now > before else idle + 1
        if idle > _TRIES:
            raise DownloadError(f"connection cut again and again after {now} bytes")


def unpacked_name(name) -> str:
    return name[:-3] if name.endswith(".gz") and not name.endswith(".tar.gz") else name


def extract_archive(from_path, to_path=None, remove_finished=False) -> str:
    """Unpacks .gz, .tar, .tar.gz, .tgz or .zip into a folder; nothing gets out of it."""
    to_path = to_path or os.path.dirname(from_path)
    os.makedirs(to_path, exist_ok=True)
    name = os.path.basename(from_path)
    if name.endswith((".tar", ".tar.gz", ".tgz")):
        with tarfile.open(from_path) as archive:
            for member in archive:
                if member.isfile():
                    _write(os.path.join(to_path, member.name), archive.extractfile(member), to_path)
    elif name.endswith(".zip"):
        with zipfile.ZipFile(from_path) as archive:
            for member in archive.infolist():
                if not member.is_dir():
                    with archive.open(member) as source:
                        _write(os.path.join(to_path, member.filename), source, to_path)
    elif name.endswith(".gz"):
        with gzip.open(from_path) as source:
            _write(os.path.join(to_path, unpacked_name(name)), source, to_path)
    else:
        raise DownloadError(f"extract: unknown kind: '{from_path}': must be .gz, .tar, .tar.gz, .tgz or .zip")
    if remove_finished:
        os.remove(from_path)
    return to_path


def _write(path, source, folder):
    folder = os.path.realpath(folder)
    if os.path.commonpath([folder, os.path.realpath(path)]) != folder:
        raise DownloadError(f"extract: outside of the folder: '{path}': must lie in '{folder}'")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    temporary = path + ".part"
    try:
        with open(temporary, "wb") as f:
            shutil.copyfileobj(source, f)
        os.replace(temporary, path)
    except BaseException:
        if os.path.exists(temporary):
            os.remove(temporary)
        raise


def download_and_extract_archive(url, download_root, extract_root=None, filename=None, md5=None,
                                 remove_finished=False) -> None:
    path = download_url(url, download_root, filename, md5)
    extract_archive(path, os.path.expanduser(extract_root or download_root), remove_finished)
