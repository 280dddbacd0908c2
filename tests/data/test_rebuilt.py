"""What lies in data/ is, byte for byte, what its generators write."""

from autograder.authoring import data


def test_every_set_is_as_generated(capsys):
    data.rebuild(check=True)
    said = capsys.readouterr().out
    generators = sorted(data.DATA.glob("*/generate.py"))
    assert len(generators) > 5
    for folder in (generator.parent for generator in generators):
        listed = [line.split()[1] for line in (folder / "SHA256SUMS").read_text("utf-8").splitlines()]
        assert f"data/{folder.name}: {len(listed)} files are as generated" in said
        beside = {path.name for path in folder.iterdir() if path.is_file()}
        assert beside == {*listed, "README.md", "SHA256SUMS", "generate.py"}, "a file that nobody made"
