"""The note of a long fingerprint: believed only if it is whole, of the same work and of the same keys."""

import os
import stat
import time

import numpy as np
import pytest

from ledger.fingerprint import ReadOptions, Schema, Segment, SegmentKeys
from ledger.fingerprint.sources import Bookmark
from ledger.fingerprint.table import Begun
from ledger.fingerprint.tile_builder import TileBuilder
from ledger.services import resuming
from ledger.services.resuming import Note, Stopped, Work, forget_old, keeper, usual_file

KEYS = SegmentKeys([Segment(0, bytes(range(32)))])
SCHEMA = Schema.text(["a"])
TILES = [bytes([at]) * 32 for at in range(3)]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a\n1\n")
    return path


def work_on(file, **changed):
    given = {"format": "share-record/1", "schema": SCHEMA, "read": ReadOptions(), "twin": False} | changed
    return Work.on_file(file, given["format"], given["schema"], given["read"], twin=given["twin"])


@pytest.mark.parametrize("twin", [None, TILES[::-1]])
@pytest.mark.parametrize("mark", [None, Bookmark(700, 1 << 40)])
def test_what_is_written_is_read(tmp_path, file, twin, mark):
    path = tmp_path / "deep" / "note"
    Note(path, work_on(file), KEYS).write(Begun(TILES, twin), mark)
    found = Note(path, work_on(file), KEYS).read()
    assert isinstance(found, Stopped)
    assert (list(found.begun.tiles), found.bookmark) == (TILES, mark)
    assert (None if found.begun.twin is None else list(found.begun.twin)) == twin
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert os.listdir(path.parent) == ["note"]


def test_what_is_not_believed(tmp_path, file):
    path = tmp_path / "note"
    with pytest.raises(FileNotFoundError):
        Note(path, work_on(file), KEYS).read()
    Note(path, work_on(file), KEYS).write(Begun(TILES), None)
    content = path.read_bytes()
    others = [
        work_on(file, twin=True),
        work_on(file, format="share-record-sd/1"),
        work_on(file, schema=Schema.text(["b"])),
        work_on(file, read=ReadOptions(null=("x",))),
    ]
    assert len({work.place for work in [*others, work_on(file)]}) == 5
    for work in others:
        assert Note(path, work, KEYS).read() is None
    for keys in (None, SegmentKeys([Segment(0, bytes(32))])):
        assert Note(path, work_on(file), keys).read() is None
    for at in range(0, len(content), 7):
        path.write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        assert Note(path, work_on(file), KEYS).read() is None
        path.write_bytes(content[:at])
        assert Note(path, work_on(file), KEYS).read() is None
    path.write_bytes(content)
    assert Note(path, work_on(file), KEYS).read() is not None
    before = work_on(file)
    file.write_text("a\n2\n")
    os.utime(file, ns=(1, 1))
    assert work_on(file).place == before.place
    assert Note(path, work_on(file), KEYS).read() is None


def test_notes_are_written_when_due_and_a_full_disk_stops_nothing(tmp_path, file, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    note = Note(tmp_path / "note", work_on(file), None)
    asked = []
    keep = keeper(note, lambda record: asked.append(record) or Bookmark(record, 5))
    keep(lambda: Begun(TILES))
    assert not (tmp_path / "note").exists()
    clock[0] += resuming.SECONDS
    keep(lambda: Begun(TILES))
    assert (tmp_path / "note").exists()
    assert asked == [768]
    clock[0] += resuming.SECONDS

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    keep(lambda: Begun(TILES[:1]))
    monkeypatch.undo()
    assert len(note.read().begun.tiles) == 3
    assert set(os.listdir(tmp_path)) == {"t.csv", "note"}
    note.remove()
    note.remove()


def test_old_notes_are_forgotten(tmp_path, file, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    path = usual_file(work_on(file))
    assert path.is_relative_to(tmp_path)
    Note(path, work_on(file), None).write(Begun(TILES), None)
    forget_old(path.parent)
    assert path.exists()
    os.utime(path, (0, 0))
    forget_old(path.parent)
    assert not path.exists()
    forget_old(tmp_path / "none")


def test_roots_that_somebody_holds_do_not_change():
    leaves = np.frombuffer(os.urandom(32 * 2000), np.uint8).reshape(-1, 32)
    tree, straight = TileBuilder(), TileBuilder()
    tree.extend(leaves)
    held = tree.whole_tiles()
    before = bytes(held)
    tree.extend(leaves)
    assert bytes(held) == before
    straight.extend(np.concatenate([leaves, leaves]))
    assert tree.root() == straight.root()
    assert tree.whole_tiles() == straight.whole_tiles()
    again = TileBuilder(tiles=held)
    again.extend(np.concatenate([leaves, leaves])[len(held) * 256 :])
    assert again.root() == straight.root()
