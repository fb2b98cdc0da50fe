"""Settings that cannot be used: one sentence that names the key and what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from sig_workers.settings import SettingsError, load_settings

SPAN = "must be a length of time, as in 500ms, 15s, 10m, 6h or 1d"


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ('[timing]\nlease = "banana"\n', f"timing.lease: {SPAN}"),
        ('bilder = "none"\n', "sigbot.toml: bilder: is no setting; did you mean builder?"),
        ("[timing]\nretries = 1\n", "timing.retries: is no setting; did you mean retry?"),
        ("[zzz]\na = 1\n", "zzz: is no setting; docs/settings.md lists what there is"),
        ('builder = "x"\n', "builder: must be 'buildah' or 'none'"),
        (
            "[[registry]]\nhostt = 1\n",
            "registry[0].host: is missing; registry[0].hostt: is no setting; did you mean host?",
        ),
        ('url = "a\nb"\n', "is not TOML: "),
        ("\xff\xfe", "is not TOML: "),
    ],
)
def test_a_wrong_value_is_one_sentence_with_its_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toml: str, said: str
) -> None:
    monkeypatch.setenv("SIGBOT_CONFIG", "")  # taken back after the test
    file = tmp_path / "sigbot.toml"
    file.write_bytes(toml.encode("latin-1"))
    with pytest.raises(SettingsError) as error:
        load_settings(file)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SIGBOT_TIMING__LEASE", "banana", f"SIGBOT_TIMING__LEASE: {SPAN}"),
        ("SIGBOT_TIMING", "banana", "SIGBOT_TIMING is not JSON; set SIGBOT_TIMING__KEY for one key of it"),
        ("SIGBOT_DURABLE", "perhaps", "SIGBOT_DURABLE: must be true or false"),
    ],
)
def test_a_wrong_variable_is_one_sentence(monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str) -> None:
    monkeypatch.delenv("SIGBOT_CONFIG", raising=False)
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=rf"^the environment: {said}$".replace("[", r"\[")):
        load_settings()


def test_a_wrong_variable_is_not_blamed_on_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SIGBOT_CONFIG", "")
    monkeypatch.setenv("SIGBOT_DRY_RUN", "perhaps")
    file = tmp_path / "sigbot.toml"
    file.write_text('[timing]\nlease = "banana"\n')
    with pytest.raises(SettingsError) as error:
        load_settings(file)
    assert f"{file}: timing.lease: {SPAN}" in str(error.value)
    assert "the environment: SIGBOT_DRY_RUN: must be true or false" in str(error.value)


def test_a_secret_in_the_wrong_place_is_not_repeated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SIGBOT_CONFIG", "")
    file = tmp_path / "sigbot.toml"
    file.write_text('[[instance]]\nname = "a"\nkind = "local"\ntoken = ["hunter2hunter2"]\n')
    with pytest.raises(SettingsError) as error:
        load_settings(file)
    assert "hunter2" not in str(error.value)
