"""In which language a problem is told, and its words in that language.  Pure.

English stands where the errors are: titles are the first lines of their docstrings, faults' sentences those of
server/faults.py.  Chinese stands in words_zh.py, by code.  What has no Chinese word yet is told in English; a test
fails until it has one.
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from server.http.words_zh import FAULTS, SENTENCES, TITLES


class Language(StrEnum):
    """The languages problems are told in."""

    EN = "en"
    ZH = "zh"


WEIGHT = re.compile(r"\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*", re.IGNORECASE)
# The first that fits is taken: the exact sentences of a few rules, then the forms of msgspec's messages.
_SENTENCES = [(re.compile(english, re.DOTALL), chinese) for english, chinese in SENTENCES]


def language_of(accept_language: str) -> Language:
    """The language somebody reads best of those we have (RFC 9110 §12.5.4); any Chinese is Chinese, else English."""
    best, best_weight = Language.EN, 0.0
    for choice in accept_language[:1000].split(","):
        tag, _, parameter = choice.partition(";")
        found = WEIGHT.fullmatch(parameter) if parameter else None
        weight = float(found[1]) if found is not None else (0.0 if parameter else 1.0)
        main = tag.strip().lower().split("-")[0]
        if main in tuple(Language) and weight > best_weight:
            best, best_weight = Language(main), weight
    return best


def title(code: str, english: str, language: Language) -> str:
    """The title of the problem `code`."""
    return TITLES.get(code, english) if language is Language.ZH else english


def sentence(english: str, language: Language) -> str:
    """A sentence that stands in no table, such as msgspec's own."""
    if language is Language.ZH:
        for form, chinese in _SENTENCES:
            found = form.fullmatch(english)
            if found is not None:
                return found.expand(chinese)
    return english


def details_in(details: Mapping[str, Any], language: Language) -> dict[str, Any]:
    """An error's details, the sentences of its faults in this language."""
    told = dict(details)
    if isinstance(told.get("errors"), list):
        told["errors"] = [_fault(fault, language) for fault in told["errors"]]
    return told


def _fault(fault: Any, language: Language) -> Any:
    if language is Language.EN or not isinstance(fault, dict) or "code" not in fault:
        return fault
    english = str(fault.get("detail", ""))
    template = FAULTS.get(fault["code"])
    if template is None:
        return {**fault, "detail": sentence(english, language)}
    return {**fault, "detail": template.format_map(fault.get("values") or {})}
