"""A wrong model is refused with file, place, value, what was expected and the nearest right answer."""

from __future__ import annotations

import os
import re
import shutil
import time
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toetwitch.errors import ModelFileError
from toetwitch.knowledge.definition import ModelDefinition
from toetwitch.knowledge.model_file import read_model, validate
from toetwitch.knowledge.model_folder import MAX_FILES

DATA = Path(__file__).parents[1] / "data"
SMALL = DATA / "small_model"
MALFORMED = tomllib.loads((DATA / "malformed_models.toml").read_text(encoding="utf-8"))["malformed"]
FILES = sorted(path.relative_to(SMALL).as_posix() for path in SMALL.rglob("*.toml"))

ESTIMATE = '{ value = 0.1, low = 0.1, high = 0.1, source = "survey", grade = "A" }'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of the small model."""
    return shutil.copytree(SMALL, tmp_path / "model")


def edit(path: Path, old: str, new: str) -> None:
    """Replace the first occurrence of a text that the file has."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def refusal(path: Path) -> str:
    """Return the message with which a folder is refused."""
    with pytest.raises(ModelFileError) as caught:
        read_model(path)
    assert caught.value.file
    return str(caught.value)


def test_the_small_model_is_valid() -> None:
    """The model that the rows edit has no problem of its own."""
    assert validate(SMALL) == ()


def test_malformed_rows_have_distinct_names() -> None:
    """Each row of the table is a way of its own."""
    assert len({row["id"] for row in MALFORMED}) == len(MALFORMED) > 140


@pytest.mark.parametrize("row", MALFORMED, ids=lambda row: row["id"].replace(" ", "_"))
def test_malformed_model_is_refused_with_its_message(row: dict[str, str], folder: Path) -> None:
    """Each edit of the table is refused with exactly its sentence, and listed first by validate."""
    edit(folder / row["file"], row["old"], row["new"])
    assert refusal(folder) == row["message"]
    assert validate(folder)[0] == row["message"]


@pytest.mark.parametrize("file", ["model.toml", "causes/strain.toml"])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "{file}: empty; expected at least one section of a model"),
        (b"# nothing yet\n\n", "{file}: empty; expected at least one section of a model"),
        (b"\xff\xfe[\x00m\x00", "{file}: byte 0xff is not UTF-8 text (line 1); it looks like UTF-16; expected UTF-8"),
        (b'[model]\nname = "\xe9"\n', "{file}: byte 0xe9 is not UTF-8 text (line 2); expected UTF-8"),
        (b"\xef\xbb\xbf[model]\n", "{file}: a byte order mark at the start; expected UTF-8 without one"),
        (b"a = " + b"[" * 5000, "{file}: nested too deeply; expected at most 32 levels"),
        (b"a" + b".a" * 100 + b" = 1", "{file}: nested too deeply; expected at most 32 levels"),
        (b"a = " + b"1" * 5000, "{file}: not TOML: a number of thousands of digits (at line 1)"),
        (b"a" * 20_000, "{file}: line 1 has 20,000 characters; expected at most 10,000"),
        (b"a" * 10_000_000, "{file}: 10,000,000 bytes; expected at most 1,000,000 in one file of a model"),
    ],
    ids=[
        "empty",
        "comments_only",
        "utf_16",
        "latin_1",
        "byte_order_mark",
        "open_arrays",
        "deep_keys",
        "long_integer",
        "long_line",
        "ten_megabytes",
    ],
)
def test_file_that_is_no_toml_text_is_refused(file: str, content: bytes, message: str, folder: Path) -> None:
    """Whatever stands in a file that is not TOML of a decent size is refused by the file's name, quickly."""
    (folder / file).write_bytes(content)
    start = time.process_time()
    assert refusal(folder) == message.format(file=file)
    assert time.process_time() - start < 1


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"\x00\x01\x02\x7fELF", 1),
        (b"[" * 5000, 1),
        (b'[model]\nname: "small"\n', 2),
        (b'[model]\nname = "small"\nname = "large"\n', 3),
        (b'[model]\nname = "small', 2),
        (b"[model]\n\n[model]\n", 3),
        (b"a = [\n  1,\n  2,\n", 4),
        (b"a = { value = 0.1,\n  low = 0.1 }\n", 1),
        (b"day = 2001-02-31\n", 1),
    ],
)
def test_text_that_is_not_toml_is_refused_with_its_line(content: bytes, line: int, folder: Path) -> None:
    """A file that TOML does not allow is refused with the file and the line; no problem follows from it."""
    (folder / "model.toml").write_bytes(content)
    assert re.fullmatch(rf"model\.toml: not TOML: .*\bline {line}\b.*", refusal(folder))
    assert len(validate(folder)) == 1


