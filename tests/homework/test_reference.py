"""The reference is the released code, whatever happens to the modules."""

from homework import handout, reference
from homework.modules import read_sources
from homework.reference import ROOT, edited


def test_reference_is_what_the_modules_are():
    """If this fails, a module was changed: python -m homework.reference takes the change into the reference."""
    assert edited() == []
    sources, _ = reference.reference()
    assert sources == read_sources(ROOT)


def test_reference_is_not_what_an_edited_module_is(tmp_path, monkeypatch, capsys):
    """Nor is a homework handed out from modules that differ from what it would be graded by."""
    for name, source in read_sources(ROOT).items():
        (tmp_path / f"{name}.py").write_text(source.replace("return 1 - self.betas", "return self.betas"))
    monkeypatch.setattr(reference, "ROOT", tmp_path)
    assert edited() == ["utils"]
    assert handout.main() == 2
    assert "utils.py: not as in homework/reference.zip" in capsys.readouterr().err
