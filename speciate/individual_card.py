"""The model card of an individual that leaves its archive."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from speciate.archive.archive import Archive
from speciate.card import code, escaped, fenced, hub_names, licence_section, own_version
from speciate.evaluator.statistics import Gain, paired_gain
from speciate.family import Family
from speciate.family_text import family_text
from speciate.licences import Licence, inherited, warnings
from speciate.past import Forebear, founders_below, pasts_of
from speciate.records import FOUNDER, Individual, Score
from speciate.results import results
from speciate.strangers import as_front_matter
from speciate.words import SHORT, describe

FIGURE, LINEAGE = "family.svg", "lineage.json"


@dataclass(frozen=True)
class Subject:
    """An individual with what its card tells.

    Attributes:
        archive: That it comes from.
        one: The individual.
        family: Its ancestors, as far as they are shown.
        founders: Those whose weights are in it, with their past.
    """

    archive: Archive
    one: Individual
    family: Family
    founders: Sequence[Forebear]

    @classmethod
    def of(cls, archive: Archive, name: str, family: Family) -> "Subject":
        """Reads what is needed."""
        founders = pasts_of(archive, founders_below(archive, name))
        return cls(archive, archive.individual(name), family, founders)

    @property
    def licences(self) -> dict[str, Licence]:
        """By founder."""
        return {one.name: one.licence for one in self.founders}

    @property
    def licence(self) -> Licence | None:
        """The individual's, if its founders have the same."""
        return inherited(list(self.licences.values()))

    @property
    def warnings(self) -> list[str]:
        """What to look at before it is shared, one line each."""
        return warnings(self.licences)

    @property
    def is_adapter(self) -> bool:
        """Whether it is one, in a campaign of adapters."""
        base = self.archive.config["founders"]["base"]
        adapters = self.archive.config["engine"].get("adapters")
        return bool(adapters) and self.one.recipe.parameters.get("name") != base

    @property
    def bases(self) -> list[str]:
        """What the hub calls the models that it was made from."""
        founders = self.founders
        if self.is_adapter:
            base = str(self.archive.config["founders"]["base"])
            founders = [one for one in founders if one.name == base]
            return self._hub_names(founders) or [base]
        if self.one.recipe.operator == FOUNDER:
            return [parent.name for one in founders for parent in one.parents]
        return self._hub_names(founders)

    def _hub_names(self, founders: Sequence[Forebear]) -> list[str]:
        """Their own names if they lie where the hub puts them, or else what they were made from."""
        places = self.archive.founder_paths
        found: list[str] = []
        for one in founders:
            own = hub_names(places[one.name]) if one.name in places else ()
            found += own or [parent.name for parent in one.parents]
        return list(dict.fromkeys(found))

    @property
    def relation(self) -> str | None:
        """To these models, as the hub calls it."""
        if self.is_adapter:
            return "adapter"
        if self.one.recipe.operator == FOUNDER:
            return next((one.relation for one in self.founders), None)
        return "merge"


def card(subject: Subject) -> str:
    """The content of README.md."""
    one, archive = subject.one, subject.archive
    words = escaped(describe(one.recipe, archive.individuals))
    sections = [
        _front(subject),
        f"# {code(archive.config['name'])}: {one.id[:SHORT]}",
        f"Made by speciate {own_version()} in step {one.step} of the campaign "
        f"{code(archive.config['name'])}: {words}.",
        f"![The family tree of {one.id[:SHORT]}]({FIGURE})",
        fenced(family_text(subject.family), "text"),
        *_scores(subject),
        "## Founders",
        _founders(subject),
        licence_section(subject.licence, subject.warnings),
        "## Recipe",
        fenced(json.dumps(one.recipe.to_json(), indent=1, sort_keys=True) + "\n", "json"),
        f"The recipes of all its ancestors are in [{LINEAGE}]({LINEAGE}).",
        "## Verify",
        _verify(subject),
    ]
    return "\n\n".join(sections) + "\n"


