"""Letters that eSpeak NG cannot say are told with their places, in every script; numbers and signs are spelt out or named."""

from __future__ import annotations

import pytest

from speech import languages
from speech.errors import TextRefused
from speech.say import Settings, check, say
from speech.say.espeak import EspeakVoice
from speech.say.letters import words_of
from speech.text.nearest import plain_letter

pytest.importorskip("espeakng_loader", reason="the extra tts (eSpeak NG) is not installed")


def listed(text: str, language: str, borrow: str | None = None) -> dict[str, tuple[int, ...]]:
    return {u.letter: u.places for u in check(text, language=language, borrow=borrow).unsaid}


@pytest.mark.parametrize(
    ("text", "language", "letters"),
    [
        ("ߒߞߏ ߞߊ߲", "nqo", {"ߒ": (0,), "ߞ": (1, 4), "ߏ": (2,), "ߊ߲": (5,)}),
        ("العربية", "arb", {"ا": (0,), "ل": (1,), "ع": (2,), "ر": (3,), "ب": (4,), "ي": (5,), "ة": (6,)}),
        ("हिन्दी", "hin", {"हि": (0,), "न्दी": (2,)}),
        ("ሰላም ነው", "amh", {"ሰ": (0,), "ላ": (1,), "ም": (2,), "ነ": (4,), "ው": (5,)}),
        ("Ẹ káàbọ̀", "yor", {"Ẹ": (0,), "á": (3,), "à": (4,), "ọ̀": (6,)}),
        ("ɓula na ŋombe", "ful", {"ɓ": (0,), "ŋ": (8,)}),
    ],
)
def test_a_borrowed_voice_names_every_letter_it_cannot_say(text: str, language: str, letters: dict[str, tuple[int, ...]]) -> None:
    assert listed(text, language, "swh") == letters


def test_marks_apart_from_their_letters_are_found_at_the_same_places() -> None:
    import unicodedata

    apart = unicodedata.normalize("NFD", "káà")
    assert listed(apart, "yor", "swh") == {"á": (1,), "à": (3,)}
    assert check(apart, language="yor", borrow="swh", settings=Settings(letters="nearest")).spoken == "kaa"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Habari yako? Sijambo, asante!", "swh"), ("ñukanchik allpapi", "que"), ("ሰላም ነው።", "amh"), ("हिन्दी भाषा", "hin"),
        ("العربية لغة", "arb"), ("l'homme est à l'école «être»", "fra"), ("xin chào tiếng Việt", "vie"), ("你好", "cmn"), ("don't", "eng"),
    ],
)  # fmt: skip
def test_a_language_is_said_whole_by_its_own_voice(text: str, language: str) -> None:
    assert listed(text, language) == {}


def test_a_letter_its_own_voice_folds_or_says_in_english_is_told() -> None:
    assert listed("ŋombe kahawé", "swh") == {"ŋ": (0,), "é": (11,)}


def test_an_apostrophe_at_which_the_voice_would_spell_is_told() -> None:
    """Of ng'ombe eSpeak NG says "en, ji, ombe"."""
    assert listed("ng'ombe", "swh") == {"ng'": (0,)}
    assert check("Ng'ombe", language="swh", settings=Settings(letters="nearest")).spoken == "ngombe"
    assert listed("ch'iki", "que") == {"'": (2,)}


def test_a_sign_without_words_is_named_and_one_with_words_is_said() -> None:
    table = languages.load("swh").spoken
    assert ("%", "asilimia") in table.signs
    checked = check("5% ya & wote", language="swh")
    assert [(r.was, r.spoken, r.start) for r in checked.replaced] == [("5", "tano", 0), ("%", "asilimia", 1), ("&", "na", 6)]
    assert checked.spoken == "tano asilimia ya na wote" and not checked.unsaid
    [named] = check("a § b", language="swh").unsaid
    assert (named.letter, named.places, named.nearest) == ("§", (2,), None) and named.name == "SECTION SIGN"


def test_a_hyphen_before_a_number_is_a_minus_and_never_goes_unsaid() -> None:
    checked = check("Joto -5, 2010-2012", language="swh", settings=Settings(letters="leave-out"))
    assert checked.spoken.split()[:3] == ["Joto", "hasi", "tano,"] and checked.replaced[0].start == 5
    other = check("Temperatur -5", language="vie", settings=Settings(letters="leave-out"))
    assert [(u.letter, u.places) for u in other.unsaid] == [("−", (11,))], "named, where no table says it"


def test_refuse_nearest_and_leave_out() -> None:
    text = "káà § ndizi"
    with pytest.raises(TextRefused) as caught:
        say(text, language="swh")
    assert caught.value.code == "VOICE_LETTERS" and "U+00E1" in str(caught.value) and "at 2" in str(caught.value)
    with pytest.raises(TextRefused):
        say(text, language="swh", settings=Settings(letters="nearest"))
    assert check(text, language="swh", settings=Settings(letters="leave-out")).spoken == "kaa  ndizi"
    with pytest.raises(TextRefused) as caught:
        say("→", language="swh", settings=Settings(letters="leave-out"))
    assert "nothing is left to say" in caught.value.what and "leave-out" not in caught.value.mend


def test_a_text_without_anything_to_say_is_refused() -> None:
    with pytest.raises(TextRefused) as caught:
        check(" ...!\n", language="swh")
    assert caught.value.code == "TEXT_EMPTY"


def test_words_are_letters_marks_figures_and_signs_said_by_name() -> None:
    assert list(words_of("Ng'ombe, 'mtu' ana-3% @x…")) == [(0, "Ng'ombe"), (10, "mtu'"), (15, "ana-3"), (20, "%"), (22, "@"), (23, "x")]


def test_plain_letters() -> None:
    assert [plain_letter(x) for x in ("ẹ́", "ŋ", "ɓ", "Ć", "ł", "a", "ሰ", "ᶇ")] == ["e", "ng", "b", "c", "l", "a", "ሰ", "n"]


def test_every_letter_of_our_languages_is_said_by_their_own_voices() -> None:
    """Apostrophes stand inside letters, such as ng' and ts'; those a voice would spell are told by `cannot_say` as such."""
    for code in ("swh", "que", "amh"):
        voice, table = EspeakVoice(code), languages.load(code)
        plain = [letter for letter in (*table.letters, *table.also) if "'" not in letter]
        assert {letter: voice.cannot_say(f"a{letter}a") for letter in plain if voice.cannot_say(f"a{letter}a")} == {}


def test_a_tone_mark_of_another_script_is_not_said_by_its_name() -> None:
    pytest.importorskip("uroman", reason="uroman (extra tts) is not installed")
    assert {u.letter: u.nearest for u in check("ߊ߫ ߟߎ߫", language="nqo", borrow="swh").unsaid} == {"ߊ߫": "a", "ߎ߫": "u", "ߟ": "l"}
