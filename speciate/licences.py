"""Licences of models, told from what lies in their folders, and what a merge of them may say.

Everything read here was written by strangers: it is cut short, never followed, and only
identifiers go further.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speciate.strangers import beginning, config_of, front_matter

_LICENCE_FILES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "COPYING", "COPYING.txt")
_IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]{0,63}")
_SPDX = re.compile(r"SPDX-License-Identifier:\s*([A-Za-z0-9][A-Za-z0-9.+-]{0,63})")
# Words of the first lines of well-known texts, more exact ones first.
_TEXTS = (
    (r"Apache License\s+Version 2\.0", "apache-2.0"),
    (r"Permission is hereby granted, free of charge, to any person obtaining a copy", "mit"),
    (r"GNU AFFERO GENERAL PUBLIC LICENSE\s+Version 3", "agpl-3.0"),
    (r"GNU LESSER GENERAL PUBLIC LICENSE\s+Version 3", "lgpl-3.0"),
    (r"GNU GENERAL PUBLIC LICENSE\s+Version 3", "gpl-3.0"),
    (r"GNU GENERAL PUBLIC LICENSE\s+Version 2", "gpl-2.0"),
    (r"Attribution-NonCommercial-ShareAlike 4\.0", "cc-by-nc-sa-4.0"),
    (r"Attribution-NonCommercial-NoDeriv\w* 4\.0", "cc-by-nc-nd-4.0"),
    (r"Attribution-NonCommercial 4\.0", "cc-by-nc-4.0"),
    (r"Attribution-NoDeriv\w* 4\.0", "cc-by-nd-4.0"),
    (r"Attribution-ShareAlike 4\.0", "cc-by-sa-4.0"),
    (r"(?:Creative Commons )?Attribution 4\.0 International", "cc-by-4.0"),
    (r"CC0 1\.0 Universal", "cc0-1.0"),
    (r"Llama 3\.3 Community License", "llama3.3"),
    (r"Llama 3\.2 Community License", "llama3.2"),
    (r"Llama 3\.1 Community License", "llama3.1"),
    (r"Llama 3 Community License|Meta Llama 3 Community", "llama3"),
    (r"Llama 2 Community License", "llama2"),
    (r"Gemma Terms of Use", "gemma"),
    (r"Redistributions? of source code must retain[\s\S]*Neither the name", "bsd-3-clause"),
    (r"Redistributions? of source code must retain", "bsd-2-clause"),
)
_RESTRICTED = re.compile(r"(^|[-_.])(nc|nd|noncommercial|non-commercial|research)([-_.]|$)")
_NO_DERIVATIVES = re.compile(r"(^|[-_.])(nd|no-?derivatives)([-_.]|$)")


@dataclass(frozen=True)
class Licence:
    """What a folder says.

    Attributes:
        id: Lower-case identifier, as the hub or SPDX has it; "other" for one without; or None.
        name: What one calls itself that is "other".
    """

    id: str | None = None
    name: str | None = None

    def __str__(self) -> str:
        if self.id == "other" and self.name:
            return self.name
        return self.id or "none stated"

    @property
    def is_known(self) -> bool:
        """Whether two of the same are the same licence."""
        return self.id is not None and (self.id not in ("other", "unknown") or bool(self.name))


def licence_of(folder: Path) -> Licence:
    """The licence of a model's folder: its card's, or that of a licence's text, or its config's."""
    return next((one for one in _stated(folder) if one.id), Licence())


def _stated(folder: Path) -> Iterable[Licence]:
    yield _from_fields(front_matter(folder))
    for name in _LICENCE_FILES:
        yield _from_text(beginning(folder / name))
    yield _from_fields(config_of(folder))


def _from_fields(fields: Mapping[str, Any]) -> Licence:
    value = fields.get("license")
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not value:
        return Licence()
    name = identifier(fields.get("license_name"))
    return Licence(identifier(value) or "other", name)


def identifier(value: object) -> str | None:
    """Lower-case, or None for anything that is not short and plain."""
    text = value.strip().lower() if isinstance(value, str) else ""
    return text if _IDENTIFIER.fullmatch(text) else None


def _from_text(text: str) -> Licence:
    if not text.strip():
        return Licence()
    if match := _SPDX.search(text):
        return Licence(match[1].lower())
    found = (id_ for words, id_ in _TEXTS if re.search(words, text, re.IGNORECASE))
    return Licence(next(found, "other"))


def inherited(licences: Sequence[Licence]) -> Licence | None:
    """The licence of a merge: that of all parents, if they have the same and it can be told."""
    first = licences[0]
    same = all(one == first for one in licences)
    return first if same and first.is_known else None


def warnings(licences: Mapping[str, Licence]) -> list[str]:
    """What people should look at before they share a merge, one line each, by parent's name."""
    lines = [
        f"licence: {label} states none; ask its authors before you share the merge"
        for label, licence in licences.items()
        if licence.id is None
    ]
    lines += [
        f"licence: that of {label} cannot be told ({licence}); read it before you share the merge"
        for label, licence in licences.items()
        if licence.id is not None and not licence.is_known
    ]
    lines += [
        f"licence: {label} forbids derivatives ({licence}), and a merge is one; do not share it"
        for label, licence in licences.items()
        if _NO_DERIVATIVES.search(licence.id or "")
    ]
    known = {label: licence for label, licence in licences.items() if licence.is_known}
    if len(set(known.values())) > 1:
        named = ", ".join(f"{label} ({licence})" for label, licence in known.items())
        strict = [str(one) for one in set(known.values()) if _RESTRICTED.search(str(one))]
        more = f", and {', '.join(sorted(strict))} restricts use" if strict else ""
        lines.append(f"licence: parents have different ones: {named}{more}; find out what holds")
    return lines