@pytest.mark.parametrize("file", FILES)
def test_truncated_file_is_refused(file: str, folder: Path) -> None:
    """A file that breaks off inside its last string is not TOML, and the message says at which line."""
    text = (folder / file).read_text(encoding="utf-8")
    cut = text.rindex('"')
    (folder / file).write_text(text[:cut], encoding="utf-8")
    line = text[:cut].count("\n") + 1
    assert re.fullmatch(rf"{re.escape(file)}: not TOML: .*\bline {line}\b.*", refusal(folder))


def test_ten_megabytes_of_valid_toml_is_refused(folder: Path) -> None:
    """Size alone refuses a file, before it is parsed."""
    (folder / "more.toml").write_text("# nothing\n" * 1_000_000, encoding="utf-8")
    assert refusal(folder) == "more.toml: 10,000,000 bytes; expected at most 1,000,000 in one file of a model"


def test_a_megabyte_of_nonsense_sections_is_refused_quickly(folder: Path) -> None:
    """Nonsense that is TOML is refused with a bounded number of bounded messages."""
    lines = [f"section{number:06} = {{ value = 1, low = 2 }}" for number in range(20_000)]
    (folder / "a.toml").write_text("\n".join(lines), encoding="utf-8")
    start = time.process_time()
    assert refusal(folder).startswith("a.toml: section000000: unknown section 'section000000'")
    problems = validate(folder)
    assert time.process_time() - start < 10
    assert len(problems) == 1_000
    assert max(map(len, problems)) < 1_000


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("rules.toml", 'id = "weak_foot"', f'id = "{"x" * 9_000}"\nlevle = 3'),
        ("rules.toml", "weakness = [", f"{'x' * 9_000} = ["),
        ("rules.toml", "gate = {", f'gate = {{ {"x" * 9_000} = "y",'),
        ("advice.toml", "acts_on = {", f'acts_on = {{ {"x" * 9_000} = "y",'),
        ("findings/sensation.toml", 'id = "numbness"', f'id = "{"x" * 9_000}"'),
        ("settings.toml", "[setting.clinic]", f"[setting.{'x' * 9_000}]\ndescription = 3\n[setting.clinic]"),
        ("sources.toml", "[source.survey]", f"[source.{'x' * 9_000}]\ntitle = 3\n[source.survey]"),
        ("causes/strain.toml", 'cause = "strain"', f'cause = "{"x" * 9_000}"'),
        ("model.toml", 'default_setting = "community"', f'default_setting = "{"x" * 9_000}"'),
    ],
)
def test_message_is_never_long(file: str, old: str, new: str, folder: Path) -> None:
    """A message repeats only the beginning of what it complains about."""
    edit(folder / file, old, new)
    assert len(refusal(folder)) < 1_500
    assert max(map(len, validate(folder))) < 1_500


def test_number_of_hundreds_of_digits_is_refused(folder: Path) -> None:
    """An integer that no double holds is refused at its place, and not spelt out."""
    edit(folder / "causes/nerve_injury.toml", "high = 3.0", "high = 1" + "0" * 400)
    assert refusal(folder) == (
        "causes/nerve_injury.toml: variable[0] 'nerve_injury'.table.effect[0].odds_ratio.high: "
        "a number of about 401 digits; expected an odds ratio above 0 and below 1e9"
    )


