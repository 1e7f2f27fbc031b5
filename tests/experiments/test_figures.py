"""Tables and pictures of benchmarks reach docs/ and the README whole, and only where there are some."""

from pathlib import Path

from experiments.figures import SOURCES, brief, excerpt, figures

TABLE = "`command`, 2026-01-01.\n\nHow it is judged.\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n| c |\n| --- |\n| 3 |\n"


def test_tables_and_pictures_are_copied_and_the_readme_shows_the_first_table(tmp_path):
    readme = "# top\n\n<!-- one -->\nold\n<!-- /one -->\n\nmiddle\n\n<!-- two -->\nkept\n<!-- /two -->\n"
    (tmp_path / "README.md").write_text(readme)
    place = tmp_path / "outputs" / "here"
    place.mkdir(parents=True)
    (place / "table.md").write_text(TABLE)
    (place / "error.png").write_bytes(b"picture")
    assert figures(tmp_path, {"one": ("here", "error.png", 0), "two": ("nowhere", "error.png", 0)}) == ["one"]
    assert (tmp_path / "docs" / "one.md").read_text() == TABLE
    assert (tmp_path / "docs" / "one.png").read_bytes() == b"picture"
    assert not (tmp_path / "docs" / "two.md").exists()
    text = (tmp_path / "README.md").read_text()
    assert "<!-- one -->\n\n`command`, 2026-01-01.\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n<!-- /one -->" in text
    assert "old" not in text and "<!-- two -->\nkept\n" in text
    figures(tmp_path, {"one": ("here", "error.png", 0)})
    assert (tmp_path / "README.md").read_text() == text


def test_a_table_may_come_without_a_picture(tmp_path):
    (tmp_path / "README.md").write_text("")
    (tmp_path / "outputs" / "here").mkdir(parents=True)
    (tmp_path / "outputs" / "here" / "table.md").write_text(TABLE)
    assert figures(tmp_path, {"one": ("here", None, 0)}) == ["one"]
    assert [path.name for path in (tmp_path / "docs").iterdir()] == ["one.md"]


def test_a_folder_of_pictures_is_copied_as_one(tmp_path):
    (tmp_path / "README.md").write_text("")
    place = tmp_path / "outputs" / "here"
    (place / "many").mkdir(parents=True)
    (place / "table.md").write_text(TABLE)
    for name in ("a.png", "b.png", "notes.txt"):
        (place / "many" / name).write_text(name)
    assert figures(tmp_path, {"one": ("here", "many", 0)}) == ["one"]
    assert sorted(path.name for path in (tmp_path / "docs" / "many").iterdir()) == ["a.png", "b.png"]
    assert (tmp_path / "docs" / "many" / "a.png").read_text() == "a.png"


def test_another_table_is_shown_by_its_number():
    assert excerpt(TABLE, 1) == "`command`, 2026-01-01.\n\n| c |\n| --- |\n| 3 |"


def test_some_lines_and_columns_are_kept():
    table = "When.\n\n| problem | method | median |\n| --- | --- | --- |\n| a | x | 1 |\n| b | y | 2 |"
    kept = "When.\n\n| problem | median |\n| --- | --- |\n| b | 2 |"
    assert brief(table, ["b"], ["problem", "median"]) == kept


def test_the_readme_shows_what_docs_hold():
    root = Path(__file__).resolve().parents[2]
    text = (root / "README.md").read_text(encoding="utf-8")
    for name, (_, picture, shown) in SOURCES.items():
        if f"<!-- {name} -->" in text:
            table = excerpt((root / "docs" / f"{name}.md").read_text(encoding="utf-8"), shown)
            assert brief(table) in text, name
            assert picture is None or (root / "docs" / f"{name}.png").exists(), name
