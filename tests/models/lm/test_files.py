"""Language models in files: what was written is read, ARPA works both ways, and what is broken is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from speech.errors import ModelRefused
from speech.lm import LearnSettings, Text, learn
from speech.models.lm.files import from_arpa, load, save, to_arpa, write_arpa
from speech.models.lm.scorer import LanguageModel, LanguageScorer
from speech.models.lm.train import TrainSettings

SENTENCES = ("kay wasi sumak kan", "chay wasi hatun kan", "kay runa sumak kan", "ñuka wasi kan", "kay wasi hatun kan", "runa shamun") * 2


def model(settings: LearnSettings | None = None) -> LanguageModel:
    return learn([Text(name="a.txt", sha256="0" * 64, sentences=SENTENCES, ground="test")], "que", settings)[0]


def worth(own: LanguageModel, text: str) -> float:
    number = {unit: n for n, unit in enumerate(own.letters.units)}
    scorer = LanguageScorer(own, [[n] for n in range(len(number))])
    memory, total = scorer.start()[None], 0.0
    for letter in text.replace(" ", "|"):
        gain, memory = scorer.extend(memory, np.array([number[letter]]))
        total += float(gain[0])
    return total + float(scorer.end(memory)[0])


def test_a_model_is_read_as_it_was_written(tmp_path: Path) -> None:
    made = model()
    save(made, tmp_path / "lm.que.safetensors")
    found = load(tmp_path / "lm.que.safetensors")
    assert (found.model.card, found.model.weights, found.model.letters.units) == (made.card, made.weights, made.letters.units)
    for text in ("kay wasi kan", "wasi", "xay wasi".replace("x", "n"), "hatun runa shamun"):
        assert worth(found.model, text) == pytest.approx(worth(made, text), abs=0.05)
    save(made, tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / "lm.que.safetensors").read_bytes()


def test_arpa_of_letters_gives_the_same_model(tmp_path: Path) -> None:
    made = model()
    write_arpa(made.letters, tmp_path / "letters.arpa")
    found = load(tmp_path / "letters.arpa").model
    assert found.words is None and found.letters.units[found.break_unit] == "|"
    for text in ("kay|wasi|kan", "runa|shamun", "wwww"):
        here, there = ([own.letters.units.index(letter) for letter in text] for own in (made, found))
        assert found.letters.log_probabilities(there) == pytest.approx(made.letters.log_probabilities(here), abs=1e-3)


WORDS = """\\data\\
ngram 1=5
ngram 2=4

\\1-grams:
-1.0\t<unk>
-99\t<s>\t-0.3
-0.8\t</s>
-0.6\tkay\t-0.2
-0.7\twasi\t-0.1

\\2-grams:
-0.2\t<s> kay
-0.3\tkay wasi
-0.4\twasi </s>
-0.9\twasi kay

\\end\\
"""


def test_arpa_of_words_leads_to_its_words(tmp_path: Path) -> None:
    found = from_arpa(WORDS, "words.arpa")
    assert found.words is not None and set(found.letters.units) == set("kaywsi|")
    values = found.words.ngram.log_probabilities([found.words.ngram.units.index("k a y"), found.words.ngram.units.index("w a s i")])
    assert values == pytest.approx(np.log(10) * np.array([-0.2, -0.3]), abs=1e-5)
    # Back-off: <s> wasi is not there.
    assert found.words.ngram.log_probabilities([found.words.ngram.units.index("w a s i")])[0] == pytest.approx(np.log(10) * -1.0, abs=1e-5)
    assert worth(found, "kay wasi") > worth(found, "wasi kay") > worth(found, "yak wasi")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("\\data\\\nngram 1=1\n\n\\end\\\n", "no unigrams"),
        (WORDS.replace("-0.7\twasi\t-0.1", "-0.7"), "line 10"),
        (WORDS.replace("\\2-grams:", "\\3-grams:"), "should be \\2-grams:"),
        (WORDS.replace("-0.6\tkay", "x\tkay"), "line 9"),
    ],
)
def test_a_broken_arpa_is_refused_with_its_line(tmp_path: Path, text: str, what: str) -> None:
    (tmp_path / "a.arpa").write_text(text, encoding="utf-8")
    with pytest.raises(ModelRefused) as caught:
        load(tmp_path / "a.arpa")
    assert caught.value.code == "MODEL_LM" and what in caught.value.what


@pytest.mark.parametrize("cut", [0, 4, 100, 3000])
def test_a_broken_file_of_ours_is_refused(tmp_path: Path, cut: int) -> None:
    save(model(), tmp_path / "a.safetensors")
    (tmp_path / "a.safetensors").write_bytes((tmp_path / "a.safetensors").read_bytes()[:cut])
    with pytest.raises(ModelRefused) as caught:
        load(tmp_path / "a.safetensors")
    assert caught.value.code == "MODEL_LM"


def test_kenlm_reads_our_arpa_and_agrees(tmp_path: Path) -> None:
    kenlm = pytest.importorskip("kenlm", reason="kenlm is built from source and installed by hand")
    made = model(LearnSettings(letters=TrainSettings(order=6)))
    write_arpa(made.letters, tmp_path / "letters.arpa")
    theirs = kenlm.Model(str(tmp_path / "letters.arpa"))
    text = "k a y | w a s i | k a n"
    state, after = kenlm.State(), kenlm.State()
    theirs.NullContextWrite(state)
    first = theirs.BaseScore(state, "|", after)
    assert first < 0
    total = 0.0
    state = after
    for unit in text.split():
        after = kenlm.State()
        total += theirs.BaseScore(state, unit, after)
        state = after
    ours = made.letters.log_probabilities([made.letters.units.index(u) for u in text.split()]).sum()
    assert total * np.log(10) == pytest.approx(float(ours), abs=1e-2)


def test_to_arpa_is_text_that_says_its_counts() -> None:
    text = to_arpa(model().letters)
    assert text.startswith("\\data\\\nngram 1=") and text.endswith("\\end\\\n")
