"""M2N2's experiment on scikit-learn's digits, with our strategy and our operators.

Prints tables in Markdown and draws docs/images/digits.svg.
"""

from collections.abc import Iterator, Sequence

from batch import Run, all_done, options, seeds_of
from digits_report import draw, report
from digits_runs import SETTINGS, STARTS, search


def wanted(seeds: Sequence[int], only: Sequence[str]) -> Iterator[Run]:
    """All runs, or those of some `start/setting`; first all settings of the first seed."""
    for start in STARTS:
        for seed in seeds:
            for name, setting in SETTINGS.items():
                label = f"{start}/{name}"
                if start in setting.starts and (not only or label in only):
                    yield Run(f"{label}/{seed}", search, (start, name, seed))


def main() -> None:
    """Searches, prints and draws."""
    parser = options(__doc__, seeds=10)
    labels = [f"{start}/{name}" for name, one in SETTINGS.items() for start in one.starts]
    parser.add_argument("--only", nargs="+", choices=labels, default=[], help="some of the runs")
    asked = parser.parse_args()
    runs = list(wanted(seeds_of(asked), asked.only))
    done = all_done(runs, asked.out / "digits", asked.processes)
    report(done)
    draw(done)


if __name__ == "__main__":
    main()