def _front(subject: Subject) -> str:
    fields: dict[str, object] = {}
    if bases := subject.bases:
        fields["base_model"] = bases[0] if len(bases) == 1 else bases
        if subject.relation:
            fields["base_model_relation"] = subject.relation
    if subject.licence is not None:
        fields["license"] = subject.licence.id
        if subject.licence.id == "other":
            fields["license_name"] = subject.licence.name
    fields["library_name"] = "peft" if subject.is_adapter else "transformers"
    merged = [] if subject.one.recipe.operator == FOUNDER else ["merge"]
    fields["tags"] = [*merged, "speciate", *(["lora"] if subject.is_adapter else [])]
    return as_front_matter(fields)


def _scores(subject: Subject) -> Iterator[str]:
    """On the search split, by which it was selected, and on the test split where it has any."""
    yield "## Scores"
    evaluation = subject.one.evaluation
    if evaluation is None:
        yield f"It has none: {escaped(subject.one.error or 'nobody scored it')}."
    else:
        yield (
            "On the search split, by which models were selected. Means over the items, with 95% "
            "bootstrap intervals."
        )
        yield _table(evaluation.scores)
    report = subject.archive.report or {}
    for scores, where in (
        (report.get("validation", {}).get("scores", {}), "search items kept for validation"),
        (report.get("test", {}), "the test split"),
    ):
        if found := scores.get(subject.one.id):
            yield f"On {where}, which selection never saw:"
            yield _table({task: Score.from_json(score) for task, score in found.items()})
    if report.get("champion") == subject.one.id:
        yield from _gains(subject.archive)


def _table(scores: Mapping[str, Score]) -> str:
    rows = [
        f"| {code(task)} | {score.value:.4f} | {_interval(score.items)} | {code(score.metric)} "
        f"| {len(score.items)} |"
        for task, score in scores.items()
    ]
    head = ["| task | mean | 95% interval | metric | items |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows])


def _gains(archive: Archive) -> Iterator[str]:
    """Of the champion, as the campaign's last word has them."""
    yield "Gains of this model, the campaign's champion, on the test split; more than 0 is better:"
    rows = [
        f"| {code(one.measure)} | {code(one.other)} | {one.gain.mean:+.4f} | {_between(one.gain)} |"
        for one in results(archive).comparisons
    ]
    head = ["| measure | over | gain | 95% interval |", "|---|---|---|---|"]
    yield "\n".join([*head, *rows])


def _interval(items: Sequence[float]) -> str:
    if len(items) < 2:
        return ""
    return _between(paired_gain(items, [0.0] * len(items), higher_is_better=True))


def _between(gain: Gain) -> str:
    return f"{gain.low:.4f} to {gain.high:.4f}"


def _founders(subject: Subject) -> str:
    rows = founders_below(subject.archive, subject.one.id)
    digests = {str(row.name): str(row.digest) for row in rows}
    lines = []
    for one in subject.founders:
        made = ", ".join(code(parent.name) for parent in one.parents)
        past = f"{one.relation or 'made'} of {made}" if made else ""
        lines.append(f"| {code(one.name)} | {one.licence} | {past} | {code(digests[one.name])} |")
    head = ["| founder | licence | its own past | digest of the weights |", "|---|---|---|---|"]
    return "\n".join([*head, *lines])


def _verify(subject: Subject) -> str:
    one, archive = subject.one, subject.archive
    return "\n".join(
        [
            f"- digest of the weights (SHA-256 of names, types, shapes and bytes): `{one.digest}`",
            f"- individual `{one.id}`, commit `{archive.commit_of(one.id)}`",
            f"- archive at commit `{archive.head}`",
            "",
            "Whoever has the archive and the founders gets the same bytes with `speciate verify "
            f"DIR {one.id[:SHORT]}`.",
        ]
    )