def test_table_of_a_million_cells_is_refused(folder: Path) -> None:
    """An explicit table that nobody can have written is refused before an array is made."""
    states = ", ".join(f'"s{number}"' for number in range(100))
    head = 'kind = "context"\ngroup = "g"\nlabel = "L"\norigin = "article"\ndefinition = "D."'
    parts = [
        f'[[variable]]\nid = "wide{number}"\n{head}\nstates = [{states}]\n[variable.table]\nkind = "table"\nrow = []\n'
        for number in range(3)
    ]
    last = (
        f'[[variable]]\nid = "child"\n{head}\n[variable.table]\nkind = "table"\nparents = ["wide0", "wide1", "wide2"]'
    )
    (folder / "a.toml").write_text("".join(parts) + last + "\nrow = []\n", encoding="utf-8")
    assert (
        "a.toml: variable[3] 'child'.table.parents: 2,000,000 numbers; expected at most 100,000, so fewer parents"
        in validate(folder)
    )


def test_folder_that_does_not_exist_names_the_nearest(folder: Path) -> None:
    """A misspelt path is refused with the entry beside it that is spelt most like it."""
    wrong = folder.with_name("modle")
    assert refusal(wrong) == (
        f"{wrong}: no such file or directory; expected a model folder; did you mean {str(folder)!r}?"
    )


def test_file_for_a_folder_is_refused(folder: Path) -> None:
    """A path to a file of the model is refused with the folder it is in."""
    file = folder / "model.toml"
    assert refusal(file) == f"{file}: a file; expected a model folder, such as {str(folder)!r}"


def test_path_with_a_null_byte_is_refused() -> None:
    """A path that no system has is refused like one that does not exist."""
    with pytest.raises(ModelFileError, match="expected a model folder"):
        read_model("model\0")


def test_empty_folder_is_refused(tmp_path: Path) -> None:
    """A folder without TOML files is refused, other files or not."""
    (tmp_path / "model.json").write_text("{}", encoding="utf-8")
    assert refusal(tmp_path) == f"{tmp_path}: no *.toml file; expected a model folder with at least model.toml"


def test_folder_of_too_many_files_is_refused(tmp_path: Path) -> None:
    """A folder with thousands of files is the wrong folder."""
    for number in range(MAX_FILES + 1):
        (tmp_path / f"{number}.toml").touch()
    assert refusal(tmp_path) == f"{tmp_path}: more than 1000 TOML files; expected a model folder"


def test_model_without_its_section_is_refused(folder: Path) -> None:
    """A model that does not say what it is is refused with the fields it needs."""
    (folder / "model.toml").unlink()
    assert refusal(folder) == (
        "model.toml: no section [model] in any file; "
        "expected one with name, version, description, reference, default_setting"
    )


def test_links_to_folders_are_refused(folder: Path) -> None:
    """A folder that contains itself is refused instead of being walked for ever."""
    os.symlink(folder, folder / "causes" / "again", target_is_directory=True)
    assert refusal(folder) == ("causes/again: a link to a folder, which may loop; expected the folder itself")


def test_link_that_leads_to_itself_is_refused(folder: Path) -> None:
    """A file that is a loop of links is refused by its name."""
    os.symlink(folder / "b.toml", folder / "a.toml")
    os.symlink(folder / "a.toml", folder / "b.toml")
    assert refusal(folder) == "a.toml: too many levels of symbolic links; expected a readable file"


def test_link_to_nothing_is_refused(folder: Path) -> None:
    """A broken link is a file that cannot be read."""
    os.symlink(folder / "gone", folder / "a.toml")
    assert refusal(folder) == "a.toml: no such file or directory; expected a readable file"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_named_pipe_is_refused(folder: Path) -> None:
    """A pipe is refused instead of being waited for."""
    os.mkfifo(folder / "a.toml")
    assert refusal(folder) == "a.toml: not a regular file; expected TOML"


