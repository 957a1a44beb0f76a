"""Passwords in other people's text: which parts of a URL, and of a line of a log, are shown masked.

Rule: where it is not certain where a password ends, more is masked, not less. Text is
masked before it is cut: half a password cannot be recognised. Time is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote

from sceplab.errors import MASK


def without_passwords(text: str) -> str:
    """Return text with the passwords in its URLs masked: that of the user, and secret fields of a query.

    Applying it twice changes nothing more. What is cut off before may hide the "@"
    that shows a password: mask first, then cut. Time is linear in the text.
    """
    if "://" in text:
        text = _SPACED.sub(rf"\g<1>{MASK}@", text)
        text = _WORD.sub(_without_userinfo, text)
    return _without_values(text, _FIELD, lambda found: _is_secret(found[1])) if _may_have_field(text) else text


def without_secrets(text: str) -> str:
    """Return a line of a log or of a command with the passwords masked that it names, and those in its URLs."""
    text = without_passwords(text)
    return _without_values(text, _NAMED, lambda found: not _says_something(text, found))


def overhang(before: str, behind: str) -> int:
    """Return how many characters at the start of `behind` belong to a password that begins in `before`.

    A reader may have taken a quotation mark in a password for the end of a URL.
    """
    word = _NO_SPACE.match(behind)
    if word is None:
        return 0
    start, whole = without_passwords(before), without_passwords(before + word[0])
    rest = whole[len(start) :] if whole.startswith(start) else ""
    return len(word[0]) - len(rest) if word[0].endswith(rest) else len(word[0])


def masked_url(url: str) -> str:
    """Return what was given as a URL, and may be none, with its password masked."""
    return without_passwords(_WITHOUT_SCHEME.sub(rf"\g<1>{MASK}@", url))


_WITHOUT_SCHEME = re.compile(r"^((?:\w{0,20}:/{0,3}|/{1,3})?(?!\w{0,20}://)[^\s/?#@:]*:)(?!\d{1,5}/).*@", re.DOTALL)
_WORD = re.compile(r"\S+")
_NO_SPACE = re.compile(r"\S{1,1000}")
_USERINFO = re.compile(r"://[^\s/?#@:]*:")
# A password with a space: the word of its URL has no "@", a later one has.
_SPACED = re.compile(
    r"(://[^\s/?#@:\[]{0,100}:)(?!\d{0,5}(?:[/?#\"'<>)\]},;|\\\s]|$))(?!\S{0,1000}@)"
    r"(?:(?!://)[^\n@]){1,200}@(?=[\w\[])"
)
# What follows "host:" where that is no user's name.
_PORT = re.compile(r"\d{0,5}(?![^/?#\"'<>)\]},;|\\])")
_AUTHORITY_END = re.compile(r"[/?#]")


def _without_userinfo(found: re.Match[str]) -> str:
    word, out, at = found[0], [], 0
    last = word.rfind("@")
    while (user := _USERINFO.search(word, at)) is not None:
        start = user.end()
        if start > last:
            break
        slash = _AUTHORITY_END.search(word, start)
        end = word.rfind("@", start, slash.start() if slash else len(word))
        if _PORT.match(word, start):
            end = start  # host and port: an "@" further on is not of this URL's user
        elif end < 0:
            end = last  # a password with an unescaped "/"
        out += [word[at:start], MASK if end > start else ""]
        at = end
    return "".join((*out, word[at:]))


# --------------------------------------------------------------- values with a name

_LETTERS = r"(?:[\w.\[\]-]|%(?!3[DdFfBb]|26)[0-9A-Fa-f]{2}){1,60}+"
# Also in a URL that is a field of another one, with escapes.
_FIELD = re.compile(rf"(?:[?&;]|%3[FfBb]|%26)({_LETTERS})(?:=|%3[Dd])(?=[^\s&])")
_NAMED = re.compile(
    r"(?i)(?<![\w?&;])((?P<option>--?)?(?:challenge[ _-]?(?:password|phrase)?|"
    r"(?:(?:one[ _-]?time|enrol?lment|scep|shared|ca|ra|key)[ _-]?)?"
    r"(?:password|passphrase|passcode|passwd|secret|token)|otp|pwd)"
    r")[\"']?(?:(?:\s(?:is|was))?\s{0,2}(?:=>?(?!=)|(?P<colon>:))\s{0,2}|(?(option)[ \t]|(?!)))(?=[^\s&])"
)
# A quotation mark or bracket ends a value where nothing of a word follows it; "&" and ";" where a field follows.
_CLOSED = r"(?=[\s)\]}<>]|$|,(?:[\s\"'{\[\d\\-]|$)|\\?[\"'])"
_NEXT_FIELD = r"(?=amp;|[\w.%\[\]-]{1,60}=|[\s\"'<>]|$)"
_VALUE = re.compile(
    r"([\"'])(?:(?!\1)[^\n]){0,200}\1(?=[\s&,;)\]}>]|$)|"
    rf"(?:[^&;\s\"'<>\\]|\\(?![\"'])|(?:[\"'>]|\\[\"'])(?!{_CLOSED})|<(?!/|[A-Za-z]{{1,10}}[\s/>]|\s|$)|[&;](?!{_NEXT_FIELD}))++"
)
_PARTS = ("challenge", "passw", "passphrase", "passcode", "secret", "token", "onetime")
_WHOLE = frozenset({"pwd", "pass", "otp", "pin", "pw", "apikey", "psk"})
_NO_LETTER = re.compile(r"[^a-z]")
# Words about a password, not the password.
_ABOUT = re.compile(
    r"(?i)[\"']{2}|[\"']?(?:(?:in|un|mis|not?|non|dis)[a-z]*|fail[a-z]*|expir[a-z]*|wrong|bad|err[a-z]*|empty|requir[a-z]*|reject[a-z]*|"
    r"refus[a-z]*|den[a-z]*|true|false|null|nil|yes|ok|is|was|has|had|must|should|may|can[a-z]*|could|will|does|the|an?|"
    r"for|of|from|to|by|with|and|or|valid[a-z]*|us(?:ed|es?)|accepted|sent|set|absent|given|hidden|redacted|masked|"
    r"missing|malformed|length|type|policy|response|request[a-z]*|required|received|generat[a-z]*|creat[a-z]*|"
    r"encrypt[a-z]*|decrypt[a-z]*|attribut[a-z]*|verif[a-z]*|check[a-z]*|match[a-z]*|does|do|it|no|0|1|x+|\*+|\.+|"
    r"0x[0-9a-f]{8}|[\w.$]*(?:exception|error|fault))"
    r"[.,;:!?\"')]*"
)


def _may_have_field(text: str) -> bool:
    return "=" in text or "%3" in text


def _is_secret(name: str) -> bool:
    letters = _NO_LETTER.sub("", unquote(name).lower())
    return letters in _WHOLE or any(part in letters for part in _PARTS)


def _says_something(text: str, found: re.Match[str]) -> bool:
    """Whether what follows the name of a password are words about it."""
    value = _VALUE.match(text, found.end())
    if value is None or _ABOUT.fullmatch(value[0]):
        return True
    # A sentence goes on behind its first word; a password stands alone, or has more than letters.
    return found["colon"] is not None and value[0].isalpha() and bool(text[value.end() :].strip(" \t\r\n.,;)]}\"'"))


def _without_values(text: str, names: re.Pattern[str], is_secret: Callable[[re.Match[str]], bool]) -> str:
    out, at, last = [], 0, 0
    while (found := names.search(text, at)) is not None:
        at = found.end()
        if not is_secret(found) or (value := _VALUE.match(text, at)) is None:
            continue
        out += [text[last:at], MASK]
        at = last = value.end()
    return "".join((*out, text[last:])) if out else text
