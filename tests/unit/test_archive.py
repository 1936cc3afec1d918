"""A backup's file: whole or not there, never in another's place, and no stranger's names in it."""

import os
import stat
import tarfile
from pathlib import Path

import pytest

from ledger.errors import Conflict, Corrupt, Unavailable
from ledger.store.archive import LAST, ArchiveReader, ArchiveWriter


def written(target: Path, **members: bytes) -> Path:
    with ArchiveWriter(target) as writer:
        for name, content in members.items():
            writer.add(name, [content], len(content))
        writer.seal({"about": "测试"})
        writer.publish()
    return target


def test_any_tar_opens_it_and_its_last_member_names_the_others(tmp_path: Path) -> None:
    path = written(tmp_path / "a.slbackup", one=b"first\nsecond\n", two=b"", three=b"\0" * 3_000_000)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and os.listdir(tmp_path) == ["a.slbackup"]
    with tarfile.open(path) as tar:
        assert tar.getnames() == ["one", "two", "three", LAST]
        assert tar.extractfile("one").read() == b"first\nsecond\n"  # type: ignore[union-attr]
    with ArchiveReader(path) as archive:
        told = archive.told()
        assert told["about"] == "测试" and [one["name"] for one in told["members"]] == ["one", "two", "three"]
        assert list(archive.lines(archive.member("one"))) == [b"first", b"second"]
        assert sum(map(len, archive.pieces(archive.member("three")))) == 3_000_000
        with pytest.raises(Corrupt, match="more than"):
            archive.content("three", 100)
        with pytest.raises(Corrupt, match="no four"):
            archive.member("four")


def test_nothing_is_there_until_all_is_written(tmp_path: Path) -> None:
    target = tmp_path / "a.slbackup"
    with pytest.raises(RuntimeError), ArchiveWriter(target) as writer:
        writer.add("one", [b"1"], 1)
        raise RuntimeError
    with pytest.raises(Corrupt, match="2 bytes, 3 were expected"), ArchiveWriter(target) as writer:
        writer.add("one", [b"12"], 3)
    assert os.listdir(tmp_path) == []


def test_a_name_that_is_taken_is_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "a.slbackup"
    with pytest.raises(Conflict), ArchiveWriter(target) as writer:
        writer.seal({})
        target.write_bytes(b"somebody else's")
        writer.publish()
    with pytest.raises(Conflict), ArchiveWriter(target):
        raise AssertionError("it must not be opened")
    assert target.read_bytes() == b"somebody else's" and os.listdir(tmp_path) == ["a.slbackup"]


def test_a_full_disk_is_no_defect(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be written"), ArchiveWriter(tmp_path / "none" / "a.slbackup"):
        raise AssertionError("there is no such folder")
    with pytest.raises(Unavailable, match="No space left"), ArchiveWriter(tmp_path / "a.slbackup") as writer:
        os.dup2((full := os.open("/dev/full", os.O_WRONLY)), writer._file.fileno())
        os.close(full)
        writer.add("one", [bytes(1 << 20)], 1 << 20)
        writer.seal({})
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["../up", "/etc/passwd", "a/../b", ".hidden", "Upper", "a" * 3 + "\0", "twice"])
def test_a_strangers_tar_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / "strange.slbackup"
    names = ["twice", name, LAST]
    with path.open("wb") as file:
        for each in names:
            file.write(tarfile.TarInfo(each).tobuf(tarfile.GNU_FORMAT))
        file.write(bytes(1024))
    with ArchiveReader(path) as archive, pytest.raises(Corrupt):
        archive.members()
        archive.told()


def test_links_and_folders_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "links.slbackup"
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE):
        info = tarfile.TarInfo("link")
        info.type, info.linkname = kind, "/etc/passwd"
        path.write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
        with ArchiveReader(path) as archive, pytest.raises(Corrupt, match="none that a backup has"):
            archive.members()