def test_validate_lists_independent_problems(folder: Path) -> None:
    """Problems in different places are all listed, each once, and a broken file does not hide the others'."""
    edit(folder / "causes/strain.toml", "value = 0.05", "value = 5")
    edit(folder / "findings/sensation.toml", "young = { value = 0.03", "young = { value = nan")
    edit(folder / "settings.toml", "nerve_injury", "nerve_injry")
    edit(folder / "latents.toml", 'mechanism = "nerve_damage"', 'mechanism = "nerve_damge"')
    problems = validate(folder)
    assert sorted(problem.split(":")[0] for problem in problems) == [
        "causes/strain.toml",
        "findings/sensation.toml",
        "latents.toml",
        "settings.toml",
    ]
    assert refusal(folder) in problems


def test_wrong_rules_do_not_hide_each_other_or_wrong_tables(folder: Path) -> None:
    """Each rule, question and advice that is wrong is listed, beside a table that is wrong."""
    edit(folder / "rules.toml", 'level = "immediate_medical_attention"', 'level = "soon"')
    question = '[[ask_first]]\nfinding = "numbness"\n\n'
    edit(folder / "rules.toml", "[[posterior_rule]]", question + "[[posterior_rule]]")
    edit(folder / "rules.toml", "probability_at_least = 0.5", "probability_at_least = 50")
    edit(folder / "advice.toml", 'grade = "D"', 'grade = "E"')
    edit(folder / "causes/strain.toml", "value = 0.05", "value = 5")
    places = [problem.split(": ")[1] for problem in validate(folder)]
    assert sorted(places) == [
        "advice[carry_less].grade",
        "ask_first[1]",
        "posterior_rule[injury_likely].probability_at_least",
        "red_flag[weak_foot].level",
        "variable[0] 'strain'.table.baseline.value",
    ]


def test_problem_of_a_variable_is_not_repeated_by_what_names_it(folder: Path) -> None:
    """A variable that cannot be read is one problem, not one for each link and table that names it."""
    edit(folder / "context.toml", 'origin = "extension"', 'origin = "elsewhere"')
    assert validate(folder) == (
        "context.toml: variable[0] 'age'.origin: unknown origin 'elsewhere'; expected one of 'article', 'extension'",
    )


def corrupted(content: bytes, kind: str, positions: list[float], values: list[int]) -> bytes:
    """Return a content with bytes changed, its end cut off, or lines left out."""
    if kind == "cut":
        return content[: int(positions[0] * len(content))]
    if kind == "lines":
        lines = content.splitlines(keepends=True)
        dropped = {int(position * len(lines)) for position in positions}
        return b"".join(line for number, line in enumerate(lines) if number not in dropped)
    damaged = bytearray(content)
    for position, value in zip(positions, values, strict=True):
        damaged[int(position * len(content))] = value
    return bytes(damaged)


@settings(max_examples=200, deadline=None)
@given(
    file=st.sampled_from(FILES),
    kind=st.sampled_from(["bytes", "printable", "cut", "lines"]),
    positions=st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=4),
    data=st.data(),
)
def test_corruption_gives_a_model_or_a_model_file_error(
    file: str, kind: str, positions: list[float], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever happens to a file, reading gives a model or ModelFileError, and validate agrees on which."""
    byte = st.sampled_from(b"0123456789.-\"'[]{}=,_ \nabcdefx") if kind == "printable" else st.integers(0, 255)
    values = data.draw(st.lists(byte, min_size=len(positions), max_size=len(positions)))
    copy = shutil.copytree(SMALL, tmp_path_factory.mktemp("corrupted") / "model")
    path = copy / file
    path.write_bytes(corrupted(path.read_bytes(), kind, positions, values))
    problems = validate(copy)
    try:
        model: object = read_model(copy)
    except ModelFileError as error:
        model = str(error)
    shutil.rmtree(copy)
    if problems:
        assert model == problems[0]
        assert max(map(len, problems)) < 1_500
    else:
        assert isinstance(model, ModelDefinition)
