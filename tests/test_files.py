"""Files are replaced whole or not at all, and what is no regular file is left alone."""

import errno
import os
import stat
from pathlib import Path

import pytest

from pinn.files import replacing


def put(path, text="new"):
    with replacing(path) as temporary:
        assert temporary.parent == Path(path).parent
        temporary.write_text(text)


@pytest.mark.parametrize("name", ["table.csv", "table", ".hidden", "a.b.c", "l" * 250 + ".txt", "ä ö"])
def test_a_file_is_written_with_or_without_suffix_and_replaced(tmp_path, name):
    put(tmp_path / name)
    put(tmp_path / name, "newer")
    assert (tmp_path / name).read_text() == "newer"
    assert os.listdir(tmp_path) == [name]


def test_the_temporary_file_has_the_suffix_that_formats_are_told_by(tmp_path):
    with replacing(tmp_path / "picture.png") as temporary:
        assert temporary.suffix == ".png"


def test_its_mode_is_that_of_any_new_file(tmp_path):
    put(tmp_path / "a")
    (tmp_path / "b").write_text("")
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == stat.S_IMODE((tmp_path / "b").stat().st_mode)


def test_an_error_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    path = tmp_path / "a.txt"
    put(path, "old")
    with pytest.raises(ZeroDivisionError), replacing(path) as temporary:
        temporary.write_text("half")
        1 / 0  # noqa: B018
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def special(tmp_path):
    (tmp_path / "target").write_text("precious")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    return {
        "a symbolic link": [tmp_path / "link", tmp_path / "dangling"],
        "a pipe": [tmp_path / "pipe"],
        "a folder": [tmp_path / "folder"],
        "a device": ["/dev/null"],
    }


def test_what_is_no_regular_file_is_refused_and_named(tmp_path):
    for kind, paths in special(tmp_path).items():
        for path in paths:
            with pytest.raises(OSError, match=f"{kind}, expected a new file or a regular one.*{path}"):
                put(path)
    assert (tmp_path / "target").read_text() == "precious"
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_every_failure_names_the_path(tmp_path, monkeypatch):
    path = tmp_path / "result.txt"
    with pytest.raises(FileNotFoundError, match=r"nowhere/result.txt: the folder .*nowhere does not exist"):
        put(tmp_path / "nowhere" / "result.txt")
    with pytest.raises(OSError, match=r"No space left on device; not written: '.*result.txt'") as full, replacing(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert full.value.errno == errno.ENOSPC
    with pytest.raises(FileNotFoundError, match=r"No such file or directory; not written: '.*gone/result.txt'"):
        (tmp_path / "gone").mkdir()
        with replacing(tmp_path / "gone" / "result.txt") as temporary:
            temporary.unlink()
            (tmp_path / "gone").rmdir()
    with pytest.raises(PermissionError, match=r"Permission denied; not written: '.*result.txt'"):

        def denied(*_, **__):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(tmp_path / ".result-x.txt"))

        monkeypatch.setattr("tempfile.mkstemp", denied)
        put(path)
    assert not path.exists()


def test_an_error_about_another_file_is_passed_on(tmp_path):
    with pytest.raises(FileNotFoundError, match="elsewhere") as raised, replacing(tmp_path / "a.txt"):
        Path("/elsewhere").read_text()
    assert raised.value.filename == "/elsewhere"
    with pytest.raises(OSError, match=r"^a codec's own$"), replacing(tmp_path / "a.txt"):
        raise OSError("a codec's own")


def test_file_and_folder_are_flushed(tmp_path, monkeypatch):
    flushed = []
    fsync = os.fsync
    monkeypatch.setattr(
        os, "fsync", lambda handle: flushed.append(stat.S_IFMT(os.fstat(handle).st_mode)) or fsync(handle)
    )
    put(tmp_path / "a.txt")
    assert flushed == [stat.S_IFREG, stat.S_IFDIR]
